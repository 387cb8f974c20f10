import { Counter, Histogram, type Registry } from 'prom-client';

/** What has become of an agent's runs in this process. */
export interface RunCounts {
  runs: number;
  failures: number;
  timeouts: number;
  /** Milliseconds of all runs together. */
  milliseconds: number;
  /** When the last failure was, epoch milliseconds. */
  lastFailure: number | undefined;
  /** Failures since the last success. */
  failing: number;
}

export type RunEnd = 'done' | 'refused' | 'failed' | 'timeout';

/** Counts runs by agent. */
export class RunMeasures {
  readonly #counts = new Map<string, RunCounts>();
  #observe: (agent: string, end: RunEnd, seconds: number) => void = () => {};

  /** Shows the numbers in /metrics. */
  watch(registry: Registry): void {
    const registers = [registry];
    const runs = new Counter({
      name: 'agent_runs_total',
      help: 'Runs of agents by how they ended',
      labelNames: ['agent', 'outcome'],
      registers,
    });
    const duration = new Histogram({
      name: 'agent_run_duration_seconds',
      help: 'How long runs of agents took',
      labelNames: ['agent'],
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    });
    this.#observe = (agent, outcome, seconds) => {
      runs.inc({ agent, outcome });
      duration.observe({ agent }, seconds);
    };
  }

  ended(agent: string, end: RunEnd, milliseconds: number): void {
    const counts = this.of(agent);
    counts.runs++;
    counts.milliseconds += milliseconds;
    // A refusal is the caller's fault.
    if (end === 'failed' || end === 'timeout') {
      counts.failures++;
      counts.failing++;
      counts.lastFailure = Date.now();
      if (end === 'timeout') counts.timeouts++;
    } else counts.failing = 0;
    this.#counts.set(agent, counts);
    this.#observe(agent, end, milliseconds / 1000);
  }

  of(agent: string): RunCounts {
    return (
      this.#counts.get(agent) ?? {
        runs: 0,
        failures: 0,
        timeouts: 0,
        milliseconds: 0,
        lastFailure: undefined,
        failing: 0,
      }
    );
  }
}
