import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import type { Tenant } from '../access/scope.ts';
import { packageArchive } from '../conformance/packages/test-archive.ts';
import { listPackages } from '../packages/list-packages.ts';
import { removePackages } from '../packages/manage-packages.ts';
import { ownedPackages } from '../storage/packages/package-store.ts';
import { ensureTenant } from '../storage/tenants.ts';
import { demoPackagesText, missingPackages } from './demo-packages.ts';
import { installDemoPackages } from './install-demo-packages.ts';

/* Issue 4, section 1: `demo` activates US Core 5.0.1 and 6.1.0 when found, else the profiles that Vesta has, and says which. */

const SHARED = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'packages');

let database: TestDatabase;
let client: pg.Client;
let places: string;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  places = mkdtempSync(join(tmpdir(), 'vesta-demo-test-'));
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
  rmSync(places, { recursive: true, force: true });
});

const made = async (name: string): Promise<Tenant> => (await ensureTenant(client, name)).tenant;
const listOf = async (tenant: Tenant): Promise<string[]> =>
  (await listPackages(ownedPackages(client, tenant.id))).map(
    ({ name, version, active }) => `${name}#${version}${active ? '' : ' inactive'}`,
  );

describe('packages of the demo tenant', () => {
  it('are those that come with Vesta until US Core is found, which then takes their place', async () => {
    const tenant = await made('demo');
    expect(await demoPackagesText(client, tenant)).toBeUndefined();
    await installDemoPackages(client, tenant, [places]);
    expect(await listOf(tenant)).toEqual(['hl7.fhir.us.core.partial#5.0.1']);
    expect(await demoPackagesText(client, tenant)).toContain('no package hl7.fhir.us.core was found');
    expect(await missingPackages(client, tenant, [places])).toEqual([]);
    writeFileSync(
      join(places, 'hl7.fhir.us.core-5.0.1.tgz'),
      packageArchive({ name: 'hl7.fhir.us.core', version: '5.0.1', fhirVersions: ['4.0.1'] }, []),
    );
    expect(await missingPackages(client, tenant, [places])).toEqual(['hl7.fhir.us.core#5.0.1']);
    await installDemoPackages(client, tenant, [places]);
    expect(await listOf(tenant)).toEqual([
      'hl7.fhir.us.core#5.0.1',
      'hl7.fhir.us.core.partial#5.0.1 inactive',
    ]);
    expect(await demoPackagesText(client, tenant)).toBe(
      'The demo tenant has the profiles of hl7.fhir.us.core#5.0.1',
    );
  });

  it('do not come back when somebody has removed them', async () => {
    const tenant = await made('demo');
    await removePackages(ownedPackages(client, tenant.id), ['hl7.fhir.us.core']);
    expect(await missingPackages(client, tenant, [places])).toEqual([]);
    await installDemoPackages(client, tenant, [places]);
    expect(await listOf(tenant)).toEqual(['hl7.fhir.us.core.partial#5.0.1 inactive']);
  });

  it.skipIf(!existsSync(SHARED))('are US Core 5.0.1 and 6.1.0 where they are found', async () => {
    const tenant = await made('other');
    await installDemoPackages(client, tenant, [SHARED]);
    expect(await listOf(tenant)).toEqual(['hl7.fhir.us.core#5.0.1', 'hl7.fhir.us.core#6.1.0']);
    expect(await demoPackagesText(client, tenant)).toContain(
      'hl7.fhir.us.core#5.0.1 and hl7.fhir.us.core#6.1.0',
    );
  });
});
