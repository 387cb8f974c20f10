import type { DefinitionsModel, ElementModel, SearchParamType } from '../../conformance/model.ts';
import { isExactNumber } from '../../json/exact-number.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { dateRange, periodRange, timingRange } from '../dates.ts';
import { compositePart, ZERO } from '../index-model.ts';
import { foldCode } from '../normalize.ts';
import { implicitSystems } from './code-systems.ts';
import type { Extraction, ParamContext } from './extraction.ts';
import type { TypeSystem } from './path-types.ts';
import { quantityRows } from './quantities.ts';

/** Writes the entries of one value. */
export type Converter = (value: JsonValue, extraction: Extraction) => void;

/** What a converter is chosen by. */
export interface ConverterContext {
  readonly definitions: DefinitionsModel;
  readonly types: TypeSystem;
  readonly param: ParamContext;
}

/**
 * The converter of values of a FHIR type for a type of search parameter (R4 search.html, the tables of each parameter
 * type); undefined where the specification gives such a value no meaning.
 */
export function converterFor(
  paramType: SearchParamType,
  fhirType: string,
  element: ElementModel | undefined,
  context: ConverterContext,
): Converter | undefined {
  const { types, param } = context;
  const is = (ancestor: string) => types.isA(fhirType, ancestor);
  switch (paramType) {
    case 'token':
      return tokenConverter(fhirType, element, context);
    case 'string':
      return stringConverter(fhirType, context);
    case 'reference':
      if (is('Reference')) return (value, to) => reference(value, to, param);
      if (is('uri')) return (value, to) => canonical(value, to, param);
      // The value is the resource itself (Bundle.entry[0].resource): there is nothing to refer to.
      return is('Resource') ? () => {} : undefined;
    case 'uri':
      if (!is('uri') && !is('string')) return undefined;
      return fhirType === 'canonical'
        ? (value, to) => canonicalUri(value, to, param)
        : (value, to) => {
            if (typeof value === 'string') to.uri(param, value);
          };
    case 'date':
      return dateConverter(fhirType, context);
    case 'number':
    case 'quantity': {
      const rows = quantityRows(fhirType, types);
      return (
        rows &&
        ((value, to) => rows(value, to, (unit, low, high) => to.quantity(param.key, ZERO, unit, low, high)))
      );
    }
    case 'special':
      // `near` (R4 location.html#positional): latitude as low, longitude as high.
      return (value, to) => {
        if (!isObject(value)) return;
        const latitude = numberOf(value.latitude);
        const longitude = numberOf(value.longitude);
        if (latitude !== undefined && longitude !== undefined)
          to.quantity(param.key, ZERO, ZERO, latitude, longitude);
      };
    case 'composite':
      return undefined;
  }
}

/** The JavaScript number of a JSON number; undefined for anything else. */
export function numberOf(value: JsonValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  return isExactNumber(value) ? Number(value.rawJSON) : undefined;
}

function tokenConverter(
  fhirType: string,
  element: ElementModel | undefined,
  { definitions, types, param }: ConverterContext,
): Converter | undefined {
  const is = (ancestor: string) => types.isA(fhirType, ancestor);
  if (is('Coding')) return (value, to) => coding(value, to, param);
  if (is('CodeableConcept')) {
    return (value, to) => {
      if (!isObject(value)) return;
      if (Array.isArray(value.coding)) for (const one of value.coding) coding(one, to, param);
      if (typeof value.text === 'string') to.text(to.cache.text(param.key, value.text));
    };
  }
  if (is('Identifier')) return (value, to) => identifier(value, to, param);
  if (is('ContactPoint')) {
    return (value, to) => {
      if (isObject(value) && typeof value.value === 'string') code(value.value, to, param);
    };
  }
  if (fhirType === 'boolean') {
    return (value, to) => {
      if (typeof value !== 'boolean') return;
      code(String(value), to, param);
      to.token(
        to.cache.code(param.key, 'http://terminology.hl7.org/CodeSystem/special-values', String(value))
          .systemCode,
      );
    };
  }
  if (fhirType === 'code') {
    const systems = implicitSystems(definitions, element);
    return (value, to) => {
      if (typeof value !== 'string') return;
      code(value, to, param);
      for (const system of systems.get(value) ?? []) {
        const tokens = to.cache.code(param.key, system, value);
        to.token(tokens.systemCode);
        to.token(tokens.system);
      }
    };
  }
  // "Matches on _id are always case sensitive", those on strings are not (R4 search.html#token).
  if (fhirType === 'id') {
    return (value, to) => {
      if (typeof value !== 'string') return;
      const tokens = to.cache.makeCode(param.key, undefined, value);
      to.token(tokens.code);
      to.token(tokens.systemCode);
    };
  }
  if (types.definitions.types.get(fhirType)?.kind !== 'primitive') return undefined;
  return (value, to) => {
    const text = typeof value === 'string' ? value : numberOf(value)?.toString();
    if (text !== undefined) code(text, to, param);
  };
}

/** A code that has no system of its own: forms `c` and `|c`. */
function code(value: string, to: Extraction, param: ParamContext): void {
  const tokens = to.cache.code(param.key, undefined, value);
  to.token(tokens.code);
  to.token(tokens.systemCode);
}

function coding(value: JsonValue, to: Extraction, param: ParamContext): void {
  if (!isObject(value)) return;
  const system = textOf(value.system);
  const tokens = to.cache.code(param.key, system, textOf(value.code));
  to.token(tokens.code);
  to.token(tokens.systemCode);
  to.token(tokens.system);
  if (typeof value.display === 'string') to.text(to.cache.text(param.key, value.display));
}

function identifier(value: JsonValue, to: Extraction, param: ParamContext): void {
  if (!isObject(value)) return;
  const system = textOf(value.system);
  const text = textOf(value.value);
  if (text !== undefined) {
    const tokens = to.cache.makeCode(param.key, undefined, text);
    to.token(tokens.code);
    to.token(system === undefined ? tokens.systemCode : to.cache.keys.systemCode(param.key, system, text));
  }
  if (system !== undefined) to.token(to.cache.code(param.key, system, undefined).system);
  if (!isObject(value.type)) return;
  if (typeof value.type.text === 'string') to.text(to.cache.text(param.key, value.type.text));
  if (text === undefined || !Array.isArray(value.type.coding)) return;
  for (const type of value.type.coding) {
    if (!isObject(type) || typeof type.code !== 'string') continue;
    to.token(to.cache.keys.ofType(param.key, textOf(type.system) ?? '', foldCode(type.code), text));
  }
}

function stringConverter(fhirType: string, { types, param }: ConverterContext): Converter | undefined {
  const parts = (...names: readonly string[]): Converter => {
    return (value, to) => {
      if (!isObject(value)) return;
      for (const name of names) {
        const part = value[name];
        if (typeof part === 'string') to.string(param, part);
        else if (Array.isArray(part))
          for (const one of part) if (typeof one === 'string') to.string(param, one);
      }
    };
  };
  const is = (ancestor: string) => types.isA(fhirType, ancestor);
  if (is('HumanName')) return parts('family', 'given', 'prefix', 'suffix', 'text');
  if (is('Address')) return parts('text', 'line', 'city', 'district', 'state', 'postalCode', 'country');
  if (is('ContactPoint') || is('Identifier')) return parts('value');
  if (is('Coding')) return parts('display');
  if (is('Annotation')) return parts('text');
  if (is('CodeableConcept')) {
    return (value, to) => {
      if (!isObject(value)) return;
      if (typeof value.text === 'string') to.string(param, value.text);
      if (!Array.isArray(value.coding)) return;
      for (const one of value.coding)
        if (isObject(one) && typeof one.display === 'string') to.string(param, one.display);
    };
  }
  if (types.definitions.types.get(fhirType)?.kind !== 'primitive' || fhirType === 'xhtml') return undefined;
  return (value, to) => {
    const text = typeof value === 'string' ? value : numberOf(value)?.toString();
    if (text !== undefined) to.string(param, text);
  };
}

function dateConverter(fhirType: string, { types, param }: ConverterContext): Converter | undefined {
  const is = (ancestor: string) => types.isA(fhirType, ancestor);
  if (is('instant')) {
    // "A fixed point in time with an interval smaller than the precision of the system" (R4 search.html#date).
    return (value, to) => {
      const range = typeof value === 'string' ? dateRange(value) : undefined;
      if (range !== undefined) to.date(param, { low: range.low, high: range.low });
    };
  }
  if (is('date') || is('dateTime')) {
    return (value, to) => {
      const range = typeof value === 'string' ? dateRange(value) : undefined;
      if (range !== undefined) to.date(param, range);
    };
  }
  if (is('Period')) {
    return (value, to) => {
      const range = isObject(value) ? periodRange(value.start, value.end) : undefined;
      if (range !== undefined) to.date(param, range);
    };
  }
  if (is('Timing')) {
    return (value, to) => {
      const range = isObject(value) ? timingRange(value) : undefined;
      if (range !== undefined) to.date(param, range);
    };
  }
  return undefined;
}

/** R4 search.html#reference: a literal reference, a reference to elsewhere, and Reference.identifier. */
function reference(value: JsonValue, to: Extraction, param: ParamContext): void {
  if (!isObject(value)) return;
  const { reference: text } = value;
  if (typeof text === 'string') {
    const parsed = to.cache.reference(text);
    if (parsed.hash !== undefined) to.localReference(param, parsed, parsed.hash);
    else if (parsed.url !== undefined) to.token(to.cache.uri(param.key, parsed.url));
  }
  if (isObject(value.identifier)) {
    for (const form of identifierForms(value.identifier)) to.token(to.cache.keys.identifier(param.key, form));
  }
}

/**
 * The forms of an identifier that `:identifier` finds, as {@link compositePart} writes them: `c`, `s|c` and `s|`, or
 * `c` and `|c`. The value keeps its case.
 */
export function identifierForms(identifier: JsonObject): string[] {
  return partForms(textOf(identifier.system), textOf(identifier.value));
}

/** The forms of a code in a system, as {@link compositePart} writes them. */
export function partForms(system: string | undefined, code: string | undefined): string[] {
  const forms: string[] = [];
  if (code !== undefined) forms.push(compositePart(undefined, code), compositePart(system ?? '', code));
  if (system !== undefined) forms.push(compositePart(system, ''));
  return forms;
}

/** A canonical of a reference parameter: found by its URL with and without version, or as `Type/id` if it is one. */
function canonical(value: JsonValue, to: Extraction, param: ParamContext): void {
  if (typeof value !== 'string' || value.startsWith('#')) return;
  canonicalUri(value, to, param);
  const parsed = to.cache.reference(withoutVersion(value));
  if (parsed.hash !== undefined) to.localReference(param, parsed, parsed.hash);
}

function canonicalUri(value: JsonValue, to: Extraction, param: ParamContext): void {
  if (typeof value !== 'string') return;
  to.uri(param, value);
  const bare = withoutVersion(value);
  if (bare !== value) to.uri(param, bare);
}

/** The URL of a canonical without `|version` and `#fragment` (R4 references.html#canonical). */
export function withoutVersion(canonical: string): string {
  const bar = canonical.indexOf('|');
  const url = bar < 0 ? canonical : canonical.slice(0, bar);
  const hash = url.indexOf('#');
  return hash <= 0 ? url : url.slice(0, hash);
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
