import { type Connections, isTransient } from '../storage/connections.ts';
import {
  type EventDepth,
  type LeasedEvent,
  type OpenEvents,
  OutboxStore,
} from '../storage/events/outbox-store.ts';
import type { EventConsumer, ResourceEvent } from './event.ts';
import { PollLoop } from './poll-loop.ts';

export interface DispatcherOptions {
  /** Milliseconds between looks for events that other processes have written; default 800. */
  readonly poll?: number;
  /** Events of one consumer that this process works on at once; default 4. */
  readonly concurrency?: number;
  /** Milliseconds that an event stays with a process that has died; default 15,000. */
  readonly lease?: number;
  /** Tries before an event is given up; default 8. */
  readonly attempts?: number;
  /** Milliseconds to wait after a failure, by the number of the try that failed. */
  readonly backOff?: (attempt: number) => number;
  /** Told of every failure of a consumer, and of failures of the dispatcher itself. */
  readonly onError?: (error: unknown, consumer?: string) => void;
  /** Told of an event that was given up. */
  readonly onParked?: (event: ResourceEvent, consumer: string, failure: string) => void | Promise<void>;
}

/** What has become of a consumer's events in this process. */
export interface EventCounts {
  handled: number;
  failed: number;
  parked: number;
}

interface Working {
  readonly event: LeasedEvent;
  readonly controller: AbortController;
}

/** 1, 4, 16 s and so on, five minutes at most: eight tries take about a quarter of an hour. */
const defaultBackOff = (attempt: number): number => Math.min(300_000, 250 * 4 ** attempt);

/**
 * Tells consumers of the events in the outbox. Each is handled at least once, those of one resource one after the other
 * in the order of its versions, those of different resources beside each other, by whichever server process is free.
 */
export class EventDispatcher {
  readonly #store: OutboxStore;
  readonly #consumers: ReadonlyMap<string, EventConsumer>;
  readonly #options: Required<DispatcherOptions>;
  readonly #working = new Map<string, Set<Working>>();
  readonly #counts = new Map<string, EventCounts>();
  readonly #ended = new Set<Promise<void>>();
  readonly #loop: PollLoop;
  #renewing: NodeJS.Timeout | undefined;
  #turn = 0;

  constructor(
    connections: Connections,
    consumers: readonly EventConsumer[],
    options: DispatcherOptions = {},
  ) {
    this.#store = new OutboxStore(connections);
    this.#consumers = new Map(consumers.map((consumer) => [consumer.name, consumer]));
    if (this.#consumers.size < consumers.length) throw new Error('Two consumers of events have one name');
    this.#options = {
      poll: 800,
      concurrency: 4,
      lease: 15_000,
      attempts: 8,
      backOff: defaultBackOff,
      onError: () => {},
      onParked: () => {},
      ...options,
    };
    const { poll, onError } = this.#options;
    this.#loop = new PollLoop({ poll, look: () => this.#takeAll(), onError });
    for (const { name } of consumers) {
      this.#working.set(name, new Set());
      this.#counts.set(name, { handled: 0, failed: 0, parked: 0 });
    }
  }

  /** Begins to take events; without consumers there is nothing to do. */
  start(): void {
    if (this.#renewing !== undefined) throw new Error('The dispatcher was started before');
    if (this.#consumers.size === 0) return;
    this.#loop.start();
    this.#renewing = setInterval(() => void this.#renew(), this.#options.lease / 3);
    this.#renewing.unref();
  }

  /** There may be new events: look now. */
  wake(): void {
    this.#loop.wake();
  }

  /** How often what happened here, by consumer. */
  counts(): ReadonlyMap<string, Readonly<EventCounts>> {
    return this.#counts;
  }

  /** What waits in the database, of all tenants. */
  depths(): Promise<EventDepth[]> {
    return this.#store.depths();
  }

  /** Takes no more events, and gives back those that consumers do not end within `patience` milliseconds. */
  async stop(patience = 10_000): Promise<void> {
    await this.#loop.stop();
    for (const { controller } of this.#all()) controller.abort(new Error('The server stops'));
    const all = Promise.allSettled(this.#ended);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([all, late]);
    clearTimeout(timer);
    clearInterval(this.#renewing);
  }

  async #takeAll(): Promise<void> {
    const idle = [...this.#consumers.keys()].filter((name) => this.#free(name) > 0);
    if (idle.length === 0) return;
    const open = await this.#store.open(idle);
    // Each time another tenant comes first, and none takes more than its part.
    const first = open.length === 0 ? 0 : this.#turn++ % open.length;
    const inTurn = [...open.slice(first), ...open.slice(0, first)];
    const rivals = Map.groupBy(open, ({ consumer }) => consumer);
    for (const one of inTurn) {
      if (this.#loop.stopping) return;
      const free = this.#free(one.consumer);
      if (free === 0) continue;
      const share = Math.ceil(this.#options.concurrency / (rivals.get(one.consumer)?.length ?? 1));
      await this.#take(one, Math.min(free, share));
    }
  }

  #free(consumer: string): number {
    return this.#options.concurrency - (this.#working.get(consumer)?.size ?? 0);
  }

  async #take(open: OpenEvents, most: number): Promise<void> {
    const consumer = this.#consumers.get(open.consumer) as EventConsumer;
    const events = await this.#store.take(open, most, crypto.randomUUID(), this.#options.lease);
    for (const event of events) {
      const working = { event, controller: new AbortController() };
      const mine = this.#working.get(consumer.name) as Set<Working>;
      mine.add(working);
      const ended = this.#handle(consumer, working)
        .catch((error) => {
          // What could not be recorded stays leased: it is taken again when the lease is over.
          if (!isTransient(error)) this.#options.onError(error, consumer.name);
        })
        .finally(() => {
          mine.delete(working);
          this.#ended.delete(ended);
          this.wake();
        });
      this.#ended.add(ended);
    }
  }

  async #handle(consumer: EventConsumer, { event, controller }: Working): Promise<void> {
    const counts = this.#counts.get(consumer.name) as EventCounts;
    if (event.attempt > this.#options.attempts) {
      return this.#park(consumer, event, 'It ended the process that handled it, several times over');
    }
    try {
      await consumer.handle(event, controller.signal);
    } catch (error) {
      if (controller.signal.aborted) {
        await this.#store.release(event);
        return;
      }
      // A database that is away is no fault of the event's.
      if (isTransient(error)) {
        await this.#store.failed(event, this.#options.backOff(1), messageOf(error));
        return;
      }
      counts.failed++;
      this.#options.onError(error, consumer.name);
      if (event.attempt >= this.#options.attempts) return this.#park(consumer, event, messageOf(error));
      await this.#store.failed(event, this.#options.backOff(event.attempt), messageOf(error));
      return;
    }
    await this.#store.done(event);
    counts.handled++;
  }

  async #park(consumer: EventConsumer, event: LeasedEvent, failure: string): Promise<void> {
    if (!(await this.#store.park(event, failure))) return;
    (this.#counts.get(consumer.name) as EventCounts).parked++;
    await this.#options.onParked(event, consumer.name, failure);
  }

  /** Keeps what is worked on; what was lost to another process is stopped. */
  async #renew(): Promise<void> {
    const byLease = Map.groupBy(this.#all(), ({ event }) => event.lease);
    for (const [lease, working] of byLease) {
      const { tenant } = (working[0] as Working).event;
      const ids = working.map(({ event }) => event.id);
      try {
        const held = new Set(await this.#store.renew(tenant, lease, ids, this.#options.lease));
        for (const { event, controller } of working)
          if (!held.has(event.id)) controller.abort(new Error('Another process has taken it over'));
      } catch (error) {
        if (!isTransient(error)) this.#options.onError(error);
      }
    }
  }

  #all(): Working[] {
    return [...this.#working.values()].flatMap((working) => [...working]);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
