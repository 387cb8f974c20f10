import { formatScopes } from '../../auth/scopes/index.ts';
import { type ParsedScopes, PERMISSIONS, type ResourceScope } from '../../auth/scopes/scope.ts';
import { RESOURCE_TYPES } from '../../conformance/resource-types.ts';
import { ADMINISTRATIVE_POLICIES } from './administrative.ts';
import { CLINICAL_POLICIES } from './clinical.ts';
import { PERSONAL_POLICIES } from './personal.ts';
import type { PolicyRule, Role, RolePolicy } from './policy.ts';
import { SYSTEM_POLICIES } from './systems.ts';

export { type PolicyRule, ROLES, type Role, type RolePolicy } from './policy.ts';

/** The policies that hold where a tenant has no own, by role. */
export const DEFAULT_POLICIES: ReadonlyMap<string, RolePolicy> = new Map(
  [...ADMINISTRATIVE_POLICIES, ...CLINICAL_POLICIES, ...PERSONAL_POLICIES, ...SYSTEM_POLICIES].map(
    (policy) => [policy.role, policy],
  ),
);

/** A tenant's own policies, by role: each stands in place of the default one. */
export type PolicyOverrides = ReadonlyMap<string, RolePolicy>;

/** The policy of a role in a tenant; undefined for what is no role: then nothing is allowed. */
export function policyOf(role: string, overrides?: PolicyOverrides): RolePolicy | undefined {
  return overrides?.get(role) ?? DEFAULT_POLICIES.get(role);
}

/** The types that a rule is for. */
export function typesOf({ types, except }: PolicyRule): readonly string[] {
  if (types !== '*') return types;
  return except === undefined ? RESOURCE_TYPES : RESOURCE_TYPES.filter((type) => !except.includes(type));
}

/**
 * The scopes that a role may be granted: what intersectScopes takes as allowed. For each type the letters that some rule
 * gives, for every context that the role has: patient scopes for all, user scopes for people.
 */
export function scopesAllowedTo(role: Role | string, overrides?: PolicyOverrides): ParsedScopes {
  const policy = policyOf(role, overrides);
  const letters = new Map<string, Set<string>>();
  for (const rule of policy?.rules ?? []) {
    for (const type of typesOf(rule)) {
      const known = letters.get(type) ?? new Set();
      letters.set(type, known);
      for (const letter of rule.may) known.add(letter);
    }
  }
  const resources = (['patient', 'user'] as const).flatMap((context) =>
    [...letters].map(
      ([type, own]): ResourceScope => ({
        context,
        type,
        permissions: PERMISSIONS.filter((one) => own.has(one)),
        search: [],
        version: 2,
      }),
    ),
  );
  return {
    resources: resources.filter(({ permissions }) => permissions.length > 0),
    context: [
      'launch',
      'launch/patient',
      'launch/encounter',
      'openid',
      'fhirUser',
      'profile',
      'offline_access',
      'online_access',
    ],
    unknown: [],
  };
}

/** {@link scopesAllowedTo} as text. */
export function scopeTextAllowedTo(role: string, overrides?: PolicyOverrides): string {
  return formatScopes(scopesAllowedTo(role, overrides));
}
