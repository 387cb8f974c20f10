import { afterAll, beforeAll, expect } from 'vitest';
import { type AccessScope, openScope, type Tenant } from '../../access/scope.ts';
import { loadDefinitions } from '../../conformance/definitions.ts';
import type { Resource } from '../../json/types.ts';
import { createCursorCodec } from '../cursor.ts';
import { TextHasher } from '../hash.ts';
import { IndexKeys } from '../index-model.ts';
import { parseSearch } from '../query/parse.ts';
import type { ParsedSearch, SearchContext, Terminology } from '../query/types.ts';
import { type PlanContext, planIncludes, planSearch, readIncludes, specsOfRound } from './index.ts';
import { startTestDatabase, type TestDatabase } from './test-database.ts';
import { RESOURCES } from './test-resources.ts';

export const BASE = 'http://localhost:8080/fhir/a';
export const TENANT: Tenant = { id: 7, name: 'a' };
export const OTHER: Tenant = { id: 8, name: 'b' };
export const definitions = loadDefinitions();
export const hasher = new TextHasher(new Uint8Array(16).fill(9));
export const keys = new IndexKeys(hasher, TENANT.id);
export const cursors = createCursorCodec(new Uint8Array(32).fill(3));

export const terminology: Terminology = {
  codesIn: (url) => (url === 'http://vs' ? [{ system: 'http://loinc.org', code: '29463-7' }] : undefined),
  descendants: (_, code) => (code === '1' ? ['10', '11'] : []),
  ancestors: (_, code) => (code === '100' ? ['10', '1'] : []),
};
export const search: SearchContext = {
  definitions,
  strict: true,
  baseUrl: BASE,
  terminology,
  now: Date.UTC(2024, 0, 1),
};
export let database: TestDatabase;

/** Starts a database with the resources before the tests of a file, and stops it after them. */
export function useSearchDatabase(): void {
  beforeAll(async () => {
    database = await startTestDatabase(definitions);
    await database.insert(TENANT, keys, RESOURCES, BASE);
    await database.insert(OTHER, new IndexKeys(hasher, OTHER.id), RESOURCES, BASE);
  }, 60_000);
  afterAll(() => database?.stop(), 30_000);
}

export function parse(query: string, compartment?: { type: string; id: string }): ParsedSearch {
  const [type = '', text = ''] = query.split(/\?(.*)/s);
  const context = compartment === undefined ? search : { ...search, compartment };
  return parseSearch(type === '' ? undefined : type, [...new URLSearchParams(text)], context);
}

export function contextOf(scope: AccessScope = openScope(TENANT)): PlanContext {
  return { keys, scope, search };
}

/** Ids of the matches; sorted, unless the search gives an order. The exact count is compared each time. */
export async function find(
  query: string,
  scope?: AccessScope,
  compartment?: { type: string; id: string },
): Promise<string> {
  const parsed = parse(query, compartment);
  const plan = planSearch(parsed, contextOf(scope));
  const { rows } = plan.readPage(await database.query(TENANT, plan.page!));
  const count = await database.query(TENANT, plan.count);
  expect(Number(count[0]![0])).toBe(rows.length);
  for (const row of rows) expect((JSON.parse(row.content) as Resource).id).toBe(row.id);
  const ids = rows.map((row) => row.id);
  return (parsed.sort.length === 0 ? ids.sort() : ids).join(' ');
}

export async function expectAll(cases: Readonly<Record<string, string>>): Promise<void> {
  const found: Record<string, string> = {};
  for (const query of Object.keys(cases)) found[query] = await find(query);
  expect(found).toEqual(cases);
}

export async function include(query: string, scope?: AccessScope): Promise<string> {
  const parsed = parse(query);
  const context = contextOf(scope);
  const plan = planSearch(parsed, context);
  let { rows } = plan.readPage(await database.query(TENANT, plan.page!));
  const known = new Set(rows.map((row) => row.rid));
  const found: string[] = [];
  for (let round = 0; rows.length > 0 && round < 5; round++) {
    const statement = planIncludes(specsOfRound(parsed.includes, round), rows, context, {
      limit: 100,
      known: [...known],
    });
    if (statement === undefined) break;
    rows = readIncludes(await database.query(TENANT, statement));
    for (const row of rows) known.add(row.rid);
    found.push(...rows.map((row) => row.id));
  }
  return found.sort().join(' ');
}
