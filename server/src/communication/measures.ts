import { Counter, type Registry } from 'prom-client';
import type { DeliveryReport } from './adapter.ts';
import type { Channel } from './terms.ts';

/** Counts what has become of messages, for /metrics. */
export class DeliveryMeasures {
  #counter: Counter<'channel' | 'outcome'> | undefined;

  watch(registry: Registry): void {
    this.#counter = new Counter({
      name: 'messages_total',
      help: 'Messages to people by channel and what has become of them',
      labelNames: ['channel', 'outcome'],
      registers: [registry],
    });
  }

  reported(channel: Channel, outcome: DeliveryReport['state']): void {
    this.#counter?.inc({ channel, outcome });
  }
}
