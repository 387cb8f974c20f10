import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tenant } from '../access/scope.ts';
import { TestServer } from '../jobs/test-support.ts';
import { checkDatabase } from './check.ts';
import { withOwner } from './prepare.ts';
import { START, sliceStatement } from './slices.ts';

let server: TestServer;
let north: Tenant;
let south: Tenant;

beforeAll(async () => {
  server = await TestServer.start();
  north = await server.tenant('north');
  south = await server.tenant('south');
  for (const tenant of [north, south]) {
    for (let i = 0; i < 5; i++) {
      const base = {
        resourceType: 'Patient',
        id: `p${i}`,
        name: [{ family: `Berg ${i}` }],
        birthDate: '1970-01-01',
      };
      await server.send(tenant, 'PUT', `Patient/p${i}`, base);
      await server.send(tenant, 'PUT', `Patient/p${i}`, { ...base, maritalStatus: { text: 'Married' } });
      await server.send(tenant, 'PUT', `Observation/o${i}`, {
        resourceType: 'Observation',
        id: `o${i}`,
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }] },
        subject: { reference: `Patient/p${i}` },
        valueQuantity: { value: 1.5, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' },
        effectivePeriod: { start: '2020-01-01' },
        issued: '2020-01-02T10:00:00Z',
      });
    }
    await server.send(tenant, 'DELETE', 'Observation/o4');
  }
  await server.owner(TABLES.map((table) => `create table public.${table} as table store.${table}`).join(';'));
});

const TABLES = ['resource', 'history', 'index_date', 'index_string', 'index_quantity', 'index_text'];

afterAll(() => server.stop());

/** What the check says after a change, which is then taken back. */
async function after(...statements: string[]): Promise<readonly string[]> {
  return withOwner(server.database.ownerUrl, async (client) => {
    await client.query(statements.join(';'));
    const { problems } = await checkDatabase(client);
    await client.query(
      TABLES.map(
        (table) => `delete from store.${table}; insert into store.${table} table public.${table}`,
      ).join(';'),
    );
    return problems;
  });
}

const of = (id: string, tenant = north) => `tenant_id = ${tenant.id} and id = '${id}'`;
const ridOf = (id: string) => `(select rid from store.resource where ${of(id)})`;

describe('vesta db check (issue 3, section 7: indexes agree with resources)', () => {
  test('finds nothing wrong in what the server wrote', async () => {
    const lines: string[] = [];
    const report = await checkDatabase(server.database.ownerUrl, { onProgress: (line) => lines.push(line) });
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({
      count: 0,
      resources: 20,
      tenants: [
        { tenant: 'north', resources: 9, deletions: 1, versions: 6, discrepancies: 0, reindexPending: false },
        { tenant: 'south', resources: 9, deletions: 1, versions: 6 },
      ],
    });
    expect(lines.length).toBe(2);
    const one = await checkDatabase(server.database.ownerUrl, { tenant: 'south' });
    expect(one.tenants.map(({ tenant }) => tenant)).toEqual(['south']);
    await expect(checkDatabase(server.database.ownerUrl, { tenant: 'west' })).rejects.toThrow(/no tenant/);
  });

  const cases: [string, () => string[], RegExp][] = [
    [
      'a token is missing',
      () => [`update store.resource set tokens = tokens[2:] where ${of('o1')}`],
      /^north Observation\/o1: tokens: 1 missing/,
    ],
    [
      'a token too many',
      () => [`update store.resource set tokens = tokens || 5::bigint where ${of('o1')}`],
      /o1: tokens: 1 unexpected/,
    ],
    [
      'the count of references',
      () => [`update store.resource set reference_count = 0 where ${of('o1')}`],
      /o1: reference_count/,
    ],
    [
      'a parameter that is present',
      () => [`update store.resource set present = present[2:] where ${of('p1')}`],
      /p1: present: 1 missing/,
    ],
    ['the patient', () => [`update store.resource set patient = 1 where ${of('o1')}`], /o1: patient differs/],
    [
      'the date',
      () => [`update store.resource set date_high = date_high + 1 where ${of('o1')}`],
      /o1: date_high differs/,
    ],
    [
      'a date row',
      () => [
        `delete from store.index_date where tenant_id = ${north.id} and rid = ${ridOf('p1')}`,
        `insert into store.index_date values (${north.id}, 1, 2, 3, ${ridOf('o1')})`,
      ],
      /o1: index_date: 1 unexpected/,
    ],
    [
      'a string row',
      () => [
        `update store.index_string set value = 'x' where tenant_id = ${north.id} and rid = ${ridOf('p1')}`,
      ],
      /p1: index_string: \d missing, \d unexpected/,
    ],
    [
      'a quantity row',
      () => [
        `update store.index_quantity set low = low + 1 where tenant_id = ${north.id} and rid = ${ridOf('o1')}`,
      ],
      /o1: index_quantity: \d missing, \d unexpected/,
    ],
    [
      'a dictionary entry',
      () => [`delete from store.index_text where tenant_id = ${north.id}`],
      /index_text: an entry is missing/,
    ],
    ['the version', () => [`update store.resource set version = 3 where ${of('p1')}`], /p1: meta.versionId/],
    [
      'lastUpdated',
      () => [`update store.resource set last_updated = last_updated + 1 where ${of('p1')}`],
      /p1: meta.lastUpdated/,
    ],
    ['the id', () => [`update store.resource set id = 'p1x' where ${of('p1')}`], /p1x: ref_hash/],
    [
      'the content',
      () => [`update store.resource set content = '{"a"' where ${of('p1')}`],
      /p1: the content is no JSON/,
    ],
    [
      'a gap in the history',
      () => [`delete from store.history where ${of('p1')}`],
      /p1: history: versions 1 to 1 are missing/,
    ],
    [
      'a history that ends too early',
      () => [`update store.history set replaced = replaced - 1 where ${of('p1')}`],
      /p1: history: it does not end/,
    ],
    [
      'a history without a resource',
      () => [`update store.history set rid = 7 where ${of('p1')}`],
      /history: 1 rows without a resource/,
    ],
    [
      'index rows without a resource',
      () => [`delete from store.resource where ${of('p1')}`],
      /index_string: \d+ rows without a resource/,
    ],
    [
      'entries of a deletion',
      () => [`update store.resource set tokens = '{1}' where ${of('o4')}`],
      /o4: tokens: 1 unexpected/,
    ],
    ['rows of no tenant', () => [`insert into store.index_date values (99, 1, 2, 3, 4)`], /tenant number 99/],
    [
      'a row id used twice',
      () => [`update store.resource set rid = ${ridOf('p1')} where ${of('o1')}`],
      /is used by 2 resources/,
    ],
  ];
  test.each(cases)('finds %s', async (_name, statements, expected) => {
    const problems = await after(...statements());
    expect(problems.join('\n')).toMatch(expected);
    expect(problems.filter((problem) => problem.startsWith('south'))).toEqual([]);
  });

  test('reads large resources one by one, so that memory is bounded', async () => {
    const large = await server.tenant('large');
    const data = 'A'.repeat(3_000_000);
    for (let i = 0; i < 4; i++) {
      await server.send(large, 'PUT', `Binary/b${i}`, {
        resourceType: 'Binary',
        id: `b${i}`,
        contentType: 'text/plain',
        data,
      });
    }
    await withOwner(server.database.ownerUrl, async (client) => {
      const sizes: number[] = [];
      let after = START;
      for (;;) {
        const { text, values } = sliceStatement(large.id, 'type, rid', after);
        const { rows } = await client.query(text, values as unknown[]);
        if (rows.length === 0) break;
        sizes.push(rows.length);
        after = rows.at(-1);
      }
      expect(sizes).toEqual([2, 2]);
    });
    expect(await checkDatabase(server.database.ownerUrl, { tenant: 'large' })).toMatchObject({
      count: 0,
      resources: 4,
    });
  });

  test('everything is put back and right again', async () => {
    expect((await checkDatabase(server.database.ownerUrl, {})).problems).toEqual([]);
  });
});
