import { type Connections, isTransient } from '../storage/connections.ts';
import {
  type EventDepth,
  type LeasedEvent,
  type OpenEvents,
  OutboxStore,
} from '../storage/events/outbox-store.ts';
import type { EventConsumer, ResourceEvent } from './event.ts';
import type { Pace } from './pace.ts';
import { PollLoop } from './poll-loop.ts';
import { Removals } from './removals.ts';

export interface DispatcherOptions {
  /** Milliseconds between looks for events that other processes have written; default 800. */
  readonly poll?: number;
  /** Events of one consumer that this process works on at once; default 4. */
  readonly concurrency?: number;
  /** What consumers that can wait keep to; without it they do not wait. */
  readonly pace?: Pace | undefined;
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

/** A consumer's events in the hands of this process. */
interface Inbox {
  readonly consumer: EventConsumer;
  /** Taken, and not begun. */
  readonly waiting: Working[];
  readonly working: Set<Working>;
  readonly counts: EventCounts;
}

/**
 * Events that are taken at once, as a multiple of those that are worked on at once: to take them one by one would be a
 * statement more for each.
 */
const AHEAD = 4;

/** 1, 4, 16 s and so on, five minutes at most: eight tries take about a quarter of an hour. */
const defaultBackOff = (attempt: number): number => Math.min(300_000, 250 * 4 ** attempt);

/**
 * Tells consumers of the events in the outbox. Each is handled at least once, those of one resource one after the other
 * in the order of its versions, those of different resources beside each other, by whichever server process is free.
 */
export class EventDispatcher {
  readonly #store: OutboxStore;
  readonly #inboxes: ReadonlyMap<string, Inbox>;
  readonly #options: Required<Omit<DispatcherOptions, 'pace'>>;
  readonly #pace: Pace | undefined;
  readonly #ended = new Set<Promise<void>>();
  readonly #removals: Removals;
  readonly #loop: PollLoop;
  #renewing: NodeJS.Timeout | undefined;
  #turn = 0;
  /** Consumers that there may be events for, and when all were looked for. */
  readonly #woken = new Set<string>();
  #lookedForAll = Number.NEGATIVE_INFINITY;

  constructor(
    connections: Connections,
    consumers: readonly EventConsumer[],
    options: DispatcherOptions = {},
  ) {
    this.#store = new OutboxStore(connections);
    this.#removals = new Removals(this.#store);
    this.#inboxes = new Map(
      consumers.map((consumer) => [
        consumer.name,
        { consumer, waiting: [], working: new Set(), counts: { handled: 0, failed: 0, parked: 0 } },
      ]),
    );
    if (this.#inboxes.size < consumers.length) throw new Error('Two consumers of events have one name');
    this.#pace = options.pace;
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
  }

  /** Begins to take events; without consumers there is nothing to do. */
  start(): void {
    if (this.#renewing !== undefined) throw new Error('The dispatcher was started before');
    if (this.#inboxes.size === 0) return;
    this.#loop.start();
    this.#renewing = setInterval(() => void this.#renew(), this.#options.lease / 3);
    this.#renewing.unref();
  }

  /** There may be new events for these consumers: look now. */
  wake(consumers: Iterable<string>): void {
    for (const name of consumers) this.#woken.add(name);
    this.#loop.wake();
  }

  /** How often what happened here, by consumer. */
  counts(): ReadonlyMap<string, Readonly<EventCounts>> {
    return new Map([...this.#inboxes].map(([name, { counts }]) => [name, counts]));
  }

  /** What waits in the database, of all tenants. */
  depths(): Promise<EventDepth[]> {
    return this.#store.depths();
  }

  /** Takes no more events, and gives back those that consumers do not end within `patience` milliseconds. */
  async stop(patience = 10_000): Promise<void> {
    await this.#loop.stop();
    for (const { controller } of this.#all()) controller.abort(new Error('The server stops'));
    // What was not begun is given back where the others are.
    for (const inbox of this.#inboxes.values()) this.#begin(inbox, Number.POSITIVE_INFINITY);
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
    const idle = this.#toLookFor().filter((inbox) => this.#free(inbox) > 0);
    if (idle.length === 0) return;
    const open = await this.#store.open(idle.map(({ consumer }) => consumer.name));
    // Each time another tenant comes first, and none takes more than its part.
    const first = open.length === 0 ? 0 : this.#turn++ % open.length;
    const inTurn = [...open.slice(first), ...open.slice(0, first)];
    const rivals = Map.groupBy(open, ({ consumer }) => consumer);
    for (const one of inTurn) {
      if (this.#loop.stopping) return;
      const inbox = this.#inboxes.get(one.consumer) as Inbox;
      const free = this.#free(inbox);
      if (free <= 0) continue;
      const tenants = rivals.get(one.consumer)?.length ?? 1;
      const share = Math.ceil((this.#options.concurrency * AHEAD) / tenants);
      await this.#take(inbox, one, Math.min(free, share));
    }
  }

  /** The inboxes of those who were woken; from time to time of all, for what other processes have written. */
  #toLookFor(): Inbox[] {
    const now = performance.now();
    const isForAll = now - this.#lookedForAll >= this.#options.poll / 2;
    if (isForAll) this.#lookedForAll = now;
    const names = isForAll ? this.#inboxes.keys() : [...this.#woken];
    this.#woken.clear();
    return [...names].flatMap((name) => this.#inboxes.get(name) ?? []);
  }

  /** How many events may be taken: none while there are more than can be worked on at once. */
  #free({ waiting, working }: Inbox): number {
    const { concurrency } = this.#options;
    const held = waiting.length + working.size;
    return held > concurrency ? 0 : concurrency * AHEAD - held;
  }

  async #take(inbox: Inbox, open: OpenEvents, most: number): Promise<void> {
    const events = await this.#store.take(open, most, crypto.randomUUID(), this.#options.lease);
    for (const event of events) inbox.waiting.push({ event, controller: new AbortController() });
    this.#begin(inbox, this.#options.concurrency);
  }

  #begin(inbox: Inbox, most: number): void {
    while (inbox.working.size < most) {
      const working = inbox.waiting.shift();
      if (working === undefined) return;
      inbox.working.add(working);
      const ended = this.#handle(inbox, working)
        .catch((error) => {
          // What could not be recorded stays leased: it is taken again when the lease is over.
          if (!isTransient(error)) this.#options.onError(error, inbox.consumer.name);
        })
        .finally(() => {
          inbox.working.delete(working);
          this.#ended.delete(ended);
          this.#begin(inbox, most);
          if (this.#free(inbox) > 0) this.wake([inbox.consumer.name]);
        });
      this.#ended.add(ended);
    }
  }

  async #handle({ consumer, counts }: Inbox, { event, controller }: Working): Promise<void> {
    const { signal } = controller;
    if (event.attempt > this.#options.attempts) {
      return this.#park(consumer, event, 'It ended the process that handled it, several times over');
    }
    try {
      signal.throwIfAborted();
      const work = () => consumer.handle(event, signal);
      const waits = consumer.canWait === true && !event.urgent;
      await (waits && this.#pace !== undefined ? this.#pace.run(work, signal) : work());
    } catch (error) {
      if (signal.aborted) {
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
    await this.#removals.remove(event);
    counts.handled++;
  }

  async #park(consumer: EventConsumer, event: LeasedEvent, failure: string): Promise<void> {
    if (!(await this.#store.park(event, failure))) return;
    (this.#inboxes.get(consumer.name) as Inbox).counts.parked++;
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
    return [...this.#inboxes.values()].flatMap(({ waiting, working }) => [...waiting, ...working]);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
