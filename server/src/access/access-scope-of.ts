import {
  interactionsOf,
  type ParsedScopes,
  PERMISSIONS,
  type Permission,
  parseScopes,
} from '../auth/scopes/index.ts';
import type { AccessToken } from '../auth/token/access-token.ts';
import { RESOURCE_TYPES } from '../conformance/resource-types.ts';
import { type BreakGlass, breakGlassGrants, openAccesses } from './break-glass.ts';
import { type ConsentRules, withConsents } from './consent/grants.ts';
import { intersectGrants, merged } from './grants.ts';
import { ownRecordGrants } from './own-record.ts';
import { type PolicyOverrides, policyOf, typesOf } from './policies/index.ts';
import type { RolePolicy } from './policies/policy.ts';
import { reachOf } from './policies/reach.ts';
import type { AccessScope, CompartmentRef, Grant, HiddenElements, Interaction, Tenant } from './scope.ts';

/** What of a verified access token decides what it may do. */
export type TokenClaims = Pick<
  AccessToken,
  'clientId' | 'subject' | 'fhirUser' | 'role' | 'scopes' | 'patient' | 'purposeOfUse' | 'actor'
>;

/** What bears on the decision besides the token. */
export interface AccessFacts {
  /** The tenant's own policies. */
  readonly overrides?: PolicyOverrides;
  /** Ids of the patients whom a caregiver's account is for; of a patient it is fhirUser. */
  readonly patients?: readonly string[];
  /** Emergency accesses of the person, ended ones too. */
  readonly breakGlass?: readonly BreakGlass[];
  /** The consents that concern what the person may see (access/consent). */
  readonly consents?: ConsentRules;
  /** Epoch milliseconds; the clock's time by default. */
  readonly now?: number;
}

/**
 * What a token may do: the intersection of its scopes and of its role's policy (of the agent's too, where one acts for
 * the person). Pure. A patient scope confines to the launch's patient, and so does the role of patients and caregivers to
 * their own. A role that is not known, a patient scope without a patient: nothing.
 */
export function accessScopeOf(token: TokenClaims, tenant: Tenant, facts: AccessFacts = {}): AccessScope {
  const now = facts.now ?? Date.now();
  const scoped = scopeGrants(parseScopes(token.scopes), token.patient);
  const policies = policiesOf(token, facts.overrides);
  let grants = scoped;
  for (const policy of policies ?? []) {
    grants = intersectGrants(grants, roleGrants(policy, ownPatients(policy, token, facts)));
  }
  if (policies === undefined) grants = [];
  if (policies !== undefined) grants = [...grants, ...ownRecordGrants(token)];
  if (facts.consents !== undefined) grants = withConsents(grants, facts.consents);
  // An agent opens nothing in an emergency: that takes a person's own judgement.
  const role = token.actor === undefined ? policies?.[0] : undefined;
  const open = role === undefined ? [] : openAccesses(role, token, facts.breakGlass ?? [], now);
  // What consents and labels keep back in other times is what an emergency is about.
  if (role !== undefined && open.length > 0)
    grants = [...grants, ...intersectGrants(scoped, breakGlassGrants(role, open))];
  const hidden = hiddenBy(policies ?? []);
  const emergencies = Object.fromEntries(open.map(({ patient, purposeOfUse }) => [patient, purposeOfUse]));
  return {
    tenant,
    subject: token.fhirUser ?? token.subject,
    grants: merged(grants),
    client: token.actor?.clientId ?? token.clientId,
    ...(token.actor === undefined && token.role !== 'agent' ? {} : { agent: true }),
    ...(token.purposeOfUse === undefined ? {} : { purposeOfUse: token.purposeOfUse }),
    ...(token.role === undefined || token.actor !== undefined ? {} : { role: token.role }),
    ...(open.length === 0 ? {} : { emergencies }),
    ...(hidden === undefined ? {} : { hidden }),
  };
}

/** The policies that all must allow; undefined where the token names a role that there is not. */
function policiesOf(token: TokenClaims, overrides: PolicyOverrides | undefined): RolePolicy[] | undefined {
  const roles = [
    ...(token.role === undefined ? [] : [token.role]),
    ...(token.actor === undefined || token.role === 'agent' ? [] : ['agent']),
  ];
  const policies = roles.map((role) => policyOf(role, overrides));
  return policies.every((policy) => policy !== undefined) ? policies : undefined;
}

/** The patients that a role is confined to; undefined where it is not. */
function ownPatients(
  policy: RolePolicy,
  token: TokenClaims,
  facts: AccessFacts,
): readonly string[] | undefined {
  if (!policy.ownPatients) return undefined;
  const own = /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(token.fhirUser ?? '')?.[1];
  return [
    ...(own === undefined ? [] : [own]),
    ...(policy.role === 'caregiver' ? (facts.patients ?? []) : []),
  ];
}

/** What scopes alone allow. */
export function scopeGrants(scopes: ParsedScopes, patient: string | undefined): Grant[] {
  return scopes.resources.flatMap((scope) => {
    const types = scope.type === '*' ? ('*' as const) : [scope.type];
    const search =
      scope.search.length === 0
        ? {}
        : { search: String(new URLSearchParams(scope.search as [string, string][])) };
    const whole = scope.permissions.length === PERMISSIONS.length;
    const interactions: Interaction[] = [
      ...interactionsOf(scope.permissions),
      ...(whole ? (['operation'] as const) : []),
    ];
    if (scope.context !== 'patient') return [{ types, interactions, ...search }];
    if (patient === undefined) return [];
    return confined(types === '*' ? RESOURCE_TYPES : types, interactions, [patient], search);
  });
}

/** What a policy alone allows. @param patients ids of those whom the role is confined to */
export function roleGrants(policy: RolePolicy, patients: readonly string[] | undefined): Grant[] {
  const labels = policy.hiddenLabels.length === 0 ? {} : { hiddenLabels: policy.hiddenLabels };
  return merged(
    policy.rules.flatMap((rule) => {
      const letters = PERMISSIONS.filter((one) => rule.may.includes(one)) as Permission[];
      const interactions: Interaction[] = [
        ...interactionsOf(letters),
        ...(rule.may.includes('o') ? (['operation'] as const) : []),
      ];
      const more = { ...(rule.search === undefined ? {} : { search: rule.search }), ...labels };
      if (patients !== undefined) return confined(typesOf(rule), interactions, patients, more);
      const types = rule.types === '*' && rule.except === undefined ? ('*' as const) : typesOf(rule);
      // Policies of roles belong to no record: who may write them may write them after a deletion, too.
      if (types !== '*' && types.includes('Parameters') && rule.search === undefined) {
        const others = types.filter((type) => type !== 'Parameters');
        const own: Grant = { types: ['Parameters'], interactions };
        return others.length === 0 ? [own] : [own, { types: others, interactions, ...more }];
      }
      return [{ types, interactions, ...more }];
    }),
  );
}

const READING = new Set<Interaction>([...interactionsOf(['r', 's'])]);

/** Grants over types, confined to the records of patients: each type by the way that it belongs to them. */
function confined(
  types: readonly string[],
  interactions: readonly Interaction[],
  patients: readonly string[],
  more: Partial<Grant>,
): Grant[] {
  const compartments = patients.map((id): CompartmentRef => ({ type: 'Patient', id }));
  const reading = interactions.filter((one) => READING.has(one));
  return [...Map.groupBy(types, reachOf)].flatMap(([reach, own]): Grant[] => {
    switch (reach) {
      case undefined:
        return [];
      case 'open':
        return reading.length === 0 ? [] : [{ types: own, interactions: reading, ...more }];
      case 'referred':
        return reading.length === 0
          ? []
          : [{ types: own, interactions: reading, compartments, reach, ...more }];
      default:
        return [{ types: own, interactions, compartments, reach, ...more }];
    }
  });
}

/** The hidden elements of all policies; undefined for none. */
function hiddenBy(policies: readonly RolePolicy[]): HiddenElements | undefined {
  const hidden: Record<string, string[]> = {};
  for (const { hiddenElements } of policies) {
    for (const [type, paths] of Object.entries(hiddenElements))
      hidden[type] = [...new Set([...(hidden[type] ?? []), ...paths])];
  }
  return Object.keys(hidden).length === 0 ? undefined : hidden;
}
