import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  joinClusterMetrics,
  type PrimaryChannel,
  serveClusterMetrics,
  type WorkerChannel,
} from './cluster-metrics.ts';
import { aggregateMetrics, Metrics } from './metrics.ts';

const make = (processMetrics = false) =>
  new Metrics({ types: new Set(['Patient']), interactions: new Set(['read']), processMetrics });
const read = { interaction: 'read', type: 'Patient', status: 200, ms: 3 };

describe('Metrics', () => {
  it('latency by interaction and type, requests by class of status', async () => {
    const metrics = make();
    metrics.observeRequest(read);
    metrics.observeRequest({ ...read, status: 404 });
    const text = await metrics.text();
    expect(text).toContain(
      'fhir_request_duration_seconds_bucket{le="0.0025",interaction="read",type="Patient"} 0',
    );
    expect(text).toContain(
      'fhir_request_duration_seconds_bucket{le="0.005",interaction="read",type="Patient"} 2',
    );
    expect(text).toContain('fhir_requests_total{interaction="read",status="2xx"} 1');
    expect(text).toContain('fhir_requests_total{interaction="read",status="4xx"} 1');
  });

  it('what a client makes up gives no new series', async () => {
    const metrics = make();
    for (let i = 0; i < 100; i++)
      metrics.observeRequest({ interaction: `$x${i}`, type: `T${i}`, status: 404, ms: 1 });
    metrics.observeRequest({ interaction: 'read', status: 200, ms: 1 });
    const text = await metrics.text();
    expect(text.match(/_count\{/g)).toHaveLength(2);
    expect(text).toContain('type="system"');
  });

  it('gauges are asked when metrics are read, and a failing one does no harm', async () => {
    const metrics = make();
    metrics.watchPool('main', () => ({ total: 5, idle: 2, waiting: 1 }));
    metrics.watchPool('search', () => ({ total: 1, idle: 1, waiting: 0 }));
    metrics.watchJobQueues(async () => new Map([['reindex', 7]]));
    metrics.watchIndexLag(async () => {
      throw new Error('away');
    });
    const text = await metrics.text();
    expect(text).toContain('database_pool_connections{pool="main",state="active"} 3');
    expect(text).toContain('database_pool_connections{pool="search",state="idle"} 1');
    expect(text).toContain('job_queue_depth{queue="reindex"} 7');
  });

  it('process metrics and event loop lag are there by default', async () => {
    const text = await make(true).text();
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    expect(text).toContain('process_resident_memory_bytes');
  });
});

describe('a cluster', () => {
  it('sums counts and pools, takes the greatest of queues', async () => {
    const processes = [3, 5].map((depth) => {
      const metrics = make();
      metrics.observeRequest(read);
      metrics.watchPool('main', () => ({ total: depth, idle: 0, waiting: 0 }));
      metrics.watchJobQueues(async () => new Map([['q', depth]]));
      return metrics;
    });
    const text = await aggregateMetrics(await Promise.all(processes.map((metrics) => metrics.snapshot())));
    expect(text).toContain('fhir_requests_total{interaction="read",status="2xx"} 2');
    expect(text).toContain('fhir_request_duration_seconds_count{interaction="read",type="Patient"} 2');
    expect(text).toContain('database_pool_connections{pool="main",state="active"} 8');
    expect(text).toContain('job_queue_depth{queue="q"} 5');
  });

  it('any worker answers for all of them and the primary', async () => {
    const workers: Record<string, WorkerChannel> = {};
    const cluster = Object.assign(new EventEmitter(), { workers });
    const primary = make();
    primary.observeRequest(read);
    const readInPrimary = serveClusterMetrics(cluster, primary);
    const join = (id: string) => {
      const metrics = make();
      metrics.observeRequest(read);
      const channel: PrimaryChannel = new EventEmitter();
      // Messages between processes are copied as JSON.
      const copy = (message: unknown) => JSON.parse(JSON.stringify(message)) as unknown;
      const worker: WorkerChannel = {
        isConnected: () => true,
        send: (message) => setImmediate(() => channel.emit('message', copy(message))),
      };
      channel.send = (message) => setImmediate(() => cluster.emit('message', worker, copy(message)));
      workers[id] = worker;
      return joinClusterMetrics(metrics, channel);
    };
    const readers = [join('1'), join('2')];
    workers['3'] = { isConnected: () => false, send: () => true };
    const texts = await Promise.all([...readers.map((reader) => reader()), readInPrimary()]);
    for (const text of texts)
      expect(text).toContain('fhir_requests_total{interaction="read",status="2xx"} 3');
    cluster.emit('message', workers['1'], 'other');
  });

  it('a process without a cluster answers for itself', async () => {
    const metrics = make();
    metrics.observeRequest(read);
    const channel: PrimaryChannel = new EventEmitter();
    expect(await joinClusterMetrics(metrics, channel)()).toContain('fhir_requests_total');
  });
});
