import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, startHarness } from '../../test/harness.ts';
import { openScope } from '../access/scope.ts';
import { internalRequest } from '../fhir/internal-request.ts';
import { IsolationFaults } from './isolation.ts';

/* Issue 5, section 4: tenant isolation violations are counted in /metrics. */

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ tenants: ['north', 'south'] });
});
afterAll(() => harness?.stop());

const counted = async () =>
  Number(
    /^tenant_isolation_violations_total (\d+)$/m.exec(
      await (await fetch(`${harness.url}/metrics`)).text(),
    )?.[1],
  );

test('a statement that row level security refuses, and a request with access to another tenant, count one each', async () => {
  const { connections, fhir } = harness.service;
  const [north, south] = await Promise.all(['north', 'south'].map((name) => fhir.tenants.byName(name)));
  if (north === undefined || south === undefined) throw new Error('no tenants');
  expect(await counted()).toBe(0);
  await expect(
    connections.within(north.tenant, 'write', (connection) =>
      connection.query({
        text: `insert into store.client_assertion (tenant_id, jti_hash, expires) values ($1, '\\x00', 1)`,
        values: [south.tenant.id],
      }),
    ),
  ).rejects.toThrow('row-level security');
  expect(await counted()).toBe(1);
  const request = internalRequest(north, openScope(south.tenant), ['Patient']);
  await expect(fhir.handle(request)).rejects.toMatchObject({ status: 403 });
  expect(await counted()).toBe(2);
});

test('other errors, and what clients try in vain, are not counted', async () => {
  const { connections, fhir } = harness.service;
  const north = await fhir.tenants.byName('north');
  if (north === undefined) throw new Error('no tenant');
  const before = await counted();
  await expect(
    connections.within(north.tenant, 'write', (connection) =>
      connection.query({ text: 'drop table store.resource', values: [] }),
    ),
  ).rejects.toMatchObject({ code: '42501' });
  await fetch(`${harness.url}/fhir/north/Patient?organization=${harness.url}/fhir/south/Organization/1`);
  expect(await counted()).toBe(before);
  const faults = new IsolationFaults();
  for (const error of [new Error('row-level security'), {}, { code: '42501', message: 1 }])
    faults.look(error);
  expect(faults.count).toBe(0);
});
