import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entry, type Harness, type Json, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

const newPatient = async (more: object = {}): Promise<string> =>
  (
    await client.create({
      resourceType: 'Patient',
      gender: 'male',
      name: [{ family: 'Alt', given: ['A', 'B'] }],
      ...more,
    })
  ).id;

/** A FHIRPath Patch of operations given as [name, value element] pairs. */
const fhirPathPatch = (...operations: Record<string, Json>[]): Json => ({
  resourceType: 'Parameters',
  parameter: operations.map((operation) => ({
    name: 'operation',
    part: Object.entries(operation).map(([name, value]) => ({ name, ...value })),
  })),
});
const replaceGender = (code: string): Json =>
  fhirPathPatch({
    type: { valueCode: 'replace' },
    path: { valueString: 'Patient.gender' },
    value: { valueCode: code },
  });

describe('patch by JSON Patch (R4 http.html#patch, RFC 6902)', () => {
  it('200 with the new version, its headers and its index entries', async () => {
    const id = await newPatient();
    const answer = await client.patch(`Patient/${id}`, [
      { op: 'test', path: '/gender', value: 'male' },
      { op: 'replace', path: '/gender', value: 'female' },
      { op: 'add', path: '/name/0/given/-', value: 'C' },
      { op: 'remove', path: '/name/0/given/0' },
      { op: 'replace', path: '/name/0/family', value: 'Patched' },
    ]);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      id,
      gender: 'female',
      name: [{ family: 'Patched', given: ['B', 'C'] }],
    });
    expect(answer.json.meta.versionId).toBe('2');
    expect(answer.header('etag')).toBe('W/"2"');
    expect((await client.get('Patient?family=patched')).json.total).toBe(1);
    expect((await client.get(`Patient/${id}/_history`)).json.entry[0].request.method).toBe('PATCH');
  });

  it('a failing test is a 422 and nothing is written (R4 http.html#patch)', async () => {
    const id = await newPatient();
    const answer = await client.patch(`Patient/${id}`, [
      { op: 'replace', path: '/gender', value: 'female' },
      { op: 'test', path: '/name/0/family', value: 'Other' },
    ]);
    expect(answer.status).toBe(422);
    expect(answer.json.resourceType).toBe('OperationOutcome');
    expect((await client.get(`Patient/${id}`)).json).toMatchObject({
      gender: 'male',
      meta: { versionId: '1' },
    });
  });

  it('the result must be a valid resource', async () => {
    const id = await newPatient();
    const unknown = await client.patch(`Patient/${id}`, [{ op: 'add', path: '/colour', value: 'red' }]);
    expect([400, 422]).toContain(unknown.status);
    expect(unknown.expressions).toEqual(['Patient.colour']);
    const wrong = await client.patch(`Patient/${id}`, [{ op: 'replace', path: '/gender', value: 5 }]);
    expect([400, 422]).toContain(wrong.status);
    expect((await client.get(`Patient/${id}`)).json.meta.versionId).toBe('1');
  });

  it('a patch may not change id or type', async () => {
    const id = await newPatient();
    expect((await client.patch(`Patient/${id}`, [{ op: 'replace', path: '/id', value: 'x' }])).status).toBe(
      422,
    );
    expect((await client.patch(`Patient/${id}`, [{ op: 'remove', path: '/id' }])).status).toBe(422);
    const type = await client.patch(`Patient/${id}`, [
      { op: 'replace', path: '/resourceType', value: 'Person' },
    ]);
    expect(type.status).toBe(422);
  });

  it('paths that are not there and malformed patches are 4xx', async () => {
    const id = await newPatient();
    for (const patch of [
      [{ op: 'remove', path: '/photo' }],
      [{ op: 'replace', path: '/name/7/family', value: 'x' }],
      [{ op: 'jump', path: '/gender' }],
      [{ op: 'add', path: 'gender', value: 'male' }],
      [{ op: 'add', path: '/gender' }],
      ['x'],
    ]) {
      const answer = await client.patch(`Patient/${id}`, patch);
      expect([400, 422]).toContain(answer.status);
      expect(answer.json.resourceType).toBe('OperationOutcome');
    }
    const object = await client.patch(
      `Patient/${id}`,
      { a: 1 },
      { 'Content-Type': 'application/json-patch+json' },
    );
    expect([400, 422]).toContain(object.status);
  });

  it('media types that are no patch are 415 or 400', async () => {
    const id = await newPatient();
    expect(
      (await client.patch(`Patient/${id}`, 'replace gender', { 'Content-Type': 'text/plain' })).status,
    ).toBe(415);
    expect((await client.patch(`Patient/${id}`, { resourceType: 'Patient', id })).status).toBe(400);
  });

  it('404 for what never was, 410 for what was deleted', async () => {
    const patch = [{ op: 'add', path: '/active', value: true }];
    expect((await client.patch('Patient/none', patch)).status).toBe(404);
    const id = await newPatient();
    await client.delete(`Patient/${id}`);
    expect((await client.patch(`Patient/${id}`, patch)).status).toBe(410);
  });

  it('If-Match: 412 unless it names the current version', async () => {
    const id = await newPatient();
    const patch = [{ op: 'add', path: '/active', value: true }];
    expect((await client.patch(`Patient/${id}`, patch, { 'If-Match': 'W/"2"' })).status).toBe(412);
    expect((await client.patch(`Patient/${id}`, patch, { 'If-Match': 'W/"1"' })).status).toBe(200);
    expect((await client.patch(`Patient/${id}`, patch, { 'If-Match': 'W/"1"' })).status).toBe(412);
  });

  it('Prefer: return=minimal', async () => {
    const id = await newPatient();
    const patch = [{ op: 'add', path: '/active', value: true }];
    const answer = await client.patch(`Patient/${id}`, patch, { Prefer: 'return=minimal' });
    expect([answer.status, answer.text]).toEqual([200, '']);
  });
});

describe('patch by FHIRPath Patch (R4 fhirpatch.html)', () => {
  it('add, insert, replace, delete, move in one patch', async () => {
    const id = await newPatient();
    const answer = await client.patch(
      `Patient/${id}`,
      fhirPathPatch(
        {
          type: { valueCode: 'add' },
          path: { valueString: 'Patient' },
          name: { valueString: 'birthDate' },
          value: { valueDate: '1930-01-01' },
        },
        {
          type: { valueCode: 'insert' },
          path: { valueString: 'Patient.name[0].given' },
          index: { valueInteger: 0 },
          value: { valueString: 'Z' },
        },
        {
          type: { valueCode: 'replace' },
          path: { valueString: 'Patient.name[0].family' },
          value: { valueString: 'Neu' },
        },
        { type: { valueCode: 'delete' }, path: { valueString: 'Patient.gender' } },
        {
          type: { valueCode: 'move' },
          path: { valueString: 'Patient.name[0].given' },
          source: { valueInteger: 0 },
          destination: { valueInteger: 2 },
        },
      ),
    );
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      birthDate: '1930-01-01',
      name: [{ family: 'Neu', given: ['A', 'B', 'Z'] }],
    });
    expect(answer.json.gender).toBeUndefined();
  });

  it('a path that selects nothing or several elements fails and writes nothing', async () => {
    const id = await newPatient();
    for (const path of ['Patient.maritalStatus', 'Patient.name.given']) {
      const patch = fhirPathPatch({
        type: { valueCode: 'replace' },
        path: { valueString: path },
        value: { valueString: 'x' },
      });
      const answer = await client.patch(`Patient/${id}`, patch);
      expect([400, 422]).toContain(answer.status);
    }
    expect((await client.get(`Patient/${id}`)).json.meta.versionId).toBe('1');
  });

  it('If-Match', async () => {
    const id = await newPatient();
    expect(
      (await client.patch(`Patient/${id}`, replaceGender('other'), { 'If-Match': 'W/"9"' })).status,
    ).toBe(412);
  });
});

describe('conditional patch (R4 http.html#patch: PATCH [base]/[type]?[criteria])', () => {
  const byIdentifier = (value: string) => `Patient?identifier=http://example.org/p|${value}`;
  const identifier = (value: string) => ({ identifier: [{ system: 'http://example.org/p', value }] });

  it('one match is patched; none is a 404; several are a 412', async () => {
    const id = await newPatient(identifier('one'));
    const done = await client.patch(byIdentifier('one'), replaceGender('unknown'));
    expect([done.status, done.json.id, done.json.gender]).toEqual([200, id, 'unknown']);
    const json = await client.patch(byIdentifier('one'), [
      { op: 'replace', path: '/gender', value: 'other' },
    ]);
    expect([json.status, json.json.gender]).toEqual([200, 'other']);
    expect((await client.patch(byIdentifier('none'), replaceGender('other'))).status).toBe(404);
    await newPatient(identifier('two'));
    await newPatient(identifier('two'));
    const several = await client.patch(byIdentifier('two'), replaceGender('other'));
    expect([several.status, several.issueCodes]).toEqual([412, ['multiple-matches']]);
  });
});

describe('patch in bundles (R4 http.html#patch: a Binary with a JSON Patch, or Parameters)', () => {
  const binary = (patch: Json) => ({
    resourceType: 'Binary',
    contentType: 'application/json-patch+json',
    data: Buffer.from(JSON.stringify(patch)).toString('base64'),
  });

  it.each(['transaction', 'batch'] as const)('%s', async (kind) => {
    const [a, b, c] = [
      await newPatient(),
      await newPatient(),
      await newPatient({ identifier: [{ value: `crit-${kind}` }] }),
    ];
    const answer = await client[kind]([
      entry('PATCH', `Patient/${a}`, binary([{ op: 'replace', path: '/gender', value: 'female' }])),
      entry('PATCH', `Patient/${b}`, replaceGender('other')),
      entry('PATCH', `Patient?identifier=crit-${kind}`, replaceGender('unknown')),
    ]);
    expect(answer.status).toBe(200);
    expect(answer.json.entry.map((one: Json) => one.response.status)).toEqual(['200 OK', '200 OK', '200 OK']);
    const genders = await Promise.all(
      [a, b, c].map(async (id) => (await client.get(`Patient/${id}`)).json.gender),
    );
    expect(genders).toEqual(['female', 'other', 'unknown']);
  });

  it('a failing test in a transaction fails all of it, naming the entry', async () => {
    const [a, b] = [await newPatient(), await newPatient()];
    const answer = await client.transaction([
      entry('PATCH', `Patient/${a}`, binary([{ op: 'replace', path: '/gender', value: 'female' }])),
      entry('PATCH', `Patient/${b}`, binary([{ op: 'test', path: '/gender', value: 'female' }])),
    ]);
    expect(answer.status).toBe(422);
    expect(answer.expressions.join()).toContain('Bundle.entry[1]');
    expect((await client.get(`Patient/${a}`)).json.gender).toBe('male');
  });

  it('a Binary without data or with no patch in it is a 400 that names the entry', async () => {
    const id = await newPatient();
    for (const resource of [
      { resourceType: 'Binary', contentType: 'application/json-patch+json' },
      { resourceType: 'Patient', id },
    ]) {
      const answer = await client.transaction([entry('PATCH', `Patient/${id}`, resource)]);
      expect(answer.status).toBe(400);
      expect(answer.expressions.join()).toContain('Bundle.entry[0]');
    }
  });
});
