import type { DefinitionsModel } from '../conformance/model.ts';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import { isObject } from '../json/objects.ts';
import { shownValue } from '../json/shown.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';

/** A value as a Parameters part carries it. */
export type PatchValue =
  /** `value[x]`: its FHIR type, its JSON and what stands beside it under `_value...`. */
  | {
      readonly kind: 'typed';
      readonly type: string;
      readonly value: JsonValue | undefined;
      readonly extra: JsonObject | undefined;
    }
  | { readonly kind: 'resource'; readonly resource: Resource }
  /** Children of a value that no data type describes (backbone elements, extensions). */
  | {
      readonly kind: 'parts';
      readonly parts: readonly { readonly name: string; readonly value: PatchValue }[];
    };

export type PatchOperation = { readonly path: string; readonly at: string } & (
  | { readonly type: 'add'; readonly name: string; readonly value: PatchValue }
  | { readonly type: 'insert'; readonly value: PatchValue; readonly index: number }
  | { readonly type: 'delete' }
  | { readonly type: 'replace'; readonly value: PatchValue }
  | { readonly type: 'move'; readonly source: number; readonly destination: number }
);

const PARTS = new Set(['type', 'path', 'name', 'value', 'index', 'source', 'destination']);

/**
 * Reads the Parameters resource of a FHIRPath Patch (R4 fhirpatch.html). A Parameters without operations changes nothing.
 * @throws FhirError 400 naming the parameter at fault in `expression`
 */
export function parsePatchParameters(parameters: JsonValue, definitions: DefinitionsModel): PatchOperation[] {
  if (!isObject(parameters) || parameters['resourceType'] !== 'Parameters') {
    throw malformed('A FHIRPath Patch is a Parameters resource', 'Parameters');
  }
  return list(parameters['parameter'], 'Parameters.parameter').map((item, i) => {
    const at = `Parameters.parameter[${i}]`;
    if (item['name'] !== 'operation')
      throw malformed("Each parameter of a FHIRPath Patch is named 'operation'", at);
    return parseOperation(item, at, definitions);
  });
}

function parseOperation(item: JsonObject, at: string, definitions: DefinitionsModel): PatchOperation {
  const parts = new Map<string, JsonObject>();
  for (const part of list(item['part'], `${at}.part`)) {
    const name = part['name'];
    if (typeof name !== 'string' || !PARTS.has(name)) throw malformed(`Unknown part ${shownValue(name)}`, at);
    if (parts.has(name)) throw malformed(`Part '${name}' is there twice`, at);
    parts.set(name, part);
  }
  const text = (name: string, ...properties: string[]): string => {
    const part = parts.get(name);
    const value = properties.map((property) => part?.[property]).find((found) => found !== undefined);
    if (typeof value !== 'string')
      throw malformed(`The operation needs a part '${name}' with ${properties[0]}`, at);
    return value;
  };
  const integer = (name: string): number => {
    const part = parts.get(name);
    const value = part?.['valueInteger'] ?? part?.['valueUnsignedInt'] ?? part?.['valuePositiveInt'];
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
      throw malformed(`The operation needs a part '${name}' with valueInteger`, at);
    }
    return value;
  };
  const value = (): PatchValue => {
    const part = parts.get('value');
    if (part === undefined) throw malformed("The operation needs a part 'value'", at);
    return parseValue(part, at, definitions);
  };
  const type = text('type', 'valueCode', 'valueString');
  const path = text('path', 'valueString');
  switch (type) {
    case 'add':
      return { type, path, at, name: text('name', 'valueString', 'valueCode'), value: value() };
    case 'insert':
      return { type, path, at, value: value(), index: integer('index') };
    case 'delete':
      return { type, path, at };
    case 'replace':
      return { type, path, at, value: value() };
    case 'move':
      return { type, path, at, source: integer('source'), destination: integer('destination') };
    default:
      throw malformed(`The type must be one of add, insert, delete, replace, move, not '${type}'`, at);
  }
}

function parseValue(part: JsonObject, at: string, definitions: DefinitionsModel): PatchValue {
  const name = Object.keys(part)
    .find((key) => /^_?value[A-Z]/.test(key))
    ?.replace(/^_/, '');
  if (name !== undefined) {
    const type = definitions.types.get('Parameters.parameter')?.elements.get(name)?.type;
    if (type === undefined) throw malformed(`'${name}' is no value[x]`, at);
    const extra = part[`_${name}`];
    return { kind: 'typed', type, value: part[name], extra: isObject(extra) ? extra : undefined };
  }
  const resource = part['resource'];
  if (resource !== undefined) {
    if (!isObject(resource) || typeof resource['resourceType'] !== 'string')
      throw malformed('resource is no resource', at);
    return { kind: 'resource', resource: resource as Resource };
  }
  const parts = list(part['part'], at).map((child) => {
    const childName = child['name'];
    if (typeof childName !== 'string') throw malformed('A part of a value needs a name', at);
    return { name: childName, value: parseValue(child, at, definitions) };
  });
  if (parts.length === 0) throw malformed('A value needs value[x], resource or parts', at);
  return { kind: 'parts', parts };
}

function list(value: JsonValue | undefined, at: string): JsonObject[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isObject))
    throw malformed('Parameters are objects in an array', at);
  return value;
}

function malformed(diagnostics: string, at: string): FhirError {
  return fhirError(400, 'structure', diagnostics, at);
}
