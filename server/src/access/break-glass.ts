import { interactionsOf } from '../auth/scopes/index.ts';
import type { TokenClaims } from './access-scope-of.ts';
import { DEFAULT_POLICIES, typesOf } from './policies/index.ts';
import type { RolePolicy } from './policies/policy.ts';
import { reachOf } from './policies/reach.ts';
import type { CompartmentRef, Grant } from './scope.ts';

/** An emergency access: whose record, by whom, why and for how long. It is audited and notified where it is made. */
export interface BreakGlass {
  /** Who opened it: the token's fhirUser or subject. */
  readonly subject: string;
  /** Id of the patient. */
  readonly patient: string;
  /** In the person's own words. */
  readonly reason: string;
  /** v3 ActReason: `ETREAT` (emergency treatment) or `BTG` (break the glass). */
  readonly purposeOfUse: 'ETREAT' | 'BTG';
  /** Epoch milliseconds. */
  readonly from: number;
  readonly until: number;
}

/** Longest emergency access, in milliseconds. */
export const LONGEST = 4 * 60 * 60 * 1000;
const SHORTEST_REASON = 10;

/** Why an emergency access cannot be opened; empty where it can. */
export function breakGlassProblems(policy: RolePolicy | undefined, asked: BreakGlass): string[] {
  const problems: string[] = [];
  if (policy?.breakGlass !== true) problems.push('The role may not open records in an emergency');
  if (asked.reason.trim().length < SHORTEST_REASON)
    problems.push(`The reason needs at least ${SHORTEST_REASON} characters`);
  if (!/^[A-Za-z0-9\-.]{1,64}$/.test(asked.patient)) problems.push('The patient must be named by id');
  if (!(asked.until > asked.from) || asked.until - asked.from > LONGEST)
    problems.push(`The access must end within ${LONGEST / 60_000} minutes`);
  return problems;
}

/** The emergency accesses that somebody has at a moment, as far as the role still may have any. */
export function openAccesses(
  policy: RolePolicy,
  token: Pick<TokenClaims, 'fhirUser' | 'subject'>,
  accesses: readonly BreakGlass[],
  now: number,
): BreakGlass[] {
  const subject = token.fhirUser ?? token.subject;
  return accesses.filter(
    (one) =>
      one.subject === subject &&
      one.from <= now &&
      now < one.until &&
      breakGlassProblems(policy, one).length === 0,
  );
}

/**
 * The grants that open emergency accesses add: reading all that the role reads, and what an attending reads, of these
 * patients' records, whatever its labels. Writing stays as it was.
 */
export function breakGlassGrants(policy: RolePolicy, open: readonly BreakGlass[]): Grant[] {
  const compartments = open.map(({ patient }): CompartmentRef => ({ type: 'Patient', id: patient }));
  const rules = [...policy.rules, ...(DEFAULT_POLICIES.get('attending')?.rules ?? [])];
  const types = new Set(rules.filter(({ may }) => may.includes('r')).flatMap(typesOf));
  return [...Map.groupBy(types, reachOf)].flatMap(([reach, own]): Grant[] =>
    reach === undefined || reach === 'open'
      ? []
      : [{ types: own, interactions: interactionsOf(['r', 's']), compartments, reach }],
  );
}
