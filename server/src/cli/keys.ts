import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type Config, loadConfig } from '../config/config.ts';
import type { JsonObject } from '../json/types.ts';
import { fieldPolicyOf } from '../security/fields/policy.ts';
import { cipherOf } from '../security/fields/reveal.ts';
import { localWrapper } from '../security/keys/key-wrapper.ts';
import { type MasterKeySource, newMasterKey, writeMasterKeys } from '../security/keys/master-key.ts';
import { KeyVault } from '../security/keys/vault.ts';
import { masterKeysOf, type SecuritySettings } from '../security/settings.ts';
import { ownerConnections } from '../storage/auth/owner.ts';
import { migrate } from '../storage/migrate.ts';
import { INSTALLATION } from '../storage/security/data-keys.ts';
import { dataKeyStatus } from '../storage/security/key-status.ts';
import { reEncrypt } from '../storage/security/re-encrypt.ts';
import { assertNothingBelowMasterKey, rewrapKeys } from '../storage/security/rewrap.ts';
import { checkTenantName, TenantError } from '../storage/tenants.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withDatabase } from './database.ts';

interface KeyedTenant {
  readonly id: number;
  readonly name: string;
  readonly config: JsonObject;
}

/** `vesta keys status|rotate|encrypt`. */
export const keys: Command = {
  help: `Usage: vesta keys status
       vesta keys rotate [--tenant NAME] [--encrypt]
       vesta keys rotate --master [--forget]
       vesta keys encrypt [--tenant NAME]

Each tenant has data keys, which encrypt identifiers such as social security numbers and sign links; the installation
has some, which encrypt signing keys and the like. They are stored wrapped by the master key. Servers may run meanwhile.

status lists the keys with the master key that each is wrapped by, and how often it was used.
rotate makes new data keys for the installation and all tenants, or one. A new key begins to encrypt after a minute, when
  all servers know it; what an older key has encrypted can still be read. --encrypt then encrypts it by the new key.
rotate --master makes a new master key in the file that holds it, and wraps all data keys by it. Where VESTA_MASTER_KEY
  holds it, put the new key before the old one, restart the servers, and then run this. The old keys stay in the file for
  backups of the database; --forget removes them.
encrypt stores the resources of all tenants, or one, as the tenant's settings encryption.systems and encryption.types
  say: run it, and vesta reindex, after a change of these.`,

  async run(args) {
    const { values, positionals } = parse(
      args,
      {
        tenant: { type: 'string' },
        master: { type: 'boolean' },
        forget: { type: 'boolean' },
        encrypt: { type: 'boolean' },
      },
      [1, 1],
    );
    const [action] = positionals;
    if (action !== 'status' && action !== 'rotate' && action !== 'encrypt')
      throw new UsageError(`"${action}" is not status, rotate or encrypt`);
    if (action !== 'rotate' && (values.master || values.forget || values.encrypt))
      throw new UsageError('--master, --forget and --encrypt belong to rotate');
    if (values.forget && !values.master) throw new UsageError('--forget belongs to --master');
    if (values.master && (values.tenant !== undefined || values.encrypt))
      throw new UsageError('--master concerns all tenants, and nothing has to be encrypted anew');
    if (values.tenant !== undefined) checkTenantName(values.tenant);
    const config = loadConfig() as Config & Partial<SecuritySettings>;
    return await withDatabase(config, `keys ${action}`, async (client) => {
      await migrate(client);
      const source = masterKeysOf(config);
      if (action === 'status') return await status(client, source);
      if (values.master) return await rotateMaster(client, source, values.forget === true);
      const tenants = await tenantsOf(client, values.tenant);
      const vault = new KeyVault({
        connections: ownerConnections(client),
        wrapper: localWrapper(source),
      });
      try {
        if (action === 'rotate') await rotate(vault, tenants, values.tenant === undefined);
        if (action === 'encrypt' || values.encrypt) await encrypt(client, vault, tenants);
      } finally {
        await vault.close();
      }
      return 0;
    });
  },
};

async function status(client: pg.Client, source: MasterKeySource): Promise<number> {
  const known = source.keys.map(({ id }) => id);
  console.log(`Master keys: ${known.map((id, i) => (i === 0 ? `${id} (wraps)` : id)).join(', ')}`);
  const all = await dataKeyStatus(client);
  const now = Date.now();
  for (const { tenant, number, masterKey, created, activeFrom, uses } of all) {
    const newest = all.findLast((one) => one.tenant === tenant && one.activeFrom <= now)?.number;
    const state = activeFrom > now ? 'coming' : number === newest ? 'current' : 'older';
    console.log(
      [
        (tenant ?? '(installation)').padEnd(24),
        `key ${number}`.padEnd(8),
        state.padEnd(8),
        `made ${new Date(created).toISOString().slice(0, 19)}Z`,
        `wrapped by ${masterKey}${known.includes(masterKey) ? '' : ' (UNKNOWN)'}`,
        `used ${uses.recent.toLocaleString('en')} times in 30 days, ${uses.total.toLocaleString('en')} in all`,
      ].join('  '),
    );
  }
  if (all.length === 0) console.log('There are no data keys yet: they are made when they are first needed');
  return all.every(({ masterKey }) => known.includes(masterKey)) ? 0 : 1;
}

async function rotateMaster(client: pg.Client, source: MasterKeySource, forget: boolean): Promise<number> {
  await assertNothingBelowMasterKey(client);
  if (source.file !== undefined) {
    try {
      writeMasterKeys(source.file, [newMasterKey(), ...source.keys]);
    } catch (error) {
      throw new Error(
        `${source.file} cannot be written (${(error as NodeJS.ErrnoException).code}): ` +
          'put a new key on its first line by other means; then the servers use it when they start',
      );
    }
    source.reload();
  }
  const count = await rewrapKeys(client, localWrapper(source));
  const current = source.keys[0]!;
  console.log(`${count} keys were wrapped by the master key ${current.id}`);
  if (forget && source.file !== undefined) {
    writeMasterKeys(source.file, [current]);
    console.log(
      'The older master keys are gone: backups of the database from before cannot be used any more',
    );
  }
  return 0;
}

async function rotate(vault: KeyVault, tenants: readonly KeyedTenant[], all: boolean): Promise<void> {
  for (const tenant of all ? [INSTALLATION, ...tenants] : tenants) {
    const number = await vault.rotate(tenant);
    console.log(`${tenant.name === '' ? 'The installation' : `Tenant ${tenant.name}`} has a key ${number}`);
  }
}

async function encrypt(client: pg.Client, vault: KeyVault, tenants: readonly KeyedTenant[]): Promise<void> {
  for (const tenant of tenants) {
    const ring = await vault.ring(tenant);
    // Servers are sure to know a key from the moment on at which it is the current one.
    const wait = (ring.keys.at(-1)?.activeFrom ?? 0) - Date.now();
    if (wait > 0) {
      console.log(`Waiting ${Math.ceil(wait / 1000)} s until all servers know the new key`);
      await sleep(wait);
    }
    const changed = await reEncrypt(
      client,
      tenant,
      fieldPolicyOf(tenant.config),
      await cipherOf(vault, tenant),
    );
    console.log(`Tenant ${tenant.name}: ${changed.toLocaleString('en')} versions were stored anew`);
  }
}

async function tenantsOf(client: pg.Client, name: string | undefined): Promise<KeyedTenant[]> {
  const { rows } = await client.query(
    `select id, name, config from store.tenant where state = 'active' and ($1::text is null or name = $1) order by name`,
    [name ?? null],
  );
  if (name !== undefined && rows.length === 0) throw new TenantError(`There is no tenant "${name}"`);
  return rows as KeyedTenant[];
}
