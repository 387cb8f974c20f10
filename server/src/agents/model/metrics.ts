import { Counter, Histogram, type Registry } from 'prom-client';

/** How a question to the model has ended. */
export type ModelEnd = 'answered' | 'unusable' | 'failed' | 'over-budget' | 'open-circuit';

/** Counts questions to the language model. */
export class ModelMeasures {
  readonly counts = new Map<ModelEnd, number>();
  #ended: (end: ModelEnd, seconds: number) => void = () => {};
  #used: (tokens: number) => void = () => {};

  /** Shows the numbers in /metrics. */
  watch(registry: Registry): void {
    const registers = [registry];
    const requests = new Counter({
      name: 'model_requests_total',
      help: 'Questions to the language model by how they ended',
      labelNames: ['outcome'],
      registers,
    });
    const tokens = new Counter({
      name: 'model_tokens_total',
      help: 'Tokens of the language model that were used',
      registers,
    });
    const duration = new Histogram({
      name: 'model_request_duration_seconds',
      help: 'How long questions to the language model took, with second tries',
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30],
      registers,
    });
    this.#ended = (outcome, seconds) => {
      requests.inc({ outcome });
      duration.observe(seconds);
    };
    this.#used = (count) => tokens.inc(count);
  }

  ended(end: ModelEnd, milliseconds: number): void {
    this.counts.set(end, (this.counts.get(end) ?? 0) + 1);
    this.#ended(end, milliseconds / 1000);
  }

  used(tokens: number): void {
    this.#used(tokens);
  }
}
