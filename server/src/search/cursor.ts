import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { fhirError } from '../fhir/outcome.ts';

/** Where a page of a search ended: what the next page starts after. */
export interface CursorState {
  /** Values of the sort keys of the last row, as text; null where it has none. */
  readonly keys: readonly (string | null)[];
  /** Row id of the last row, in decimal. */
  readonly rid: string;
  /** Rows per page. */
  readonly size: number;
}

/** Makes and reads the opaque `_cursor` of paging links. */
export interface CursorCodec {
  /**
   * @param tenantId the tenant that the cursor is for
   * @param fingerprint ParsedSearch.fingerprint of the search that it continues
   * @returns text of characters that need no escaping in a URL
   */
  encode(tenantId: number, fingerprint: string, state: CursorState): string;
  /** @throws FhirError 400 if it was altered, or made for another tenant, search or server */
  decode(tenantId: number, fingerprint: string, cursor: string): CursorState;
}

const ALGORITHM = 'aes-256-gcm';
const NONCE = 12;
const TAG = 16;
const LONGEST = 8192;

/**
 * Cursors are encrypted and authenticated (AES-256-GCM); tenant and query are authenticated with them, so a cursor says
 * nothing to its holder and works in no other place. R4 http.html#paging: links are opaque to the client.
 *
 * @param secret at least 16 secret bytes, the same in all server processes
 */
export function createCursorCodec(secret: Uint8Array): CursorCodec {
  if (secret.length < 16) throw new Error('createCursorCodec: the secret must have at least 16 bytes');
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'vesta search cursor', 32));
  const bound = (tenantId: number, fingerprint: string) =>
    createHash('sha256').update(`${tenantId}\u0000${fingerprint}`).digest();
  return {
    encode(tenantId, fingerprint, state) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv(ALGORITHM, key, nonce);
      cipher.setAAD(bound(tenantId, fingerprint));
      const text = JSON.stringify([state.rid, state.size, ...state.keys]);
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url');
    },
    decode(tenantId, fingerprint, cursor) {
      try {
        if (cursor.length > LONGEST || !/^[A-Za-z0-9_-]+$/.test(cursor)) throw new Error('not a cursor');
        const bytes = Buffer.from(cursor, 'base64url');
        // One text per cursor: base64url leaves bits that do not count in the last character.
        if (bytes.length < NONCE + TAG || bytes.toString('base64url') !== cursor)
          throw new Error('not a cursor');
        const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE));
        decipher.setAAD(bound(tenantId, fingerprint));
        decipher.setAuthTag(bytes.subarray(bytes.length - TAG));
        const body = Buffer.concat([
          decipher.update(bytes.subarray(NONCE, bytes.length - TAG)),
          decipher.final(),
        ]);
        const [rid, size, ...keys] = JSON.parse(body.toString('utf8')) as [
          string,
          number,
          ...(string | null)[],
        ];
        return { rid, size, keys };
      } catch {
        throw fhirError(
          400,
          'value',
          'The paging link was altered or belongs to another search. Start the search again.',
          'http.query._cursor',
        );
      }
    },
  };
}
