import type { AuditEntry } from '../entry.ts';
import type { KindName } from '../kinds.ts';

/** The names of alerts: kinds of events of their own. */
export type AlertName = Extract<
  KindName,
  | 'failed-logins'
  | 'impossible-travel'
  | 'mass-reading'
  | 'own-record'
  | 'family-record'
  | 'vip-record'
  | 'cross-tenant'
>;

/** What a rule has noticed. */
export interface Alert {
  readonly rule: AlertName;
  readonly tenantId: number;
  /** Epoch milliseconds of the event that raised it. */
  readonly time: number;
  /** Who is meant: agent, login or address. */
  readonly about: string;
  /** One sentence. */
  readonly text: string;
  /** Patients concerned. */
  readonly patients?: readonly string[];
  readonly entry: AuditEntry;
}

/** What is known of the people in an event, where somebody has looked it up. */
export interface PeopleFacts {
  /** Ids of patients who are the agent himself. */
  readonly self: ReadonlySet<string>;
  /** Ids of patients who are the agent's relatives. */
  readonly family: ReadonlySet<string>;
  /** Ids of patients whose records are specially protected. */
  readonly vip: ReadonlySet<string>;
}

/** An event as rules see it. */
export interface WatchedEvent {
  readonly tenantId: number;
  readonly entry: AuditEntry;
  readonly facts?: PeopleFacts;
}

/** A rule: what it remembers is small and bounded, and time is the events' own. */
export interface Rule {
  readonly name: AlertName;
  /** The alert that an event raises; undefined for none. */
  see(event: WatchedEvent): Alert | undefined;
}

export function alertOf(
  rule: AlertName,
  { tenantId, entry }: WatchedEvent,
  about: string,
  text: string,
  patients?: readonly string[],
): Alert {
  return {
    rule,
    tenantId,
    time: entry.time,
    about,
    text,
    entry,
    ...(patients === undefined ? {} : { patients }),
  };
}

/** Who acts: the agent of an event, one tenant's apart from another's. */
export function actorOf({ tenantId, entry }: WatchedEvent): string | undefined {
  const { agent } = entry;
  return agent === undefined || agent === 'anonymous' ? undefined : `${tenantId}/${agent}`;
}

/** A map that forgets what was used the longest time ago when it is full. */
export class Recent<T> {
  readonly #most: number;
  readonly #values = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): T | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  set(key: string, value: T): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#most) this.#values.delete(this.#values.keys().next().value as string);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  get size(): number {
    return this.#values.size;
  }
}

/** Whether an alert about somebody is due, or was raised a short time ago. */
export class Quiet {
  readonly #raised: Recent<number>;
  readonly #pause: number;

  /** @param pause milliseconds between two alerts about the same */
  constructor(pause: number, most = 10_000) {
    this.#pause = pause;
    this.#raised = new Recent(most);
  }

  isDue(key: string, time: number): boolean {
    const last = this.#raised.get(key);
    if (last !== undefined && time - last < this.#pause) return false;
    this.#raised.set(key, time);
    return true;
  }
}
