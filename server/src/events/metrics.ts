import { Counter, Gauge, type Registry } from 'prom-client';
import type { EventDispatcher } from './dispatcher.ts';

/** Shows in /metrics what becomes of events. */
export function watchEvents(registry: Registry, dispatcher: EventDispatcher): void {
  const registers = [registry];
  new Counter({
    name: 'events_total',
    help: 'Events that consumers were told of, by what became of it',
    labelNames: ['consumer', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const [consumer, counts] of dispatcher.counts())
        for (const [outcome, count] of Object.entries(counts)) this.inc({ consumer, outcome }, count);
    },
  });
  new Gauge({
    name: 'events_waiting',
    help: 'Events in the outbox: those that wait and those that were given up',
    labelNames: ['consumer', 'state'],
    // Every process reports the same table.
    aggregator: 'max',
    registers,
    async collect() {
      try {
        const depths = await dispatcher.depths();
        this.reset();
        for (const { consumer, waiting, parked } of depths) {
          this.set({ consumer, state: 'waiting' }, waiting);
          this.set({ consumer, state: 'parked' }, parked);
        }
      } catch {
        // The last values stay while the database is away.
      }
    },
  });
}
