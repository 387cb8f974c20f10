import type { Tenant } from '../access/scope.ts';
import { Lru } from '../collections/lru.ts';
import type { Connections } from '../storage/connections.ts';

/** How long what was read of the directory counts, in milliseconds: so late what other processes write is seen. */
const FRESH = 2000;
/** Resources, or references to such, that are kept. */
const MOST = 20_000;
const TYPES = new Set(['HealthcareService', 'Location', 'Organization', 'PractitionerRole', 'Schedule']);

/**
 * What scheduling has read of who works where and when, kept for a moment: searches for free times and bookings ask for the
 * same over and over. What this process writes counts at once. What is taken is never kept.
 */
export class KnownDirectory {
  readonly #kept = new Lru<string, { readonly value: unknown; readonly until: number }>(MOST);
  readonly #changes = new Map<number, number>();

  /**
   * What `make` makes, or has made a moment ago.
   * @param key says all that it depends on, besides the tenant's directory
   * @param weightOf how many resources or references it is; it must not be changed
   */
  async remember<T>(
    { id }: Tenant,
    key: string,
    make: () => Promise<T>,
    weightOf: (value: T) => number,
  ): Promise<T> {
    // What was begun before a change is kept under a key that nobody asks for after it.
    const whole = `${id} ${this.#changes.get(id) ?? 0} ${key}`;
    const known = this.#kept.get(whole);
    if (known !== undefined && known.until > performance.now()) return known.value as T;
    const value = await make();
    this.#kept.set(whole, { value, until: performance.now() + FRESH }, 1 + weightOf(value));
    return value;
  }

  /** Told of what was committed. */
  written(tenant: Tenant, outcomes: readonly { readonly type: string; readonly content: string }[]): void {
    const bears = outcomes.some(
      ({ type, content }) => TYPES.has(type) || (type === 'Slot' && content.includes('"free"')),
    );
    if (bears) this.forget(tenant);
  }

  /** Reads anew from now on. */
  forget({ id }: Tenant): void {
    this.#changes.set(id, (this.#changes.get(id) ?? 0) + 1);
  }
}

const known = new WeakMap<Connections, KnownDirectory>();

/** The one of a server process, which its database connections stand for. */
export function knownDirectoryOf(connections: Connections): KnownDirectory {
  let found = known.get(connections);
  if (found === undefined) {
    found = new KnownDirectory();
    known.set(connections, found);
  }
  return found;
}
