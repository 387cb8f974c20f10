/** A tenant as requests carry it: the number that every row is keyed by and the name in the URL. */
export interface Tenant {
  readonly id: number;
  readonly name: string;
}

/** The RESTful interactions of R4 http.html, as CapabilityStatement codes them. */
export type Interaction =
  | 'read'
  | 'vread'
  | 'update'
  | 'patch'
  | 'delete'
  | 'history-instance'
  | 'history-type'
  | 'history-system'
  | 'create'
  | 'search-type'
  | 'search-system'
  | 'capabilities'
  | 'transaction'
  | 'batch'
  | 'operation';

/** What one grant allows. A request is allowed when any grant allows it. */
export interface Grant {
  /** Resource types, or `*` for all. */
  readonly types: readonly string[] | '*';
  readonly interactions: readonly Interaction[] | '*';
  /** Only resources in this compartment, e.g. `{ type: 'Patient', id: '123' }`. */
  readonly compartment?: { readonly type: string; readonly id: string };
  /** Only resources that this search finds, as a query string without type: `category=laboratory`. */
  readonly search?: string;
}

/**
 * Who asks and what they may see: the first argument of every interaction, storage call and search.
 * Search and storage turn the grants into SQL conditions; nothing is filtered after the query.
 */
export interface AccessScope {
  readonly tenant: Tenant;
  /** Who acts, for audit: a reference (`Practitioner/1`), a client id, or `anonymous` in open mode. */
  readonly subject: string;
  readonly grants: readonly Grant[];
}

/** The scope of VESTA_AUTH=open: everything in one tenant. */
export function openScope(tenant: Tenant): AccessScope {
  return { tenant, subject: 'anonymous', grants: [{ types: '*', interactions: '*' }] };
}

/** The grants that bear on an interaction with a type; an empty list means forbidden. */
export function grantsFor(scope: AccessScope, type: string, interaction: Interaction): readonly Grant[] {
  return scope.grants.filter(
    (grant) =>
      (grant.types === '*' || grant.types.includes(type)) &&
      (grant.interactions === '*' || grant.interactions.includes(interaction)),
  );
}

/** Whether some grant allows the interaction on the type without narrowing it to a compartment or search. */
export function isUnrestricted(scope: AccessScope, type: string, interaction: Interaction): boolean {
  return grantsFor(scope, type, interaction).some((grant) => !grant.compartment && !grant.search);
}
