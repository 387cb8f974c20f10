import { createHash } from 'node:crypto';
import type { Client } from '../clients/client.ts';

/**
 * The grant of a backend service's tokens: its registration, which is no row of its own. A client that is registered
 * anew under the same id has another one.
 * @returns a UUID of version 8 (RFC 9562)
 */
export function systemGrantId(client: Pick<Client, 'id' | 'created'>): string {
  const bytes = createHash('sha256').update(`${client.created}/${client.id}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
