import type { IncomingMessage } from 'node:http';
import { RESOURCE_TYPES } from '../conformance/resource-types.ts';
import type { WriteCoalescer } from '../fhir/write/coalescer.ts';
import type { JobQueue } from '../jobs/job-queue.ts';
import { REINDEX_JOB } from '../jobs/reindex-job.ts';
import { type Logger, logRequest, parameterNames } from '../observability/logger.ts';
import { Metrics } from '../observability/metrics.ts';
import type { ConnectionPools } from '../storage/connections.ts';
import type { RequestOutcome } from './fhir-handler.ts';

/** The metrics of a server process, with what is looked at when they are asked for. */
export function watchedMetrics(
  connections: ConnectionPools,
  writes: WriteCoalescer,
  jobs: JobQueue,
): Metrics {
  const metrics = new Metrics({
    types: new Set(RESOURCE_TYPES),
    interactions: new Set([
      'read',
      'vread',
      'update',
      'patch',
      'delete',
      'history-instance',
      'history-type',
      'history-system',
      'create',
      'search-type',
      'search-system',
      'capabilities',
      'transaction',
      'batch',
      'operation',
    ]),
  });
  for (const name of ['read', 'search', 'write'] as const)
    metrics.watchPool(name, () => connections.stats()[name]);
  metrics.watchIsolation(() => connections.isolation.count);
  metrics.watchJobQueues(async () => {
    const depths = [...(await jobs.depths())].map(([kind, { depth }]) => [kind, depth] as const);
    return new Map([['writes', writes.depth], ...depths]);
  });
  // Writes index themselves; what lies behind is what a reindexing has still to reach.
  metrics.watchIndexLag(async () => {
    const oldest = (await jobs.depths()).get(REINDEX_JOB)?.oldest;
    return oldest === undefined ? 0 : (Date.now() - oldest) / 1000;
  });
  return metrics;
}

/** Counts and logs a finished request. */
export function observe(
  metrics: Metrics,
  log: Logger,
  request: IncomingMessage,
  outcome: RequestOutcome,
): void {
  const { status, milliseconds: ms, tenant, response, trace, error } = outcome;
  const ids = { traceId: trace.traceId, requestId: trace.requestId };
  const interaction = response?.interaction ?? 'other';
  metrics.observeRequest({ interaction, type: response?.type, status, ms });
  if (error !== undefined) log.error({ tenant, status, ...ids, error }, 'failure');
  if (!log.isLevelEnabled('info')) return;
  const url = request.url as string;
  const mark = url.indexOf('?');
  logRequest(log, {
    ...ids,
    tenant,
    interaction,
    method: request.method as string,
    ...(response?.type === undefined ? {} : { type: response.type }),
    status,
    ms,
    ...(mark < 0 ? {} : { params: parameterNames(url.slice(mark + 1)) }),
  });
}
