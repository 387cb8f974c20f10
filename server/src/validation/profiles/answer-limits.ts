import { numberOf, textOf } from '../../json/exact-number.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { compareNodes } from '../fhirpath/compare.ts';
import { type Run, typeOfReference } from './run.ts';
import { extensionValue, limitRule, matchesWhole, type ValueRule } from './values.ts';

const EXTENSION = 'http://hl7.org/fhir/StructureDefinition/';
const SDC = 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-';

/**
 * The rules on answers to a question that its extensions make (R4 extensions minValue, maxValue, minLength,
 * maxDecimalPlaces, regex, maxSize, mimeType, questionnaire-unitOption, -unitValueSet and -referenceResource; minQuantity and
 * maxQuantity of Structured Data Capture).
 *
 * @param property the JSON property of the answers: `valueQuantity`
 * @param origin the resource in which the question stands
 */
export function answerLimits(
  { extension, type }: JsonObject,
  property: string,
  origin: object,
  run: Run,
): ValueRule[] {
  const list = Array.isArray(extension) ? extension.filter(isObject) : [];
  if (list.length === 0) return property === 'valueReference' ? [resourceRule([], run)] : [];
  const one = (url: string): JsonValue | undefined => extensionValue(list, url);
  const all = (url: string): JsonValue[] =>
    list.flatMap((part) => (part['url'] === url ? (extensionValue([part], url) ?? []) : []));
  const name = property.charAt(5).toLowerCase() + property.slice(6);
  const rules: ValueRule[] = [];
  const minimum = one(`${EXTENSION}minValue`);
  if (minimum !== undefined) rules.push(limitRule(minimum, name, true));
  const maximum = one(`${EXTENSION}maxValue`);
  if (maximum !== undefined) rules.push(limitRule(maximum, name, false));
  const length = one(`${EXTENSION}minLength`);
  if (typeof length === 'number') rules.push(minLengthRule(length));
  const places = one(`${EXTENSION}maxDecimalPlaces`);
  if (typeof places === 'number') rules.push(decimalPlacesRule(places));
  const pattern = one(`${EXTENSION}regex`);
  if (typeof pattern === 'string') rules.push(regexRule(pattern, one(`${EXTENSION}entryFormat`)));
  if (property === 'valueAttachment') {
    const size = one(`${EXTENSION}maxSize`);
    if (size !== undefined) rules.push(sizeRule(numberOf(size as never)));
    const types = all(`${EXTENSION}mimeType`).map(String);
    if (types.length > 0) rules.push(contentTypeRule(types));
  } else if (property === 'valueQuantity') {
    rules.push(...quantityRules(one, all, origin, run));
  } else if (property === 'valueReference' && type === 'reference') {
    rules.push(resourceRule(all(`${EXTENSION}questionnaire-referenceResource`).map(String), run));
  }
  return rules;
}

function minLengthRule(length: number): ValueRule {
  return (value) =>
    typeof value === 'string' && value.length < length
      ? `the value has ${value.length} characters, at least ${length} are needed`
      : undefined;
}

function decimalPlacesRule(places: number): ValueRule {
  return (value) => {
    const digits = /^-?\d+\.(\d+)$/.exec(textOf(value) ?? '')?.[1]?.length ?? 0;
    return digits > places
      ? `the value has ${digits} decimal places, at most ${places} are allowed`
      : undefined;
  };
}

function regexRule(pattern: string, format: JsonValue | undefined): ValueRule {
  const like = typeof format === 'string' ? `${format} (${pattern})` : pattern;
  return (value) =>
    typeof value === 'string' && !matchesWhole(pattern, value)
      ? `the value is not of the form ${like}`
      : undefined;
}

/** Attachment.size and maxSize are numbers of bytes. */
function sizeRule(most: number): ValueRule {
  return (value) => {
    const { size, data } = value as JsonObject;
    const bytes =
      typeof size === 'number'
        ? size
        : typeof data === 'string'
          ? Buffer.from(data, 'base64').length
          : undefined;
    return bytes !== undefined && bytes > most
      ? `the attachment has ${bytes} bytes, ${most} are allowed`
      : undefined;
  };
}

function contentTypeRule(allowed: readonly string[]): ValueRule {
  return (value) => {
    const { contentType } = value as JsonObject;
    if (typeof contentType !== 'string')
      return `the attachment must say which of ${allowed.join(', ')} it is`;
    const bare = (contentType.split(';', 1)[0] as string).trim().toLowerCase();
    const fits = allowed.some((one) => {
      const type = one.toLowerCase();
      return type === bare || (type.endsWith('/*') && bare.startsWith(type.slice(0, -1)));
    });
    return fits ? undefined : `the content type ${contentType} is not one of ${allowed.join(', ')}`;
  };
}

function quantityRules(
  one: (url: string) => JsonValue | undefined,
  all: (url: string) => JsonValue[],
  origin: object,
  run: Run,
): ValueRule[] {
  const rules: ValueRule[] = [];
  for (const [name, isMinimum] of [
    ['minQuantity', true],
    ['maxQuantity', false],
  ] as const) {
    const limit = one(SDC + name) ?? one(EXTENSION + name);
    if (isObject(limit)) rules.push(quantityLimitRule(limit, isMinimum));
  }
  const options = all(`${EXTENSION}questionnaire-unitOption`).filter(isObject);
  if (options.length > 0) {
    const shown = options.map(({ display, code }) => String(display ?? code)).join(', ');
    rules.push((value) =>
      options.some((option) => isUnit(option, value as JsonObject))
        ? undefined
        : `the unit is none of ${shown}`,
    );
  }
  const valueSet = one(`${EXTENSION}questionnaire-unitValueSet`);
  if (typeof valueSet === 'string') {
    rules.push((value) => {
      const { system, code } = value as JsonObject;
      const { terminology } = run.validators;
      const { result } = terminology.validateCode(
        typeof system === 'string' ? system : '',
        typeof code === 'string' ? code : '',
        undefined,
        valueSet,
        origin,
      );
      if (result === 'unknown' && code !== undefined) return undefined;
      return result === 'yes' ? undefined : `the unit is not in the value set ${valueSet}`;
    });
  }
  return rules;
}

/** Quantities can be compared in units of one kind only. */
function quantityLimitRule(limit: JsonObject, isMinimum: boolean): ValueRule {
  const shown = `${String(textOf(limit['value'] as JsonValue) ?? '')} ${String(limit['unit'] ?? limit['code'] ?? '')}`;
  return (value) => {
    const order = compareNodes(
      { v: value, s: undefined, t: 'Quantity' },
      { v: limit, s: undefined, t: 'Quantity' },
    );
    if (order === undefined) return `the quantity cannot be compared with ${shown}`;
    if (isMinimum ? order >= 0 : order <= 0) return undefined;
    return `the quantity must be ${isMinimum ? 'at least' : 'at most'} ${shown}`;
  };
}

function isUnit(option: JsonObject, quantity: JsonObject): boolean {
  if (quantity['code'] !== undefined && option['code'] !== undefined) {
    return quantity['code'] === option['code'] && quantity['system'] === option['system'];
  }
  return quantity['unit'] !== undefined && quantity['unit'] === option['display'];
}

/** A reference to a resource: of one of some types, if there are any, and in any case of one that R4 has. */
function resourceRule(allowed: readonly string[], run: Run): ValueRule {
  const { resourceTypes } = run.validators.definitions;
  return (value) => {
    const type = typeOfReference(value, resourceTypes);
    if (type !== undefined) {
      return allowed.length === 0 || allowed.includes(type)
        ? undefined
        : `a reference to ${type} is none to ${allowed.join(', ')}`;
    }
    const { reference } = value as JsonObject;
    const named =
      typeof reference === 'string'
        ? /^https?:\/\/.*\/([A-Z][A-Za-z]+)\/[\w.-]+$/.exec(reference)?.[1]
        : undefined;
    return named === undefined ? undefined : `the resource type ${named} is not one of R4`;
  };
}
