import type { Tenant } from '../access/scope.ts';
import type { DefinitionsModel, SearchParamModel } from '../conformance/model.ts';
import type { PackageSet } from '../conformance/packages/index.ts';
import type { Resource } from '../json/types.ts';
import type { IndexEntries, IndexKeys } from '../search/index-model.ts';
import type { FieldPolicy } from '../security/fields/policy.ts';
import type { ActivePackage } from '../storage/packages/active-packages.ts';
import type { Validators } from '../validation/profiles/index.ts';
import type { TenantPolicy } from './tenant-policy.ts';

/** A SearchParameter resource of a tenant, compiled. */
export interface OwnSearchParameter {
  /** Id of the resource. */
  readonly id: string;
  /** What it adds, for each base type; nothing for a code that the type has already. */
  readonly models: readonly SearchParamModel[];
  /** Whether all resources, older ones too, are indexed by it: then /metadata names it. */
  readonly ready: boolean;
}

/** A package that is active in a tenant. */
export interface TenantPackage extends ActivePackage {
  /** What its SearchParameters add, for each base type. */
  readonly models: readonly SearchParamModel[];
  /** Whether all resources, older ones too, are indexed by them. */
  readonly ready: boolean;
}

/** A tenant with everything compiled for it: what the interactions need besides the request. Never changed; replaced. */
export interface TenantContext {
  readonly tenant: Tenant;
  /** `http://host:port/fhir/{tenant}`, without trailing slash. */
  readonly baseUrl: string;
  readonly keys: IndexKeys;
  /** The built-in definitions with the search parameters of the tenant's packages and its own. */
  readonly definitions: DefinitionsModel;
  /** The tenant's count of changes to its definitions, packages and policy when this was made. */
  readonly conformanceVersion: number;
  readonly policy: TenantPolicy;
  /** Which identifiers are stored encrypted; none where the server has no master key. */
  readonly fields: FieldPolicy;
  /** The search parameters that come from the tenant's own SearchParameter resources. */
  readonly ownSearchParameters: readonly OwnSearchParameter[];
  /** The packages that are active, the tenant's before the shared ones. */
  readonly activePackages: readonly TenantPackage[];
  /** The index entries of a resource, without texts that are stored encrypted. */
  extract(resource: Resource): IndexEntries;
  /** Where definitions are found: the tenant's StructureDefinitions, its packages, the shared ones, R4 core. */
  packages(): Promise<PackageSet>;
  /** The profile validators over {@link packages}. @throws FhirError 422 when there is too much to be worked with */
  validators(): Promise<Validators>;
}
