import type * as jose from 'jose';
import type { Client } from './client.ts';
import { JwkSets, keysOf } from './jwk-sets.ts';

/** The public keys of clients: as they were registered, or fetched from the client's URL and kept for a while. */
export class ClientKeys {
  readonly #sets: JwkSets;

  constructor(options: { readonly allowPrivateAddresses: boolean; readonly now?: () => number }) {
    this.#sets = new JwkSets(options);
  }

  /**
   * The keys that a signature may have been made with: those of the `kid` whose type goes with the algorithm.
   * @returns an empty list when there is none
   * @throws FetchError when the client's set cannot be fetched or is none
   */
  async candidates(client: Client, kid: string, algorithm: string): Promise<jose.CryptoKey[]> {
    let found = client.jwks === undefined ? [] : await keysOf(client.jwks, kid, algorithm);
    if (found.length === 0 && client.jwksUri !== undefined) {
      found = await keysOf(await this.#sets.get(client.jwksUri, false), kid, algorithm);
      // The client may have a new key since.
      if (found.length === 0)
        found = await keysOf(await this.#sets.get(client.jwksUri, true), kid, algorithm);
    }
    return found;
  }
}
