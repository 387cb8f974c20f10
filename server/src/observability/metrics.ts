import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The metrics of one process, ready to be sent to another process and aggregated there. */
export type MetricsSnapshot = readonly object[];

/** One handled request. */
export interface RequestMeasure {
  /** FHIR interaction code, or an operation's name with `$`. */
  readonly interaction: string;
  /** Resource type; absent for the system. */
  readonly type?: string | undefined;
  readonly status: number;
  /** Milliseconds. */
  readonly ms: number;
}

/** Connections of a pool at the moment. */
export interface PoolState {
  readonly total: number;
  readonly idle: number;
  /** Requests that wait for a connection. */
  readonly waiting: number;
}

export interface MetricsOptions {
  /** The types and interactions that may become label values; others count as `other`, so that no client can make series. */
  readonly types: ReadonlySet<string>;
  readonly interactions: ReadonlySet<string>;
  /** Process and event loop metrics; on unless false. */
  readonly processMetrics?: boolean;
}

/** Seconds; a read takes about one millisecond, a large transaction some ten seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/**
 * The Prometheus metrics of one process. Values that are costly to know are asked for when metrics are read
 * (`watch...`). No label carries a tenant, an id or anything else that a client can make up.
 */
export class Metrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #registry = new Registry();
  readonly #options: MetricsOptions;
  readonly #latency: Histogram<'interaction' | 'type'>;
  readonly #requests: Counter<'interaction' | 'status'>;
  readonly #bound = new Map<string, (seconds: number) => void>();
  readonly #counted = new Map<string, () => void>();

  constructor(options: MetricsOptions) {
    this.#options = options;
    const registers = [this.#registry];
    this.#latency = new Histogram({
      name: 'fhir_request_duration_seconds',
      help: 'Time from the first byte of a request to the last of its response',
      labelNames: ['interaction', 'type'],
      buckets: BUCKETS,
      registers,
    });
    this.#requests = new Counter({
      name: 'fhir_requests_total',
      help: 'Handled requests by class of HTTP status',
      labelNames: ['interaction', 'status'],
      registers,
    });
    if (options.processMetrics !== false) collectDefaultMetrics({ register: this.#registry });
  }

  /** Counts a handled request. */
  observeRequest({ interaction, type, status, ms }: RequestMeasure): void {
    const known = this.#options.interactions.has(interaction) ? interaction : 'other';
    const ofType = type === undefined ? 'system' : this.#options.types.has(type) ? type : 'other';
    const key = `${known} ${ofType}`;
    let observe = this.#bound.get(key);
    if (observe === undefined) {
      const child = this.#latency.labels({ interaction: known, type: ofType });
      observe = (seconds) => child.observe(seconds);
      this.#bound.set(key, observe);
    }
    observe(ms / 1000);
    const statusClass = Math.trunc(status / 100);
    const counted = `${known} ${statusClass}`;
    let count = this.#counted.get(counted);
    if (count === undefined) {
      const child = this.#requests.labels({ interaction: known, status: `${statusClass}xx` });
      count = () => child.inc();
      this.#counted.set(counted, count);
    }
    count();
  }

  /** Reports a connection pool under a name whenever metrics are read. Processes of a cluster add up. */
  watchPool(pool: string, state: () => PoolState): void {
    this.#pools.set(pool, state);
    if (this.#pools.size > 1) return;
    const pools = this.#pools;
    const gauge = new Gauge({
      name: 'database_pool_connections',
      help: 'Database connections by state, and requests waiting for one',
      labelNames: ['pool', 'state'],
      registers: [this.#registry],
      collect() {
        for (const [name, read] of pools) {
          const { total, idle, waiting } = read();
          gauge.set({ pool: name, state: 'active' }, total - idle);
          gauge.set({ pool: name, state: 'idle' }, idle);
          gauge.set({ pool: name, state: 'waiting' }, waiting);
        }
      },
    });
  }
  readonly #pools = new Map<string, () => PoolState>();

  /**
   * Reports the jobs that wait, by queue, whenever metrics are read. A failure leaves the last values. Every process may
   * report the same queues: the greatest value counts.
   */
  watchJobQueues(depths: () => Promise<ReadonlyMap<string, number>>): void {
    const gauge = new Gauge({
      name: 'job_queue_depth',
      help: 'Jobs that wait to be run',
      labelNames: ['queue'],
      aggregator: 'max',
      registers: [this.#registry],
      async collect() {
        try {
          for (const [queue, depth] of await depths()) gauge.set({ queue }, depth);
        } catch {
          // Reading metrics must work while the database is away.
        }
      },
    });
  }

  /** Reports by how many seconds the index lies behind the resources (reindexing, asynchronous parameters). As {@link watchJobQueues}. */
  watchIndexLag(seconds: () => Promise<number>): void {
    const gauge = new Gauge({
      name: 'search_index_lag_seconds',
      help: 'Age of the oldest resource version whose index entries are still to be made',
      aggregator: 'max',
      registers: [this.#registry],
      async collect() {
        try {
          gauge.set(await seconds());
        } catch {
          // As above.
        }
      },
    });
  }

  /** Reports how often a second barrier has kept tenants apart (storage/isolation.ts). */
  watchIsolation(faults: () => number): void {
    new Counter({
      name: 'tenant_isolation_violations_total',
      help: 'Statements and requests that would have reached another tenant by a fault of the server: must be 0',
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(faults());
      },
    });
  }

  /** A gauge, histogram or counter of another part of the server may be registered here. */
  get registry(): Registry {
    return this.#registry;
  }

  /** The metrics of this process, to be sent to {@link aggregateMetrics}. */
  async snapshot(): Promise<MetricsSnapshot> {
    return (await this.#registry.getMetricsAsJSON()) as object[];
  }

  /** The metrics of this process in Prometheus text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

/** The metrics of several processes as one, in Prometheus text format: sums, unless the metric says otherwise. */
export function aggregateMetrics(snapshots: readonly MetricsSnapshot[]): Promise<string> {
  return AggregatorRegistry.aggregate(snapshots as object[]).metrics();
}
