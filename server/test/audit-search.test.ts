import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AccessScope, openScope } from '../src/access/scope.ts';
import { disclosures } from '../src/audit/disclosures.ts';
import type { AuditInput } from '../src/audit/entry.ts';
import { type AuditReader, auditRead, auditSearch } from '../src/audit/search.ts';
import { loadDefinitions } from '../src/conformance/definitions.ts';
import type { FhirError } from '../src/fhir/outcome.ts';
import { createCursorCodec } from '../src/search/cursor.ts';
import { ConnectionPools } from '../src/storage/connections.ts';
import { validateStructure } from '../src/validation/structure.ts';
import { type AuditDatabase, ROWS, startAuditDatabase } from './audit-support.ts';

const base = { baseUrl: 'http://localhost/fhir/one' };
const T = Date.UTC(2026, 5, 1, 12);
const MINUTE = 60_000;
const EVENTS: AuditInput[] = [
  {
    time: T,
    kind: 'read',
    what: 'Patient/a',
    version: 3,
    patients: ['a'],
    agent: 'Practitioner/1',
    client: 'ehr',
    role: 'nurse',
    purpose: 'TREAT',
    address: '203.0.113.9',
    token: 'jti-1',
    request: 'req-1',
    status: 200,
  },
  {
    time: T + MINUTE,
    kind: 'search-type',
    query: 'GET Observation?code=x',
    patients: ['a', 'b'],
    agent: 'Practitioner/2',
    client: 'ehr',
    role: 'attending',
    purpose: 'HRESCH',
    address: '203.0.113.10',
    status: 200,
  },
  {
    time: T + 2 * MINUTE,
    kind: 'create',
    what: 'Observation/o1',
    version: 1,
    patients: ['b'],
    agent: 'Practitioner/1',
    client: 'ehr',
    status: 201,
  },
  {
    time: T + 3 * MINUTE,
    kind: 'read',
    what: 'Patient/b',
    patients: ['b'],
    agent: 'Patient/a',
    client: 'app',
    status: 403,
    detail: { reason: 'not yours' },
  },
  { time: T + 4 * MINUTE, kind: 'login', login: 'ida', address: '198.51.100.1', outcome: 4 },
  {
    time: T + 5 * MINUTE,
    kind: 'read',
    what: 'Practitioner/1',
    agent: 'Patient/a',
    client: 'app',
    status: 200,
  },
];

let audit: AuditDatabase;
let pools: ConnectionPools;
let reader: AuditReader;
let scope: AccessScope;
beforeAll(async () => {
  audit = await startAuditDatabase();
  const log = audit.log();
  for (const event of EVENTS) await log.record(audit.tenant, event);
  await log.record(audit.other, {
    time: T,
    kind: 'read',
    what: 'Patient/a',
    patients: ['a'],
    agent: 'Practitioner/1',
  });
  await log.flush();
  pools = new ConnectionPools({
    connectionString: audit.database.servingUrl,
    poolSizes: { read: 1, search: 2, write: 1 },
    statementTimeouts: { read: 5000, search: 5000, write: 5000 },
    acquireTimeout: 5000,
  });
  reader = { connections: pools, rows: ROWS, cursors: createCursorCodec(randomBytes(32)) };
  scope = openScope(audit.tenant);
});
afterAll(async () => {
  await pools?.close();
  await audit?.stop();
});

const options = { defaultCount: 20, maxCount: 100 };
const pairs = (query: string): [string, string][] => [...new URLSearchParams(query)];
const search = (query: string, as: AccessScope = scope) =>
  auditSearch(reader, as, base, pairs(query), options);
/** Which of EVENTS a search finds, oldest first. */
async function found(query: string, as: AccessScope = scope): Promise<number[]> {
  const { entries } = await search(query, as);
  return entries
    .map(({ text }) => (Date.parse(JSON.parse(text).recorded) - T) / MINUTE)
    .sort((a, b) => a - b);
}
async function statusOf(work: Promise<unknown>): Promise<number> {
  return await work.then(
    () => 200,
    (error: FhirError) => error.status,
  );
}

describe('search of AuditEvent (R4 auditevent.html#search)', () => {
  test.each([
    ['', [0, 1, 2, 3, 4, 5]],
    ['patient=a', [0, 1, 3, 5]],
    ['patient=Patient/a', [0, 1, 3, 5]],
    [`patient=${base.baseUrl}/Patient/b`, [1, 2, 3]],
    ['patient=Patient/nobody', []],
    ['patient=Practitioner/1', []],
    ['agent=Practitioner/1', [0, 2]],
    ['agent:Practitioner=1', [0, 2]],
    ['agent=1', [0, 2]],
    ['agent=ehr', [0, 1, 2]],
    ['agent=Practitioner/1,Practitioner/2', [0, 1, 2]],
    ['entity=Practitioner/1', [5]],
    ['entity=Observation/o1', [2]],
    ['entity=Patient/a', [0, 1]],
    ['action=R', [0, 3, 5]],
    ['action=C', [2]],
    ['action=http://hl7.org/fhir/audit-event-action|E', [1, 4]],
    ['action:not=R', [1, 2, 4]],
    ['outcome=0', [0, 1, 2, 5]],
    ['outcome=4,8', [3, 4]],
    ['type=rest', [0, 1, 2, 3, 5]],
    ['type=http://dicom.nema.org/resources/ontology/DCM|110114', [4]],
    ['type=http://example.org|110114', []],
    ['subtype=search', [1]],
    ['subtype=110122', [4]],
    ['address=203.0.113', [0, 1]],
    ['address:exact=203.0.113.9', [0]],
    ['address:contains=51.100', [4]],
    ['agent-role=nurse', [0]],
    ['altid=ida', [4]],
    ['policy=urn:jti:jti-1', [0]],
    ['entity-role=24', [1]],
    ['date=2026-06-01', [0, 1, 2, 3, 4, 5]],
    ['date=2026-05', []],
    ['date=gt2026-06-01T12:03:00Z', [4, 5]],
    ['date=ge2026-06-01T12:02:00Z&date=lt2026-06-01T12:04:00Z', [2, 3]],
    ['date=ne2026-06-01T12:02:00Z', [0, 1, 2, 3, 4, 5].filter((n) => n !== 2)],
    ['patient=a&agent=Practitioner/2', [1]],
  ] as const)('%s', async (query, expected) => {
    expect(await found(query)).toEqual(expected);
  });

  test.each([
    'date=yesterday',
    'patient=',
    'entity=1',
    'patient:missing=true',
    '_count=-1',
    '_total=some',
    'agent=a/b/c',
  ])('%s is a 400', async (query) => {
    expect(await statusOf(search(query))).toBe(400);
  });

  test('an unknown parameter is told, or refused under strict handling', async () => {
    expect((await search('colour=red')).issues).toHaveLength(1);
    const strict = auditSearch(reader, scope, base, [['colour', 'red']], { ...options, strict: true });
    expect(await statusOf(strict)).toBe(400);
  });

  test('pages follow each other without gaps, newest first, and in the other direction', async () => {
    for (const sort of ['-date', 'date']) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await search(
          `_count=2&_sort=${sort}${cursor === undefined ? '' : `&_cursor=${cursor}`}`,
        );
        seen.push(...page.entries.map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== undefined);
      const { entries } = await search(`_sort=${sort}`);
      expect(seen).toEqual(entries.map(({ id }) => id));
      expect(new Set(seen).size).toBe(6);
    }
    const newest = JSON.parse((await search('_count=1')).entries[0]!.text);
    expect(newest.recorded).toBe(new Date(T + 5 * MINUTE).toISOString());
    const { next } = await search('_count=1');
    expect(await statusOf(search(`patient=a&_cursor=${next}`))).toBe(400);
  });

  test('totals are given when asked for', async () => {
    expect((await search('_total=accurate&_count=1')).total).toBe(6);
    expect((await search('_summary=count')).total).toBe(6);
    expect((await search('_count=1')).total).toBeUndefined();
  });
});

describe('AuditEvent resources', () => {
  test('every kind of event is valid R4', async () => {
    const definitions = loadDefinitions();
    for (const { text } of (await search('')).entries)
      expect(validateStructure(JSON.parse(text), definitions), text).toEqual([]);
  });

  test('a read is as BALP PatientRead has it: client, server, user, data, patient and request', async () => {
    const event = JSON.parse((await search('policy=urn:jti:jti-1')).entries[0]!.text);
    expect(event.meta.profile).toEqual([
      'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead',
    ]);
    const roles = event.agent.map(
      (agent: { type: { coding: { code: string }[] } }) => agent.type.coding[0]!.code,
    );
    expect(roles).toEqual(['IRCP', '110152', '110153']);
    expect(event.agent[0]).toMatchObject({
      who: { reference: 'Practitioner/1' },
      requestor: true,
      purposeOfUse: [{ coding: [{ code: 'TREAT' }] }],
    });
    expect(event.entity.map((entity: { type: { code: string } }) => entity.type.code)).toEqual([
      '2',
      '1',
      'XrequestId',
    ]);
    expect(event.entity[0].what.reference).toBe('Patient/a/_history/3');
  });

  test('a search keeps its query in base64', async () => {
    const event = JSON.parse((await search('subtype=search')).entries[0]!.text);
    const query = event.entity.find((entity: { query?: string }) => entity.query !== undefined).query;
    expect(Buffer.from(query, 'base64').toString()).toBe('GET Observation?code=x');
  });

  test('read finds by id, within the tenant', async () => {
    const [first] = (await search('')).entries;
    expect((await auditRead(reader, scope, base, first!.id))?.text).toBe(first!.text);
    expect(await auditRead(reader, openScope(audit.other), base, first!.id)).toBeUndefined();
    expect(await auditRead(reader, scope, base, 'log.1.1')).toBeUndefined();
    expect(await auditRead(reader, scope, base, 'some-other-id')).toBeUndefined();
  });
});

describe('what a scope may see', () => {
  const granted = (grant: object): AccessScope => ({
    ...scope,
    grants: [{ types: ['AuditEvent'], interactions: ['read', 'search-type'], ...grant }],
  });

  test("a patient's compartment: his events, and no other patient's id in them", async () => {
    const own = granted({ compartment: { type: 'Patient', id: 'a' } });
    expect(await found('', own)).toEqual([0, 1, 3, 5]);
    for (const { id, text } of (await search('', own)).entries) {
      expect(text).not.toContain('Patient/b');
      expect(text).not.toContain('"query"');
      expect((await auditRead(reader, own, base, id))?.text).toBe(text);
    }
    const [foreign] = (await search('entity=Observation/o1')).entries;
    expect(await auditRead(reader, own, base, foreign!.id)).toBeUndefined();
    expect((await search('_summary=count', own)).total).toBe(4);
  });

  test('granular search, exceptions, and grants that reach nothing', async () => {
    expect(await found('', granted({ search: 'action=C' }))).toEqual([2]);
    expect(await found('', granted({ search: 'nonsense=1' }))).toEqual([]);
    expect(await found('', granted({ compartments: [] }))).toEqual([]);
    expect(
      await found('', granted({ compartment: { type: 'Patient', id: 'a' }, reach: 'referred' })),
    ).toEqual([]);
    const rule = { kind: 'row', types: ['AuditEvent'], search: 'agent=Practitioner/1' } as const;
    expect(await found('', granted({ except: [rule] }))).toEqual([1, 3, 4, 5]);
    expect(await found('', granted({ except: [{ kind: 'not', of: rule }] }))).toEqual([0, 2]);
  });

  test('without a grant it is a 403', async () => {
    const none = { ...scope, grants: [] };
    expect(await statusOf(search('', none))).toBe(403);
    const { entries } = await search('');
    expect(await statusOf(auditRead(reader, none, base, entries[0]!.id))).toBe(403);
  });

  test('hidden elements do not exist', async () => {
    const hidden = { ...scope, hidden: { AuditEvent: ['agent.network'] } };
    for (const { text } of (await search('', hidden)).entries) expect(text).not.toContain('network');
  });
});

describe('accounting of disclosures (45 CFR 164.528)', () => {
  const now = T + 60 * MINUTE;
  const told = async (patient: string, parameters: object, as = scope) =>
    (
      (await disclosures(reader, as, base, patient, parameters, now))['parameter'] as { name: string }[]
    ).filter(({ name }) => name === 'disclosure').length;

  test("treatment is excepted unless asked for; failures, writes and the patient's own accesses are none", async () => {
    expect(await told('a', {})).toBe(1);
    expect(await told('a', { all: true })).toBe(2);
    expect(await told('b', { all: true })).toBe(1);
    expect(await told('a', { all: true, end: '2026-05-31' })).toBe(0);
  });

  test('only who may see the patient’s events gets it', async () => {
    const own = {
      ...scope,
      grants: [
        { types: ['AuditEvent'], interactions: ['search-type'], compartment: { type: 'Patient', id: 'a' } },
      ],
    } as AccessScope;
    expect(await told('a', {}, own)).toBe(1);
    expect(await statusOf(told('b', {}, own))).toBe(403);
    expect(await statusOf(told('a', { start: 'x' }))).toBe(400);
  });
});
