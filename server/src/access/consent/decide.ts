import type { ConsentRule, Decision, Period, Provision } from './consent.ts';

/** Who asks, why and when. */
export interface ConsentRequest {
  /** References that stand for who asks: the practitioner, their organizations, the client's device. */
  readonly actors: readonly string[];
  /** Code of R4 consent-action: `access`, `use`, `collect`, `disclose`, `correct`. */
  readonly action: string;
  /** v3 PurposeOfUse. */
  readonly purpose: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What a resource is, as far as provisions ask. */
export interface ConsentSubject {
  /** `Type/id`. */
  readonly reference: string;
  readonly type: string;
  /** `system|code` of meta.security. */
  readonly labels: readonly string[];
  /** `system|code` of its codes. */
  readonly codes: readonly string[];
  /** `system|code` of its document type, and `urn:ietf:rfc:3986|url` of its profiles. */
  readonly classes: readonly string[];
  /** The time that it is about, by its type's primary date. */
  readonly date?: Period;
}

/** Types that are no part of what a consent is about: the consents, and the record of who has seen what. */
export const UNDENIED: ReadonlySet<string> = new Set(['AuditEvent', 'Consent']);

/** What a consent says of a resource of its patient. */
export function decide(rule: ConsentRule, request: ConsentRequest, subject: ConsentSubject): Decision {
  const meets = (provision: Provision): boolean => holds(provision, request) && concerns(provision, subject);
  // A root that is not met says nothing: then the consent is about something else.
  if (!meets(rule.root)) return 'permit';
  if (UNDENIED.has(subject.type)) return 'permit';
  const within = (provision: Provision): Decision => {
    const met = provision.provisions.filter(meets);
    if (met.length === 0) return provision.type;
    return met.some((one) => within(one) === 'deny') ? 'deny' : 'permit';
  };
  return within(rule.root);
}

/** Whether the conditions about who asks, why and when are met. */
export function holds(provision: Provision, { actors, action, purpose, now }: ConsentRequest): boolean {
  return (
    (provision.period === undefined || (provision.period.low <= now && now <= provision.period.high)) &&
    (provision.actors === undefined ||
      provision.actors.some(({ reference }) => actors.includes(reference))) &&
    (provision.actions === undefined || provision.actions.includes(action)) &&
    (provision.purposes === undefined || provision.purposes.includes(purpose))
  );
}

function concerns(provision: Provision, subject: ConsentSubject): boolean {
  const overlaps = (wanted: readonly string[] | undefined, has: readonly string[]): boolean =>
    wanted === undefined || wanted.some((one) => has.includes(one));
  return (
    overlaps(provision.labels, subject.labels) &&
    overlaps(provision.codes, subject.codes) &&
    (provision.types === undefined ||
      provision.types.includes(subject.type) ||
      (provision.classes ?? []).some((one) => subject.classes.includes(one))) &&
    (provision.dataPeriod === undefined ||
      (subject.date !== undefined &&
        subject.date.low <= provision.dataPeriod.high &&
        subject.date.high >= provision.dataPeriod.low)) &&
    (provision.data === undefined ||
      provision.data.some(({ meaning, reference }) =>
        meaning === 'instance' ? reference === subject.reference : takesWidely(provision),
      ))
  );
}

/**
 * What is related to, depends on or was written by something cannot be told from a resource alone: a denial takes it
 * widely, a permission not at all.
 */
export function takesWidely({ type }: Provision): boolean {
  return type === 'deny';
}

/** Ids of the patients who permit something to one of these actors by name: those whom a caregiver cares for. */
export function patientsPermitting(rules: readonly ConsentRule[], request: ConsentRequest): string[] {
  const permits = (provision: Provision): boolean =>
    holds(provision, request) &&
    ((provision.type === 'permit' && provision.actors !== undefined) || provision.provisions.some(permits));
  return [...new Set(rules.filter(({ root }) => permits(root)).map(({ patient }) => patient))];
}
