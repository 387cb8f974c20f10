import { type AccessScope, sameScope } from '../../access/scope.ts';
import { CommitUnknown } from '../../storage/transaction.ts';
import { FhirError } from '../outcome.ts';
import type { TenantContext } from '../tenant-context.ts';
import type { WriteEngine } from './engine.ts';
import type { WriteOutcome, WriteRequest, WriteResult } from './write-request.ts';

/** Most writes in one transaction, and most such transactions of a tenant under way at once. */
const GROUP = 64;
const UNDER_WAY = 2;

interface Waiting {
  readonly scope: AccessScope;
  readonly context: TenantContext;
  readonly request: WriteRequest;
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly reject: (error: unknown) => void;
}

interface Queue {
  waiting: Waiting[];
  underWay: number;
  scheduled: boolean;
}

/**
 * Single writes. Those of a tenant that arrive while others are being committed go into one transaction together: they
 * share its round trips and its wait for the disk, each still with its own result, and each is acknowledged only after
 * the commit. Conditional updates, patches and deletes go alone: only the database can tell what they are about.
 */
export class WriteCoalescer {
  readonly #engine: WriteEngine;
  readonly #queues = new Map<number, Queue>();

  constructor(engine: WriteEngine) {
    this.#engine = engine;
  }

  /**
   * @param companions what is written with it in its transaction, such as a Provenance that tells of it
   * @throws FhirError what the engine says of this request
   */
  write(
    scope: AccessScope,
    context: TenantContext,
    request: WriteRequest,
    companions: readonly WriteRequest[] = [],
  ): Promise<WriteOutcome> {
    if (companions.length > 0) {
      const all = this.#engine.all(scope, context, [request, ...companions]);
      return all.then(([outcome]) => outcome as WriteOutcome);
    }
    const alone = scope.agent === true || (request.criteria !== undefined && request.kind !== 'create');
    if (alone || hasConditionalReference(request)) {
      return this.#engine.one(scope, context, request);
    }
    let queue = this.#queues.get(context.tenant.id);
    if (queue === undefined) {
      queue = { waiting: [], underWay: 0, scheduled: false };
      this.#queues.set(context.tenant.id, queue);
    }
    const { promise, resolve, reject } = Promise.withResolvers<WriteOutcome>();
    queue.waiting.push({ scope, context, request, resolve, reject });
    if (queue.underWay < UNDER_WAY && !queue.scheduled) {
      queue.scheduled = true;
      const scheduled = queue;
      setImmediate(() => {
        scheduled.scheduled = false;
        this.#start(scheduled);
      });
    }
    return promise;
  }

  /** Requests that wait for their turn: for /metrics. */
  get depth(): number {
    let depth = 0;
    for (const queue of this.#queues.values()) depth += queue.waiting.length;
    return depth;
  }

  #start(queue: Queue): void {
    while (queue.waiting.length > 0 && queue.underWay < UNDER_WAY) {
      const group = takeGroup(queue);
      queue.underWay++;
      this.#commit(group).finally(() => {
        queue.underWay--;
        this.#start(queue);
      });
    }
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const first = group[0] as Waiting;
    let results: WriteResult[] | undefined;
    if (group.length > 1) {
      try {
        results = await this.#engine.each(
          first.scope,
          first.context,
          group.map((waiting) => waiting.request),
        );
      } catch (error) {
        // What may have been committed must not be written twice.
        if (error instanceof CommitUnknown) {
          for (const waiting of group) waiting.reject(error);
          return;
        }
        // Something else befell the transaction as a whole: each request gets its own chance and its own error.
      }
    }
    if (results === undefined) {
      await Promise.all(
        group.map((waiting) =>
          this.#engine
            .one(waiting.scope, waiting.context, waiting.request)
            .then(waiting.resolve, waiting.reject),
        ),
      );
      return;
    }
    group.forEach((waiting, i) => {
      const result = results[i] as WriteResult;
      if (result instanceof FhirError) waiting.reject(result);
      else waiting.resolve(result);
    });
  }
}

/** The longest run of waiting writes with one scope and one context, no two of them to the same resource. */
function takeGroup(queue: Queue): Waiting[] {
  const first = queue.waiting[0] as Waiting;
  const group: Waiting[] = [];
  const rest: Waiting[] = [];
  const targets = new Set<string>();
  for (const waiting of queue.waiting) {
    const { request } = waiting;
    const target = targetOf(request);
    const fits =
      group.length < GROUP &&
      waiting.context === first.context &&
      sameScope(waiting.scope, first.scope) &&
      (target === undefined || !targets.has(target));
    // Once a resource has to wait, later writes to it wait behind: their order is the order of arrival.
    if (target !== undefined) targets.add(target);
    (fits ? group : rest).push(waiting);
  }
  queue.waiting = rest;
  return group;
}

/** What a write is about, as far as it shows: a resource, or the criteria of a conditional create. */
function targetOf({ type, id, criteria }: WriteRequest): string | undefined {
  if (id !== undefined) return `${type}/${id}`;
  return criteria === undefined ? undefined : `${type}?${criteria}`;
}

/** Whether some reference is of the form `Type?criteria`. A cheap look that may say yes too often. */
function hasConditionalReference(request: WriteRequest): boolean {
  return request.resource !== undefined && mentionsConditional(request.resource);
}

function mentionsConditional(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(mentionsConditional);
  for (const [name, child] of Object.entries(value)) {
    if (name === 'reference' && typeof child === 'string' && child.includes('?')) return true;
    if (typeof child === 'object' && mentionsConditional(child)) return true;
  }
  return false;
}
