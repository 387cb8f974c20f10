import type { Tenant } from '../access/scope.ts';

/** What was done to a resource. A patch is an update. */
export type EventMethod = 'create' | 'update' | 'delete';

/** A version of a resource that was committed, as a consumer is told of it. */
export interface ResourceEvent {
  readonly tenant: Tenant;
  /** Grows with the versions of a resource. */
  readonly id: string;
  readonly type: string;
  readonly resourceId: string;
  readonly version: number;
  readonly method: EventMethod;
  /** Who wrote it: AccessScope.subject. */
  readonly subject: string;
  /** The role of a person who wrote it with nobody in between. */
  readonly role: string | undefined;
  /** When it was written, epoch milliseconds. */
  readonly at: number;
  /** Which try this is, from 1. */
  readonly attempt: number;
}

/** Events of a type that a consumer wants. */
export interface EventWant {
  readonly type: string;
  readonly methods: readonly EventMethod[];
  /** Only versions whose JSON text contains this: keeps the outbox free of what the consumer would pass over. */
  readonly mentions?: string;
}

/**
 * A part of the server that is told of what was committed: at least once, in order per resource, also after a crash.
 * What it does must therefore be right when it is done twice.
 */
export interface EventConsumer {
  /** Names its rows in the outbox: never changed. */
  readonly name: string;
  readonly wants: readonly EventWant[];
  /** Whether it gives way to clients while they keep the process busy; by default it does not. */
  readonly canWait?: boolean;
  /**
   * @param signal ends when the server stops or another process has taken the event over
   * @throws what makes it fail: it is tried again later, in the end given up
   */
  handle(event: ResourceEvent, signal: AbortSignal): Promise<void>;
}
