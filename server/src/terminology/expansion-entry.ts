import type { JsonObject, JsonValue } from '../json/types.ts';
import { type Designation, Designations, designationJson } from './designations.ts';
import {
  extensionsOf,
  objectOf,
  objectsOf,
  STANDARDS_STATUS,
  stringOf,
  typedValue,
  valueText,
} from './json.ts';
import type { CodeSystemProvider, Concept } from './model.ts';
import type { TxParameters } from './parameters.ts';
import { isAbstract, isDeprecated, isInactive, statusOf } from './status.ts';

const SD = 'http://hl7.org/fhir/StructureDefinition/';
const CONCEPT_PROPERTIES = 'http://hl7.org/fhir/concept-properties#';

/** In R4 the properties of R5's expansions are extensions (http://hl7.org/fhir/versions.html#extensions). */
const PROPERTY_OF_CODE =
  'http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.contains.property';
const PROPERTY_OF_EXPANSION =
  'http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.property';

/** Extensions of a concept in its code system, or of its place in the value set, that an expansion repeats. */
const FROM_SYSTEM = new Set(
  ['coding-sctdescid', 'rendering-style', 'rendering-xhtml', 'codesystem-alternate'].map((name) => SD + name),
);
const FROM_VALUE_SET = new Set([
  ...[
    'valueset-supplement',
    'valueset-deprecated',
    'valueset-concept-definition',
    'coding-sctdescid',
    'rendering-style',
    'rendering-xhtml',
  ].map((name) => SD + name),
  STANDARDS_STATUS,
]);

/** Extensions that stand for a property: name of the property and its code. */
const AS_PROPERTY: readonly (readonly [urls: readonly string[], uri: string, code: string])[] = [
  [['codesystem-label', 'valueset-label'], 'label', 'label'],
  [['codesystem-conceptOrder', 'valueset-conceptOrder'], 'order', 'order'],
  [
    ['itemWeight', 'ordinalValue', 'codesystem-ordinalValue', 'valueset-ordinalValue'],
    'itemWeight',
    'weight',
  ],
];

/** A code on its way into an expansion. */
export interface Candidate {
  readonly system: string;
  readonly version?: string;
  readonly code: string;
  readonly provider?: CodeSystemProvider;
  readonly concept?: Concept;
  /** Its element in compose.include.concept. */
  readonly element?: JsonObject;
  /** Language of the value set that the element is in. */
  readonly elementLanguage?: string;
  /** Of a value set that came with its expansion: the entry there. */
  readonly entry?: JsonObject;
}

/** Declared properties of an expansion: code to URI. */
export class ExpansionProperties {
  readonly #declared = new Map<string, string | undefined>();

  declare(code: string, uri: string | undefined): void {
    if (!this.#declared.has(code) || this.#declared.get(code) === undefined) this.#declared.set(code, uri);
  }

  json(): JsonObject[] {
    return [...this.#declared].map(([code, uri]) => ({
      url: PROPERTY_OF_EXPANSION,
      extension: [
        { url: 'code', valueCode: code },
        ...(uri === undefined ? [] : [{ url: 'uri', valueUri: uri }]),
      ],
    }));
  }
}

export function designationsOf(candidate: Candidate): Designations {
  const { provider, concept, element } = candidate;
  const designations =
    provider === undefined || concept === undefined
      ? new Designations()
      : Designations.of(provider.info, concept);
  if (element !== undefined) addElement(designations, element, candidate.elementLanguage);
  return designations;
}

/** The texts that a value set itself gives to a code (R4 ValueSet.compose.include.concept). */
export function addElement(
  designations: Designations,
  element: JsonObject,
  language: string | undefined,
): void {
  const display = stringOf(element['display'])?.trim();
  if (display !== undefined) {
    // The display that the value set asks to be used goes before the code system's.
    designations.addDisplay(display, language);
    designations.all.unshift(...designations.all.splice(-1));
  }
  for (const designation of objectsOf(element['designation'])) designations.add(designation);
}

/**
 * ValueSet.expansion.contains of a code.
 * @param seenSupplement told which supplements gave a text that is shown
 */
export function entryJson(
  candidate: Candidate,
  parameters: TxParameters,
  withVersion: boolean,
  properties: ExpansionProperties,
  seenSupplement: (name: string) => void,
): JsonObject {
  if (candidate.entry !== undefined) {
    const { contains: _, ...entry } = candidate.entry;
    return entry;
  }
  const { system, version, code, provider, concept, element } = candidate;
  const info = provider?.info;
  const extension: JsonObject[] = [];
  const values = new PropertyValues(properties);
  let abstract = false;
  let inactive = false;
  if (info !== undefined && concept !== undefined) {
    abstract = isAbstract(info, concept);
    inactive = isInactive(info, concept);
    const status = statusOf(info, concept);
    if (status !== undefined && status.toLowerCase() !== 'active')
      values.set(CONCEPT_PROPERTIES, 'status', 'valueCode', status);
    else if (isDeprecated(info, concept)) values.set(CONCEPT_PROPERTIES, 'status', 'valueCode', 'deprecated');
    else if (inactive) values.set(CONCEPT_PROPERTIES, 'status', 'valueCode', 'inactive');
    for (const one of concept.extension) if (FROM_SYSTEM.has(one['url'] as string)) extension.push(one);
  }
  for (const [names, uri, property] of AS_PROPERTY) {
    for (const name of names) {
      for (const holder of [{ extension: [...(concept?.extension ?? [])] }, element ?? {}]) {
        const found = typedValue(extensionsOf(holder, SD + name)[0] ?? {});
        if (found !== undefined)
          values.set(`${CONCEPT_PROPERTIES}${uri}`, property, found[0], found[1], true);
      }
    }
  }
  if (element !== undefined) {
    for (const one of objectsOf(element['extension']))
      if (FROM_VALUE_SET.has(one['url'] as string)) extension.push(one);
  }
  const designations = designationsOf(candidate);
  const shown = designations.preferred(parameters.languages);
  if (shown?.source !== undefined) seenSupplement(shown.source);
  const listed = parameters.flag('includeDesignations')
    ? designations.all.filter((one) => one !== shown && isWanted(one, parameters.designations))
    : [];
  for (const { source } of listed) if (source !== undefined) seenSupplement(source);
  if (concept !== undefined && info !== undefined)
    addRequested(values, concept, info.properties, parameters.properties);
  const all = [...extension, ...values.json()];
  return {
    ...(all.length === 0 ? {} : { extension: all }),
    system,
    ...(abstract ? { abstract: true } : {}),
    ...(inactive ? { inactive: true } : {}),
    ...(withVersion && version !== undefined ? { version } : {}),
    code,
    ...(shown === undefined ? {} : { display: shown.value }),
    ...(listed.length === 0 ? {} : { designation: listed.map(designationJson) }),
  };
}

function isWanted({ use, language }: Designation, wanted: readonly string[]): boolean {
  if (wanted.length === 0) return true;
  return wanted.some((token) => {
    const bar = token.indexOf('|');
    const [system, code] = [token.slice(0, bar), token.slice(bar + 1)];
    return (
      (use !== undefined && use['system'] === system && use['code'] === code) ||
      (system === 'urn:ietf:bcp:47' && language === code)
    );
  });
}

function addRequested(
  values: PropertyValues,
  concept: Concept,
  defined: CodeSystemProvider['info']['properties'],
  requested: readonly string[],
): void {
  for (const name of requested) {
    if (name === 'definition') {
      if (concept.definition !== undefined)
        values.set(CONCEPT_PROPERTIES, 'definition', 'valueString', concept.definition);
      continue;
    }
    for (const property of concept.property) {
      const code = stringOf(property['code']);
      const found = typedValue(property);
      if (code === undefined || found === undefined || (name !== '*' && code !== name)) continue;
      values.add(defined.find((one) => one.code === code)?.uri, code, found[0], found[1]);
    }
  }
}

class PropertyValues {
  readonly #properties: ExpansionProperties;
  readonly #values: { code: string; name: string; value: JsonValue }[] = [];

  constructor(properties: ExpansionProperties) {
    this.#properties = properties;
  }

  /** A property with one value; the last one given counts. */
  set(base: string, code: string, name: string, value: JsonValue, whole = false): void {
    this.#properties.declare(code, whole ? base : base + code);
    const known = this.#values.find((one) => one.code === code);
    if (known === undefined) this.#values.push({ code, name, value });
    else Object.assign(known, { name, value });
  }

  /** A property that may have several values. */
  add(uri: string | undefined, code: string, name: string, value: JsonValue): void {
    this.#properties.declare(code, uri);
    const text = JSON.stringify(value);
    if (this.#values.some((one) => one.code === code && JSON.stringify(one.value) === text)) return;
    this.#values.push({ code, name, value });
  }

  json(): JsonObject[] {
    return this.#values.map(({ code, name, value }) => ({
      url: PROPERTY_OF_CODE,
      extension: [
        { url: 'code', valueCode: code },
        { url: 'value', [name]: value },
      ],
    }));
  }
}

/** Whether an entry of a ready expansion has a text filter's words. */
export function entryTexts(entry: JsonObject): { code: string; display?: string; designation: JsonObject[] } {
  const display = stringOf(entry['display']);
  return {
    code: String(entry['code']),
    designation: objectsOf(entry['designation']).filter(
      (one) => objectOf(one) !== undefined && valueText({ valueString: one['value'] ?? '' }) !== '',
    ),
    ...(display === undefined ? {} : { display }),
  };
}
