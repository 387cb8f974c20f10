import type { Tenant } from '../access/scope.ts';
import { type JobSealer, jobSealer, NO_SEALER } from '../jobs/job-sealer.ts';
import type { JsonObject } from '../json/types.ts';
import type { Logger } from '../observability/logger.ts';
import type { FieldCipher } from '../security/fields/cipher.ts';
import { type FieldPolicy, fieldPolicyOf, NO_FIELDS } from '../security/fields/policy.ts';
import { cipherOf, createRevealer, refuseSealed } from '../security/fields/reveal.ts';
import { type KeyWrapper, localWrapper } from '../security/keys/key-wrapper.ts';
import type { MasterKeySource } from '../security/keys/master-key.ts';
import { KeyVault } from '../security/keys/vault.ts';
import { type ConnectionOptions, ConnectionPools } from '../storage/connections.ts';
import { changedDataKeys } from '../storage/security/data-keys.ts';
import { openSetting } from '../storage/security/settings.ts';

/** The keys of the installation as a process uses them, and what it encrypts by them in resources and jobs. */
export interface InstallationKeys {
  /** Undefined without a master key. */
  readonly vault: KeyVault | undefined;
  /** A secret of store.setting. @throws Error when there is none, or it is wrapped by a master key that is not known */
  setting(name: 'hash_key' | 'cursor_key'): Promise<Buffer>;
  /** Which identifiers a tenant of these settings has encrypted. */
  fieldsOf(config: JsonObject): FieldPolicy;
  readonly cipherOf: ((tenant: Tenant) => FieldCipher | Promise<FieldCipher>) | undefined;
  readonly sealer: JobSealer;
  /** To be called when nothing uses the keys any more. */
  stop(): Promise<void>;
}

/**
 * Makes `connections` decrypt what they read, and the keys for what is written. Without a master key nothing is
 * encrypted, and nothing that is encrypted is served.
 * @param options how the pools of requests are connected
 */
export async function openInstallationKeys(
  masterKeys: MasterKeySource | undefined,
  connections: ConnectionPools,
  options: ConnectionOptions,
  log: Logger,
): Promise<InstallationKeys> {
  if (masterKeys === undefined) {
    const { tenants } = await changedDataKeys(connections, 0);
    // There is nothing to look for where no tenant ever had a key.
    if (tenants.some((id) => id !== 0)) connections.reveal = refuseSealed;
    return {
      vault: undefined,
      setting: settingReader(connections, undefined),
      fieldsOf: () => NO_FIELDS,
      cipherOf: undefined,
      sealer: NO_SEALER,
      stop: async () => {},
    };
  }
  // A read that meets a tenant's first encrypted value holds a connection while it waits for the tenant's keys: those
  // are read by way of other connections, or all would wait for each other.
  const own = new ConnectionPools({ ...options, poolSizes: { read: 1, search: 1, write: 1 } });
  const wrapper = localWrapper(masterKeys);
  const vault = new KeyVault({
    connections: own,
    wrapper,
    onEvent: ({ event, tenant, key, masterKey }) =>
      log.info({ keyEvent: event, tenantId: tenant, key, masterKey }, 'data key'),
    onError: (error) => log.error({ err: error }, 'key failure'),
  });
  connections.reveal = createRevealer(vault, (tenant, resource, error) =>
    log.error(
      { tenant: tenant.name, type: resource.split('/')[0], err: error },
      'encrypted value unreadable',
    ),
  );
  return {
    vault,
    setting: settingReader(connections, wrapper),
    fieldsOf: fieldPolicyOf,
    cipherOf: (tenant) => cipherOf(vault, tenant),
    sealer: jobSealer(vault),
    async stop() {
      await vault.close();
      await own.close();
    },
  };
}

function settingReader(
  connections: ConnectionPools,
  wrapper: KeyWrapper | undefined,
): InstallationKeys['setting'] {
  return async (name) => {
    const [row] = await connections.global({
      text: 'select value from store.setting where name = $1',
      values: [name],
    });
    if (row === undefined) throw new Error(`The database has no ${name}: run vesta db migrate`);
    return await openSetting(wrapper, name, row[0] as string);
  };
}
