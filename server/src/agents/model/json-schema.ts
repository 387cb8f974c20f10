import { isExactNumber, numberOf } from '../../json/exact-number.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';

/**
 * Checks a value against the part of JSON Schema (2020-12) that structured answers of language models use: type, enum,
 * const, properties, required, additionalProperties, items, minItems, maxItems, minimum, maximum, minLength, maxLength,
 * pattern, anyOf.
 * @returns what is wrong, as `path: reason`; undefined when it follows the schema
 * @throws Error for a schema with a keyword that is not among these: it would be a check that checks nothing
 */
export function schemaFault(value: JsonValue, schema: JsonObject, path = '$'): string | undefined {
  for (const keyword of Object.keys(schema))
    if (!KEYWORDS.has(keyword)) throw new Error(`The schema's keyword "${keyword}" is not understood`);
  return (
    typeFault(value, schema, path) ??
    choiceFault(value, schema, path) ??
    numberFault(value, schema, path) ??
    textFault(value, schema, path) ??
    arrayFault(value, schema, path) ??
    objectFault(value, schema, path)
  );
}

const KEYWORDS = new Set([
  ...['type', 'enum', 'const', 'anyOf', 'properties', 'required', 'additionalProperties', 'items'],
  ...[
    'minItems',
    'maxItems',
    'minimum',
    'maximum',
    'minLength',
    'maxLength',
    'pattern',
    'description',
    'title',
  ],
]);

function typeOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (isExactNumber(value)) return 'number';
  return typeof value;
}

function typeFault(value: JsonValue, { type }: JsonObject, path: string): string | undefined {
  if (type === undefined) return undefined;
  const allowed = Array.isArray(type) ? type : [type];
  const is = typeOf(value);
  const fits = allowed.some(
    (one) => one === is || (one === 'integer' && is === 'number' && Number.isInteger(numberOf(value))),
  );
  return fits ? undefined : `${path}: it is ${is}, not ${allowed.join(' or ')}`;
}

function choiceFault(value: JsonValue, schema: JsonObject, path: string): string | undefined {
  const text = JSON.stringify(value);
  const { enum: choices, const: only, anyOf } = schema;
  if (Array.isArray(choices) && !choices.some((one) => JSON.stringify(one) === text))
    return `${path}: it is none of the values allowed`;
  if (only !== undefined && JSON.stringify(only) !== text) return `${path}: it is not the value required`;
  if (
    Array.isArray(anyOf) &&
    !anyOf.some((one) => isObject(one) && schemaFault(value, one, path) === undefined)
  )
    return `${path}: it follows none of the schemas`;
  return undefined;
}

function numberFault(value: JsonValue, schema: JsonObject, path: string): string | undefined {
  if (typeOf(value) !== 'number') return undefined;
  const { minimum, maximum } = schema;
  const number = numberOf(value);
  if (minimum !== undefined && number < numberOf(minimum)) return `${path}: it is too small`;
  if (maximum !== undefined && number > numberOf(maximum)) return `${path}: it is too large`;
  return undefined;
}

function textFault(value: JsonValue, schema: JsonObject, path: string): string | undefined {
  if (typeof value !== 'string') return undefined;
  const { minLength, maxLength, pattern } = schema;
  if (minLength !== undefined && value.length < numberOf(minLength)) return `${path}: it is too short`;
  if (maxLength !== undefined && value.length > numberOf(maxLength)) return `${path}: it is too long`;
  if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value))
    return `${path}: it does not match the pattern`;
  return undefined;
}

function arrayFault(value: JsonValue, schema: JsonObject, path: string): string | undefined {
  if (!Array.isArray(value)) return undefined;
  const { minItems, maxItems, items } = schema;
  if (minItems !== undefined && value.length < numberOf(minItems)) return `${path}: there are too few`;
  if (maxItems !== undefined && value.length > numberOf(maxItems)) return `${path}: there are too many`;
  if (!isObject(items)) return undefined;
  for (const [i, one] of value.entries()) {
    const fault = schemaFault(one, items, `${path}[${i}]`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function objectFault(value: JsonValue, schema: JsonObject, path: string): string | undefined {
  if (!isObject(value)) return undefined;
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : [];
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return `${path}: "${missing}" is missing`;
  const others = schema['additionalProperties'];
  for (const [name, one] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : others;
    if (known === false) return `${path}: "${name}" is not allowed`;
    if (!isObject(known)) continue;
    const fault = schemaFault(one, known, `${path}.${name}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
