import { loadDefinitions } from '../../conformance/definitions.ts';
import type { Resource } from '../../json/types.ts';
import { type Hash64, TextHasher } from '../hash.ts';
import { type IndexEntries, IndexKeys } from '../index-model.ts';
import { createExtractor } from './extractor.ts';

export const definitions = loadDefinitions();
export const keys = new IndexKeys(new TextHasher(new Uint8Array(16).fill(7)), 3);
export const context = { baseUrl: 'http://localhost:8080/fhir/demo' };
export const UCUM = 'http://unitsofmeasure.org';

export const extract = (resource: object): IndexEntries => {
  const typed = resource as Resource;
  return createExtractor(definitions, typed.resourceType)(typed, keys, context);
};
export const key = (type: string, code: string): number => {
  const param = definitions.search(type).params.get(code);
  if (param === undefined) throw new Error(`${type}.${code}`);
  return param.key;
};
export const has = (entries: IndexEntries, token: Hash64): boolean =>
  entries.tokens.some(({ hi, lo }) => hi === token.hi && lo === token.lo);
export const strings = (entries: IndexEntries, param: number) =>
  entries.strings.filter((e) => e.param === param).map((e) => e.value);
export const quantities = (entries: IndexEntries, param: number) =>
  entries.quantities
    .filter((e) => e.param === param)
    .map(({ key, unit, low, high }) => ({ key, unit, low, high }));
