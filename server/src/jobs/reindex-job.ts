import { setTimeout as sleep } from 'node:timers/promises';
import type { Tenant } from '../access/scope.ts';
import { RESOURCE_TYPES, typeCode } from '../conformance/resource-types.ts';
import { Reindexer } from '../fhir/operations/reindex-slice.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { Services } from '../fhir/services.ts';
import type { JsonObject } from '../json/types.ts';
import { isTransient } from '../storage/connections.ts';
import { hashFromText } from '../storage/rows.ts';
import {
  readyBases,
  recordReady,
  type StoredParameter,
  storedParameters,
} from '../storage/search-parameters.ts';
import { START, typeSliceStatement } from '../storage/slices.ts';
import type { JobHandler, JobProgress, JobResult, RunningJob } from './job.ts';
import { recordPackagesIndexed } from './package-index.ts';

export const REINDEX_JOB = 'reindex';

/** store.job.request of a $reindex. */
export interface ReindexRequest extends JsonObject {
  /** Who asked. */
  subject: string;
  /** Resource types to do; null for all. */
  types: string[] | null;
  /** Digests of the packages for whose search parameters it is done, if it is done for such. */
  packages?: string[];
}

/** store.job.progress of a $reindex: where it stands, and what it has done. */
interface Position extends JobProgress {
  /** The tenant's own search parameters as they were when the walk began: only those can become ready by it. */
  parameters: (StoredParameter & JsonObject)[];
  /** The packages that were active then, by digest. */
  packages: string[];
  /** Types still to be done; the first is under way. */
  types: string[];
  /** Row id up to which the first type is done, and up to which it is to be done; null before it has begun. */
  after: string | null;
  until: string | null;
  /** Resources of all types to be done, as counted at the beginning; null where counting took too long. */
  total: number | null;
  examined: number;
  changed: number;
  refused: string[];
  refusedCount: number;
}

/** The walk rests for this share of the time that a slice took: requests go first. */
const REST = 0.25;
/** How often a slice is tried that others keep interfering with. */
const ATTEMPTS = 10;
/** How many resources that could not be indexed the result names. */
const NAMED = 20;

/** Does `$reindex` of many resources: all of some types, oldest first, in slices after each of which it can go on. */
export function reindexJob(services: Services): JobHandler {
  return { heavy: true, run: (job) => reindex(services, job) };
}

async function reindex(services: Services, job: RunningJob): Promise<JobResult> {
  const { tenant, signal } = job;
  const request = job.request as ReindexRequest;
  let at = job.progress as Position;
  if (at.types === undefined) {
    at = await begin(services, tenant, request);
    await job.save(at);
  }
  // After the list of search parameters was taken, so that it knows all of them.
  const reindexer = new Reindexer(services, await services.tenants.current(tenant));
  while (at.types.length > 0) {
    signal.throwIfAborted();
    const type = at.types[0] as string;
    const until = at.until ?? (await lastRowId(services, tenant, type));
    if (until === undefined) {
      at = { ...at, types: at.types.slice(1), after: null, until: null };
      continue;
    }
    const started = performance.now();
    const after = at.after ?? START.rid;
    const slice = await slicePersistently(services, reindexer, tenant, type, after, until, signal);
    at = {
      ...at,
      ...(slice.last === undefined
        ? { types: at.types.slice(1), after: null, until: null }
        : { after: slice.last, until }),
      examined: at.examined + slice.examined,
      changed: at.changed + slice.changed,
      refused: [...at.refused, ...slice.refused].slice(0, NAMED),
      refusedCount: at.refusedCount + slice.refused.length,
    };
    at.text = progressText(type, at);
    await job.save(at);
    await sleep((performance.now() - started) * REST);
  }
  const ready = at.refusedCount > 0 ? [] : await finish(services, tenant, request, at);
  return { status: 200, result: JSON.stringify(resultOf(at, ready)) };
}

async function begin(services: Services, tenant: Tenant, request: ReindexRequest): Promise<Position> {
  const parameters = await services.connections.within(tenant, 'read', (connection) =>
    storedParameters(connection, tenant),
  );
  const types = request.types ?? [...RESOURCE_TYPES];
  const { activePackages } = await services.tenants.current(tenant);
  return {
    parameters: parameters as (StoredParameter & JsonObject)[],
    packages: activePackages.map(({ digest }) => digest),
    types,
    after: null,
    until: null,
    total: await countResources(services, tenant, types),
    examined: 0,
    changed: 0,
    refused: [],
    refusedCount: 0,
  };
}

/** How many resources there are to do, for the progress; null when the database takes too long to say. */
async function countResources(
  services: Services,
  tenant: Tenant,
  types: readonly string[],
): Promise<number | null> {
  try {
    return await services.connections.within(tenant, 'search', async (connection) => {
      const { rows } = await connection.query({
        text: 'select count(*) from tenant.resource where tenant_id = $1 and type = any($2::smallint[]) and not deleted',
        values: [tenant.id, types.map((type) => typeCode(type))],
      });
      return Number(rows[0]?.[0]);
    });
  } catch (error) {
    if (isTransient(error)) throw error;
    return null;
  }
}

/** The newest row id of a type, where its walk ends: what is written later is indexed by the newest parameters anyway. */
async function lastRowId(services: Services, tenant: Tenant, type: string): Promise<string | undefined> {
  return services.connections.within(tenant, 'read', async (connection) => {
    const { rows } = await connection.query({
      text: 'select rid from tenant.resource where tenant_id = $1 and type = $2 order by rid desc limit 1',
      values: [tenant.id, typeCode(type)],
    });
    return rows[0]?.[0] as string | undefined;
  });
}

interface Slice {
  readonly examined: number;
  readonly changed: number;
  readonly refused: readonly string[];
  /** Row id of the last resource; undefined when there was none left. */
  readonly last: string | undefined;
}

/** One slice, tried again when other clients kept changing the same resources. */
async function slicePersistently(
  services: Services,
  reindexer: Reindexer,
  tenant: Tenant,
  type: string,
  after: string,
  until: string,
  signal: AbortSignal,
): Promise<Slice> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await oneSlice(services, reindexer, tenant, type, after, until);
    } catch (error) {
      const passing = error instanceof FhirError && (error.status === 409 || error.status === 503);
      if (!passing || isTransient(error) || attempt === ATTEMPTS) throw error;
      await sleep(200 * attempt);
      signal.throwIfAborted();
    }
  }
}

async function oneSlice(
  services: Services,
  reindexer: Reindexer,
  tenant: Tenant,
  type: string,
  after: string,
  until: string,
): Promise<Slice> {
  const found = await services.connections.within(tenant, 'read', async (connection) => {
    const position = { type: typeCode(type) as number, rid: after };
    return (await connection.query(typeSliceStatement(tenant.id, 'rid, ref_hash', position, until))).rows;
  });
  const last = found.at(-1)?.[0] as string | undefined;
  if (last === undefined) return { examined: 0, changed: 0, refused: [], last };
  const hashes = found.map((row) => hashFromText(row[1] as string));
  const { examined, changed, refused } = await reindexer.run(async () => hashes);
  return { examined, changed, refused, last };
}

function progressText(type: string, { examined, total }: Position): string {
  if (total === null) return `${type}: ${examined} resources done`;
  const share = total === 0 ? 100 : Math.min(100, Math.floor((examined / total) * 100));
  return `${type}: ${examined} of ${total} resources done (${share} %)`;
}

/** Marks the search parameters ready whose base types have all been walked. @returns their ids */
async function finish(
  services: Services,
  tenant: Tenant,
  request: ReindexRequest,
  at: Position,
): Promise<string[]> {
  const context = await services.tenants.current(tenant);
  const walked = request.types === null ? 'all' : new Set(request.types);
  const covered = at.parameters.filter((parameter) => readyBases(parameter, walked));
  await recordPackagesIndexed(services.connections, context, at.packages ?? [], walked);
  return recordReady(services.connections, context, covered, walked === 'all');
}

function resultOf(at: Position, ready: readonly string[]): JsonObject {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'examined', valueInteger: at.examined },
      { name: 'changed', valueInteger: at.changed },
      ...ready.map((id) => ({ name: 'ready', valueReference: { reference: `SearchParameter/${id}` } })),
      ...(at.refusedCount === 0 ? [] : [{ name: 'refused', valueInteger: at.refusedCount }]),
      ...at.refused.map((reference) => ({ name: 'refusedResource', valueReference: { reference } })),
    ],
  };
}
