import { hashSecret } from '../../auth/hash.ts';
import type { Transaction } from '../transaction.ts';

/** A code as it is found when it is presented. */
export interface StoredCode {
  readonly grantId: string;
  readonly redirectUri: string;
  readonly codeChallenge: string;
  /** Epoch milliseconds. */
  readonly expires: number;
  /** It was presented before. */
  readonly replayed: boolean;
}

export async function insertCode(
  transaction: Transaction,
  code: string,
  stored: Omit<StoredCode, 'replayed'>,
): Promise<void> {
  await transaction.query({
    text: `insert into store.authorization_code (tenant_id, code_hash, grant_id, redirect_uri, code_challenge, expires)
      values ($1, $2, $3, $4, $5, $6)`,
    values: [
      transaction.tenant.id,
      hashSecret(code),
      stored.grantId,
      stored.redirectUri,
      stored.codeChallenge,
      stored.expires,
    ],
  });
}

/** Looks a code up and marks it used, once for all transactions. @returns undefined for an unknown code */
export async function takeCode(transaction: Transaction, code: string): Promise<StoredCode | undefined> {
  const hash = hashSecret(code);
  const rows = await transaction.query({
    text: `select grant_id, redirect_uri, code_challenge, expires, used from store.authorization_code
      where tenant_id = $1 and code_hash = $2 for update`,
    values: [transaction.tenant.id, hash],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  await transaction.query({
    text: `update store.authorization_code set used = $3 where tenant_id = $1 and code_hash = $2 and used is null`,
    values: [transaction.tenant.id, hash, Date.now()],
  });
  return {
    grantId: row[0] as string,
    redirectUri: row[1] as string,
    codeChallenge: row[2] as string,
    expires: Number(row[3]),
    replayed: row[4] !== null,
  };
}
