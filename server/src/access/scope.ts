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

/** A compartment of R4 compartmentdefinition.html: `{ type: 'Patient', id: '123' }`. */
export interface CompartmentRef {
  readonly type: string;
  readonly id: string;
}

/**
 * How a resource belongs to the compartments of a grant.
 * - `member`: it is in one of them, or is the resource that one is named after.
 * - `referred`: something in one of them refers to it, such as a Practitioner or Medication; a PractitionerRole also
 *   where its practitioner is such, and organizations, locations, services, endpoints and substances that these name.
 * - `about`: it is in one of them, or is about what is: a Provenance by its targets, a Device by its
 *   patient, a Binary by its securityContext.
 */
export type Reach = 'member' | 'referred' | 'about';

/** A rule that a stored resource meets or does not: what exceptions from grants are made of. Plain JSON. */
export type RowRule =
  | { readonly kind: 'any'; readonly of: readonly RowRule[] }
  | { readonly kind: 'all'; readonly of: readonly RowRule[] }
  | { readonly kind: 'not'; readonly of: RowRule }
  | {
      readonly kind: 'row';
      readonly types?: readonly string[];
      readonly compartment?: CompartmentRef;
      /** A query string without type; a parameter that a type does not have is met by none of its resources. */
      readonly search?: string;
    };

/** What one grant allows. A request is allowed when any grant allows it. Plain JSON: jobs keep it. */
export interface Grant {
  /** Resource types, or `*` for all. */
  readonly types: readonly string[] | '*';
  readonly interactions: readonly Interaction[] | '*';
  /** Only resources in this compartment, e.g. `{ type: 'Patient', id: '123' }`. */
  readonly compartment?: CompartmentRef;
  /** Only resources in one of these compartments (a caregiver's patients); none at all for an empty list. */
  readonly compartments?: readonly CompartmentRef[];
  /** How resources belong to the compartments; `member` by default. */
  readonly reach?: Reach;
  /** Only resources that this search finds, as a query string without type: `category=laboratory`. */
  readonly search?: string;
  /** Only resources without any of these labels (`system|code`) in meta.security. */
  readonly hiddenLabels?: readonly string[];
  /** Only resources that meet none of these rules. */
  readonly except?: readonly RowRule[];
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
  /** The client that acts for the subject. */
  readonly client?: string;
  /** The client is an agent: a program that acts for the subject, or by itself. What it writes gets a Provenance. */
  readonly agent?: true;
  /** The consumer of events (events/event.ts) that is not told of what is written: an agent's own, which would wake it for ever. */
  readonly unheardBy?: string;
  /** v3 ActReason code of why it is asked, such as TREAT. */
  readonly purposeOfUse?: string;
  /** The role of a person who asks with nobody in between; absent for services and for agents that act for somebody. */
  readonly role?: string;
  /** Patients whose records are open to the subject in an emergency, with the v3 ActReason code of each. */
  readonly emergencies?: Readonly<Record<string, string>>;
  /** Elements that do not exist for the asker, by type: `{ Patient: ['identifier', 'address.line'] }`. */
  readonly hidden?: HiddenElements;
}

/** Paths below a type, in the names of its JSON; a choice element as `deceased[x]`. */
export type HiddenElements = Readonly<Record<string, readonly string[]>>;

/** The scope of VESTA_AUTH=open: everything in one tenant. */
export function openScope(tenant: Tenant): AccessScope {
  return { tenant, subject: 'anonymous', grants: [{ types: '*', interactions: '*' }] };
}

/** Whether a grant is for an interaction with a type, whichever of its resources it narrows that to. */
export function bearsOn(grant: Grant, type: string, interaction: Interaction): boolean {
  return (
    (grant.types === '*' || grant.types.includes(type)) &&
    (grant.interactions === '*' || grant.interactions.includes(interaction))
  );
}

/** The grants that bear on an interaction with a type; an empty list means forbidden. */
export function grantsFor(scope: AccessScope, type: string, interaction: Interaction): readonly Grant[] {
  return scope.grants.filter((grant) => bearsOn(grant, type, interaction));
}

/** Whether a grant keeps none of the resources of its types back. */
export function isOpenGrant(grant: Grant): boolean {
  return (
    grant.compartment === undefined &&
    grant.compartments === undefined &&
    grant.search === undefined &&
    (grant.hiddenLabels === undefined || grant.hiddenLabels.length === 0) &&
    (grant.except === undefined || grant.except.length === 0)
  );
}

/** The compartments that a grant is narrowed to; undefined where it is not. */
export function compartmentsOf(grant: Grant): readonly CompartmentRef[] | undefined {
  const { compartment, compartments } = grant;
  if (compartment === undefined) return compartments;
  if (compartments === undefined) return [compartment];
  return compartments.filter(({ type, id }) => type === compartment.type && id === compartment.id);
}

/** Whether some grant allows the interaction on the type without keeping any resource of it back. */
export function isUnrestricted(scope: AccessScope, type: string, interaction: Interaction): boolean {
  return grantsFor(scope, type, interaction).some(isOpenGrant);
}

/** Whether nothing at all is kept back: neither resources nor elements. */
export function isOpenScope({ grants, hidden }: AccessScope): boolean {
  return (
    hidden === undefined &&
    grants.some((grant) => grant.types === '*' && grant.interactions === '*' && isOpenGrant(grant))
  );
}

/** Whether two scopes are the same person's and client's and allow the same: writes share a transaction, jobs an owner. */
export function sameScope(a: AccessScope, b: AccessScope): boolean {
  return (
    a === b ||
    (a.tenant.id === b.tenant.id &&
      a.subject === b.subject &&
      a.client === b.client &&
      a.role === b.role &&
      (a.grants === b.grants || canonicalText(a.grants) === canonicalText(b.grants)) &&
      (a.hidden === b.hidden || canonicalText(a.hidden ?? {}) === canonicalText(b.hidden ?? {})))
  );
}

const canonicalTexts = new WeakMap<object, string>();

/** JSON text that does not depend on the order of members: the database keeps none. */
function canonicalText(value: object): string {
  let text = canonicalTexts.get(value);
  if (text === undefined) {
    text = JSON.stringify(value, (_, one: unknown) =>
      typeof one === 'object' && one !== null && !Array.isArray(one)
        ? Object.fromEntries(Object.entries(one).sort(([left], [right]) => (left < right ? -1 : 1)))
        : one,
    );
    canonicalTexts.set(value, text);
  }
  return text;
}
