import type { Tenant } from '../access/scope.ts';
import type { AgentRuntime } from '../agents/runtime/runtime.ts';
import { isUnavailable } from '../storage/connections.ts';
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
  readonly #every: number;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  readonly #stopped = new AbortController();

  constructor(runtime: AgentRuntime, every = EVERY) {
    this.#runtime = runtime;
    this.#every = every;
  }

  start(): void {
    // Not all processes at the same time.
    this.#timer = setTimeout(
      () => {
        this.#working = this.#look().finally(() => {
          if (!this.#stopped.signal.aborted) this.start();
        });
      },
      this.#every * (0.75 + Math.random() / 2),
    );
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopped.abort(new Error('The server stops'));
    await this.#working;
  }

  async #look(): Promise<void> {
    const { connections } = this.#runtime.options;
    await this.#tell(async () => {
      for (const tenant of await tenantsWithDue(connections)) {
        for (const due of await claimDue(connections, tenant, AT_ONCE, LEASE)) {
          if (this.#stopped.signal.aborted) return;
          // One that fails is due again when its lease is over; the others go on.
          await this.#tell(() => this.#bringOn(tenant, due));
        }
      }
    });
  }

  async #bringOn(tenant: Tenant, due: DueWorkflow): Promise<void> {
    const { connections, fhir, now = () => new Date() } = this.#runtime.options;
    const starter = await workflowScope(connections, tenant, due.groupId);
    if (starter === undefined) return;
    const context = await fhir().tenants.current(tenant);
    const engine = { runtime: this.#runtime, context, now };
    const next = await advance(engine, due.groupId, starter, this.#stopped.signal);
    await settleDue(connections, tenant, due, next);
  }

  /** While the database is away others report it. */
  async #tell(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isUnavailable(error) && !this.#stopped.signal.aborted)
        this.#runtime.options.onError(error, 'workflows');
    }
  }
}
