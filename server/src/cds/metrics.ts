import { Counter, Histogram, type Registry } from 'prom-client';

/** How a call of a service ended. */
export type CallOutcome = 'answered' | 'missing-data' | 'time-limit' | 'circuit-open' | 'failure';

/** The metrics of CDS Hooks: services of this server by their id, those of others together. */
export interface CdsMetrics {
  /** @param service id of one of this server's services, or `external` */
  observe(service: string, outcome: CallOutcome, milliseconds: number): void;
}

/** @param registry undefined: nothing is counted */
export function cdsMetrics(registry: Registry | undefined): CdsMetrics {
  if (registry === undefined) return { observe: () => {} };
  const calls = new Counter({
    name: 'cds_service_calls_total',
    help: 'Calls of CDS services by how they ended',
    labelNames: ['service', 'outcome'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'cds_service_call_duration_seconds',
    help: 'Time that CDS services took, prefetching included',
    labelNames: ['service'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
  return {
    observe(service, outcome, milliseconds) {
      calls.inc({ service, outcome });
      seconds.observe({ service }, milliseconds / 1000);
    },
  };
}
