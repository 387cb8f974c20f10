import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tenant } from '../../access/scope.ts';
import { TestServer } from '../../jobs/test-support.ts';
import type { JsonObject } from '../../json/types.ts';
import { checkDatabase } from '../../storage/check.ts';

let server: TestServer;
let north: Tenant;

const eyeColour = {
  resourceType: 'SearchParameter',
  id: 'eye',
  url: 'http://example.org/SearchParameter/eye',
  name: 'Eye',
  status: 'active',
  description: 'Eye colour',
  code: 'eye-colour',
  base: ['Patient'],
  type: 'string',
  expression: "Patient.extension.where(url='http://example.org/eye').value.ofType(string)",
};

const patient = (id: string, colour: string) => ({
  resourceType: 'Patient',
  id,
  birthDate: '1980-02-03',
  name: [{ family: 'Berg', given: ['Ana'] }],
  extension: [{ url: 'http://example.org/eye', valueString: colour }],
});

async function reindexed(target: string, parameters?: JsonObject): Promise<JsonObject> {
  const accepted = await server.send(north, 'POST', target, parameters);
  expect(accepted.status).toBe(202);
  const done = await server.outcome(north, accepted);
  expect(done.status).toBe(200);
  return done.body;
}

function valuesOf(parameters: JsonObject, name: string): unknown[] {
  return (parameters['parameter'] as JsonObject[])
    .filter((part) => part['name'] === name)
    .map((part) => part['valueInteger'] ?? (part['valueReference'] as JsonObject)['reference']);
}

async function found(query: string): Promise<string[]> {
  const { body } = await server.send(north, 'GET', query);
  return ((body['entry'] ?? []) as JsonObject[])
    .map((entry) => entry['resource'] as JsonObject)
    .filter((resource) => resource['resourceType'] !== 'OperationOutcome')
    .map((resource) => resource['id'] as string)
    .sort();
}

async function problems(): Promise<readonly string[]> {
  return (await checkDatabase(server.database.ownerUrl, {})).problems;
}

beforeAll(async () => {
  server = await TestServer.start();
  north = await server.tenant('north');
  server.startJobs();
  for (let i = 0; i < 20; i++)
    await server.send(north, 'PUT', `Patient/p${i}`, patient(`p${i}`, i % 2 ? 'Blue' : 'Green'));
  await server.send(north, 'PUT', 'Observation/o1', {
    resourceType: 'Observation',
    id: 'o1',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }] },
    subject: { reference: 'Patient/p1' },
    valueQuantity: { value: 70, unit: 'beats/minute', system: 'http://unitsofmeasure.org', code: '/min' },
    effectiveDateTime: '2020-01-01',
  });
});

afterAll(() => server.stop());

describe('$reindex (issue 3, section 3: a SearchParameter becomes usable for older resources)', () => {
  test('of the base types of a new SearchParameter: older resources are found, and it is ready', async () => {
    expect((await server.send(north, 'PUT', 'SearchParameter/eye', eyeColour)).status).toBe(201);
    // New writes are indexed at once, older ones are not yet; the check does not count that as wrong.
    await server.send(north, 'PUT', 'Patient/new', patient('new', 'Blue'));
    expect(await server.owner('select id, ready from store.search_parameter')).toEqual([
      { id: 'eye', ready: false },
    ]);
    expect(await problems()).toEqual([]);

    const result = await reindexed('$reindex', {
      resourceType: 'Parameters',
      parameter: [{ name: 'url', valueUri: eyeColour.url }],
    });
    expect(valuesOf(result, 'examined')).toEqual([21]);
    // The one that was written after the parameter was right already.
    expect(valuesOf(result, 'changed')).toEqual([20]);
    expect(valuesOf(result, 'ready')).toEqual(['SearchParameter/eye']);
    expect(await server.owner('select id, ready from store.search_parameter')).toEqual([
      { id: 'eye', ready: true },
    ]);
    await server.fhir.tenants.current(north);
    expect(await found('Patient?eye-colour=blue&_count=50')).toEqual(
      ['new', ...Array.from({ length: 10 }, (_, i) => `p${2 * i + 1}`)].sort(),
    );
    expect(await problems()).toEqual([]);
    // Versions stay as they were.
    expect(await server.owner('select count(*)::int as n from store.history')).toEqual([{ n: 0 }]);
  });

  test('a walk over types that are not all of a base makes nothing ready', async () => {
    const wide = {
      ...eyeColour,
      id: 'wide',
      url: 'http://example.org/SearchParameter/wide',
      code: 'wide',
      base: ['Patient', 'Observation'],
    };
    const either = { ...wide, expression: 'Patient.language | Observation.language', type: 'token' };
    expect((await server.send(north, 'PUT', 'SearchParameter/wide', either)).status).toBe(201);
    expect(valuesOf(await reindexed('Patient/$reindex'), 'ready')).toEqual(['SearchParameter/eye']);
    expect(valuesOf(await reindexed('$reindex?searchParameter=SearchParameter/wide'), 'ready')).toEqual([
      'SearchParameter/eye',
      'SearchParameter/wide',
    ]);
  });

  test('entries of a deleted SearchParameter go, and so does what is known of it', async () => {
    await server.send(north, 'DELETE', 'SearchParameter/eye');
    expect(await problems()).toEqual([]);
    const result = await reindexed('$reindex');
    expect(valuesOf(result, 'changed')).toEqual([21]);
    expect(await server.owner(`select id from store.search_parameter`)).toEqual([{ id: 'wide' }]);
    expect(await problems()).toEqual([]);
  });

  test('it repairs index entries, tokens, dates, quantities and texts of the dictionary alike', async () => {
    await server.owner('delete from store.index_string');
    await server.owner('delete from store.index_quantity');
    await server.owner('delete from store.index_text');
    await server.owner(
      `update store.resource set tokens = '{}', reference_count = 0, date_low = null where id in ('p3', 'o1')`,
    );
    expect((await problems()).length).toBeGreaterThan(3);
    await reindexed('$reindex');
    expect(await problems()).toEqual([]);
    // Who refers to a resource is among the tokens: the deletion is refused again (409).
    expect((await server.send(north, 'DELETE', 'Patient/p1')).status).toBe(409);
  });

  test('of one resource at once; 404 and 410 for what is not there', async () => {
    await server.owner(
      `delete from store.index_string where rid in (select rid from store.resource where id in ('p4', 'p6'))`,
    );
    const answer = await server.send(north, 'POST', 'Patient/p4/$reindex');
    expect(answer.status).toBe(200);
    expect(valuesOf(answer.body, 'changed')).toEqual([1]);
    expect(valuesOf((await server.send(north, 'POST', 'Patient/p4/$reindex')).body, 'changed')).toEqual([0]);
    expect((await server.send(north, 'POST', 'Patient/none/$reindex')).status).toBe(404);
    await server.send(north, 'DELETE', 'Patient/p5');
    expect((await server.send(north, 'POST', 'Patient/p5/$reindex')).status).toBe(410);
    await reindexed('$reindex?type=Patient&type=Observation');
    expect(await problems()).toEqual([]);
  });

  test('wrong parameters are refused (400), and who may not change everything (403)', async () => {
    for (const target of [
      '$reindex?type=Patent',
      'Patient/$reindex?type=Observation',
      '$reindex?url=http://example.org/none',
    ]) {
      expect((await server.send(north, 'POST', target)).status).toBe(400);
    }
    const scope = {
      tenant: north,
      subject: 'app',
      grants: [
        { types: ['Patient'], interactions: '*' as const, compartment: { type: 'Patient', id: 'p1' } },
      ],
    };
    expect((await server.send(north, 'POST', 'Patient/p1/$reindex', undefined, { scope })).status).toBe(403);
    expect((await server.send(north, 'POST', '$reindex', undefined, { scope })).status).toBe(403);
  });

  test('a built-in parameter names the types that have it; respond-async is no different', async () => {
    const url = 'http://hl7.org/fhir/SearchParameter/individual-birthdate';
    const accepted = await server.send(north, 'POST', `$reindex?url=${url}`, undefined, { async: true });
    const { body } = await server.outcome(north, accepted);
    expect(body).toMatchObject({ resourceType: 'Parameters' });
    expect(valuesOf(body, 'examined')).toEqual([20]);
  });

  test('it runs beside writers, each leaving the index right', async () => {
    const writers = Array.from({ length: 4 }, async (_, w) => {
      for (let i = 0; i < 15; i++) {
        const id = `p${(i * 7 + w) % 20}`;
        const { status } = await server.send(north, 'PUT', `Patient/${id}`, patient(id, `Colour ${w} ${i}`));
        expect([200, 201]).toContain(status);
      }
    });
    const walks = [reindexed('$reindex'), reindexed('Patient/$reindex')];
    await Promise.all([...writers, ...walks]);
    expect(await problems()).toEqual([]);
    expect(server.errors).toEqual([]);
  });

  test('a job that was interrupted goes on where it stood', async () => {
    const types = ['Observation', 'Patient'];
    const rows = await server.owner(`select rid from store.resource where id = 'p9'`);
    const position = {
      parameters: [],
      types: ['Patient'],
      after: rows[0]?.['rid'],
      until: '9223372036854775807',
      total: 20,
      examined: 5,
      changed: 0,
      refused: [],
      refusedCount: 0,
    };
    const id = '0190b6a0-0000-7000-8000-00000000000b';
    await server.owner(
      `insert into store.job (tenant_id, id, kind, state, request, progress, created, heartbeat)
        values ($1, $2, 'reindex', 'running', $3, $4, 0, 0)`,
      [north.id, id, JSON.stringify({ subject: 'anonymous', types }), JSON.stringify(position)],
    );
    const headers = { 'Content-Location': `http://localhost:8080/fhir/north/_async/${id}` };
    const done = await server.outcome(north, { status: 202, headers, body: {} });
    // p10 to p19 and the one named new
    expect(valuesOf(done.body, 'examined')).toEqual([5 + 11]);
  });
});
