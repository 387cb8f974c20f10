import type { Tenant } from '../access/scope.ts';
import type { DefinitionsModel, SearchParamModel } from '../conformance/model.ts';
import type { Resource } from '../json/types.ts';
import type { IndexEntries, IndexKeys } from '../search/index-model.ts';

/** A SearchParameter resource of a tenant, compiled. */
export interface OwnSearchParameter {
  /** Id of the resource. */
  readonly id: string;
  /** What it adds, for each base type; nothing for a code that the type has already. */
  readonly models: readonly SearchParamModel[];
  /** Whether all resources, older ones too, are indexed by it: then /metadata names it. */
  readonly ready: boolean;
}

/** A tenant with everything compiled for it: what the interactions need besides the request. Never changed; replaced. */
export interface TenantContext {
  readonly tenant: Tenant;
  /** `http://host:port/fhir/{tenant}`, without trailing slash. */
  readonly baseUrl: string;
  readonly keys: IndexKeys;
  /** The built-in definitions with the tenant's own search parameters. */
  readonly definitions: DefinitionsModel;
  /** The tenant's count of changes to its search parameters when these definitions were compiled. */
  readonly conformanceVersion: number;
  /** The search parameters that come from the tenant's own SearchParameter resources. */
  readonly ownSearchParameters: readonly OwnSearchParameter[];
  extract(resource: Resource): IndexEntries;
}
