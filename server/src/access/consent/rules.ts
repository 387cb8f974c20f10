import type { ConsentRule, Period, Provision } from './consent.ts';
import { type ConsentRequest, holds } from './decide.ts';
import { deniedBy } from './grants.ts';

/** A provision and all that are nested in it. */
function* provisionsOf(provision: Provision): Generator<Provision> {
  yield provision;
  for (const one of provision.provisions) yield* provisionsOf(one);
}

/** Whether a consent can change what anybody may do: it denies something, or permits something to somebody by name. */
export function bearsOnAccess({ root }: ConsentRule): boolean {
  for (const { type, actors } of provisionsOf(root)) if (type === 'deny' || actors !== undefined) return true;
  return false;
}

/** The groups of people (`CareTeam/1`, `Group/1`) that consents name as actors: who is in them must be looked up. */
export function groupsNamed(rules: readonly ConsentRule[]): string[] {
  const groups = new Set<string>();
  for (const { root } of rules) {
    for (const { actors = [] } of provisionsOf(root)) {
      for (const { reference } of actors) if (/^(CareTeam|Group)\//.test(reference)) groups.add(reference);
    }
  }
  return [...groups];
}

/** Whether consents name practitioners by their roles or organizations. */
export function namesRoles(rules: readonly ConsentRule[]): boolean {
  for (const { root } of rules) {
    for (const { actors = [] } of provisionsOf(root))
      if (actors.some(({ reference }) => /^(PractitionerRole|Organization)\//.test(reference))) return true;
  }
  return false;
}

/** The next moment after `now` (epoch milliseconds) at which a provision begins or ends to hold; Infinity for none. */
export function nextBoundary(rules: readonly ConsentRule[], now: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { root } of rules)
    for (const { period } of provisionsOf(root)) next = Math.min(next, boundaryOf(period, now));
  return next;
}

/** The next moment at which a period begins or is over. */
export function boundaryOf(period: Period | undefined, now: number): number {
  if (period === undefined) return Number.POSITIVE_INFINITY;
  if (period.low > now) return period.low;
  return period.high >= now ? period.high + 1 : Number.POSITIVE_INFINITY;
}

/**
 * A consent as it is for somebody who has access by it only, such as a caregiver: what it permits to them by name, they
 * may see; what it permits to everybody is about those who treat the patient.
 */
export function byNameOnly(rule: ConsentRule, request: ConsentRequest): ConsentRule {
  const narrowed = (provision: Provision, named: boolean): Provision => {
    const isNamed = named || (provision.actors !== undefined && holds(provision, request));
    return {
      ...provision,
      type: isNamed ? provision.type : 'deny',
      provisions: provision.provisions.map((one) => narrowed(one, isNamed)),
    };
  };
  return { ...rule, root: narrowed(rule.root, false) };
}

/** The consents (`Consent/id`) that deny something to a request. */
export function consentsDenying(rules: readonly ConsentRule[], request: ConsentRequest): string[] {
  return rules.flatMap((rule) => (deniedBy(rule, request) === undefined ? [] : [rule.source]));
}
