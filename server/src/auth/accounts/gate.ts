/** Thrown when more wait than a {@link Gate} lets wait. */
export class BusyError extends Error {}

/** Lets a few through at a time; the others wait, up to a number. */
export class Gate {
  readonly #places: number;
  readonly #limit: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number, limit: number) {
    this.#places = places;
    this.#limit = limit;
  }

  /** @throws BusyError when too many wait; otherwise what `work` throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#places) {
      if (this.#waiting.length >= this.#limit) throw new BusyError('Too many logins at once');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // A waiting one takes the place over: the count stays.
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
