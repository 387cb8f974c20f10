import { expect } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { applyFhirPathPatch } from './fhirpath-patch.ts';

export const definitions = loadDefinitions();

export type Part = JsonObject & { name: string };
export const value = (fields: JsonObject): Part => ({ name: 'value', ...fields });

export function operation(type: string, path: string, ...parts: Part[]): JsonObject {
  return {
    name: 'operation',
    part: [{ name: 'type', valueCode: type }, { name: 'path', valueString: path }, ...parts],
  };
}
export const add = (path: string, name: string, fields: JsonObject) =>
  operation('add', path, { name: 'name', valueString: name }, value(fields));
export const insert = (path: string, index: number, fields: JsonObject) =>
  operation('insert', path, { name: 'index', valueInteger: index }, value(fields));
export const remove = (path: string) => operation('delete', path);
export const replace = (path: string, fields: JsonObject) => operation('replace', path, value(fields));
export const move = (path: string, source: number, destination: number) =>
  operation(
    'move',
    path,
    { name: 'source', valueInteger: source },
    { name: 'destination', valueInteger: destination },
  );

export function patch(resource: Resource, ...operations: JsonObject[]): Resource {
  const before = JSON.stringify(resource);
  const result = applyFhirPathPatch(
    resource,
    { resourceType: 'Parameters', parameter: operations },
    definitions,
  );
  expect(JSON.stringify(resource)).toBe(before);
  return result;
}

export function failure(resource: Resource, ...operations: JsonObject[]) {
  try {
    patch(resource, ...operations);
  } catch (error) {
    if (error instanceof FhirError) return { status: error.status, expression: error.issues[0]?.expression };
    throw error;
  }
  throw new Error('the patch was applied');
}

export const birth: Resource = { resourceType: 'Patient', id: 'p', birthDate: '1980-02-03' };
export const tokens = (...values: string[]): Resource => ({
  resourceType: 'Patient',
  id: 'p',
  identifier: values.map((text) => ({ system: 'http://example.org/ids', value: text })),
});
export const valuesOf = (resource: Resource) =>
  (resource['identifier'] as JsonObject[]).map((identifier) => identifier['value']);
export const anna: Resource = {
  resourceType: 'Patient',
  id: 'p',
  name: [
    { use: 'official', family: 'Zimmer', given: ['Anna', 'Berta'] },
    { use: 'nickname', given: ['Anni'] },
  ],
  contact: [{ name: { text: 'Carl' }, gender: 'male' }],
};
