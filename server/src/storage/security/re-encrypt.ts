import type { Tenant } from '../../access/scope.ts';
import { parseJson } from '../../json/parse.ts';
import type { Resource } from '../../json/types.ts';
import type { FieldCipher } from '../../security/fields/cipher.ts';
import { isSealedText, keysOf, openText, sealedText } from '../../security/fields/fields.ts';
import type { FieldPolicy } from '../../security/fields/policy.ts';
import { inTransaction, type OwnerConnection } from '../migrate.ts';

const BATCH = 200;

/** The two tables with resources, each with a key that an index is led by after the tenant. */
const TABLES = [
  { table: 'resource', key: ['type', 'rid'], start: ['0', '-9223372036854775808'] },
  { table: 'history', key: ['rid', 'version'], start: ['-9223372036854775808', '-1'] },
] as const;

/**
 * Stores a tenant's resources, old versions too, as the policy and the current key have it: what is protected now and
 * is stored in clear is encrypted, what an older key has encrypted is by the current one, and what is no longer protected
 * is stored in clear. Versions and index stay. Writes of others meanwhile win.
 * @param connection of the owner, outside a transaction
 * @param progress told how many rows were looked at
 * @returns how many rows were stored anew
 * @throws TamperedError for a row whose values cannot be opened; what was stored until then stays
 */
export async function reEncrypt(
  connection: OwnerConnection,
  tenant: Tenant,
  policy: FieldPolicy,
  cipher: FieldCipher,
  progress: (rows: number) => void = () => {},
): Promise<number> {
  let seen = 0;
  let changed = 0;
  for (const { table, key, start } of TABLES) {
    let after: readonly string[] = start;
    for (;;) {
      const { rows } = await connection.query(
        `select ${key[0]}::text as a, ${key[1]}::text as b, content from store.${table}
          where tenant_id = $1 and (${key[0]}, ${key[1]}) > ($2, $3) order by ${key[0]}, ${key[1]} limit ${BATCH}`,
        [tenant.id, ...after],
      );
      const stale = (rows as { a: string; b: string; content: string }[]).flatMap((row) => {
        const content = upToDate(row.content, policy, cipher);
        return content === row.content ? [] : [{ ...row, next: content }];
      });
      if (stale.length > 0) {
        await inTransaction(connection, async () => {
          for (const { a, b, content, next } of stale) {
            const { rowCount } = await connection.query(
              `update store.${table} set content = $4
                where tenant_id = $1 and ${key[0]} = $2 and ${key[1]} = $3 and content = $5`,
              [tenant.id, a, b, next, content],
            );
            changed += rowCount ?? 0;
          }
        });
      }
      seen += rows.length;
      progress(seen);
      const last = rows.at(-1);
      if (last === undefined || rows.length < BATCH) break;
      after = [last.a, last.b];
    }
  }
  await connection.query(
    `insert into store.key_event (tenant_id, at, event, number, detail) values ($1, $2, 're-encrypted', $3, $4)`,
    [tenant.id, Date.now(), cipher.current, JSON.stringify({ rows: seen, changed })],
  );
  return changed;
}

function upToDate(content: string, policy: FieldPolicy, cipher: FieldCipher): string {
  if (content === '') return content;
  const plain = openText(content, cipher);
  const sealed = sealedText(parseJson(plain) as Resource, policy, cipher);
  if (sealed === undefined) return plain;
  const keys = keysOf(content);
  const current = keys.size === 1 && keys.has(cipher.current);
  // The same values under the same key: new nonces would be another text and no other secret.
  return isSealedText(content) && current && keysAgree(content, sealed) ? content : sealed;
}

/** Whether two stored texts of one resource have encrypted the same number of strings. */
function keysAgree(a: string, b: string): boolean {
  const count = (text: string) => text.split('"vesta:sealed:').length;
  return count(a) === count(b);
}
