/** Age in milliseconds of what is known at which it is asked for anew, in the background. */
const ASK_AFTER = 2000;
/** Age at which nobody is let in by it any more. */
const TOO_OLD = 4000;
/** How far back is asked: a change is stamped before it is committed. */
const OVERLAP = 60_000;

/** Asks what has changed since a moment of the database's clock (epoch milliseconds), and what time it is there. */
export type AskChanges<T> = (since: number) => Promise<{ now: number; changed: readonly T[] }>;

/**
 * Knows what has changed in the database, by this process at once and by others within {@link TOO_OLD}. It asks only
 * while it is asked: a process without requests leaves the database alone.
 */
export class ChangeWatch<T> {
  readonly #askChanges: AskChanges<T>;
  readonly #onChanged: (changed: readonly T[]) => void;
  readonly #clock: () => number;
  #askedAt = Number.NEGATIVE_INFINITY;
  #databaseTime: number | undefined;
  #asking: Promise<void> | undefined;
  /** Counts what this process has changed, and how much of that an answer has covered. */
  #noted = 0;
  #covered = 0;

  /**
   * @param onChanged told what has changed, some of it more than once
   * @param clock milliseconds that never go back; for tests
   */
  constructor(
    askChanges: AskChanges<T>,
    onChanged: (changed: readonly T[]) => void,
    clock: () => number = () => performance.now(),
  ) {
    this.#askChanges = askChanges;
    this.#onChanged = onChanged;
    this.#clock = clock;
  }

  /** This process has changed something: whoever asks next waits until it is known. */
  note(): void {
    this.#noted++;
  }

  /** Grows with every change that this process has made. */
  get generation(): number {
    return this.#noted;
  }

  /**
   * Resolves when what is known is fresh; undefined when it is already.
   * @throws what the database's failure is
   */
  fresh(): Promise<void> | undefined {
    const age = this.#clock() - this.#askedAt;
    if (this.#covered === this.#noted && age < TOO_OLD) {
      if (age > ASK_AFTER && this.#asking === undefined) this.#ask().catch(() => {});
      return undefined;
    }
    return this.#until(this.#noted);
  }

  async #until(noted: number): Promise<void> {
    // An answer that is on its way may be of a time before the change.
    do await (this.#asking ?? this.#ask());
    while (this.#covered < noted);
  }

  #ask(): Promise<void> {
    const noted = this.#noted;
    const at = this.#clock();
    const since = this.#databaseTime === undefined ? Number.MAX_SAFE_INTEGER : this.#databaseTime - OVERLAP;
    this.#asking = this.#askChanges(since)
      .then(({ now, changed }) => {
        this.#databaseTime = now;
        this.#askedAt = at;
        this.#covered = noted;
        if (changed.length > 0) this.#onChanged(changed);
      })
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }
}
