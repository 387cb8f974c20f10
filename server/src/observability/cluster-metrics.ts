import cluster from 'node:cluster';
import { EventEmitter } from 'node:events';
import type { Metrics, MetricsSnapshot } from './metrics.ts';

/**
 * Metrics of all processes of a cluster. A worker that is asked for metrics asks the primary, which asks every worker,
 * aggregates what comes and answers. Messages carry a `vestaMetrics` property; others are left alone.
 */
type Message =
  | { readonly vestaMetrics: 'read'; readonly id: number }
  | { readonly vestaMetrics: 'collect'; readonly id: number }
  | { readonly vestaMetrics: 'snapshot'; readonly id: number; readonly snapshot: MetricsSnapshot }
  | { readonly vestaMetrics: 'answer'; readonly id: number; readonly text: string };

/** A worker as the primary sees it: what this needs of node:cluster's Worker. */
export interface WorkerChannel {
  send(message: unknown, done: () => void): unknown;
  isConnected(): boolean;
}

/** This process as a worker: what this needs of `process`. */
export interface PrimaryChannel extends EventEmitter {
  send?: ((message: unknown, done: () => void) => unknown) | undefined;
}

/** How long the primary waits for workers, in milliseconds; a busy or dead one is then left out. */
const COLLECT_TIMEOUT = 2_000;
/** How long a worker waits for the primary before it answers for itself alone. */
const READ_TIMEOUT = 4_000;

/**
 * Answers workers' requests for the metrics of the cluster. Call once in the primary.
 * @param cluster node:cluster, or what emits its `message` events
 * @param own metrics of the primary itself
 * @returns a function that gives the aggregated text to the primary itself
 */
export function serveClusterMetrics(
  cluster: EventEmitter & {
    readonly workers?: Readonly<Record<string, WorkerChannel | undefined>> | undefined;
  },
  own?: Metrics,
): () => Promise<string> {
  let sequence = 0;
  const collecting = new Map<number, (from: WorkerChannel, snapshot: MetricsSnapshot) => void>();

  const collect = async (): Promise<string> => {
    const id = ++sequence;
    const waiting = new Set<WorkerChannel>();
    const snapshots: MetricsSnapshot[] = own === undefined ? [] : [await own.snapshot()];
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, COLLECT_TIMEOUT);
      const finish = () => {
        if (waiting.size > 0) return;
        clearTimeout(timer);
        resolve();
      };
      collecting.set(id, (from, snapshot) => {
        if (!waiting.delete(from)) return;
        snapshots.push(snapshot);
        finish();
      });
      for (const worker of Object.values(cluster.workers ?? {})) {
        if (worker?.isConnected() !== true) continue;
        waiting.add(worker);
        post(worker, { vestaMetrics: 'collect', id });
      }
      finish();
    });
    collecting.delete(id);
    // Loaded when metrics are asked for: the primary process stays small.
    const { aggregateMetrics } = await import('./metrics.ts');
    return aggregateMetrics(snapshots);
  };

  // Several scrapes at once share one round.
  let running: Promise<string> | undefined;
  const shared = (): Promise<string> => {
    running ??= collect().finally(() => {
      running = undefined;
    });
    return running;
  };

  cluster.on('message', (worker: WorkerChannel, message: unknown) => {
    if (!isMessage(message)) return;
    if (message.vestaMetrics === 'snapshot') collecting.get(message.id)?.(worker, message.snapshot);
    if (message.vestaMetrics === 'read') {
      shared().then(
        (text) => post(worker, { vestaMetrics: 'answer', id: message.id, text }),
        () => undefined, // The worker answers for itself when its time is up.
      );
    }
  });
  return shared;
}

/**
 * Makes this worker take part in the metrics of the cluster. Call once in each worker.
 * @returns a function that gives the text for all processes; for this one alone if the primary is silent or there is none
 */
export function joinClusterMetrics(
  metrics: Metrics,
  channel: PrimaryChannel = ownPrimary(),
): () => Promise<string> {
  let sequence = 0;
  const reading = new Map<number, (text: string) => void>();
  channel.on('message', (message: unknown) => {
    if (!isMessage(message)) return;
    if (message.vestaMetrics === 'answer') reading.get(message.id)?.(message.text);
    if (message.vestaMetrics === 'collect') {
      metrics.snapshot().then(
        (snapshot) => post(channel, { vestaMetrics: 'snapshot', id: message.id, snapshot }),
        () => undefined,
      );
    }
  });
  return async () => {
    if (channel.send === undefined) return metrics.text();
    const id = ++sequence;
    const text = await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(resolve, READ_TIMEOUT, undefined);
      reading.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      post(channel, { vestaMetrics: 'read', id });
    });
    reading.delete(id);
    return text ?? metrics.text();
  };
}

/** Other parents, such as a supervisor, have a channel to their child too, but nobody there answers. */
function ownPrimary(): PrimaryChannel {
  return cluster.isWorker ? process : new EventEmitter();
}

type Send = (message: unknown, done: () => void) => unknown;

/** Sends without caring for a channel that has just closed: the timeouts deal with silence. */
function post(channel: { send?: Send | undefined }, message: Message): void {
  try {
    // Without a callback a closed channel would raise an error event that ends the process.
    channel.send?.(message, () => undefined);
  } catch {
    // The process at the other end is gone.
  }
}

function isMessage(message: unknown): message is Message {
  return typeof message === 'object' && message !== null && 'vestaMetrics' in message;
}
