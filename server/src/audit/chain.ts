import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** What a tenant's chain is made with. */
export interface ChainKey {
  /** Says which key it is without telling it. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** The `previous` of a tenant's first batch. */
export const CHAIN_START = Buffer.alloc(32);

/**
 * The key of the audit chain, which follows from the master key: who can write to the database, but does not know the
 * key, cannot make a chain that verifies.
 * @param secret 16 bytes or more
 */
export function chainKey(secret: Uint8Array): ChainKey {
  if (secret.length < 16) throw new RangeError('The secret of the audit chain needs at least 16 bytes');
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', 'vesta/audit-chain', 32));
  return { bytes, id: createHash('sha256').update(bytes).digest('hex').slice(0, 16) };
}

/**
 * The hash of a batch: HMAC-SHA-256 over the tenant, the hash before, the batch's time and each entry's bytes with their
 * length. What is changed, removed, inserted or moved in a batch, between batches or between tenants changes it.
 * @param written epoch milliseconds
 */
export function batchHash(
  key: ChainKey,
  tenantId: number,
  previous: Uint8Array,
  written: number,
  entries: readonly string[],
): Buffer {
  const hmac = createHmac('sha256', key.bytes);
  hmac.update(`${tenantId}\n${written}\n${entries.length}\n`);
  hmac.update(previous);
  hmac.update(entries.map((entry) => `${Buffer.byteLength(entry)}\n${entry}\n`).join(''));
  return hmac.digest();
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
