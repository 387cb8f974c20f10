import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessScopeOf, type TokenClaims } from '../src/access/access-scope-of.ts';
import type { AccessScope, Tenant } from '../src/access/scope.ts';
import type { FhirRequest } from '../src/fhir/request.ts';
import { TestServer } from '../src/jobs/test-support.ts';
import { ACT_CODE, CONFIDENTIALITY, RESOURCES } from './access-data.ts';
import type { Json } from './harness.ts';

/* Issue 5, section 3: existence does not leak, and what is hidden is hidden everywhere. */

let server: TestServer;
let tenant: Tenant;
let other: Tenant;

beforeAll(async () => {
  server = await TestServer.start();
  tenant = await server.tenant('leaks');
  other = await server.tenant('other');
  await put(...RESOURCES);
  server.startJobs();
}, 60_000);

afterAll(() => server?.stop());

async function put(...resources: readonly object[]): Promise<void> {
  const entry = resources.map((resource) => {
    const { resourceType, id } = resource as { resourceType: string; id: string };
    return { resource, request: { method: 'PUT', url: `${resourceType}/${id}` } };
  });
  const answer = await server.send(tenant, 'POST', '', {
    resourceType: 'Bundle',
    type: 'transaction',
    entry,
  });
  expect(answer.status, JSON.stringify(answer.body).slice(0, 500)).toBe(200);
}

const scopeOf = (claims: Partial<TokenClaims>, facts = {}): AccessScope =>
  accessScopeOf({ clientId: 'app', subject: 'someone', scopes: 'user/*.cruds', ...claims }, tenant, facts);
const patient = () => scopeOf({ scopes: 'patient/*.cruds', patient: 'p1' });

async function ask(
  scope: AccessScope,
  method: FhirRequest['method'],
  target: string,
  body?: unknown,
  changes: Parameters<TestServer['send']>[4] & { headers?: Record<string, string> } = {},
): Promise<{ status: number; body: Json; headers: Readonly<Record<string, string>> }> {
  const { headers = {}, ...more } = changes;
  return server.send(tenant, method, target, body, { scope, header: (name) => headers[name], ...more });
}

const observation = (more: object) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  subject: { reference: 'Patient/p1' },
  ...more,
});
const JSON_PATCH = { contentType: 'application/json-patch+json' };
const said = (answer: { status: number; body: Json }, id: string, place: string) =>
  JSON.stringify([answer.status, answer.body]).replaceAll(id, place);

describe('existence', () => {
  test.each([
    ['DELETE', undefined, {}],
    ['DELETE', undefined, { headers: { 'if-match': 'W/"1"' } }],
    ['PATCH', [{ op: 'test', path: '/status', value: 'final' }], JSON_PATCH],
    [
      'PATCH',
      [{ op: 'test', path: '/status', value: 'final' }],
      { ...JSON_PATCH, headers: { 'if-match': 'W/"1"' } },
    ],
    ['PUT', observation({ subject: { reference: 'Patient/p1' } }), { headers: { 'if-match': 'W/"1"' } }],
  ] as const)(
    '%s of what is kept back is answered as of what there is not (%#)',
    async (method, body, more) => {
      await put({ ...observation({ subject: { reference: 'Patient/p2' } }), id: 'gone' });
      await server.send(tenant, 'DELETE', 'Observation/gone');
      const answers = [];
      for (const id of ['p2-lab', 'never', ...(method === 'PUT' ? [] : ['gone'])]) {
        const sent = body !== undefined && !Array.isArray(body) ? { ...body, id } : body;
        answers.push(said(await ask(patient(), method, `Observation/${id}`, sent, more), id, 'ID'));
      }
      expect(new Set(answers).size, answers.join('\n')).toBe(1);
      expect(answers[0]).toMatch(/^\[(404|412)/);
    },
  );

  test('without the right to create, an update of what is kept back is answered as of what there is not', async () => {
    const scope = scopeOf({ scopes: 'patient/Observation.ru', patient: 'p1' });
    const hidden = await ask(scope, 'PUT', 'Observation/p2-lab', { ...observation({}), id: 'p2-lab' });
    const absent = await ask(scope, 'PUT', 'Observation/never', { ...observation({}), id: 'never' });
    expect(hidden.status).toBe(403);
    expect(said(hidden, 'p2-lab', 'ID')).toBe(said(absent, 'never', 'ID'));
  });

  test('a body outside the scope is refused alike, whether there is such a resource or not', async () => {
    const outside = { subject: { reference: 'Patient/p2' } };
    const hidden = await ask(patient(), 'PUT', 'Observation/p2-lab', {
      ...observation(outside),
      id: 'p2-lab',
    });
    const absent = await ask(patient(), 'PUT', 'Observation/never', { ...observation(outside), id: 'never' });
    expect(hidden.status).toBe(403);
    expect(said(hidden, 'p2-lab', 'ID')).toBe(said(absent, 'never', 'ID'));
  });

  test('a reference to what is kept back is one to nothing; so data cannot be put into the records of others', async () => {
    const refer = (to: string, as = patient()) =>
      ask(as, 'POST', 'Observation', observation({ performer: [{ reference: to }] }));
    const hidden = await refer('Patient/p2');
    const absent = await refer('Patient/pX');
    expect(hidden.status).toBe(422);
    expect(said(hidden, 'p2', 'ID')).toBe(said(absent, 'pX', 'ID'));
    expect((await refer('Practitioner/d1')).status).toBe(201);
    // Who works here is for all to know, but for who may read no practitioners: though the record refers to d1.
    expect((await refer('Practitioner/d3')).status).toBe(201);
    const narrow = scopeOf({ scopes: 'patient/Observation.cruds', patient: 'p1' });
    for (const one of ['d1', 'd3']) expect((await refer(`Practitioner/${one}`, narrow)).status).toBe(422);
  });

  test('references that were there before may stay', async () => {
    await put({ ...observation({ performer: [{ reference: 'Practitioner/d3' }] }), id: 'kept' });
    const scope = scopeOf({ scopes: 'patient/Observation.cruds', patient: 'p1' });
    const kept = observation({ performer: [{ reference: 'Practitioner/d3' }], note: [{ text: 'n' }] });
    expect((await ask(scope, 'PUT', 'Observation/kept', { ...kept, id: 'kept' })).status).toBe(200);
    const added = observation({
      performer: [{ reference: 'Practitioner/d3' }, { reference: 'Practitioner/d2' }],
    });
    expect((await ask(scope, 'PUT', 'Observation/kept', { ...added, id: 'kept' })).status).toBe(422);
  });

  test('entries of a transaction may refer to each other', async () => {
    const scope = scopeOf({ scopes: 'user/Observation.c user/Patient.c' });
    const answer = await ask(scope, 'POST', '', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        {
          fullUrl: 'urn:uuid:6a1c1d4e-5d5e-4a55-9f7f-0b1a9d8a0001',
          resource: { resourceType: 'Patient' },
          request: { method: 'POST', url: 'Patient' },
        },
        {
          resource: observation({ subject: { reference: 'urn:uuid:6a1c1d4e-5d5e-4a55-9f7f-0b1a9d8a0001' } }),
          request: { method: 'POST', url: 'Observation' },
        },
      ],
    });
    expect(answer.status).toBe(200);
  });

  test('a conditional reference finds what may be found only', async () => {
    const refer = (to: string) =>
      ask(patient(), 'POST', 'Observation', observation({ subject: { reference: to } }));
    const hidden = await refer('Patient?identifier=http://mrn|p2');
    expect(hidden.status).toBe(412);
    expect(said(hidden, 'p2', 'ID')).toBe(said(await refer('Patient?identifier=http://mrn|pX'), 'pX', 'ID'));
    expect((await refer('Patient?identifier=http://mrn|p1')).status).toBe(201);
  });

  test('a refused deletion names only referrers that may be read', async () => {
    const narrow = await ask(
      scopeOf({ scopes: 'user/Practitioner.cruds patient/Observation.rs', patient: 'p1' }),
      'DELETE',
      'Practitioner/d1',
    );
    expect(narrow.status).toBe(409);
    expect(JSON.stringify(narrow.body)).not.toMatch(
      /Encounter|Provenance|Appointment|Patient\/p|PractitionerRole|Schedule/,
    );
    const wide = await ask(scopeOf({}), 'DELETE', 'Practitioner/d1');
    expect(JSON.stringify(wide.body)).toMatch(
      /(Patient|Observation|Appointment|PractitionerRole|Schedule|Provenance)\//,
    );
  });

  test('the estimate of a total, a plan and a cost tell nothing of others', async () => {
    const estimate = await ask(patient(), 'GET', 'Patient?_total=estimate');
    expect(estimate.body.total).toBe(1);
    expect((await ask(patient(), 'GET', 'Patient?_explain=true')).status).toBe(403);
  });
});

describe('operations', () => {
  test.each(['$meta', '$validate', '$everything', '$fhirpath?expression=id', '_history/1/$meta'])(
    '%s on what is kept back is answered as on what there is not',
    async (operation) => {
      const type = operation === '$everything' ? 'Patient' : 'Observation';
      const id = operation === '$everything' ? 'p2' : 'p2-lab';
      const hidden = await ask(patient(), 'GET', `${type}/${id}/${operation}`);
      expect(hidden.status).toBe(404);
      expect(said(hidden, id, 'ID')).toBe(
        said(await ask(patient(), 'GET', `${type}/never/${operation}`), 'never', 'ID'),
      );
    },
  );

  test('$lastn and $docref find what a search finds', async () => {
    const ids = async (scope: AccessScope, target: string) =>
      ((await ask(scope, 'GET', target)).body.entry ?? []).map((one: Json) => one.resource.id).sort();
    expect(await ids(patient(), 'Observation/$lastn?patient=p2')).toEqual([]);
    expect(await ids(patient(), 'Observation/$lastn?patient=p1&category=laboratory')).toContain('p1-lab');
    const nurse = scopeOf({ role: 'nurse', fhirUser: 'Practitioner/d2' });
    expect(await ids(nurse, 'Observation/$lastn?patient=p1&category=laboratory')).toEqual(['p1-lab']);
    const types = 'type=http://loinc.org|34117-2,http://loinc.org|11488-4';
    expect(await ids(nurse, `DocumentReference/$docref?patient=p1&${types}`)).toEqual(['p1-doc']);
    expect(await ids(patient(), `DocumentReference/$docref?patient=p2&${types}`)).toEqual([]);
  });

  test('what looks at everything or changes the server takes rights over everything', async () => {
    for (const [method, target] of [
      ['GET', 'Observation/$meta'],
      ['GET', '$meta'],
      ['POST', '$reindex'],
      ['POST', 'Observation/$reindex'],
      ['POST', 'Observation/p1-lab/$reindex'],
      ['GET', '$list-packages'],
    ] as const) {
      expect((await ask(patient(), method, target)).status, target).toBe(403);
      const nurse = scopeOf({ role: 'nurse', fhirUser: 'Practitioner/d2' });
      expect((await ask(nurse, method, target)).status, target).toBe(403);
    }
  });
});

describe('what leads from one resource to another', () => {
  test('$everything brings no support that only a member refers to which is kept back', async () => {
    const scope = scopeOf({ scopes: 'user/Patient.rs user/Practitioner.rs user/Condition.rs' });
    const { body } = await ask(scope, 'GET', 'Patient/p1/$everything');
    const found = body.entry.map((one: Json) => `${one.resource.resourceType}/${one.resource.id}`);
    // The general practitioner, but not the author of the psychotherapy note.
    expect(found).toContain('Practitioner/d1');
    expect(found).not.toContain('Practitioner/d4');
  });

  test('a hierarchy is followed through what may be seen only', async () => {
    const scope: AccessScope = {
      tenant,
      subject: 's',
      grants: [{ types: ['Organization'], interactions: '*', search: '_id:not=o2' }],
    };
    const below = await ask(scope, 'GET', 'Organization?partof:below=Organization/o1');
    expect(below.body.entry ?? []).toEqual([]);
    const all = await ask(scopeOf({}), 'GET', 'Organization?partof:below=Organization/o1');
    expect(all.body.entry.map((one: Json) => one.resource.id).sort()).toEqual(['o2', 'o3']);
  });

  test('a conditional update or deletion of what may be seen but not changed says so', async () => {
    const scope = scopeOf({ scopes: 'user/Observation.rs patient/Observation.ud', patient: 'p1' });
    expect((await ask(scope, 'DELETE', 'Observation?_id=p2-draft')).status).toBe(403);
    const body = observation({ subject: { reference: 'Patient/p2' } });
    expect((await ask(scope, 'PUT', 'Observation?_id=p2-draft', body)).status).toBe(403);
  });
});

describe('versions', () => {
  test('a label that is set later hides the versions before, and one that is removed keeps hiding its own', async () => {
    const nurse = scopeOf({ role: 'nurse', fhirUser: 'Practitioner/d2' });
    await put({ ...observation({}), id: 'later' });
    await put({ ...observation({ meta: { security: [{ system: ACT_CODE, code: 'PSY' }] } }), id: 'later' });
    for (const target of ['', '/_history/1', '/_history/2', '/_history'])
      expect((await ask(nurse, 'GET', `Observation/later${target}`)).status, target).toBe(404);
    await put({ ...observation({ note: [{ text: 'cleared' }] }), id: 'later' });
    const wanted = { '': 200, '/_history/1': 200, '/_history/2': 404, '/_history/3': 200 };
    for (const [target, status] of Object.entries(wanted))
      expect((await ask(nurse, 'GET', `Observation/later${target}`)).status, target).toBe(status);
    const history = await ask(nurse, 'GET', 'Observation/later/_history');
    expect(history.body.entry.map((one: Json) => one.resource.meta.versionId)).toEqual(['3', '1']);
  });

  test('what was deleted does not come back through its history', async () => {
    await put({ ...observation({}), id: 'deleted' });
    await server.send(tenant, 'DELETE', 'Observation/deleted');
    for (const target of ['', '/_history/1', '/_history'])
      expect((await ask(patient(), 'GET', `Observation/deleted${target}`)).status, target).toBe(404);
    expect((await server.send(tenant, 'GET', 'Observation/deleted')).status).toBe(410);
  });
});

describe('hidden elements', () => {
  const hiding = () => ({
    ...scopeOf({}),
    hidden: { Patient: ['name', 'generalPractitioner', 'address.city', 'birthDate@year'] },
  });

  test('no answer shows them, nor the narrative', async () => {
    const read = await ask(hiding(), 'GET', 'Patient/p1');
    expect(read.body).not.toHaveProperty('name');
    expect(read.body).not.toHaveProperty('generalPractitioner');
    expect(read.body.birthDate).toBe('1971');
    expect(read.body.address).toEqual([{ line: ['1 Street'], postalCode: '12345' }]);
    for (const target of [
      'Patient?_id=p1',
      'Patient?_id=p1&_elements=name,birthDate',
      'Observation?_id=p1-lab&_include=Observation:subject',
      'Patient/p1/$everything',
      'Patient/p1/_history',
      'Patient/_history',
      'Patient/p1/_history/1',
    ]) {
      const answer = await ask(hiding(), 'GET', target);
      expect(answer.status, target).toBe(200);
      expect(JSON.stringify(answer.body), target).not.toMatch(/Namep1|1971-02|"Town"|"generalPractitioner"/);
    }
  });

  test.each([
    'name=Namep1',
    'family:missing=true',
    'birthdate=1971-02-03',
    'address-city=Town',
    'address=Town',
    'general-practitioner=Practitioner/d1',
    'general-practitioner.family=One',
    '_sort=birthdate',
    '_include=Patient:general-practitioner',
    '_filter=name eq "x"',
  ])('%s is no parameter', async (query) => {
    const strict = { prefer: { return: undefined, handling: 'strict' as const, respondAsync: false } };
    expect((await ask(hiding(), 'GET', `Patient?${query}`, undefined, strict)).status).toBe(400);
    expect((await ask(scopeOf({}), 'GET', `Patient?${query}`, undefined, strict)).status).toBe(200);
  });

  test('chains, _has and conditional interactions know them as little; _content and _text are refused', async () => {
    for (const query of [
      'Observation?subject:Patient.name=Namep1',
      'Practitioner?_has:Patient:general-practitioner:gender=female',
    ]) {
      const strict = { prefer: { return: undefined, handling: 'strict' as const, respondAsync: false } };
      expect((await ask(hiding(), 'GET', query, undefined, strict)).status, query).toBe(400);
    }
    for (const query of ['Patient?_content=Namep1', 'Observation?subject:Patient._text=Namep1'])
      expect((await ask(hiding(), 'GET', query)).status, query).toBe(400);
    expect((await ask(hiding(), 'DELETE', 'Patient?family=Namep1')).status).toBe(400);
    const include = await ask(hiding(), 'GET', 'Patient?_id=p1&_include=*');
    expect(JSON.stringify(include.body)).not.toContain('Practitioner/d1');
  });

  test('a patch sees and changes only what its writer sees', async () => {
    await put({
      resourceType: 'Patient',
      id: 'patched',
      name: [{ family: 'Secret' }],
      birthDate: '1950-05-05',
    });
    const patch = (...operations: object[]) =>
      ask(hiding(), 'PATCH', 'Patient/patched', operations, JSON_PATCH);
    const right = await patch({ op: 'test', path: '/name/0/family', value: 'Secret' });
    const guess = await patch({ op: 'test', path: '/name/0/family', value: 'Wrong' });
    expect(right.status).toBeGreaterThanOrEqual(400);
    expect(right.status).toBe(guess.status);
    expect((await patch({ op: 'add', path: '/name', value: [{ family: 'New' }] })).status).toBe(403);
    expect((await patch({ op: 'replace', path: '/birthDate', value: '1999' })).status).toBe(403);
    const done = await patch({ op: 'add', path: '/gender', value: 'male' });
    expect(done.status).toBe(200);
    expect(JSON.stringify(done.body)).not.toContain('Secret');
    const stored = await server.send(tenant, 'GET', 'Patient/patched');
    expect(stored.body).toMatchObject({
      gender: 'male',
      name: [{ family: 'Secret' }],
      birthDate: '1950-05-05',
    });
    // A body cannot carry what its writer does not see.
    const body = { resourceType: 'Patient', id: 'patched', gender: 'male' };
    expect((await ask(hiding(), 'PUT', 'Patient/patched', body)).status).toBe(403);
    expect(
      (await ask(hiding(), 'POST', 'Patient', { resourceType: 'Patient', name: [{ family: 'x' }] })).status,
    ).toBe(403);
  });
});

describe('rights', () => {
  test('who may write but not read gets no representation, and no patch (its tests would tell)', async () => {
    const scope = scopeOf({ scopes: 'user/Observation.cu' });
    const made = await ask(scope, 'POST', 'Observation', observation({ subject: undefined }));
    expect(made.status).toBe(201);
    expect(made.body).toEqual({});
    expect((await ask(scope, 'PATCH', 'Observation/p1-lab', [], JSON_PATCH)).status).toBe(403);
  });

  test("a job is its asker's: other rights, another app or person get a 404", async () => {
    const asked = await ask(patient(), 'GET', 'Observation', undefined, {
      prefer: { return: undefined, handling: undefined, respondAsync: true },
    });
    expect(asked.status).toBe(202);
    const path = String(asked.headers['Content-Location']).split(`/${tenant.name}/`)[1] as string;
    for (const scope of [
      scopeOf({ scopes: 'patient/Patient.r', patient: 'p1' }),
      scopeOf({ scopes: 'patient/*.cruds', patient: 'p1', clientId: 'another' }),
      scopeOf({ scopes: 'patient/*.cruds', patient: 'p1', subject: 'somebody' }),
    ]) {
      expect((await ask(scope, 'GET', path)).status).toBe(404);
      expect((await ask(scope, 'DELETE', path)).status).toBe(404);
    }
    for (;;) {
      const answer = await ask(patient(), 'GET', path);
      if (answer.status === 202) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      expect(answer.status).toBe(200);
      // The job ran with the asker's rights.
      expect(JSON.stringify(answer.body)).toContain('Observation/p1-lab');
      expect(JSON.stringify(answer.body)).not.toContain('p2-');
      break;
    }
  });

  test('access to another tenant is refused, whatever is asked', async () => {
    const foreign: AccessScope = { ...scopeOf({}), tenant: other };
    for (const [method, target] of [
      ['GET', 'Patient/p1'],
      ['GET', 'Patient'],
      ['GET', 'metadata'],
      ['GET', '_history'],
      ['GET', 'Patient/p1/$everything'],
      ['DELETE', 'Patient/p1'],
      ['POST', ''],
      ['GET', '_async/6a1c1d4e-5d5e-4a55-9f7f-0b1a9d8a0001'],
    ] as const)
      expect((await ask(foreign, method, target)).status, target).toBe(403);
  });

  test('an emergency access opens one record for its time, and writes nothing', async () => {
    const now = Date.now();
    const access = {
      subject: 'Practitioner/d2',
      patient: 'p1',
      reason: 'unconscious on arrival',
      purposeOfUse: 'ETREAT',
      from: now - 1000,
      until: now + 60_000,
    } as const;
    const claims = { role: 'attending', fhirUser: 'Practitioner/d2' };
    const status = async (facts: object, target = 'Observation/p1-very') =>
      (await ask(scopeOf(claims, facts), 'GET', target)).status;
    expect(await status({})).toBe(404);
    expect(await status({ breakGlass: [access] })).toBe(200);
    expect(await status({ breakGlass: [access] }, 'Observation/p2-very')).toBe(404);
    expect(await status({ breakGlass: [access], now: now + 61_000 })).toBe(404);
    expect(await status({ breakGlass: [{ ...access, subject: 'Practitioner/d1' }] })).toBe(404);
    expect(await status({ breakGlass: [{ ...access, reason: 'x' }] })).toBe(404);
    expect(await status({ breakGlass: [{ ...access, until: now + 24 * 3_600_000 }] })).toBe(404);
    const scope = scopeOf(claims, { breakGlass: [access] });
    expect((await ask(scope, 'DELETE', 'Observation/p1-very')).status).toBe(404);
    expect(
      (
        await ask(
          scopeOf({ ...claims, role: 'billing' }, { breakGlass: [access] }),
          'GET',
          'Observation/p1-very',
        )
      ).status,
    ).not.toBe(200);
  });
});

test('labels are told by system and code, folded as codes are', async () => {
  await put({
    ...observation({ meta: { security: [{ system: 'http://elsewhere', code: 'R' }] } }),
    id: 'elsewhere',
  });
  await put({
    ...observation({ meta: { security: [{ system: CONFIDENTIALITY, code: 'R' }] } }),
    id: 'restricted',
  });
  const nurse = scopeOf({ role: 'nurse', fhirUser: 'Practitioner/d2' });
  expect((await ask(nurse, 'GET', 'Observation/elsewhere')).status).toBe(200);
  expect((await ask(nurse, 'GET', 'Observation/restricted')).status).toBe(404);
});
