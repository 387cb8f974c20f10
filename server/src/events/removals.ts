import type { LeasedEvent, OutboxStore } from '../storage/events/outbox-store.ts';

interface Removal {
  readonly event: LeasedEvent;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Removes events that were handled: those of a tenant that end while others are being removed go together. */
export class Removals {
  readonly #store: Pick<OutboxStore, 'done'>;
  #open: Removal[] = [];
  #removing = false;

  constructor(store: Pick<OutboxStore, 'done'>) {
    this.#store = store;
  }

  /** @returns when it is gone, or was when somebody else has taken it over @throws what the database's failure is */
  remove(event: LeasedEvent): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#open.push({ event, resolve, reject });
    if (!this.#removing) void this.#removeAll();
    return promise;
  }

  async #removeAll(): Promise<void> {
    this.#removing = true;
    while (this.#open.length > 0) {
      const byTenant = Map.groupBy(this.#open, ({ event }) => event.tenant.id);
      this.#open = [];
      for (const removals of byTenant.values()) {
        const { tenant } = (removals[0] as Removal).event;
        try {
          await this.#store.done(
            tenant,
            removals.map(({ event }) => event),
          );
          for (const { resolve } of removals) resolve();
        } catch (error) {
          for (const { reject } of removals) reject(error);
        }
      }
    }
    this.#removing = false;
  }
}
