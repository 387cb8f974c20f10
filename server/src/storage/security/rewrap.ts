import type { KeyWrapper } from '../../security/keys/key-wrapper.ts';
import { MasterKeyError } from '../../security/keys/master-key.ts';
import { inTransaction, type OwnerConnection } from '../migrate.ts';
import { wrappedSettings, wrapSettings } from './settings.ts';

/**
 * Wraps all data keys, and settings that are wrapped, by the current master key. Servers go on: they have the data keys
 * in memory, and those that read one again find the master key that it says.
 * @param connection of the owner, outside a transaction
 * @returns how many were wrapped anew
 * @throws MasterKeyError when one is wrapped by a master key that is not known; then nothing has changed
 */
export async function rewrapKeys(connection: OwnerConnection, wrapper: KeyWrapper): Promise<number> {
  const current = await wrapper.current();
  return await inTransaction(connection, async () => {
    const { rows } = await connection.query(
      'select tenant_id, number, master_key, wrapped from store.data_key where master_key <> $1 for update',
      [current],
    );
    for (const { tenant_id, number, master_key, wrapped } of rows) {
      const context = `${tenant_id}/${number}`;
      const key = await wrapper.unwrap(context, { masterKey: master_key, wrapped });
      const made = await wrapper.wrap(context, key);
      await connection.query(
        'update store.data_key set wrapped = $3, master_key = $4 where tenant_id = $1 and number = $2',
        [tenant_id, number, made.wrapped, made.masterKey],
      );
      await connection.query(
        `insert into store.key_event (tenant_id, at, event, number, master_key) values ($1, $2, 'rewrapped', $3, $4)`,
        [tenant_id, Date.now(), number, made.masterKey],
      );
    }
    const settings = await wrapSettings(connection, wrapper, await wrappedSettings(connection));
    return rows.length + settings;
  });
}

/** Columns with secrets that are sealed (security/keys/secret-box.ts), and the version of envelopes by data keys. */
const SEALED = [
  ['signing_key', 'sealed_private'],
  ['account', 'sealed_mfa'],
  ['identity_provider', 'sealed_secret'],
  ['account_token', 'sealed_data'],
] as const;
const BY_DATA_KEY = 2;

/**
 * Makes sure that nothing is sealed by the master key itself: that could not be opened after a rotation.
 * @throws MasterKeyError naming where such secrets are
 */
export async function assertNothingBelowMasterKey(connection: OwnerConnection): Promise<void> {
  for (const [table, column] of SEALED) {
    const { rowCount } = await connection.query(
      `select from store.${table} where get_byte(${column}, 0) <> $1 limit 1`,
      [BY_DATA_KEY],
    );
    if (rowCount !== 0) {
      throw new MasterKeyError(
        `store.${table} holds secrets that are sealed by the master key itself, not by a data key: it cannot be rotated`,
      );
    }
  }
}
