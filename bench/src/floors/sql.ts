import { runInChild } from '../child-process.ts';
import { type CapturedStatement, isSearchWork } from '../product/sql-log.ts';
import type { Latency } from '../statistics.ts';

/** The product's sessions that run with `plan_cache_mode = force_custom_plan` (storage/connections.ts). */
const SEARCH_SESSIONS = 'vesta-search';

/** A statement as `pg` takes it. */
export interface FloorStatement {
  readonly text: string;
  readonly values: readonly (string | null)[];
  readonly name?: string;
  /** Whether the product's session plans each statement anew (`plan_cache_mode`). */
  readonly customPlan: boolean;
}

export interface SqlJob {
  /** Connection string of the serving role. */
  readonly url: string;
  readonly tenantId: number;
  readonly connections: number;
  readonly seconds: number;
  readonly warmUp: number;
  /** For each search its statements in order. */
  readonly searches: readonly (readonly FloorStatement[])[];
}

export interface SqlResult {
  readonly rate: number;
  readonly latency: Latency;
  readonly rows: number;
}

/** Floor of a search: its very statements, as the serving role inside the tenant, without HTTP. */
export async function sqlFloor(job: SqlJob): Promise<SqlResult> {
  return await runInChild<SqlJob, SqlResult>(new URL('./sql-child.ts', import.meta.url), job);
}

/** Of everything that was sent to PostgreSQL meanwhile, the statements that make up the search. */
export function statementsOfSearch(captured: readonly CapturedStatement[]): FloorStatement[] {
  return captured
    .filter((statement) => statement.application.startsWith('vesta') && isSearchWork(statement))
    .map(({ application, text, values, name }) => ({
      text,
      values,
      ...(name === undefined ? {} : { name }),
      customPlan: application === SEARCH_SESSIONS,
    }));
}
