import type { Tenant } from '../access/scope.ts';
import type { JsonObject } from '../json/types.ts';
import type { Connections, SqlStatement } from '../storage/connections.ts';
import type { JobProgress, JobResult, JobState, JobStatus } from './job.ts';
import { type JobSealer, NO_SEALER, openedRequest, sealedRequest } from './job-sealer.ts';

/** A job that some worker may take. */
export interface OpenJob {
  readonly tenant: Tenant;
  readonly id: string;
  readonly kind: string;
}

/** What a worker gets with its claim. */
export interface ClaimedJob extends OpenJob {
  /** Proves to the database that the job is still this worker's. */
  readonly claim: string;
  readonly request: JsonObject;
  readonly body: string | undefined;
  readonly progress: JobProgress;
  /** How often it was taken, this time included, since it last made progress. */
  readonly attempts: number;
}

/** Milliseconds by the database's clock, which all workers share. */
const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

/** A running job whose worker has been silent for this long may be taken over, in milliseconds; as in store.open_jobs. */
export const SILENCE = 30_000;

/** Whatever has to do with table store.job. Each statement stays within one tenant, save the list of open jobs. */
export class JobStore {
  readonly #connections: Connections;
  readonly #sealer: JobSealer;

  constructor(connections: Connections, sealer: JobSealer = NO_SEALER) {
    this.#connections = connections;
    this.#sealer = sealer;
  }

  /** @returns false when the tenant has `limit` open jobs already */
  async insert(
    tenant: Tenant,
    job: { id: string; kind: string; request: JsonObject; body: string | undefined },
    limit: number,
  ): Promise<boolean> {
    const request = await sealedRequest(this.#sealer, tenant, job.id, job.request);
    const body = job.body && (await this.#sealer.seal(tenant, job.id, job.body));
    const { count } = await this.#run(tenant, 'write', {
      text: `insert into store.job (tenant_id, id, kind, state, request, body, created, heartbeat)
        select $1, $2, $3, 'waiting', $4::jsonb, $5, ${NOW}, ${NOW} where
          (select count(*) from tenant.job where tenant_id = $1 and state in ('waiting', 'running')) < $6::int`,
      values: [tenant.id, job.id, job.kind, request, body ?? null, limit],
    });
    return count === 1;
  }

  /** Keeps a text as the result of a job that has ended. */
  async insertEnded(
    tenant: Tenant,
    job: { id: string; kind: string; request: JsonObject; result: string },
  ): Promise<void> {
    await this.#run(tenant, 'write', {
      text: `insert into store.job (tenant_id, id, kind, state, request, status, result, created, heartbeat)
        values ($1, $2, $3, 'done', $4::jsonb, 200, $5, ${NOW}, ${NOW})`,
      values: [
        tenant.id,
        job.id,
        job.kind,
        await sealedRequest(this.#sealer, tenant, job.id, job.request),
        await this.#sealer.seal(tenant, job.id, job.result),
      ],
    });
  }

  async status(tenant: Tenant, id: string): Promise<JobStatus | undefined> {
    const { rows } = await this.#run(tenant, 'read', {
      text: `select kind, state, request, progress, status, result, created, heartbeat, ${NOW}
        from tenant.job where tenant_id = $1 and id = $2`,
      values: [tenant.id, id],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    return {
      id,
      kind: row[0] as string,
      state: row[1] as JobState,
      request: await openedRequest(this.#sealer, tenant, id, row[2] as JsonObject),
      progress: row[3] as JobProgress,
      ...(row[4] === null ? {} : { status: row[4] as number }),
      ...(row[5] === null ? {} : { result: await this.#sealer.open(tenant, id, row[5] as string) }),
      created: Number(row[6]),
      heartbeat: Number(row[7]),
      now: Number(row[8]),
    };
  }

  /** @returns false when there is no such job, or it was cancelled already */
  async cancel(tenant: Tenant, id: string): Promise<boolean> {
    const { count } = await this.#run(tenant, 'read', {
      text: `update store.job set state = 'cancelled', body = null, result = null, heartbeat = ${NOW}
        where tenant_id = $1 and id = $2 and state <> 'cancelled'`,
      values: [tenant.id, id],
    });
    return count === 1;
  }

  /** Up to 100 jobs of all tenants that are waiting or whose worker has died, fairest first. */
  async open(): Promise<OpenJob[]> {
    const rows = await this.#connections.global({
      text: 'select tenant_id, tenant_name, id, kind from store.open_jobs()',
      values: [],
    });
    return rows.map((row) => ({
      tenant: { id: row[0] as number, name: row[1] as string },
      id: row[2] as string,
      kind: row[3] as string,
    }));
  }

  /** Jobs that wait or run, by kind: how many, and when the oldest was made (epoch milliseconds), in all tenants. */
  async depths(): Promise<Map<string, { depth: number; oldest: number }>> {
    const rows = await this.#connections.global({
      text: 'select kind, depth, oldest from store.job_depths()',
      values: [],
    });
    return new Map(
      rows.map(([kind, depth, oldest]) => [
        kind as string,
        { depth: depth as number, oldest: Number(oldest) },
      ]),
    );
  }

  /** Takes a job; undefined when another worker was faster. */
  async claim(job: OpenJob, claim: string): Promise<ClaimedJob | undefined> {
    const { rows } = await this.#run(job.tenant, 'write', {
      text: `update store.job set state = 'running', claim = $3, attempts = attempts + 1, heartbeat = ${NOW}
        where tenant_id = $1 and id = (select id from store.job where tenant_id = $1 and id = $2
          and (state = 'waiting' or state = 'running' and heartbeat < ${NOW} - ${SILENCE})
          for update skip locked)
        returning request, body, progress, attempts`,
      values: [job.tenant.id, job.id, claim],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    return {
      ...job,
      claim,
      request: await openedRequest(this.#sealer, job.tenant, job.id, row[0] as JsonObject),
      body: row[1] === null ? undefined : await this.#sealer.open(job.tenant, job.id, row[1] as string),
      progress: row[2] as JobProgress,
      attempts: row[3] as number,
    };
  }

  /** @returns false when the job is no longer the claim's */
  async heartbeat(job: ClaimedJob): Promise<boolean> {
    return this.#write(job, 'read', '', []);
  }

  /** Saves the position. @returns false when the job is no longer the claim's */
  async save(job: ClaimedJob, progress: JobProgress): Promise<boolean> {
    return this.#write(job, 'read', ', progress = $4::jsonb, attempts = 0', [JSON.stringify(progress)]);
  }

  /** @returns false when the job is no longer the claim's */
  async finish(job: ClaimedJob, state: 'done' | 'failed', { status, result }: JobResult): Promise<boolean> {
    return this.#write(job, 'write', ', state = $4, status = $5::int, result = $6, body = null', [
      state,
      status,
      await this.#sealer.seal(job.tenant, job.id, result),
    ]);
  }

  /** Gives a job back, for any worker to go on with. */
  async release(job: ClaimedJob): Promise<boolean> {
    return this.#write(
      job,
      'read',
      `, state = 'waiting', claim = null, attempts = greatest(attempts - 1, 0)`,
      [],
    );
  }

  async #write(
    job: ClaimedJob,
    pool: 'read' | 'write',
    changes: string,
    values: readonly unknown[],
  ): Promise<boolean> {
    const { count } = await this.#run(job.tenant, pool, {
      text: `update store.job set heartbeat = ${NOW}${changes}
        where tenant_id = $1 and id = $2 and claim = $3 and state = 'running'`,
      values: [job.tenant.id, job.id, job.claim, ...values],
    });
    return count === 1;
  }

  #run(tenant: Tenant, pool: 'read' | 'write', statement: SqlStatement) {
    return this.#connections.within(tenant, pool, (connection) => connection.query(statement));
  }
}
