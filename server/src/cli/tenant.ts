import { createInterface } from 'node:readline/promises';
import { accountSettingFault, accountSettings } from '../auth/accounts/policy.ts';
import { loadConfig } from '../config/config.ts';
import { RESOURCE_TYPES } from '../conformance/resource-types.ts';
import { AUTONOMY, checkSetting, PolicyError, policySettings } from '../fhir/tenant-policy.ts';
import { migrate } from '../storage/migrate.ts';
import {
  checkTenantName,
  configureTenant,
  createTenant,
  deleteTenant,
  listTenants,
} from '../storage/tenants.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withDatabase } from './database.ts';

/** `vesta tenant create|list|delete|configure`. */
export const tenant: Command = {
  help: `Usage: vesta tenant create NAME
       vesta tenant list
       vesta tenant delete NAME [--yes]
       vesta tenant configure NAME [SETTING=VALUE]...

Makes, lists or removes tenants. Each has its own resources at /fhir/NAME and sees nothing of the others.
A name has 1 to 63 of a-z, 0-9 and hyphens. A running server knows a new tenant at once.
delete removes all resources of the tenant with their history, and asks before it does, unless --yes is given.
configure changes and shows the tenant's settings; a value that is left empty goes back to the default:

${[...policySettings(), ...accountSettings()]
  .map(({ name, allowed }) => `  ${name.padEnd(32)}${allowed}`)
  .join('\n')}

  validation.writes says what resources are checked against before they are written: only that they can be read (off),
  the R4 structure (structure, the default), also R4's rules and the profiles in meta.profile (declared), also the
  profiles of validation.required (required). validation.warnings says what a warning does then: nothing (ignore), it is
  told to clients that ask with Prefer: return=OperationOutcome (report, the default), or it refuses the write (refuse).
  narrative=on: resources without text get one from the server.
  encryption.systems and encryption.types say which identifiers are stored encrypted where there is a master key; by
  default US social security, national person, tax and passport numbers. They are still found by identifier=system|value.
  After a change run vesta keys encrypt and vesta reindex.`,

  async run(args) {
    const { values, positionals } = parse(args, { yes: { type: 'boolean', short: 'y' } }, [1, 100]);
    const [action, name, ...others] = positionals;
    const config = loadConfig();
    if (others.length > 0 && action !== 'configure') throw new UsageError(`"${others[0]}" is one too many`);
    if (action === 'list') {
      if (name !== undefined) throw new UsageError(`"${name}" is one too many`);
      const tenants = await withDatabase(config, 'tenant list', async (client) => {
        await migrate(client);
        return await listTenants(client);
      });
      for (const { name: each, created, state } of tenants) {
        console.log(
          `${each.padEnd(24)} made ${created.toISOString().slice(0, 19)}Z${state === 'active' ? '' : `  ${state}`}`,
        );
      }
      if (tenants.length === 0) console.log('There are no tenants');
      return 0;
    }
    if (action !== 'create' && action !== 'delete' && action !== 'configure')
      throw new UsageError(`"${action}" is not create, list, delete or configure`);
    if (name === undefined) throw new UsageError('The name of the tenant is missing');
    checkTenantName(name);
    if (action === 'create') {
      await withDatabase(config, 'tenant create', async (client) => {
        await migrate(client);
        await createTenant(client, name);
      });
      console.log(`Tenant ${name} is there: /fhir/${name}`);
      return 0;
    }
    if (action === 'configure') {
      const settings = settingsOf(others);
      await assertActions(settings);
      const all = await withDatabase(config, 'tenant configure', async (client) => {
        await migrate(client);
        return await configureTenant(client, name, settings);
      });
      for (const [setting, value] of Object.entries(all).sort()) console.log(`${setting}=${value}`);
      if (Object.keys(all).length === 0) console.log(`Tenant ${name} has the default settings`);
      return 0;
    }
    if (!values.yes && !(await confirmed(name))) {
      console.error('Nothing was deleted');
      return 1;
    }
    const rows = await withDatabase(config, 'tenant delete', async (client) => {
      await migrate(client);
      return await deleteTenant(client, name);
    });
    console.log(`Tenant ${name} is gone (${rows.toLocaleString('en')} rows)`);
    return 0;
  },
};

/** @throws UsageError for the autonomy of what no agent does: by a slip of the pen an agent would act where it is to ask */
async function assertActions(settings: Readonly<Record<string, string | string[] | null>>): Promise<void> {
  const named = Object.keys(settings).filter((name) => name.startsWith(AUTONOMY) && settings[name] !== null);
  if (named.length === 0) return;
  const { AGENTS } = await import('../agents/registry.ts');
  const known = AGENTS.flatMap(({ name, actions }) =>
    actions.map(({ code }) => `${AUTONOMY}${name}.${code}`),
  );
  const wrong = named.find((name) => !known.includes(name));
  if (wrong !== undefined)
    throw new UsageError(`There is no setting "${wrong}"; there are ${known.join(', ')}`);
}

/** `name=value` texts as settings; null for those that go back to the default. @throws UsageError */
function settingsOf(texts: readonly string[]): Record<string, string | string[] | null> {
  const isType = (name: string) => (RESOURCE_TYPES as readonly string[]).includes(name);
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (name === undefined || value === undefined) throw new UsageError(`"${text}" is not SETTING=VALUE`);
      if (accountSettings().some((setting) => setting.name === name)) {
        const fault = value === '' ? undefined : accountSettingFault(name, value);
        if (fault !== undefined) throw new UsageError(fault);
        return [name, value === '' ? null : value];
      }
      try {
        return [name, checkSetting(name, value, isType) ?? null];
      } catch (error) {
        if (error instanceof PolicyError) throw new UsageError(error.message);
        throw error;
      }
    }),
  );
}

async function confirmed(name: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('Without a terminal to ask at, delete needs --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(
    `All resources, accounts, clients and keys of tenant ${name} will be deleted; its audit log stays. Type its name to go on: `,
  );
  terminal.close();
  return answer.trim() === name;
}
