import type { AccessFacts, TokenClaims } from '../access/access-scope-of.ts';
import type { BreakGlass } from '../access/break-glass.ts';
import { type ConsentRule, comparableReference, readConsent } from '../access/consent/consent.ts';
import { type ConsentRequest, patientsPermitting } from '../access/consent/decide.ts';
import {
  bearsOnAccess,
  boundaryOf,
  byNameOnly,
  groupsNamed,
  namesRoles,
  nextBoundary,
} from '../access/consent/rules.ts';
import type { PolicyOverrides } from '../access/policies/index.ts';
import { isPolicyResource, storedPolicies } from '../access/policies/policy-resource.ts';
import type { Tenant } from '../access/scope.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import { type AccessChange, accessChangesSince } from '../storage/access/changes.ts';
import { openEmergencyAccesses } from '../storage/access/emergency-accesses.ts';
import { ResourceMirror, resourcesByHash, resourcesByToken } from '../storage/access/mirror.ts';
import { ChangeWatch } from '../storage/change-watch.ts';
import type { Connections } from '../storage/connections.ts';
import { fhirError } from './outcome.ts';
import { referenceTo } from './references/literal.ts';
import type { TenantContext } from './tenant-context.ts';

/** Most active consents of a tenant that deny something or name somebody: each decision looks at all of them. */
const MOST_CONSENTS = 5000;
/** Most roles of one practitioner that are looked at. */
const MOST_ROLES = 200;
const MOST_TENANTS = 200;
/** Longest time that a decision is used without looking at the facts again, in milliseconds. */
const LONGEST = 60_000;
/** The same where it rests on who is in a group: that changes without being told of. */
const GROUPS_FRESH = 4000;

/** What of a tenant the reader needs: {@link TenantContext} has it, and so has a command. */
export type FactsContext = Pick<TenantContext, 'tenant' | 'keys' | 'definitions'>;

/** Facts about a token's bearer, and how long they may be relied on. */
export interface KnownFacts {
  readonly facts: AccessFacts;
  /** Epoch milliseconds: then something begins or ends to hold. */
  readonly until: number;
}

/** What decides in a tenant, whoever asks. */
interface TenantFacts {
  readonly rules: readonly ConsentRule[];
  readonly overrides: PolicyOverrides;
  readonly emergencies: readonly BreakGlass[];
}

interface Kept {
  readonly facts: Promise<TenantFacts>;
  readonly epoch: number;
  readonly at: number;
}

interface Mirrors {
  readonly consents: ResourceMirror<ConsentRule>;
  readonly policies: ResourceMirror<Resource>;
}

/**
 * What decides about access besides the token: a tenant's consents, policies and emergency accesses, and whom a person
 * stands for. A change by this process counts at once ({@link changed}), one by another within four seconds
 * ({@link fresh}).
 */
export class AccessFactsReader {
  readonly #connections: Connections;
  readonly #watch: ChangeWatch<AccessChange>;
  readonly #counts = new Map<number, number>();
  readonly #epochs = new Map<number, number>();
  readonly #kept = new Map<number, Kept>();
  readonly #mirrors = new Map<number, Mirrors>();

  constructor(connections: Connections) {
    this.#connections = connections;
    this.#watch = new ChangeWatch(
      (since) => accessChangesSince(connections, since),
      (changes) => {
        for (const { tenantId, count } of changes) {
          if (this.#counts.get(tenantId) === count) continue;
          this.#counts.set(tenantId, count);
          this.#advance(tenantId);
        }
      },
    );
  }

  /** Resolves when it is known what other processes have changed; undefined when it is already. */
  fresh(): Promise<void> | undefined {
    return this.#watch.fresh();
  }

  /** Another number whenever something has changed in the tenant: what was decided before may hold no longer. */
  epoch({ id }: Tenant): number {
    return this.#epochs.get(id) ?? 0;
  }

  /** This process has committed something that bears on access in the tenant. */
  changed({ id }: Tenant): void {
    this.#advance(id);
  }

  #advance(tenantId: number): void {
    this.#epochs.set(tenantId, (this.#epochs.get(tenantId) ?? 0) + 1);
  }

  /** The tenant's own policies, by role. */
  async overridesOf(context: FactsContext): Promise<PolicyOverrides> {
    await this.fresh();
    return (await this.#tenantFacts(context)).overrides;
  }

  /** The emergency accesses of a tenant that are open. */
  async emergenciesOf(context: FactsContext): Promise<readonly BreakGlass[]> {
    await this.fresh();
    const now = Date.now();
    return (await this.#tenantFacts(context)).emergencies.filter(({ until }) => until > now);
  }

  /**
   * The facts about a token's bearer.
   * @throws FhirError 503 when the tenant has more active consents than can be enforced: then nothing is shown
   */
  async factsOf(token: TokenClaims, context: FactsContext): Promise<KnownFacts> {
    const { rules, overrides, emergencies } = await this.#tenantFacts(context);
    const now = Date.now();
    let until = Math.min(now + LONGEST, nextBoundary(rules, now));
    const subject = token.fhirUser ?? token.subject;
    const breakGlass = emergencies.filter((one) => one.subject === subject);
    for (const one of breakGlass) if (one.until > now) until = Math.min(until, one.until);
    const isCaregiver = token.role === 'caregiver';
    const common = { overrides, breakGlass, now };
    if (rules.length === 0) return { facts: isCaregiver ? { ...common, patients: [] } : common, until };
    const { actors, ends } = await this.#actorsOf(token, rules, context, now);
    until = Math.min(until, ends);
    if (groupsNamed(rules).length > 0) until = Math.min(until, now + GROUPS_FRESH);
    const request: ConsentRequest = {
      actors,
      action: 'access',
      purpose: token.purposeOfUse ?? 'TREAT',
      now,
    };
    if (!isCaregiver) return { facts: { ...common, consents: { rules, request } }, until };
    const permitting = rules.filter((rule) => patientsPermitting([rule], request).length > 0);
    const own = rules.map((rule) => (permitting.includes(rule) ? byNameOnly(rule, request) : rule));
    const patients = [...new Set(permitting.map(({ patient }) => patient))];
    return { facts: { ...common, patients, consents: { rules: own, request } }, until };
  }

  #tenantFacts(context: FactsContext): Promise<TenantFacts> {
    const { tenant } = context;
    const known = this.#kept.get(tenant.id);
    const epoch = this.epoch(tenant);
    const now = performance.now();
    if (known !== undefined && known.epoch === epoch && now - known.at < LONGEST) return known.facts;
    // Two that read at once would each read all that has changed: the second waits for the first.
    const before = known?.facts.catch(() => undefined) ?? Promise.resolve();
    const facts = before.then(() => this.#read(context));
    if (this.#kept.size >= MOST_TENANTS && known === undefined) {
      this.#kept.clear();
      this.#mirrors.clear();
    }
    const kept = { facts, epoch, at: now };
    this.#kept.set(tenant.id, kept);
    facts.catch(() => {
      if (this.#kept.get(tenant.id) === kept) this.#kept.delete(tenant.id);
    });
    return facts;
  }

  async #read(context: FactsContext): Promise<TenantFacts> {
    const { tenant, definitions } = context;
    const { consents, policies } = this.#mirrorsOf(tenant);
    // One after the other: a command has one connection for all.
    const found = await consents.current(this.#connections);
    const resources = await policies.current(this.#connections);
    const emergencies = await openEmergencyAccesses(this.#connections, tenant, Date.now());
    if (found.size > MOST_CONSENTS)
      throw fhirError(503, 'too-costly', 'The tenant has more active consents than can be enforced');
    return {
      rules: [...found.values()],
      overrides: storedPolicies([...resources.values()], definitions),
      emergencies,
    };
  }

  #mirrorsOf(tenant: Tenant): Mirrors {
    let mirrors = this.#mirrors.get(tenant.id);
    if (mirrors === undefined) {
      mirrors = {
        consents: new ResourceMirror(tenant, 'Consent', (resource) => {
          const rule = readConsent(resource);
          return rule !== undefined && bearsOnAccess(rule) ? rule : undefined;
        }),
        policies: new ResourceMirror(tenant, 'Parameters', (resource) =>
          isPolicyResource(resource) ? resource : undefined,
        ),
      };
      this.#mirrors.set(tenant.id, mirrors);
    }
    return mirrors;
  }

  /**
   * References that stand for the bearer: the person, the roles that a practitioner has now, their organizations, the
   * teams and groups that consents name and the person is in.
   */
  async #actorsOf(
    { fhirUser }: TokenClaims,
    rules: readonly ConsentRule[],
    context: FactsContext,
    now: number,
  ): Promise<{ actors: string[]; ends: number }> {
    if (fhirUser === undefined) return { actors: [], ends: Number.POSITIVE_INFINITY };
    const { tenant, keys } = context;
    const actors = new Set<string>();
    let ends = Number.POSITIVE_INFINITY;
    const [type = '', id = ''] = fhirUser.split('/');
    const isPractitioner = type === 'Practitioner' || type === 'PractitionerRole';
    if (type === 'RelatedPerson') {
      const [person] = await resourcesByHash(this.#connections, tenant, [keys.reference(fhirUser)]);
      const holding = holdsNow(person, now);
      ends = Math.min(ends, holding.ends);
      if (holding.holds) actors.add(fhirUser);
    } else actors.add(fhirUser);
    if (isPractitioner && (namesRoles(rules) || type === 'PractitionerRole')) {
      const roles =
        type === 'PractitionerRole'
          ? await resourcesByHash(this.#connections, tenant, [keys.reference(fhirUser)])
          : await resourcesByToken(
              this.#connections,
              tenant,
              'PractitionerRole',
              keys.compartment('Practitioner', id),
              MOST_ROLES,
            );
      for (const role of roles) {
        const holding = holdsNow(role, now);
        ends = Math.min(ends, holding.ends);
        if (!holding.holds) continue;
        actors.add(`PractitionerRole/${String(role['id'])}`);
        for (const named of [role['practitioner'], role['organization']]) {
          const reference = comparableReference(named);
          if (reference !== undefined) actors.add(reference);
        }
      }
    }
    const groups = groupsNamed(rules).map((reference) => keys.reference(reference));
    for (const group of await resourcesByHash(this.#connections, tenant, groups)) {
      if (membersOf(group, now).some((reference) => actors.has(reference))) actors.add(referenceTo(group));
    }
    return { actors: [...actors], ends };
  }
}

/** Whether something that is active for a period holds now, and when that may change. */
function holdsNow(resource: JsonObject | undefined, now: number): { holds: boolean; ends: number } {
  if (resource === undefined) return { holds: false, ends: Number.POSITIVE_INFINITY };
  const period = periodOf(resource['period']);
  const isNow = period.low <= now && now <= period.high;
  return { holds: resource['active'] !== false && isNow, ends: boundaryOf(period, now) };
}

/** Who is in a CareTeam or Group now. */
function membersOf(group: Resource, now: number): string[] {
  const isIn = (one: JsonObject) => {
    const { low, high } = periodOf(one['period']);
    return low <= now && now <= high && one['inactive'] !== true;
  };
  if (group.resourceType === 'CareTeam') {
    if (group['status'] === 'inactive' || group['status'] === 'entered-in-error') return [];
    return objectsOf(group['participant'])
      .filter(isIn)
      .flatMap(({ member }) => comparableReference(member) ?? []);
  }
  if (group['active'] === false) return [];
  return objectsOf(group['member'])
    .filter(isIn)
    .flatMap(({ entity }) => comparableReference(entity) ?? []);
}

function periodOf(value: JsonValue | undefined): { low: number; high: number } {
  const bound = (name: string) => {
    const text = isObject(value) ? value[name] : undefined;
    return typeof text === 'string' ? dateRange(text) : undefined;
  };
  return {
    low: bound('start')?.low ?? Number.NEGATIVE_INFINITY,
    high: bound('end')?.high ?? Number.POSITIVE_INFINITY,
  };
}
