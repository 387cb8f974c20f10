import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessScopeOf } from '../src/access/access-scope-of.ts';
import type { AccessScope, Tenant } from '../src/access/scope.ts';
import type { FhirRequest } from '../src/fhir/request.ts';
import { TestServer } from '../src/jobs/test-support.ts';
import type { JsonObject } from '../src/json/types.ts';

/*
 * Issue 5, section 5: access that was given in one tenant is worth nothing in another, in which the same ids, people and
 * patients are; and the other way round, what it opens leads nowhere else.
 */

let server: TestServer;
let north: Tenant;
let south: Tenant;

beforeAll(async () => {
  server = await TestServer.start();
  north = await server.tenant('north');
  south = await server.tenant('south');
  for (const tenant of [north, south]) {
    const put = (resource: { resourceType: string; id: string }) => ({
      resource,
      request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
    });
    const subject = { reference: 'Patient/same' };
    const answer = await server.send(tenant, 'POST', '', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        put({ resourceType: 'Patient', id: 'same', name: [{ family: `Of ${tenant.name}` }] } as never),
        put({
          resourceType: 'Observation',
          id: 'same',
          status: 'final',
          code: { text: tenant.name },
          subject,
        } as never),
        put({
          resourceType: 'Observation',
          id: tenant.name,
          status: 'final',
          code: { text: tenant.name },
          subject,
        } as never),
      ],
    });
    expect(answer.status).toBe(200);
  }
  server.startJobs();
}, 60_000);

afterAll(() => server?.stop());

const SHAPES = [
  { scopes: 'system/*.cruds' },
  { scopes: 'user/*.cruds', role: 'super_admin', fhirUser: 'Practitioner/same' },
  { scopes: 'patient/*.cruds', role: 'patient', fhirUser: 'Patient/same', patient: 'same' },
];
const scopesOf = (tenant: Tenant): AccessScope[] =>
  SHAPES.map((claims) => accessScopeOf({ clientId: 'app', subject: 'same', ...claims }, tenant));

const REQUESTS: readonly (readonly [FhirRequest['method'], string, unknown?])[] = [
  ['GET', 'Patient/same'],
  ['GET', 'Patient/same/_history/1'],
  ['GET', 'Patient/same/_history'],
  ['GET', 'Patient/_history'],
  ['GET', '_history'],
  ['GET', 'Patient?name=Of'],
  ['POST', 'Patient/_search'],
  ['GET', '?_type=Patient,Observation'],
  ['GET', 'Patient/same/Observation'],
  ['GET', 'Observation?subject.name=Of&_include=Observation:subject'],
  ['GET', 'Patient/same/$everything'],
  ['GET', 'Observation/$lastn?patient=same'],
  ['GET', 'Patient/same/$meta'],
  ['GET', 'metadata'],
  ['PUT', 'Patient/same', { resourceType: 'Patient', id: 'same' }],
  ['POST', 'Patient', { resourceType: 'Patient' }],
  ['DELETE', 'Observation/same'],
  [
    'POST',
    '',
    { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: 'Patient/same' } }] },
  ],
  ['POST', '$reindex'],
];

describe('access given in another tenant', () => {
  it.each(REQUESTS.map(([method, target, body]) => ({ method, target, body })))(
    '$method $target is refused with no word of what is here',
    async ({ method, target, body }) => {
      for (const scope of scopesOf(north)) {
        const answer = await server.send(south, method, target, body, { scope });
        expect(answer.status).toBe(403);
        expect(JSON.stringify(answer.body)).not.toMatch(/Of south|Observation\//);
      }
    },
  );

  it('does not reach its jobs, nor does a job of one tenant run or answer in the other', async () => {
    const [scope] = scopesOf(north);
    const accepted = await server.send(north, 'GET', 'Observation', undefined, {
      async: true,
      scope: scope!,
    });
    expect(accepted.status).toBe(202);
    const path = String(accepted.headers['Content-Location']).split('/north/')[1] as string;
    for (const method of ['GET', 'DELETE'] as const) {
      expect((await server.send(south, method, path, undefined, { scope: scope! })).status).toBe(403);
      for (const own of scopesOf(south))
        expect((await server.send(south, method, path, undefined, { scope: own })).status).toBe(404);
    }
    expect(
      (await server.send(south, 'GET', 'Observation', undefined, { async: true, scope: scope! })).status,
    ).toBe(403);
  });

  it('its paging links do not work here', async () => {
    const [scope] = scopesOf(north);
    const page = await server.send(north, 'GET', 'Observation?_count=1', undefined, { scope: scope! });
    const next = (page.body['link'] as JsonObject[]).find(({ relation }) => relation === 'next');
    const target = `Observation?${String(next?.['url']).split('?')[1]}`;
    expect((await server.send(north, 'GET', target, undefined, { scope: scope! })).status).toBe(200);
    for (const own of scopesOf(south)) {
      const answer = await server.send(south, 'GET', target, undefined, { scope: own });
      expect(answer.status).toBe(400);
    }
  });
});

describe('access given here', () => {
  it('shows what is here, and nothing of the same name in the other tenant', async () => {
    for (const scope of scopesOf(south)) {
      for (const target of [
        'Observation',
        'Patient/same/$everything',
        '?_type=Patient,Observation',
        '_history',
      ]) {
        const answer = await server.send(south, 'GET', target, undefined, { scope });
        expect(answer.status, `${target} ${JSON.stringify(answer.body).slice(0, 200)}`).toBe(200);
        expect(JSON.stringify(answer.body)).toMatch(/south/);
        expect(JSON.stringify(answer.body)).not.toMatch(/Of north|"north"|\/north/);
      }
    }
  });
});
