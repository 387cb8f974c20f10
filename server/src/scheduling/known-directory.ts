import type { Tenant } from '../access/scope.ts';
import { Lru } from '../collections/lru.ts';
import type { Connections } from '../storage/connections.ts';
import { directoryMark } from '../storage/scheduling/directory-mark.ts';

/** How long the directory counts as it was without asking whether it has changed, in milliseconds: so late what other processes write is seen. */
const FRESH = 2000;
/** How long anything is kept, in milliseconds, whatever is asked. */
const LONGEST = 60_000;
/** Resources, or references to such, that are kept. */
const MOST = 20_000;
const TYPES = ['HealthcareService', 'Location', 'Organization', 'PractitionerRole', 'Schedule'];

/** What the text of an Appointment has in it that takes time. */
const TAKES_TIME = /"(pending|booked|arrived|checked-in)"/;

interface Kept {
  readonly value: unknown;
  /** By performance.now(). */
  readonly until: number;
}

/** What is known of a tenant's directory. */
interface State {
  /** Grows with every change. */
  changes: number;
  /** As {@link directoryMark} has told it last. */
  mark: string | undefined;
  askedAt: number;
  asking: Promise<void> | undefined;
}

/**
 * What scheduling has read of who works where and when, kept as long as nobody writes it: searches for free times and
 * bookings ask for the same over and over. What this process writes counts at once. What is taken is never kept.
 */
export class KnownDirectory {
  readonly #connections: Connections;
  readonly #kept = new Lru<string, Kept>(MOST);
  readonly #states = new Map<number, State>();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /**
   * What `make` makes of the directory, or has made of it as it is.
   * @param key says all that it depends on, besides the tenant's directory
   * @param weightOf how many resources or references it is; it must not be changed
   */
  async remember<T>(
    tenant: Tenant,
    key: string,
    make: () => Promise<T>,
    weightOf: (value: T) => number,
  ): Promise<T> {
    await this.#ask(tenant);
    return this.#remembered(tenant, key, make, weightOf, LONGEST);
  }

  /** As {@link remember}, of what changes with other resources too: it counts for a moment only. */
  rememberBriefly<T>(
    tenant: Tenant,
    key: string,
    make: () => Promise<T>,
    weightOf: (value: T) => number,
  ): Promise<T> {
    return this.#remembered(tenant, key, make, weightOf, FRESH);
  }

  /** Told of what was committed. */
  written(tenant: Tenant, outcomes: readonly { readonly type: string; readonly content: string }[]): void {
    const bears = outcomes.some(
      ({ type, content }) =>
        TYPES.includes(type) ||
        (type === 'Slot' && content.includes('"free"')) ||
        (type === 'Appointment' && !content.includes('"slot"') && TAKES_TIME.test(content)),
    );
    if (bears) this.forget(tenant);
  }

  /** Reads anew from now on. */
  forget(tenant: Tenant): void {
    this.#stateOf(tenant).changes++;
  }

  async #remembered<T>(
    tenant: Tenant,
    key: string,
    make: () => Promise<T>,
    weightOf: (value: T) => number,
    time: number,
  ): Promise<T> {
    // What was begun before a change is kept under a key that nobody asks for after it.
    const whole = `${tenant.id} ${this.#stateOf(tenant).changes} ${key}`;
    const known = this.#kept.get(whole);
    if (known !== undefined && known.until > performance.now()) return known.value as T;
    const value = await make();
    this.#kept.set(whole, { value, until: performance.now() + time }, 1 + weightOf(value));
    return value;
  }

  /** Asks whether the directory has changed, unless it was asked a moment ago. */
  #ask(tenant: Tenant): Promise<void> | undefined {
    const state = this.#stateOf(tenant);
    if (performance.now() - state.askedAt < FRESH) return undefined;
    state.asking ??= this.#askNow(tenant, state).finally(() => {
      state.asking = undefined;
    });
    return state.asking;
  }

  async #askNow(tenant: Tenant, state: State): Promise<void> {
    const began = performance.now();
    const mark = await directoryMark(this.#connections, tenant, TYPES);
    if (mark === undefined || mark !== state.mark) state.changes++;
    state.mark = mark;
    state.askedAt = began;
  }

  #stateOf({ id }: Tenant): State {
    let state = this.#states.get(id);
    if (state === undefined) {
      state = { changes: 0, mark: undefined, askedAt: Number.NEGATIVE_INFINITY, asking: undefined };
      this.#states.set(id, state);
    }
    return state;
  }
}

const known = new WeakMap<Connections, KnownDirectory>();

/** The one of a server process, which its database connections stand for. */
export function knownDirectoryOf(connections: Connections): KnownDirectory {
  let found = known.get(connections);
  if (found === undefined) {
    found = new KnownDirectory(connections);
    known.set(connections, found);
  }
  return found;
}
