import type { KeyWrapper } from '../../security/keys/key-wrapper.ts';
import type { OwnerConnection } from '../migrate.ts';

/*
 * Secrets in store.setting, such as the key of the index hashes. A setting is hexadecimal, or wrapped by a master key:
 * `wrapped:<id of the master key>:<base64>`. Who has a copy of the database and not the master key cannot try values
 * against hashes whose key is wrapped.
 */
const WRAPPED = /^wrapped:([^:]+):([A-Za-z0-9+/=]+)$/;

/**
 * The bytes of a secret setting.
 * @throws MasterKeyError, TamperedError when it is wrapped and cannot be opened
 */
export async function openSetting(
  wrapper: KeyWrapper | undefined,
  name: string,
  value: string,
): Promise<Buffer> {
  const match = WRAPPED.exec(value);
  if (match === null) return Buffer.from(value, 'hex');
  if (wrapper === undefined)
    throw new Error(`The setting ${name} is wrapped by a master key, and none is configured`);
  return await wrapper.unwrap(`setting/${name}`, {
    masterKey: match[1] as string,
    wrapped: Buffer.from(match[2] as string, 'base64'),
  });
}

/**
 * Wraps settings that are not yet wrapped by the current master key.
 * @param connection of the owner
 * @returns how many were wrapped
 */
export async function wrapSettings(
  connection: OwnerConnection,
  wrapper: KeyWrapper,
  names: readonly string[],
): Promise<number> {
  const current = await wrapper.current();
  const { rows } = await connection.query(
    'select name, value from store.setting where name = any($1) for update',
    [names],
  );
  let count = 0;
  for (const { name, value } of rows as { name: string; value: string }[]) {
    if (WRAPPED.exec(value)?.[1] === current) continue;
    const key = await openSetting(wrapper, name, value);
    const { masterKey, wrapped } = await wrapper.wrap(`setting/${name}`, key);
    await connection.query('update store.setting set value = $2 where name = $1', [
      name,
      `wrapped:${masterKey}:${wrapped.toString('base64')}`,
    ]);
    count++;
  }
  return count;
}

/** Names of the settings that are wrapped. */
export async function wrappedSettings(connection: OwnerConnection): Promise<string[]> {
  const { rows } = await connection.query(`select name from store.setting where value like 'wrapped:%'`);
  return rows.map(({ name }) => name as string);
}
