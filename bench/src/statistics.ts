/** Latencies of a run in milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

/** A growing list of numbers without an object for each. */
export class Samples {
  #values = new Float64Array(1 << 16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(value: number): void {
    if (this.#length === this.#values.length) {
      const grown = new Float64Array(this.#length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#length++] = value;
  }

  clear(): void {
    this.#length = 0;
  }

  /** Exact percentiles (nearest rank) of what was added; all NaN when that is nothing. */
  latency(): Latency {
    const sorted = this.#values.slice(0, this.#length).sort();
    let sum = 0;
    for (const value of sorted) sum += value;
    return {
      p50: rank(sorted, 0.5),
      p95: rank(sorted, 0.95),
      p99: rank(sorted, 0.99),
      max: rank(sorted, 1),
      mean: sum / sorted.length,
    };
  }
}

function rank(sorted: Float64Array, fraction: number): number {
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle value; of an even number of values the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Repeated measurements of one thing: the median stands for it, the extremes are its spread. */
export interface Repeated {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly values: readonly number[];
}

/** Sums up repetitions. */
export function repeated(values: readonly number[]): Repeated {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), values };
}
