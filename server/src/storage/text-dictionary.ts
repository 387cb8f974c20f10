import type { Tenant } from '../access/scope.ts';
import type { TextEntry } from '../search/index-model.ts';
import type { Connections } from './connections.ts';
import type { NewVersion } from './rows.ts';
import { dictionaryStatement } from './write-rows.ts';

const MAX_KNOWN = 200_000;

/**
 * The dictionary of display texts and uris (store.index_text). What this process has seen committed is remembered, so
 * that the usual write, whose texts are all known, asks the database nothing.
 */
export class TextDictionary {
  readonly #connections: Connections;
  readonly #known = new Set<string>();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /**
   * Makes sure that the dictionary has the texts of these versions. Committed at once and apart from the resources:
   * an entry that no resource uses does no harm.
   */
  async ensure(tenant: Tenant, versions: readonly NewVersion[]): Promise<void> {
    const fresh = new Map<string, TextEntry>();
    for (const version of versions) {
      for (const entry of version.index.texts) {
        const key = `${tenant.id} ${entry.param} ${entry.token.hi} ${entry.token.lo}`;
        if (!this.#known.has(key)) fresh.set(key, entry);
      }
    }
    if (fresh.size === 0) return;
    const entries = [...fresh.values()];
    await this.#connections.within(tenant, 'read', (connection) =>
      connection.query(dictionaryStatement(tenant, entries)),
    );
    if (this.#known.size + fresh.size > MAX_KNOWN) this.#known.clear();
    for (const key of fresh.keys()) this.#known.add(key);
  }

  /** Forgets what it knows, e.g. after a tenant was deleted and its number could be met again. */
  clear(): void {
    this.#known.clear();
  }
}
