import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Interaction, Tenant } from '../src/access/scope.ts';
import type { FhirRequest } from '../src/fhir/request.ts';
import { type Answer, TestServer } from '../src/jobs/test-support.ts';
import { accessCases, type Case } from './access-cases.ts';
import { PATIENTS, RESOURCES } from './access-data.ts';
import { NaiveAccess, shownThoughHidden } from './access-naive.ts';
import { NaiveSearch, referenceOf } from './naive-search.ts';
import type { JsonObject } from './naive-values.ts';
import { IMPLICIT_SYSTEMS } from './search-values.ts';

/*
 * Issue 5, section 5: for each role and scope shape, each interaction and search feature, what is allowed and what is
 * denied. The server's answers come from grants in SQL; what they must be is worked out over all resources in memory
 * (access-naive.ts). FC_SHOW lists more differences, ACCESS_SHARE=1 asks three times as much.
 */

/** One in so many of the requests that could be made is made. */
const SHARE = Number(process.env['ACCESS_SHARE'] ?? 3);

let server: TestServer;
let tenant: Tenant;
let naive: NaiveSearch;
let access: NaiveAccess;
let requests = 0;
const wrong: string[] = [];
const denied = new Map<string, number>();
const allowed = new Map<string, number>();

beforeAll(async () => {
  server = await TestServer.start();
  tenant = await server.tenant('matrix');
  const entry = RESOURCES.map((resource) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }));
  const answer = await server.send(tenant, 'POST', '', {
    resourceType: 'Bundle',
    type: 'transaction',
    entry,
  });
  expect(answer.status, JSON.stringify(answer.body).slice(0, 500)).toBe(200);
  server.startJobs();
  naive = new NaiveSearch(RESOURCES as unknown as JsonObject[], {
    base: `http://localhost:8080/fhir/${tenant.name}`,
    now: Date.now(),
    implicitSystems: IMPLICIT_SYSTEMS,
    below: () => [],
    members: () => [],
  });
  access = new NaiveAccess(naive);
}, 120_000);

afterAll(() => server?.stop());

/** An answer whose body the test walks through. */
type Reply = Answer & { readonly body: JsonObject };

const known = new Set(RESOURCES.map((one) => `${one.resourceType}/${one.id}`));
const byReference = new Map(
  RESOURCES.map((one) => [`${one.resourceType}/${one.id}`, one as unknown as JsonObject]),
);

async function send(
  one: Case,
  method: FhirRequest['method'],
  target: string,
  body?: unknown,
  more = {},
): Promise<Reply> {
  requests++;
  return (await server.send(tenant, method, target, body, { scope: one.scope, ...more })) as Reply;
}

function note(feature: string, isAllowed: boolean): void {
  const counts = isAllowed ? allowed : denied;
  counts.set(feature, (counts.get(feature) ?? 0) + 1);
}

function differ(one: Case, what: string, expected: unknown, found: unknown): void {
  const [left, right] = [JSON.stringify(expected), JSON.stringify(found)];
  if (left !== right) wrong.push(`${one.name}: ${what}\n    expected ${left}\n    found    ${right}`);
}

const entriesOf = ({ body }: Reply): JsonObject[] => (body['entry'] ?? []) as JsonObject[];
const listed = (answer: Reply, mode?: string): string[] =>
  entriesOf(answer)
    .filter((entry) => mode === undefined || (entry['search'] as JsonObject)['mode'] === mode)
    .map((entry) => String(entry['fullUrl']).split('/').slice(-2).join('/'))
    .filter((reference) => known.has(reference));

/** The resources of some types that the token may find and that fulfil the parameters. */
function expectedMatches(
  one: Case,
  types: readonly string[],
  parameters: readonly [string, string][] = [],
): string[] {
  return naive
    .find(types, parameters)
    .filter((reference) => access.may(one.token, 'search-type', byReference.get(reference) as JsonObject))
    .sort();
}

const ALL_TYPES = [...new Set(RESOURCES.map((one) => one.resourceType))];

/** Every resource in an answer must show none of what is hidden. */
function checkHidden(one: Case, what: string, resources: readonly unknown[]): void {
  for (const resource of resources) {
    if (typeof resource !== 'object' || resource === null) continue;
    differ(one, `${what}: hidden elements`, [], shownThoughHidden(one.token, resource as JsonObject));
  }
}

async function reads(one: Case, at: number): Promise<void> {
  const forms: [Interaction, string][] = [
    ['read', ''],
    ['vread', '/_history/1'],
    ['history-instance', '/_history'],
  ];
  for (const [i, resource] of RESOURCES.entries()) {
    // A third of all for each token, another third for the next.
    if ((i + at) % (3 * SHARE) !== 0) continue;
    const [interaction, suffix] = forms[(i + Math.floor(at / 2)) % 3] as [Interaction, string];
    const { resourceType: type, id } = resource;
    const may = access.may(one.token, interaction, resource as unknown as JsonObject);
    const mayType = access.mayType(one.token, interaction, type);
    const answer = await send(one, 'GET', `${type}/${id}${suffix}`);
    note(interaction, may);
    differ(one, `${interaction} ${type}/${id}`, may ? 200 : mayType ? 404 : 403, answer.status);
    if (may)
      checkHidden(
        one,
        interaction,
        suffix === '/_history' ? entriesOf(answer).map((e) => e['resource']) : [answer.body],
      );
    if (!may && mayType) {
      // What is kept back and what there never was are told in the same words.
      const missing = await send(one, 'GET', `${type}/no-${id}${suffix}`);
      differ(
        one,
        `existence of ${type}/${id}`,
        JSON.stringify(missing.body).replaceAll(`no-${id}`, id),
        JSON.stringify(answer.body),
      );
    }
  }
}

const SEARCHES: readonly (readonly [feature: string, type: string, parameters: [string, string][]])[] = [
  ['type', 'Patient', []],
  ['type', 'Observation', []],
  ['type', 'Condition', []],
  ['type', 'Encounter', []],
  ['type', 'MedicationRequest', []],
  ['type', 'DocumentReference', []],
  ['type', 'ServiceRequest', []],
  ['type', 'Practitioner', []],
  ['type', 'PractitionerRole', []],
  ['type', 'Organization', []],
  ['type', 'Location', []],
  ['type', 'Medication', []],
  ['type', 'Endpoint', []],
  ['type', 'Provenance', []],
  ['type', 'Coverage', []],
  ['type', 'Binary', []],
  ['type', 'Group', []],
  ['type', 'Questionnaire', []],
  ['parameter', 'Observation', [['category', 'laboratory']]],
  ['security label', 'Observation', [['_security', 'R,V,PSY']]],
  ['patient', 'Condition', [['patient', 'p2']]],
  [
    'patient',
    'Observation',
    [
      ['subject', 'Patient/p1'],
      ['status', 'final'],
    ],
  ],
  ['not', 'Condition', [['code:not', 'a']]],
  ['missing', 'Appointment', [['date:missing', 'true']]],
  ['chain', 'Observation', [['subject:Patient.gender', 'female']]],
  ['chain', 'Encounter', [['service-provider.name', 'South']]],
  ['chain', 'MedicationRequest', [['medication.code', '1']]],
  ['_has', 'Patient', [['_has:Observation:patient:code', 'very']]],
  ['_has', 'Practitioner', [['_has:Observation:performer:status', 'final']]],
  ['_list', 'Observation', [['_list', 'p1-list']]],
  ['hierarchy', 'Organization', [['partof:below', 'Organization/o1']]],
  ['_id', 'Observation', [['_id', 'p1-lab,p2-lab,p3-very']]],
];

/** What a chain, _has or _list looks at must be visible, too. */
function matching(one: Case, type: string, parameters: readonly [string, string][]): string[] {
  const sees = (resource: JsonObject) => access.may(one.token, 'search-type', resource);
  const visible = new NaiveSearch(naive.resources.filter(sees), {
    base: `http://localhost:8080/fhir/${tenant.name}`,
    now: Date.now(),
    implicitSystems: IMPLICIT_SYSTEMS,
    below: () => [],
    members: () => [],
  });
  const hierarchy = parameters.some(([name]) => name.endsWith(':below'));
  if (!hierarchy) return visible.find([type], parameters).sort();
  // A reference to a root says so itself: the root need not be seen.
  const children = (parent: string): string[] =>
    visible.resources
      .filter((resource) => (resource['partOf'] as JsonObject | undefined)?.['reference'] === parent)
      .flatMap((resource) => [referenceOf(resource), ...children(referenceOf(resource))]);
  return children('Organization/o1').sort();
}

async function searches(one: Case, at: number): Promise<void> {
  for (const [i, [feature, type, parameters]] of SEARCHES.entries()) {
    if ((i + at) % SHARE !== 0) continue;
    const query = parameters.map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    const mayType = access.mayType(one.token, 'search-type', type);
    const expected = mayType ? matching(one, type, parameters) : [];
    const shape = [
      '_count=1000',
      '_count=1000&_total=accurate',
      '_summary=count',
      '_count=1000&_sort=-_lastUpdated',
    ][(i + Math.floor(at / SHARE)) % 4] as string;
    const answer = await send(one, 'GET', `${type}?${[...query, shape].join('&')}`);
    note(feature, expected.length > 0);
    if (!mayType) {
      differ(one, `search ${type}`, 403, answer.status);
      continue;
    }
    const what = `${type}?${[...query, shape].join('&')}`;
    if (answer.status !== 200) {
      differ(one, what, 200, [answer.status, answer.body]);
      continue;
    }
    const created = shape.includes('_summary') ? undefined : listed(answer).sort();
    if (created !== undefined) differ(one, what, expected, created);
    if (shape.includes('_summary') || shape.includes('_total'))
      differ(one, `${what}: total`, expected.length, answer.body['total']);
    checkHidden(
      one,
      what,
      entriesOf(answer).map((entry) => entry['resource']),
    );
  }
}

async function others(one: Case): Promise<void> {
  const { token } = one;
  const mayRead = (reference: string) => access.may(token, 'read', byReference.get(reference) as JsonObject);
  const anySearch = ALL_TYPES.some((type) => access.mayType(token, 'search-type', type));

  // Several types, with pages of two that are followed to the end.
  const types = ['Observation', 'Patient', 'Practitioner', 'Provenance'];
  const mayAny = types.some((type) => access.mayType(token, 'search-type', type));
  const found: string[] = [];
  let target: string | undefined = `?_type=${types.join(',')}&_count=7`;
  for (let pages = 0; target !== undefined && pages < 30; pages++) {
    const answer: Reply = await send(one, 'GET', target);
    differ(one, 'system search', mayAny ? 200 : 403, answer.status);
    if (answer.status !== 200) break;
    found.push(...listed(answer));
    const next = ((answer.body['link'] ?? []) as JsonObject[]).find(({ relation }) => relation === 'next');
    target = next === undefined ? undefined : `?${String(next['url']).split('?')[1]}`;
    if (target !== undefined && pages === 0) {
      // The link of this page in the hands of somebody who may see nothing.
      const stolen = await server.send(tenant, 'GET', target, undefined, {
        scope: { tenant, subject: 'thief', grants: [{ types: ['Slot'], interactions: '*' }] },
      });
      requests++;
      differ(one, 'a paging link under another scope', 403, stolen.status);
    }
  }
  if (mayAny) differ(one, 'system search', expectedMatches(one, types), found.sort());
  note('system search', mayAny);

  // Everything in a patient's compartment, by search and by $everything.
  for (const patient of PATIENTS) {
    const compartment = await send(one, 'GET', `Patient/${patient}/Observation?_count=1000`);
    const inside = expectedMatches(one, ['Observation']).filter((reference) =>
      reference.includes(`/${patient}-`),
    );
    if (compartment.status === 200)
      differ(one, `Patient/${patient}/Observation`, inside, listed(compartment).sort());
    const all = await send(one, 'GET', `Patient/${patient}/$everything`);
    const may = mayRead(`Patient/${patient}`);
    note('$everything', may);
    if (!may) {
      differ(
        one,
        `Patient/${patient}/$everything`,
        access.mayType(token, 'read', 'Patient') ? 404 : 403,
        all.status,
      );
      continue;
    }
    const seen = listed(all);
    const missing = inside.filter((reference) => !seen.includes(reference));
    differ(one, `Patient/${patient}/$everything lacks`, [], missing);
    const extra = seen.filter(
      (reference) => !access.may(token, 'search-type', byReference.get(reference) as JsonObject),
    );
    differ(one, `Patient/${patient}/$everything shows`, [], extra);
    checkHidden(
      one,
      '$everything',
      entriesOf(all).map((entry) => entry['resource']),
    );
  }

  // Includes bring what may be read only.
  for (const [query, type] of [
    [
      'Observation?_include=Observation:subject&_include=Observation:performer&_revinclude=Provenance:target&_count=1000',
      'Observation',
    ],
    ['Encounter?_include=*&_count=1000', 'Encounter'],
    [
      'Patient?_revinclude=Observation:subject&_revinclude=Encounter:subject&_include:iterate=*&_count=1000',
      'Patient',
    ],
  ] as const) {
    const answer = await send(one, 'GET', query);
    if (!access.mayType(token, 'search-type', type)) {
      differ(one, query, 403, answer.status);
      continue;
    }
    if (answer.status === 400) continue;
    differ(one, query, 200, answer.status);
    const included = listed(answer, 'include');
    differ(
      one,
      `${query}: included`,
      [],
      included.filter((reference) => !mayRead(reference)),
    );
    note('include', included.length > 0);
    if (type === 'Observation' && one.scope.hidden === undefined) {
      const matches = listed(answer, 'match');
      const wanted = RESOURCES.filter(
        ({ resourceType, target: targets }) =>
          resourceType === 'Provenance' &&
          (targets as { reference: string }[]).some(({ reference }) => matches.includes(reference)),
      )
        .map(({ id }) => `Provenance/${id}`)
        .filter(mayRead);
      differ(
        one,
        `${query}: Provenance`,
        wanted.sort(),
        included.filter((r) => r.startsWith('Provenance/')).sort(),
      );
    }
    checkHidden(
      one,
      query,
      entriesOf(answer).map((entry) => entry['resource']),
    );
  }

  // Histories of types and of all.
  for (const [path, of] of [
    ['Observation/_history', ['Observation']],
    ['_history', ALL_TYPES],
  ] as const) {
    const interaction = path === '_history' ? 'history-system' : 'history-type';
    const answer = await send(one, 'GET', `${path}?_count=1000`);
    const may = of.some((type) => access.mayType(token, interaction, type));
    note(interaction, may);
    if (may !== (answer.status === 200) && !(answer.status === 200 && anySearch))
      differ(one, path, may, answer.status);
    if (answer.status !== 200) continue;
    const expected = RESOURCES.filter(
      (resource) =>
        of.includes(resource.resourceType as never) &&
        access.may(token, interaction, resource as unknown as JsonObject),
    ).map((resource) => `${resource.resourceType}/${resource.id}`);
    differ(one, path, expected.sort(), [...new Set(listed(answer))].sort());
  }

  // A batch is its entries; what one asks later is asked with the same rights.
  const urls = ['Patient/p1', 'Patient/p3', 'Observation/p1-very', 'Practitioner/d4', 'Binary/p2-bin'];
  const batch = await send(one, 'POST', '', {
    resourceType: 'Bundle',
    type: 'batch',
    entry: urls.map((url) => ({ request: { method: 'GET', url } })),
  });
  differ(
    one,
    'batch',
    urls.map((url) =>
      mayRead(url) ? '200' : access.mayType(token, 'read', url.split('/')[0] as string) ? '404' : '403',
    ),
    entriesOf(batch).map((entry) => String((entry['response'] as JsonObject)['status']).slice(0, 3)),
  );
  // A plan tells of all data: it is for who runs the server, with all rights.
  const explain = await send(one, 'GET', 'Observation?_explain=true');
  const mayExplain = token.role === 'super_admin' && token.scopes === 'user/*.cruds';
  differ(one, '_explain', mayExplain ? 200 : 403, explain.status);
  note('_explain', mayExplain);
}

/** A write that leaves the resource as it was. */
async function writes(one: Case, at: number): Promise<void> {
  const { token } = one;
  for (const [i, resource] of RESOURCES.entries()) {
    if ((i + at) % (9 * SHARE) !== 0) continue;
    const json = resource as unknown as JsonObject;
    const { resourceType: type, id } = resource;
    const url = `${type}/${id}`;
    const mayUpdate = access.may(token, 'update', json);
    const hidden = shownThoughHidden(token, json).length > 0;
    const update = await send(one, 'PUT', url, resource);
    note('update', mayUpdate && !hidden);
    // References that the asker cannot see may stay where they are.
    differ(one, `update ${url}`, mayUpdate && !hidden, update.status === 200);
    if (!mayUpdate) differ(one, `update ${url}`, 403, update.status);

    const patch = await send(one, 'PATCH', url, [{ op: 'test', path: '/id', value: id }], {
      contentType: 'application/json-patch+json',
    });
    const mayPatch = access.may(token, 'patch', json) && access.may(token, 'read', json);
    note('patch', mayPatch);
    const status = mayPatch
      ? 200
      : access.mayType(token, 'patch', type) && access.mayType(token, 'read', type)
        ? 404
        : 403;
    differ(one, `patch ${url}`, status, patch.status);
    checkHidden(one, `patch ${url}`, patch.status === 200 ? [patch.body] : []);

    if (!access.may(token, 'delete', json)) {
      const remove = await send(one, 'DELETE', url);
      differ(one, `delete ${url}`, access.mayType(token, 'delete', type) ? 404 : 403, remove.status);
      const conditional = await send(one, 'DELETE', `${type}?_id=${id}`);
      const found = access.mayType(token, 'search-type', type) && access.may(token, 'search-type', json);
      const expected = !access.mayType(token, 'delete', type) ? 403 : found ? 403 : [200, 204];
      const ok = Array.isArray(expected)
        ? expected.includes(conditional.status)
        : conditional.status === expected;
      differ(one, `conditional delete of ${url}: ${conditional.status}`, true, ok);
      note('delete', false);
    }

    // A conditional create finds what may be found, and says nothing of the rest.
    if (access.mayType(token, 'create', type) && !hidden) {
      const { id: _id, ...fresh } = resource;
      const create = await send(one, 'POST', type, fresh, {
        header: (name: string) => (name === 'if-none-exist' ? `_id=${id}` : undefined),
      });
      const finds = access.may(token, 'search-type', json);
      if (finds) differ(one, `conditional create like ${url}`, 200, create.status);
      else differ(one, `conditional create like ${url} finds nothing`, false, create.status === 200);
      note('conditional create', finds);
      if (create.status === 201) {
        const made = String(create.headers['Location']).split('/').slice(-4, -2).join('/');
        const cleared = await server.send(tenant, 'DELETE', made);
        expect(cleared.status).toBe(204);
      }
    }
  }
  await clearProvenances(one);
  const still = await server.send(tenant, 'GET', '?_summary=count');
  if (still.body['total'] !== RESOURCES.length)
    wrong.push(`${one.name}: ${still.body['total']} resources are left`);
}

/** What an agent has written is told by a Provenance, which would be in the way of the cases to come. */
async function clearProvenances(one: Case): Promise<void> {
  const all = await server.send(tenant, 'GET', 'Provenance?_count=1000&_elements=id');
  const ids = entriesOf(all as unknown as Reply).map((entry) =>
    String((entry['resource'] as JsonObject)['id']),
  );
  const made = ids.filter((id) => !RESOURCES.some((resource) => resource.id === id));
  if (one.scope.agent !== true) differ(one, 'Provenances of an agent', 0, made.length);
  for (const id of made) expect((await server.send(tenant, 'DELETE', `Provenance/${id}`)).status).toBe(204);
}

describe('what each role and scope shape may do is what the tables say', () => {
  test('at least 3,000 requests, allowed and denied', async () => {
    for (const [at, one] of accessCases(tenant).entries()) {
      await reads(one, at);
      await searches(one, at);
      if (at % SHARE === 0) await others(one);
      await writes(one, at);
    }
    console.log(`${requests} requests`, {
      allowed: Object.fromEntries(allowed),
      denied: Object.fromEntries(denied),
    });
    const shown = wrong.slice(0, Number(process.env['FC_SHOW'] ?? 15)).join('\n');
    expect(wrong.length, `${wrong.length} answers differ\n${shown}`).toBe(0);
    expect(requests).toBeGreaterThanOrEqual(3000);
    for (const feature of [
      'read',
      'vread',
      'history-instance',
      'type',
      'chain',
      '_has',
      '_list',
      'update',
      'patch',
      '$everything',
      'include',
    ]) {
      expect(allowed.get(feature) ?? 0, `${feature} was allowed`).toBeGreaterThan(0);
    }
    for (const feature of [
      'read',
      'vread',
      'history-instance',
      'type',
      'chain',
      'update',
      'patch',
      'delete',
    ]) {
      expect(denied.get(feature) ?? 0, `${feature} was denied`).toBeGreaterThan(0);
    }
  }, 600_000);
});
