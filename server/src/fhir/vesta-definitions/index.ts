import { type AccessScope, grantsFor } from '../../access/scope.ts';
import type { FhirPackage, PackageEntry } from '../../conformance/packages/index.ts';
import { entryOf } from '../../conformance/packages/package.ts';
import type { Resource } from '../../json/types.ts';
import { type MatchContext, matches } from '../../search/match/index.ts';
import type { ParsedSearch } from '../../search/query/types.ts';
import { planDefinitions } from '../../workflows/definitions.ts';
import type { TenantContext } from '../tenant-context.ts';
import { codeSystems } from './code-systems.ts';
import { extensions } from './extensions.ts';
import { operationDefinitions } from './operation-definitions.ts';
import { profiles } from './profiles.ts';
import { questionnaires } from './questionnaires.ts';

/*
 * What /metadata and Vesta's own resources name by canonical URLs of Vesta's own. It is part of the software, the same for
 * every tenant, and kept in no database; a tenant's own resource with the same type and id takes its place.
 */

let made: ReadonlyMap<string, ReadonlyMap<string, Resource>> | undefined;

/** By type, then by id. */
function byType(): ReadonlyMap<string, ReadonlyMap<string, Resource>> {
  if (made === undefined) {
    const types = new Map<string, Map<string, Resource>>();
    for (const resource of [
      ...operationDefinitions(),
      ...codeSystems(),
      ...profiles(),
      ...extensions(),
      ...planDefinitions(),
      ...questionnaires(),
    ]) {
      const type = types.get(resource.resourceType) ?? new Map<string, Resource>();
      types.set(resource.resourceType, type.set(String(resource['id']), resource));
    }
    made = types;
  }
  return made;
}

/** All of Vesta's own definitions. */
export function vestaDefinitions(): Resource[] {
  return [...byType().values()].flatMap((resources) => [...resources.values()]);
}

/** Whether a scope shows what belongs to no patient and has no labels. */
function shows(scope: AccessScope, type: string, interaction: 'read' | 'search-type'): boolean {
  return grantsFor(scope, type, interaction).some(
    ({ compartment, compartments, search }) =>
      compartment === undefined && compartments === undefined && search === undefined,
  );
}

/** A definition by its id, as somebody may read it; undefined where there is none. */
export function readableDefinition(scope: AccessScope, type: string, id: string): Resource | undefined {
  const found = byType().get(type)?.get(id);
  return found !== undefined && shows(scope, type, 'read') ? found : undefined;
}

/**
 * The definitions that a search of their type finds, where it asks for definitions by `url` or `_id`: other searches are
 * for what the tenant has stored.
 */
export function foundDefinitions(
  scope: AccessScope,
  parsed: ParsedSearch,
  tenant: TenantContext,
  context: MatchContext,
): Resource[] {
  const { resourceType: type } = parsed;
  const resources = type === undefined ? undefined : byType().get(type);
  if (type === undefined || resources === undefined || !shows(scope, type, 'search-type')) return [];
  if (parsed.compartment !== undefined || parsed.contained === 'true') return [];
  if (!parsed.applied.some(([name]) => name === 'url' || name === '_id')) return [];
  return [...resources.values()].filter((resource) =>
    matches(parsed.criteria, resource, tenant.extract(resource), context),
  );
}

/** The definitions as a package: profiles are validated against and codes known as those of installed packages are. */
export function vestaPackage(): FhirPackage {
  const path = 'vesta.core';
  const files = new Map(vestaDefinitions().map((one) => [`${one.resourceType}/${one['id']}`, one]));
  return {
    manifest: { name: path, version: '1.0.0', fhirVersions: ['4.0.1'], dependencies: new Map() },
    path,
    entries: [...files].map(([file, resource]) => entryOf(file, resource, path) as PackageEntry),
    read: ({ file }) => files.get(file) as Resource,
    examples: () => [],
  };
}
