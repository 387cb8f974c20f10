import type { Labeller } from '../../access/labels/labeller.ts';
import type { AccessScope, Tenant } from '../../access/scope.ts';
import type { AuditInput } from '../../audit/entry.ts';
import { agentsProvenance } from '../../audit/provenance.ts';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Outbox } from '../../events/outbox.ts';
import type { Hash64 } from '../../search/hash.ts';
import type { FieldCipher } from '../../security/fields/cipher.ts';
import { protectsNothing } from '../../security/fields/policy.ts';
import type { Connections } from '../../storage/connections.ts';
import { type RowIdGenerator, uuidV7 } from '../../storage/row-id.ts';
import { hashToText, type NewVersion } from '../../storage/rows.ts';
import type { TextDictionary } from '../../storage/text-dictionary.ts';
import { runTransaction, type Transaction } from '../../storage/transaction.ts';
import type { TerminologyService } from '../../terminology/service.ts';
import { FhirError, type Issue } from '../outcome.ts';
import { conditionalSearch } from '../search/conditional-search.ts';
import type { TenantContext } from '../tenant-context.ts';
import { noteDeciding } from './access-hooks.ts';
import { type BundleReferences, collectBundleReferences } from './bundle-references.ts';
import {
  assertConformance,
  type ConformanceSource,
  noteConformanceChange,
  StaleConformance,
} from './conformance-guard.ts';
import { type CriteriaMatch, CriteriaResolver } from './criteria.ts';
import { planDescription } from './describe.ts';
import {
  assertUnreferenced,
  lockForDeletion,
  lockTargets,
  missingTargets,
  missingTargetsError,
  type Target,
  targetsOf,
} from './integrity.ts';
import { assertNotReferredToByPlans, nothingDeleted, outcomeOf, type Plan, planWrite } from './plan.ts';
import { bodyAt, checkStructure, placed } from './prepare.ts';
import {
  checkProfiles,
  checkRequests,
  checkStructures,
  checksProfiles,
  throwTogether,
} from './resource-check.ts';
import { assertGranted, assertScopeOfCurrent, assertScopeOfWrites } from './scope-check.ts';
import { assertDistinct, conditionalTargets } from './targets.ts';
import { nextTurn, SLICE } from './turns.ts';
import type { WriteOutcome, WriteRequest, WriteResult } from './write-request.ts';

export interface WriteSettings {
  /** Whether literal references must point to something (VESTA_REFERENCES). */
  readonly references: 'strict' | 'lenient';
  /** Most resources that one conditional delete may remove. */
  readonly maxConditionalDelete: number;
}

/** Told of writes that have been committed, e.g. to copy large code systems into their tables. Must not throw. */
export type AfterCommit = (context: TenantContext, outcomes: readonly WriteOutcome[]) => void;

/** What the engine works with. */
export interface WriteParts {
  readonly connections: Connections;
  readonly rowIds: RowIdGenerator;
  readonly dictionary: TextDictionary;
  readonly conformance: ConformanceSource;
  /** Judges codes where a tenant's policy has writes validated against profiles. */
  readonly terminology: TerminologyService;
  /** What puts security labels on resources of a tenant; undefined for one that wants none. */
  readonly labellerOf?: ((context: TenantContext) => Promise<Labeller | undefined>) | undefined;
  /** Told of every write within its transaction. */
  readonly audit?: AuditTrail | undefined;
  /** Takes what consumers of events want to be told of. */
  readonly outbox?: Outbox | undefined;
  /** The cipher of a tenant's fields, where contexts have some encrypted. */
  readonly cipherOf?: ((tenant: Tenant) => FieldCipher | Promise<FieldCipher>) | undefined;
}

/**
 * All writes of the server pass here: single requests, batches and transactions. One database transaction covers all
 * requests of a call; their locks, checks, rows, index entries and history commit together.
 */
export class WriteEngine {
  readonly connections: Connections;
  readonly #parts: WriteParts;
  readonly #settings: WriteSettings;
  readonly #afterCommit: AfterCommit;

  constructor(parts: WriteParts, settings: WriteSettings, afterCommit: AfterCommit = () => {}) {
    this.connections = parts.connections;
    this.#parts = parts;
    this.#settings = settings;
    this.#afterCommit = afterCommit;
  }

  /**
   * Carries out all requests or none (R4 http.html#transaction), in the order DELETE, POST, PUT and PATCH whatever
   * their order in the list. References between them (`fullUrl`) and conditional references are resolved.
   * @param beforeCommit reads that belong to the transaction: they see what it wrote, and if they fail, all of it does;
   *   called again when the transaction has to be tried again
   * @returns an outcome for each request, in the order given
   * @throws FhirError for the first request that cannot be done; then nothing was written
   */
  async all(
    scope: AccessScope,
    context: TenantContext,
    requests: readonly WriteRequest[],
    beforeCommit?: (transaction: Transaction) => Promise<void>,
  ): Promise<WriteOutcome[]> {
    assertGranted(scope, requests);
    this.#parts.audit?.assertNotLogged(requests);
    await checkStructures(context, requests);
    const all = scope.agent === true ? [...requests, agentsProvenance(scope)] : requests;
    const references = collectBundleReferences(context, all);
    const results = await this.#run(scope, context, all, references, true, beforeCommit);
    return results.slice(0, requests.length) as WriteOutcome[];
  }

  /**
   * Carries out each request independently of the others (batch, and single requests that arrived together). Requests
   * of one call must have different targets and, but for conditional creates with different criteria, no criteria.
   * @returns for each request its outcome or its error
   */
  async each(
    scope: AccessScope,
    context: TenantContext,
    requests: readonly WriteRequest[],
  ): Promise<WriteResult[]> {
    const errors = new Map<WriteRequest, FhirError>();
    for (const request of requests) {
      try {
        assertGranted(scope, [request]);
        this.#parts.audit?.assertNotLogged([request]);
        if (request.resource !== undefined) checkStructure(context, request.resource, '');
        if (request.criteria !== undefined)
          conditionalSearch(scope, context, request.type, request.criteria, 2);
      } catch (error) {
        if (!(error instanceof FhirError)) throw error;
        errors.set(request, error);
      }
    }
    const good = requests.filter((request) => !errors.has(request));
    const done = good.length === 0 ? [] : await this.#run(scope, context, good, undefined, false);
    let next = 0;
    return requests.map((request) => errors.get(request) ?? (done[next++] as WriteResult));
  }

  /** One request by itself, with criteria or without. */
  async one(scope: AccessScope, context: TenantContext, request: WriteRequest): Promise<WriteOutcome> {
    return (await this.all(scope, context, [request]))[0] as WriteOutcome;
  }

  async #run(
    scope: AccessScope,
    given: TenantContext,
    requests: readonly WriteRequest[],
    references: BundleReferences | undefined,
    atomic: boolean,
    beforeCommit?: (transaction: Transaction) => Promise<void>,
  ): Promise<WriteResult[]> {
    let context = given;
    const newIds = new Map<WriteRequest, string>();
    for (;;) {
      const used = context;
      if (used !== given && used.policy !== given.policy) await checkStructures(used, requests);
      const { refused, notes } = await checkRequests(this.#parts.terminology, used, requests);
      if (atomic) throwTogether([...refused.values()]);
      const accepted = refused.size === 0 ? requests : requests.filter((request) => !refused.has(request));
      let events: readonly AuditInput[] = [];
      const cipher = protectsNothing(used.fields) ? undefined : await this.#parts.cipherOf?.(used.tenant);
      const label = await this.#parts.labellerOf?.(used);
      const attempt = () =>
        runTransaction(
          this.connections,
          used.tenant,
          async (transaction) => {
            const results = await this.#attempt(
              transaction,
              scope,
              used,
              accepted,
              references,
              newIds,
              atomic,
              notes,
              cipher,
              label,
              (written) => {
                events = written;
              },
            );
            if (beforeCommit !== undefined) {
              await transaction.flush();
              await beforeCommit(transaction);
            }
            return results;
          },
          // Independent requests must not wait long for one another's locks: their caller tries them singly.
          atomic ? {} : { lockTimeout: 300, attempts: 1 },
        );
      try {
        // A transaction that only reads has no requests; one of which all were refused has nothing to do.
        const nothingLeft = accepted.length === 0 && requests.length > 0;
        const results = nothingLeft ? [] : await attempt();
        this.#tellOfCommit(used, events, results);
        let next = 0;
        return requests.map((request) => refused.get(request) ?? (results[next++] as WriteResult));
      } catch (error) {
        // The tenant's definitions or policy changed under way: index and validate by the new ones.
        if (!(error instanceof StaleConformance)) throw error;
        context = await this.#parts.conformance.current(used.tenant);
      }
    }
  }

  /** Tells those who wait for commits. What they throw ends the process: the write is there, and must not look refused. */
  #tellOfCommit(
    context: TenantContext,
    events: readonly AuditInput[],
    results: readonly WriteResult[],
  ): void {
    try {
      this.#parts.audit?.committed(context.tenant, events);
      const outcomes = results.filter((result): result is WriteOutcome => !(result instanceof FhirError));
      this.#parts.outbox?.committed(outcomes);
      this.#afterCommit(context, outcomes);
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
  }

  async #attempt(
    transaction: Transaction,
    scope: AccessScope,
    context: TenantContext,
    requests: readonly WriteRequest[],
    references: BundleReferences | undefined,
    newIds: Map<WriteRequest, string>,
    atomic: boolean,
    told: ReadonlyMap<WriteRequest, readonly Issue[]>,
    cipher: FieldCipher | undefined,
    label: Labeller | undefined,
    noted: (events: readonly AuditInput[]) => void,
  ): Promise<WriteResult[]> {
    const notes = new Map(told);
    const conformance = assertConformance(transaction, context, requests);
    conformance.catch(() => {});
    const failures = new Map<WriteRequest, FhirError>();
    const fail = (request: WriteRequest, error: unknown): void => {
      if (!(error instanceof FhirError) || atomic) throw placed(error, request.at);
      failures.set(request, error);
    };

    // 1. Who is meant: criteria of conditional interactions and references.
    const criteria = new CriteriaResolver(transaction, scope, context);
    const targets = await this.#resolveTargets(criteria, requests, newIds, fail);
    const conditional =
      references === undefined ? undefined : await criteria.resolveReferences(references.conditional);
    if (references !== undefined) {
      references.rewrite((fullUrl) => {
        const request = references.byFullUrl.get(fullUrl);
        const target = request && targets.get(request);
        return target === undefined || target.length !== 1 ? undefined : `${request!.type}/${target[0]!.id}`;
      }, conditional ?? new Map());
    }
    assertDistinct(requests, targets);

    // 2. References out of the bundle, and locks.
    const deletions: Hash64[] = [];
    const rowsWanted: Hash64[] = [];
    const written = new Set<string>();
    for (const request of requests) {
      for (const target of targets.get(request) ?? []) {
        if (target.keep) continue;
        const hash = context.keys.reference(`${request.type}/${target.id}`);
        if (request.kind === 'delete') deletions.push(hash);
        else written.add(`${request.type}/${target.id}`);
        if (!target.fresh) rowsWanted.push(hash);
      }
    }
    const strict = this.#settings.references === 'strict';
    const outside = new Map<WriteRequest, Target[]>();
    const literal = new Map<WriteRequest, Target[]>();
    const hashes = new Map<string, Hash64>();
    for (const request of requests) {
      if (request.resource === undefined || failures.has(request)) continue;
      const all = targetsOf(context, request.resource, request.at, hashes);
      literal.set(request, all);
      if (strict) outside.set(request, atomic ? all.filter(({ target }) => !written.has(target)) : all);
    }
    if (deletions.length > 0) await lockForDeletion(context, transaction, deletions);
    const outsideHashes = distinctHashes([...outside.values()].flat());
    const sharedLock = lockTargets(context, transaction, outsideHashes);
    sharedLock.catch(() => {});
    const lockedRows = transaction.lockRows(rowsWanted);
    lockedRows.catch(() => {});
    const missing = await missingTargets(transaction, [...outside.values()].flat());
    await sharedLock;
    await conformance;
    if (missing.length > 0) {
      if (atomic) throw missingTargetsError(missing);
      for (const [request, list] of outside) {
        const own = missing.filter((issue) => list.some((target) => target.target === issue.target));
        // A reference to itself is satisfied by the write.
        const others = own.filter(
          (issue) => issue.target !== `${request.type}/${targets.get(request)?.[0]?.id}`,
        );
        if (others.length > 0) fail(request, missingTargetsError(others));
      }
    }
    const current = new Map((await lockedRows).map((row) => [hashToText(row.refHash), row]));
    await assertScopeOfCurrent(transaction, scope, context, requests, current.values());

    // 3. New versions.
    const planning = {
      scope,
      context,
      current,
      now: Date.now(),
      literal,
      cipher,
      label,
      nextRowId: () => this.#parts.rowIds.next(),
    };
    const plans: Plan[] = [];
    let sinceBreak = performance.now();
    for (const request of inOrder(requests)) {
      if (failures.has(request)) continue;
      try {
        for (const target of targets.get(request) ?? []) {
          plans.push(
            request.describe === undefined
              ? planWrite(planning, request, target)
              : planDescription(planning, request, target, plans),
          );
        }
        if ((targets.get(request) ?? []).length === 0) plans.push(nothingDeleted(request));
      } catch (error) {
        fail(request, error);
      }
      if (performance.now() - sinceBreak > SLICE) {
        await nextTurn();
        sinceBreak = performance.now();
      }
    }

    // 4. What patches made, and refer to, and what deletions would leave dangling.
    if (checksProfiles(context)) {
      for (const { request, patched } of plans) {
        if (patched === undefined || failures.has(request)) continue;
        try {
          notes.set(request, await checkProfiles(this.#parts.terminology, context, patched, bodyAt(request)));
        } catch (error) {
          fail(request, error);
        }
      }
    }
    if (strict) {
      for (const plan of plans.filter(({ request }) => request.kind === 'patch')) {
        const own = (literal.get(plan.request) ?? []).filter(({ target }) => !written.has(target));
        await lockTargets(context, transaction, distinctHashes(own));
        const lost = await missingTargets(transaction, own);
        if (lost.length > 0) fail(plan.request, missingTargetsError(lost));
      }
    }
    const leaving = new Set(
      plans.flatMap((plan) => (plan.version ? [hashToText(plan.version.refHash)] : [])),
    );
    if (strict) {
      for (const plan of plans) {
        if (plan.version?.deleted !== true || failures.has(plan.request)) continue;
        try {
          const typeAndId = `${plan.request.type}/${plan.outcome.id}`;
          await assertUnreferenced(context, transaction, typeAndId, leaving);
          assertNotReferredToByPlans(plans, typeAndId, literal);
        } catch (error) {
          fail(plan.request, error);
        }
      }
    }

    // 5. Write.
    const kept = plans.filter((plan) => plan.version !== undefined && !failures.has(plan.request));
    const versions = kept.map((plan) => plan.version as NewVersion);
    await this.#parts.dictionary.ensure(context.tenant, versions);
    const inserts = versions.filter((version) => !current.has(hashToText(version.refHash)));
    const updates = versions.filter((version) => current.has(hashToText(version.refHash)));
    // Time that a Slot frees may be taken by another one.
    await transaction.update(updates);
    await transaction.insert(inserts);
    await noteConformanceChange(
      transaction,
      context,
      kept.map((plan) => plan.version as NewVersion),
    );
    await noteDeciding(transaction, versions);
    // What the server adds of itself is not the asker's to be allowed.
    const asked = requests.filter(
      ({ describe, resource }) => describe === undefined || resource !== undefined,
    );
    await assertScopeOfWrites(transaction, scope, context, asked, versions);
    const { audit, outbox } = this.#parts;
    if (outbox !== undefined) await transaction.note(outbox.statements(scope, context.tenant, versions));
    if (audit !== undefined) {
      const events = audit.writeEvents(
        scope,
        kept.map(({ request, outcome, version }) => ({
          request,
          outcome,
          content:
            version?.deleted === false
              ? version.content
              : (current.get(hashToText((version as NewVersion).refHash))?.content ?? ''),
        })),
      );
      await transaction.note(audit.statements(context.tenant, events));
      noted(events);
    }

    const plansOf = Map.groupBy(plans, (plan) => plan.request);
    return requests.map(
      (request) =>
        failures.get(request) ?? outcomeOf(request, plansOf.get(request) as Plan[], notes.get(request) ?? []),
    );
  }

  /** Which resources each request is about: existing ones by criteria or id, or a fresh id. */
  async #resolveTargets(
    criteria: CriteriaResolver,
    requests: readonly WriteRequest[],
    newIds: Map<WriteRequest, string>,
    fail: (request: WriteRequest, error: unknown) => void,
  ): Promise<Map<WriteRequest, CriteriaMatch[]>> {
    const freshId = (request: WriteRequest): string => {
      let id = newIds.get(request);
      if (id === undefined) newIds.set(request, (id = uuidV7()));
      return id;
    };
    const found = await criteria.resolve(requests, this.#settings.maxConditionalDelete);
    const targets = new Map<WriteRequest, CriteriaMatch[]>();
    for (const request of requests) {
      const matches = found.get(request);
      if (matches === undefined) {
        targets.set(
          request,
          request.kind === 'create'
            ? [{ id: freshId(request), fresh: true }]
            : [{ id: request.id as string }],
        );
        continue;
      }
      try {
        targets.set(
          request,
          conditionalTargets(request, matches, () => freshId(request)),
        );
      } catch (error) {
        fail(request, error);
      }
    }
    return targets;
  }
}

/** R4 http.html#trules: DELETE, then POST, then PUT and PATCH; last what tells of them. */
function inOrder(requests: readonly WriteRequest[]): WriteRequest[] {
  const ranks = { delete: 0, create: 1, update: 2, patch: 3 } as const;
  const rank = ({ kind, describe }: WriteRequest) => (describe === undefined ? ranks[kind] : 4);
  return [...requests].sort((a, b) => rank(a) - rank(b));
}

function distinctHashes(targets: readonly Target[]): Hash64[] {
  return [...new Map(targets.map(({ target, hash }) => [target, hash])).values()];
}
