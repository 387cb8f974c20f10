import { isObject } from '../../json/objects.ts';
import type { ClaimNames, RoleRule } from './provider.ts';

/** Why a login at an identity provider is not accepted. The message goes to the audit log, not to the person. */
export class SsoError extends Error {}

/** Who somebody is by the word of an identity provider, after all checks of the protocol. */
export interface ProvedIdentity {
  /** Names the person at this provider for good: the issuer, a space and `sub` or the NameID. */
  readonly subject: string;
  /** Claims of the id_token or attributes of the assertion by name; values of attributes are lists of texts. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly emailVerified: boolean;
  /** When the provider has asked for proof, in epoch milliseconds. */
  readonly authenticated?: number;
  readonly acr?: string;
  readonly amr: readonly string[];
  /** The provider's session: `sid` or SessionIndex. */
  readonly session?: string;
}

/**
 * The values of a claim as texts: of a list each of them, of an object none.
 * @param name a member, or a path of members with dots
 */
export function claimValues(claims: Readonly<Record<string, unknown>>, name: string): string[] {
  return texts(Object.hasOwn(claims, name) ? claims[name] : atPath(claims, name.split('.')));
}

function atPath(value: unknown, path: readonly string[]): unknown {
  let place = value;
  for (const member of path) {
    if (!isObject(place as never) || !Object.hasOwn(place as object, member)) return undefined;
    place = (place as Record<string, unknown>)[member];
  }
  return place;
}

function texts(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => (Array.isArray(each) ? [] : texts(each)));
  if (typeof value === 'string') return value === '' ? [] : [value];
  return typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : [];
}

/** The first value of a claim without the space around it; undefined when there is none, or it is longer than allowed. */
export function claimText(
  claims: Readonly<Record<string, unknown>>,
  name: string,
  longest = 320,
): string | undefined {
  const value = claimValues(claims, name)[0]?.trim();
  return value === undefined || value === '' || value.length > longest ? undefined : value;
}

/** The role that the mapping gives: of the first rule that fits. Undefined: the person may not come in. */
export function mappedRole(
  rules: readonly RoleRule[],
  claims: Readonly<Record<string, unknown>>,
): string | undefined {
  return rules.find(({ claim, value }) => {
    const values = claimValues(claims, claim);
    return value === '*' ? values.length > 0 : values.includes(value);
  })?.role;
}

const FHIR_USER = /^(Practitioner|PractitionerRole|Patient|RelatedPerson)\/[A-Za-z0-9\-.]{1,64}$/;

/**
 * The reference that a claim holds, relative to the tenant's base.
 * @param fhirBase of the tenant: absolute references must lie below it
 * @returns undefined when the claim is missing
 * @throws SsoError when it is no reference to a person of this tenant
 */
export function claimedFhirUser(
  claims: Readonly<Record<string, unknown>>,
  { fhirUser }: Pick<ClaimNames, 'fhirUser'>,
  fhirBase: string,
): string | undefined {
  const value = fhirUser === undefined ? undefined : claimText(claims, fhirUser, 1000);
  if (value === undefined) return undefined;
  const relative = value.startsWith(`${fhirBase}/`) ? value.slice(fhirBase.length + 1) : value;
  if (!FHIR_USER.test(relative))
    throw new SsoError('the fhirUser claim is no reference to a person of this tenant');
  return relative;
}

/** Whether the provider has checked a second factor that counts. */
export const provedMfa = (
  { acr, amr }: Pick<ProvedIdentity, 'acr' | 'amr'>,
  counts: { readonly acr: readonly string[]; readonly amr: readonly string[] },
): boolean =>
  (acr !== undefined && counts.acr.includes(acr)) || amr.some((each) => counts.amr.includes(each));
