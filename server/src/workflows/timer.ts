import type { Tenant } from '../access/scope.ts';
import type { AgentRuntime } from '../agents/runtime/runtime.ts';
import { PollLoop } from '../events/poll-loop.ts';
import { isTransient } from '../storage/connections.ts';
import {
  claimDue,
  type DueWorkflow,
  settleDue,
  tenantsWithDue,
  workflowScope,
} from '../storage/workflows/workflow-rows.ts';
import { advance } from './advance.ts';

/** Milliseconds between looks at the clock. */
const EVERY = 1000;
/** Milliseconds for which one process alone looks at a workflow that is due. */
const LEASE = 30_000;
const AT_ONCE = 20;

/** Brings workflows on by the clock: steps that begin later, and those whose time is over. */
export class WorkflowTimer {
  readonly #runtime: AgentRuntime;
  readonly #loop: PollLoop;
  readonly #stopped = new AbortController();

  constructor(runtime: AgentRuntime, poll = EVERY) {
    this.#runtime = runtime;
    this.#loop = new PollLoop({
      poll,
      look: () => this.#look(),
      onError: (error) => this.#failed(error),
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('The server stops'));
    await this.#loop.stop();
  }

  async #look(): Promise<void> {
    const { connections } = this.#runtime.options;
    for (const tenant of await tenantsWithDue(connections)) {
      for (const due of await claimDue(connections, tenant, AT_ONCE, LEASE)) {
        if (this.#loop.stopping) return;
        // One that fails is due again when its lease is over; the others go on.
        await this.#bringOn(tenant, due).catch((error: unknown) => this.#failed(error));
      }
    }
  }

  async #bringOn(tenant: Tenant, due: DueWorkflow): Promise<void> {
    const { connections, fhir, now = () => new Date() } = this.#runtime.options;
    const starter = await workflowScope(connections, tenant, due.groupId);
    if (starter === undefined) return;
    const context = await fhir().tenants.recent(tenant);
    const engine = { runtime: this.#runtime, context, now };
    const next = await advance(engine, due.groupId, starter, this.#stopped.signal);
    await settleDue(connections, tenant, due, next);
  }

  /** While the database is away others report it. */
  #failed(error: unknown): void {
    if (!isTransient(error) && !this.#stopped.signal.aborted)
      this.#runtime.options.onError(error, 'workflows');
  }
}
