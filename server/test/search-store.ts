import { expect } from 'vitest';
import { openScope } from '../src/access/scope.ts';
import { loadDefinitions } from '../src/conformance/definitions.ts';
import { FhirError } from '../src/fhir/outcome.ts';
import type { TenantContext } from '../src/fhir/tenant-context.ts';
import { Tenants } from '../src/fhir/tenants.ts';
import { makeVersion } from '../src/fhir/write/prepare.ts';
import { parseJson } from '../src/json/parse.ts';
import type { Resource } from '../src/json/types.ts';
import { type CursorState, createCursorCodec } from '../src/search/cursor.ts';
import { TextHasher } from '../src/search/hash.ts';
import { createExtractor } from '../src/search/index/extractor.ts';
import { filterContained } from '../src/search/match/contained.ts';
import { planSearch, type SearchPlan } from '../src/search/plan/index.ts';
import { parseSearch } from '../src/search/query/parse.ts';
import type { SearchContext, Terminology } from '../src/search/query/types.ts';
import { ConnectionPools, type Connections } from '../src/storage/connections.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { RowIdGenerator } from '../src/storage/row-id.ts';
import { POST } from '../src/storage/rows.ts';
import { createTenant } from '../src/storage/tenants.ts';
import { TextDictionary } from '../src/storage/text-dictionary.ts';
import { runTransaction } from '../src/storage/transaction.ts';
import { createTestDatabase } from './database.ts';
import { NaiveSearch } from './naive-search.ts';
import type { JsonObject } from './naive-values.ts';
import { BASE } from './search-datatypes.ts';
import { IMPLICIT_SYSTEMS } from './search-values.ts';

const NOW = Date.UTC(2024, 5, 1);

const BELOW: Readonly<Record<string, readonly string[]>> = { a: ['b', 'c'], b: ['c'] };
const below = (system: string, code: string) => (system === 'http://s1' ? (BELOW[code] ?? []) : []);
const MEMBERS = [
  { system: 'http://s1', code: 'a' },
  { system: 'http://s2', code: 'b' },
  { system: 'http://hl7.org/fhir/administrative-gender', code: 'male' },
];
const terminology: Terminology = {
  codesIn: (url) => (url === 'http://vs' ? MEMBERS : undefined),
  descendants: below,
  ancestors: (system, code) => Object.keys(BELOW).filter((one) => below(system, one).includes(code)),
};

export const definitions = loadDefinitions();
const cursors = createCursorCodec(new Uint8Array(32).fill(1));

export type Parameters = readonly (readonly [name: string, value: string])[];

/** A tenant with resources in PostgreSQL, and the naive evaluator over the same. */
export interface DataSet {
  readonly naive: NaiveSearch;
  /** `Type/id` of all matches; the exact count is compared each time. */
  find(
    type: string | undefined,
    parameters: Parameters,
    where?: Pick<SearchContext, 'compartment'>,
  ): Promise<string[]>;
  /** `Type/id` of all matches in the order of the pages of `size`; undefined where the server has no such order. */
  pages(type: string, parameters: Parameters, size: number): Promise<string[] | undefined>;
  /** Matches of a `_contained` search: containers by `Type/id`, contained resources as `Type/id#id`. */
  contained(type: string, parameters: Parameters): Promise<string[]>;
}

export interface SearchStore {
  /** How often the planner took each way to the rows. */
  readonly ways: ReadonlyMap<string, number>;
  /** Makes a tenant of resources given as JSON texts, stored in this order, as the server's write path stores them. */
  add(name: string, texts: readonly string[]): Promise<DataSet>;
  /** Lets PostgreSQL look at what there is. */
  analyze(): Promise<void>;
  close(): Promise<void>;
}

/** A database for searches: call `close` in `afterAll`. */
export async function openSearchStore(): Promise<SearchStore> {
  const database = await createTestDatabase();
  const connections = new ConnectionPools({
    connectionString: database.servingUrl,
    poolSizes: { read: 1, search: 2, write: 1 },
    statementTimeouts: { read: 0, search: 30_000, write: 0 },
    acquireTimeout: 10_000,
  });
  const ways = new Map<string, number>();
  return {
    ways,
    async add(name, texts) {
      await withOwner(database.ownerUrl, (client) => createTenant(client, name));
      const hasher = new TextHasher(new Uint8Array(16).fill(7));
      const tenants = new Tenants(connections, definitions, hasher, 'http://localhost:8080/fhir');
      const found = (await tenants.byName(name)) as TenantContext;
      // All sets are searched under one base URL, which the resources' absolute references have.
      const extract: TenantContext['extract'] = (resource) =>
        createExtractor(definitions, resource.resourceType)(resource, found.keys, { baseUrl: BASE });
      const context: TenantContext = { ...found, baseUrl: BASE, extract };
      const contents = await store(connections, context, texts);
      return dataSet(connections, context, contents, ways);
    },
    analyze: () => withOwner(database.ownerUrl, async (client) => void (await client.query('analyze'))),
    async close() {
      await connections.close();
      await database.drop();
    },
  };
}

/** @returns the resources as stored */
async function store(
  connections: Connections,
  context: TenantContext,
  texts: readonly string[],
): Promise<string[]> {
  const rids = new RowIdGenerator(1);
  const versions = texts.map((text, i) => {
    const resource = parseJson(text) as Resource;
    const id = resource['id'] as string;
    const row = {
      rid: rids.next(),
      refHash: context.keys.reference(`${resource.resourceType}/${id}`),
      id,
      version: 1,
      // Some are of the same time.
      lastUpdated: Date.UTC(2024, 0, 1) + Math.floor(i / 2) * 1_800_000,
      method: POST,
    };
    return makeVersion(context, row, resource);
  });
  await new TextDictionary(connections).ensure(context.tenant, versions);
  await runTransaction(connections, context.tenant, async (transaction) => transaction.insert(versions));
  return versions.map(({ content }) => content);
}

function dataSet(
  connections: Connections,
  context: TenantContext,
  contents: readonly string[],
  ways: Map<string, number>,
): DataSet {
  const { tenant, keys } = context;
  const search: SearchContext = { definitions, strict: true, baseUrl: BASE, terminology, now: NOW };
  const planContext = { keys, scope: openScope(tenant), search };
  const rowsOf = (statement: SearchPlan['page']) =>
    connections.within(tenant, 'search', async (connection) => {
      if (statement === undefined) throw new Error('no page was planned');
      return (await connection.query(statement)).rows;
    });
  const all = [['_count', '1000']] as const;

  return {
    naive: new NaiveSearch(
      contents.map((content) => JSON.parse(content) as JsonObject),
      {
        base: BASE,
        now: NOW,
        implicitSystems: IMPLICIT_SYSTEMS,
        below,
        members: (url) => (url === 'http://vs' ? MEMBERS.map(({ system, code }) => `${system}|${code}`) : []),
      },
    ),

    async find(type, parameters, where = {}) {
      const parsed = parseSearch(type, [...parameters, ...all], { ...search, ...where });
      const plan = planSearch(parsed, planContext);
      const { access } = plan.explain()['plan'] as { access: string };
      ways.set(access, (ways.get(access) ?? 0) + 1);
      const [page, count] = await Promise.all([rowsOf(plan.page), rowsOf(plan.count)]);
      const found = plan.readPage(page).rows.map((row) => `${row.type}/${row.id}`);
      expect(Number(count[0]?.[0])).toBe(found.length);
      return found;
    },

    async pages(type, parameters, size) {
      const parsed = parseSearch(type, [...parameters, ['_count', String(size)]], search);
      const found: string[] = [];
      let cursor: CursorState | undefined;
      do {
        let plan: SearchPlan;
        try {
          plan = planSearch(parsed, planContext, cursor);
        } catch (error) {
          if (error instanceof FhirError && error.message.includes('cannot be sorted by')) return undefined;
          throw error;
        }
        const { rows, next } = plan.readPage(await rowsOf(plan.page));
        expect(rows.length).toBeLessThanOrEqual(size);
        found.push(...rows.map((row) => `${row.type}/${row.id}`));
        cursor =
          next &&
          cursors.decode(tenant.id, parsed.fingerprint, cursors.encode(tenant.id, parsed.fingerprint, next));
      } while (cursor !== undefined);
      return found;
    },

    async contained(type, parameters) {
      const parsed = parseSearch(type, [...parameters, ...all], search);
      const plan = planSearch(parsed, planContext);
      expect(plan.needsContainedFilter).toBe(true);
      const { rows } = plan.readPage(await rowsOf(plan.page));
      return filterContained(rows, parsed, planContext).flatMap(({ container, contained }) => {
        const reference = `${container.type}/${container.id}`;
        if (contained.length === 0 || parsed.containedType === 'container') return [reference];
        return contained.map((one) => `${reference}#${String(one['id'])}`);
      });
    },
  };
}
