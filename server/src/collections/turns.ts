/** Lets work on the same thing happen one after the other within this process. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /**
   * Does some work when all that came before it under the same key has ended.
   * @param work told whether it had to wait
   */
  async run<T>(key: string, work: (waited: boolean) => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const mine = before === undefined ? work(false) : before.then(() => work(true));
    const ended = mine.then(
      () => {},
      () => {},
    );
    this.#last.set(key, ended);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === ended) this.#last.delete(key);
    }
  }
}
