import { Lru } from '../../collections/lru.ts';

interface State {
  failures: number;
  /** Milliseconds of the clock until which nothing is tried; 0 while closed. */
  until: number;
  /** Whether somebody tries at the moment whether it works again. */
  probing: boolean;
}

/** Services that are watched in a process. */
const MAX_KEYS = 2000;

/**
 * Leaves alone what fails: after some failures one after the other nothing is tried for a while (open), then one call is
 * let through (half open), which decides how it goes on.
 */
export class Breakers {
  readonly #failures: number;
  readonly #pause: number;
  readonly #clock: () => number;
  readonly #states = new Lru<string, State>(MAX_KEYS);

  /** @param clock milliseconds that never go back; for tests */
  constructor({ failures, pause }: { failures: number; pause: number }, clock = () => performance.now()) {
    this.#failures = failures;
    this.#pause = pause;
    this.#clock = clock;
  }

  /** Whether a call may be made. Who is told yes must report how it ended. */
  enter(key: string): boolean {
    const state = this.#states.get(key);
    if (state === undefined || state.until === 0) return true;
    if (state.probing || this.#clock() < state.until) return false;
    state.probing = true;
    return true;
  }

  succeeded(key: string): void {
    this.#states.delete(key);
  }

  failed(key: string): void {
    const state = this.#states.get(key) ?? { failures: 0, until: 0, probing: false };
    state.failures++;
    if (state.probing || state.failures >= this.#failures) state.until = this.#clock() + this.#pause;
    state.probing = false;
    this.#states.set(key, state);
  }

  /** A call that has shown neither, such as one that was never sent. */
  undecided(key: string): void {
    const state = this.#states.get(key);
    if (state !== undefined) state.probing = false;
  }

  isOpen(key: string): boolean {
    const state = this.#states.get(key);
    return state !== undefined && state.until > this.#clock();
  }
}
