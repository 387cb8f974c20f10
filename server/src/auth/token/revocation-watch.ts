import { type Revocation, revocationsSince } from '../../storage/auth/revocations.ts';
import type { Connections } from '../../storage/connections.ts';

/** Age in milliseconds of what is known at which it is asked for anew, in the background. */
const ASK_AFTER = 2000;
/** Age at which nobody is let in by it any more. */
const TOO_OLD = 4000;
/** How far back is asked: a revocation is stamped before it is committed. */
const OVERLAP = 60_000;

/**
 * Knows what was revoked, by this process at once and by others within {@link TOO_OLD}. It asks only while it is asked:
 * a process without requests leaves the database alone.
 */
export class RevocationWatch {
  readonly #connections: Connections;
  readonly #onRevoked: (revoked: readonly Revocation[]) => void;
  readonly #clock: () => number;
  #askedAt = Number.NEGATIVE_INFINITY;
  #databaseTime: number | undefined;
  #asking: Promise<void> | undefined;
  /** Counts what this process has revoked, and how much of that an answer has covered. */
  #noted = 0;
  #covered = 0;

  /**
   * @param onRevoked told what is revoked, some of it more than once
   * @param clock milliseconds that never go back; for tests
   */
  constructor(
    connections: Connections,
    onRevoked: (revoked: readonly Revocation[]) => void,
    clock: () => number = () => performance.now(),
  ) {
    this.#connections = connections;
    this.#onRevoked = onRevoked;
    this.#clock = clock;
  }

  /** This process has revoked something: whoever asks next waits until it is known. */
  note(): void {
    this.#noted++;
  }

  /** Grows with every revocation that this process has made. */
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
    // An answer that is on its way may be of a time before the revocation.
    do await (this.#asking ?? this.#ask());
    while (this.#covered < noted);
  }

  #ask(): Promise<void> {
    const noted = this.#noted;
    const at = this.#clock();
    const since = this.#databaseTime === undefined ? Number.MAX_SAFE_INTEGER : this.#databaseTime - OVERLAP;
    this.#asking = revocationsSince(this.#connections, since)
      .then(({ now, revoked }) => {
        this.#databaseTime = now;
        this.#askedAt = at;
        this.#covered = noted;
        if (revoked.length > 0) this.#onRevoked(revoked);
      })
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }
}
