import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessScopeOf } from '../src/access/access-scope-of.ts';
import { readConsent } from '../src/access/consent/consent.ts';
import { type ConsentSubject, decide } from '../src/access/consent/decide.ts';
import type { Tenant } from '../src/access/scope.ts';
import { TestServer } from '../src/jobs/test-support.ts';
import type { JsonObject, Resource } from '../src/json/types.ts';
import { ACT_CODE, RESOURCES } from './access-data.ts';

/* R4 consent.html: the SQL that a consent becomes decides of each resource as decide() does. FC_SEED repeats a run. */

const RUNS = Number(process.env['FC_RUNS'] ?? 150);
const NOW = Date.UTC(2024, 5, 1);
const TYPES = ['Observation', 'Condition', 'DocumentReference', 'Encounter', 'Claim'];

let server: TestServer;
let tenant: Tenant;

beforeAll(async () => {
  server = await TestServer.start();
  tenant = await server.tenant('consents');
  const entry = RESOURCES.map((resource) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }));
  const answer = await server.send(tenant, 'POST', '', {
    resourceType: 'Bundle',
    type: 'transaction',
    entry,
  });
  expect(answer.status).toBe(200);
}, 60_000);

afterAll(() => server?.stop());

const provision: fc.Arbitrary<JsonObject> = fc.letrec<{ provision: JsonObject }>((tie) => ({
  provision: fc
    .record(
      {
        type: fc.constantFrom('permit', 'deny'),
        actor: fc
          .constantFrom('Practitioner/d1', 'Practitioner/d2')
          .map((reference) => [{ reference: { reference } }]),
        purpose: fc.constantFrom('TREAT', 'HRESCH').map((code) => [{ code }]),
        securityLabel: fc.constantFrom('PSY', 'PSYTHPN', 'SUD').map((code) => [{ system: ACT_CODE, code }]),
        class: fc
          .constantFrom(...TYPES.map((code) => ({ system: 'http://hl7.org/fhir/resource-types', code })), {
            system: 'http://loinc.org',
            code: '34117-2',
          })
          .map((one) => [one]),
        code: fc
          .constantFrom('lab', 'vital', 'very')
          .map((code) => [{ coding: [{ system: 'http://loinc.org', code }] }]),
        dataPeriod: fc.constantFrom(
          { start: '2024-01-01' },
          { end: '2024-02-01' },
          { start: '2024-03-01', end: '2024-03-31' },
        ),
        data: fc
          .constantFrom('Observation/p1-lab', 'Condition/p1-dx')
          .chain((reference) =>
            fc.constantFrom('instance', 'related').map((meaning) => [{ meaning, reference: { reference } }]),
          ),
        provision: fc.array(tie('provision') as fc.Arbitrary<JsonObject>, {
          maxLength: 2,
          depthIdentifier: 'p',
        }),
      },
      { requiredKeys: ['type'] },
    )
    .map((one) => one as JsonObject),
})).provision;

const list = (value: unknown): JsonObject[] =>
  (Array.isArray(value) ? value : value === undefined ? [] : [value]) as JsonObject[];
const tokens = (codings: readonly JsonObject[]) =>
  codings.map(({ system, code }) => `${String(system ?? '')}|${String(code)}`);
const codingsOf = (value: unknown) => list(value).flatMap((one) => list(one['coding']));

/** What decide() is told of a resource, read from its JSON. */
function subjectOf(resource: JsonObject): ConsentSubject {
  const { resourceType, id, effectiveDateTime, created } = resource;
  const date = effectiveDateTime ?? created;
  const low = typeof date === 'string' ? Date.parse(date) : undefined;
  return {
    reference: `${String(resourceType)}/${String(id)}`,
    type: String(resourceType),
    labels: tokens(list((resource['meta'] as JsonObject | undefined)?.['security'])),
    codes: tokens([...codingsOf(resource['code']), ...codingsOf(resource['type'])]),
    classes: tokens(codingsOf(resource['type'])),
    ...(low === undefined ? {} : { date: { low, high: low } }),
  };
}

describe('consents', () => {
  test('SQL and decide() agree over random provisions', async () => {
    const seed = Number(process.env['FC_SEED'] ?? (process.env['CI'] ? 7 : Date.now() % 2 ** 31));
    const cases = fc.tuple(
      fc.constantFrom('OPTIN', 'OPTOUT', undefined),
      fc.array(provision, { maxLength: 3 }),
    );
    let denied = 0;
    for (const [rule, provisions] of fc.sample(cases, { seed, numRuns: RUNS })) {
      const consent = readConsent({
        resourceType: 'Consent',
        id: 'c',
        status: 'active',
        patient: { reference: 'Patient/p1' },
        ...(rule === undefined ? {} : { policyRule: { coding: [{ code: rule }] } }),
        provision: { provision: provisions },
      } as Resource);
      if (consent === undefined) throw new Error('no consent');
      const request = { actors: ['Practitioner/d1'], action: 'access', purpose: 'TREAT', now: NOW };
      const scope = accessScopeOf(
        { clientId: 'app', subject: 's', fhirUser: 'Practitioner/d1', scopes: 'user/*.rs' },
        tenant,
        { consents: { rules: [consent], request }, now: NOW },
      );
      const answer = await server.send(tenant, 'GET', `?_type=${TYPES.join(',')}&_count=1000`, undefined, {
        scope,
      });
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      const found = ((answer.body['entry'] ?? []) as JsonObject[]).map((entry) =>
        String(entry['fullUrl']).split('/').slice(-2).join('/'),
      );
      const expected = RESOURCES.filter(({ resourceType }) => TYPES.includes(resourceType))
        .filter((resource) => {
          const own = resource.id.startsWith('p1');
          const permitted =
            !own || decide(consent, request, subjectOf(resource as unknown as JsonObject)) === 'permit';
          if (!permitted) denied++;
          return permitted;
        })
        .map(({ resourceType, id }) => `${resourceType}/${id}`);
      expect(found.sort(), `FC_SEED=${seed} ${rule} ${JSON.stringify(provisions)}`).toEqual(expected.sort());
    }
    expect(denied).toBeGreaterThan(RUNS);
  }, 300_000);
});
