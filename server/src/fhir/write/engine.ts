import { type AccessScope, grantsFor, type Interaction } from '../../access/scope.ts';
import { parseJson } from '../../json/parse.ts';
import type { Resource } from '../../json/types.ts';
import type { Hash64 } from '../../search/hash.ts';
import type { Connections } from '../../storage/connections.ts';
import { type RowIdGenerator, uuidV7 } from '../../storage/row-id.ts';
import { hashToText, type LockedRow, type NewVersion, PATCH, POST, PUT } from '../../storage/rows.ts';
import type { TextDictionary } from '../../storage/text-dictionary.ts';
import { runTransaction, type Transaction } from '../../storage/transaction.ts';
import { FhirError, fhirError } from '../outcome.ts';
import { conditionalSearch } from '../search/conditional-search.ts';
import type { TenantContext } from '../tenant-context.ts';
import { type BundleReferences, collectBundleReferences } from './bundle-references.ts';
import {
  assertConformance,
  type ConformanceSource,
  noteConformanceChange,
  StaleConformance,
} from './conformance-guard.ts';
import { type CriteriaMatch, CriteriaResolver } from './criteria.ts';
import {
  addReferrerTokens,
  assertUnreferenced,
  lockForDeletion,
  lockTargets,
  missingTargets,
  missingTargetsError,
  type Target,
  targetsOf,
} from './integrity.ts';
import { checkStructure, makeDeletion, makeVersion, placed } from './prepare.ts';
import { assertGranted, assertScopeOfCurrent, assertScopeOfWrites } from './scope-check.ts';
import type { WriteOutcome, WriteRequest, WriteResult } from './write-request.ts';

export interface WriteSettings {
  /** Whether literal references must point to something (VESTA_REFERENCES). */
  readonly references: 'strict' | 'lenient';
  /** Most resources that one conditional delete may remove. */
  readonly maxConditionalDelete: number;
}

/** What became of one request inside the transaction, before it is known that the commit succeeds. */
interface Plan {
  readonly request: WriteRequest;
  readonly version?: NewVersion;
  readonly outcome: Omit<WriteOutcome, 'content'> & { content?: string };
}

/** Told of writes that have been committed, e.g. to copy large code systems into their tables. Must not throw. */
export type AfterCommit = (context: TenantContext, outcomes: readonly WriteOutcome[]) => void;

/**
 * All writes of the server pass here: single requests, batches and transactions. One database transaction covers all
 * requests of a call; their locks, checks, rows, index entries and history commit together.
 */
export class WriteEngine {
  readonly connections: Connections;
  readonly #rowIds: RowIdGenerator;
  readonly #dictionary: TextDictionary;
  readonly #settings: WriteSettings;
  readonly #conformance: ConformanceSource;
  readonly #afterCommit: AfterCommit;

  constructor(
    connections: Connections,
    rowIds: RowIdGenerator,
    dictionary: TextDictionary,
    settings: WriteSettings,
    conformance: ConformanceSource,
    afterCommit: AfterCommit = () => {},
  ) {
    this.connections = connections;
    this.#rowIds = rowIds;
    this.#dictionary = dictionary;
    this.#settings = settings;
    this.#conformance = conformance;
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
    await this.#checkAll(context, requests);
    const references = collectBundleReferences(context, requests);
    const results = await this.#run(scope, context, requests, references, true, beforeCommit);
    return results as WriteOutcome[];
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

  /** Structure checks of a bundle's resources, giving way to other requests between slices. */
  async #checkAll(context: TenantContext, requests: readonly WriteRequest[]): Promise<void> {
    const issues: FhirError['issues'][number][] = [];
    let status = 0;
    let sinceBreak = performance.now();
    for (const request of requests) {
      if (request.resource === undefined) continue;
      try {
        checkStructure(context, request.resource, request.at === '' ? '' : `${request.at}.resource`);
      } catch (error) {
        if (!(error instanceof FhirError)) throw error;
        status = Math.max(status, error.status);
        issues.push(...error.issues);
        if (issues.length >= 100) break;
      }
      if (performance.now() - sinceBreak > SLICE) {
        await nextTurn();
        sinceBreak = performance.now();
      }
    }
    if (issues.length > 0) throw new FhirError(status, issues);
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
      const attempt = () =>
        runTransaction(
          this.connections,
          used.tenant,
          async (transaction) => {
            const results = await this.#attempt(
              transaction,
              scope,
              used,
              requests,
              references,
              newIds,
              atomic,
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
        const results = await attempt();
        this.#afterCommit(
          used,
          results.filter((result): result is WriteOutcome => !(result instanceof FhirError)),
        );
        return results;
      } catch (error) {
        // The tenant's search parameters changed under way: index by the new ones.
        if (!(error instanceof StaleConformance)) throw error;
        context = await this.#conformance.current(used.tenant);
      }
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
  ): Promise<WriteResult[]> {
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
    const now = Date.now();
    const plans: Plan[] = [];
    let sinceBreak = performance.now();
    for (const request of inOrder(requests)) {
      if (failures.has(request)) continue;
      try {
        for (const target of targets.get(request) ?? []) {
          plans.push(this.#plan(scope, context, request, target, current, now, literal));
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

    // 4. What patches refer to, and what deletions would leave dangling.
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
    await this.#dictionary.ensure(context.tenant, versions);
    const inserts = versions.filter((version) => !current.has(hashToText(version.refHash)));
    const updates = versions.filter((version) => current.has(hashToText(version.refHash)));
    await transaction.insert(inserts);
    await transaction.update(updates);
    await noteConformanceChange(
      transaction,
      context,
      kept.map((plan) => plan.version as NewVersion),
    );
    await assertScopeOfWrites(transaction, scope, context, requests, versions);

    const plansOf = Map.groupBy(plans, (plan) => plan.request);
    return requests.map(
      (request) => failures.get(request) ?? outcomeOf(request, plansOf.get(request) as Plan[]),
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

  #plan(
    scope: AccessScope,
    context: TenantContext,
    request: WriteRequest,
    target: CriteriaMatch,
    current: ReadonlyMap<string, LockedRow>,
    now: number,
    literal: Map<WriteRequest, Target[]>,
  ): Plan {
    const { type } = request;
    const { id } = target;
    const refHash = context.keys.reference(`${type}/${id}`);
    const row = target.fresh ? undefined : current.get(hashToText(refHash));
    const exists = row !== undefined && !row.deleted;
    if (target.keep) {
      // A conditional create that found the resource: nothing is written (R4 http.html#ccreate).
      return {
        request,
        outcome: {
          status: 200,
          type,
          id,
          version: target.version as number,
          lastUpdated: target.lastUpdated as number,
          content: target.content as string,
          issues: [],
        },
      };
    }
    if (request.ifMatch !== undefined && (!exists || row.version !== request.ifMatch)) {
      throw fhirError(
        412,
        'conflict',
        exists
          ? `${type}/${id} is at version ${row.version}, not ${request.ifMatch > 0 ? request.ifMatch : 'the one named by If-Match'}`
          : `${type}/${id} does not exist, so it has no version to match`,
        'http.if-match',
      );
    }
    const position = {
      rid: row?.rid ?? this.#rowIds.next(),
      refHash,
      id,
      version: (row?.version ?? 0) + 1,
      lastUpdated: Math.max(now, (row?.lastUpdated ?? 0) + 1),
    };
    if (request.kind === 'delete') {
      // Deleting what is not there is no error (R4 http.html#delete).
      if (!exists) {
        const base = { type, id, version: row?.version ?? 0, lastUpdated: row?.lastUpdated ?? now };
        return { request, outcome: { ...base, status: 204, content: '', issues: [] } };
      }
      const version = makeDeletion(position, type);
      return {
        request,
        version,
        outcome: {
          status: 204,
          type,
          id,
          version: version.version,
          lastUpdated: version.lastUpdated,
          content: '',
          issues: [],
        },
      };
    }
    let resource = request.resource as Resource;
    if (request.kind === 'patch') {
      if (row === undefined) throw fhirError(404, 'not-found', `${type}/${id} does not exist`, 'http.path');
      if (row.deleted) throw fhirError(410, 'deleted', `${type}/${id} was deleted`, 'http.path');
      resource = (request.patch as (current: Resource) => Resource)(parseJson(row.content) as Resource);
      if (resource.resourceType !== type || resource['id'] !== id) {
        throw fhirError(
          422,
          'business-rule',
          'A patch must not change the type or id of a resource',
          `${type}.id`,
        );
      }
      checkStructure(context, resource, request.at === '' ? '' : `${request.at}.resource`);
      literal.set(request, targetsOf(context, resource, request.at));
    }
    if (!exists && grantsFor(scope, type, 'create' as Interaction).length === 0) {
      throw fhirError(403, 'forbidden', `Creating a ${type} is not allowed here`, 'http.path');
    }
    const method = request.kind === 'create' ? POST : request.kind === 'patch' ? PATCH : PUT;
    const version = makeVersion(context, { ...position, method }, resource);
    addReferrerTokens(context, version, literal.get(request) ?? []);
    return {
      request,
      version,
      outcome: {
        status: exists ? 200 : 201,
        type,
        id,
        version: version.version,
        lastUpdated: version.lastUpdated,
        content: version.content,
        issues: [],
      },
    };
  }
}

/** Longest time in milliseconds that a bundle's work keeps the event loop from other requests. */
const SLICE = 20;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** R4 http.html#trules: DELETE, then POST, then PUT and PATCH. */
function inOrder(requests: readonly WriteRequest[]): WriteRequest[] {
  const rank = { delete: 0, create: 1, update: 2, patch: 3 } as const;
  return [...requests].sort((a, b) => rank[a.kind] - rank[b.kind]);
}

function distinctHashes(targets: readonly Target[]): Hash64[] {
  return [...new Map(targets.map(({ target, hash }) => [target, hash])).values()];
}

/** R4 http.html#ccreate, #cond-update, #cdelete, #patch: what the number of matches means for each interaction. */
function conditionalTargets(
  request: WriteRequest,
  matches: readonly CriteriaMatch[],
  freshId: () => string,
): CriteriaMatch[] {
  const several = () =>
    fhirError(
      412,
      'multiple-matches',
      `The criteria '${request.criteria}' match more than one ${request.type}`,
      'http.query',
    );
  switch (request.kind) {
    case 'create':
      if (matches.length > 1) throw placed(several(), request.at);
      return matches.length === 1 ? [{ ...matches[0]!, keep: true }] : [{ id: freshId(), fresh: true }];
    case 'update': {
      if (matches.length > 1) throw placed(several(), request.at);
      const bodyId = request.resource?.['id'] as string | undefined;
      if (matches.length === 0)
        return bodyId === undefined ? [{ id: freshId(), fresh: true }] : [{ id: bodyId }];
      if (bodyId !== undefined && bodyId !== matches[0]!.id) {
        const message = `The criteria match ${request.type}/${matches[0]!.id}, but the body's id is ${bodyId}`;
        throw placed(fhirError(400, 'value', message, `${request.type}.id`), request.at);
      }
      return [{ id: matches[0]!.id }];
    }
    case 'patch':
      if (matches.length > 1) throw placed(several(), request.at);
      if (matches.length === 0) {
        throw placed(
          fhirError(404, 'not-found', `No ${request.type} matches '${request.criteria}'`, 'http.query'),
          request.at,
        );
      }
      return [{ id: matches[0]!.id }];
    case 'delete':
      return matches.map(({ id }) => ({ id }));
  }
}

/** A transaction must not write the same resource twice (R4 http.html#trules). */
function assertDistinct(
  requests: readonly WriteRequest[],
  targets: ReadonlyMap<WriteRequest, CriteriaMatch[]>,
): void {
  const seen = new Map<string, WriteRequest>();
  for (const request of requests) {
    for (const target of targets.get(request) ?? []) {
      if (target.fresh || target.keep) continue;
      const key = `${request.type}/${target.id}`;
      const other = seen.get(key);
      if (other !== undefined) {
        throw fhirError(
          400,
          'duplicate',
          `${key} is written twice, by ${other.at} and ${request.at}: a transaction may change a resource once`,
          request.at,
        );
      }
      seen.set(key, request);
    }
  }
}

/** Whether what the same transaction writes would refer to what it deletes. */
function assertNotReferredToByPlans(
  plans: readonly Plan[],
  typeAndId: string,
  literal: ReadonlyMap<WriteRequest, Target[]>,
): void {
  for (const plan of plans) {
    if (plan.version === undefined || plan.version.deleted) continue;
    const use = literal.get(plan.request)?.find(({ target }) => target === typeAndId);
    if (use !== undefined) {
      const from = `${plan.request.type}/${plan.outcome.id}`;
      throw fhirError(
        409,
        'conflict',
        `${typeAndId} cannot be deleted: ${from} refers to it`,
        use.expression,
      );
    }
  }
}

function nothingDeleted(request: WriteRequest): Plan {
  return {
    request,
    outcome: {
      status: 204,
      type: request.type,
      id: '',
      version: 0,
      lastUpdated: 0,
      content: '',
      issues: [],
      deletedCount: 0,
    },
  };
}

function outcomeOf(request: WriteRequest, own: readonly Plan[]): WriteOutcome {
  const outcome = own[0]!.outcome as WriteOutcome;
  if (request.kind !== 'delete' || request.criteria === undefined) return outcome;
  return { ...outcome, deletedCount: own.filter((plan) => plan.version !== undefined).length };
}
