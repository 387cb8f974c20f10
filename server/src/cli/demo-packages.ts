import type { Tenant } from '../access/scope.ts';
// Not by way of its index.ts, which brings more than the primary process needs in its memory.
import { environmentPackages, hasPackage, packageCache } from '../conformance/packages/search.ts';
import type { OwnerConnection } from '../storage/migrate.ts';

/** What the demo tenant gets when it is found. */
const US_CORE = ['hl7.fhir.us.core#5.0.1', 'hl7.fhir.us.core#6.1.0'] as const;
/** The few profiles of US Core 5.0.1 that come with Vesta's definitions, where neither is found. */
export const PARTIAL = 'hl7.fhir.us.core.partial#5.0.1';
/** In the place of this one. */
export const WHOLE = US_CORE[0];

const markerOf = ({ id }: Tenant): string => `demo-packages:${id}`;

/** What the demo tenant has been given, as `name#version`. What somebody removes later does not come back. */
export async function givenPackages(connection: OwnerConnection, tenant: Tenant): Promise<string[]> {
  const { rows } = await connection.query('select value from store.setting where name = $1', [
    markerOf(tenant),
  ]);
  return ((rows[0]?.value ?? '') as string).split(' ').filter((id) => id !== '');
}

/** Notes that the demo tenant has been given packages. */
export async function noteGiven(
  connection: OwnerConnection,
  tenant: Tenant,
  ids: readonly string[],
): Promise<void> {
  await connection.query(
    'insert into store.setting (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value',
    [markerOf(tenant), ids.join(' ')],
  );
}

/** Where packages are looked for; no registry: a start needs no network. */
export const demoPlaces = (): string[] => [...environmentPackages(), packageCache()];

/**
 * What the demo tenant has not been given yet: `name#version` of what is found, or of the partial package when nothing
 * is. Only names of files are looked at.
 */
export async function missingPackages(
  connection: OwnerConnection,
  tenant: Tenant,
  places: readonly string[] = demoPlaces(),
): Promise<string[]> {
  const given = await givenPackages(connection, tenant);
  const found = US_CORE.filter((id) => !given.includes(id) && hasPackage(id, places));
  return found.length > 0 || given.length > 0 ? found : [PARTIAL];
}

/** One line that says which packages the demo tenant has been given; undefined if none. */
export async function demoPackagesText(
  connection: OwnerConnection,
  tenant: Tenant,
): Promise<string | undefined> {
  const given = await givenPackages(connection, tenant);
  if (given.length === 0) return undefined;
  const whole = given.filter((id) => id !== PARTIAL);
  return whole.length > 0
    ? `The demo tenant has the profiles of ${whole.join(' and ')}`
    : 'The demo tenant has the few US Core 5.0.1 profiles that come with Vesta: no package hl7.fhir.us.core was found';
}
