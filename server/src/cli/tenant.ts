import { createInterface } from 'node:readline/promises';
import { loadConfig } from '../config/config.ts';
import { migrate } from '../storage/migrate.ts';
import { checkTenantName, createTenant, deleteTenant, listTenants } from '../storage/tenants.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withDatabase } from './database.ts';

/** `vesta tenant create|list|delete`. */
export const tenant: Command = {
  help: `Usage: vesta tenant create NAME
       vesta tenant list
       vesta tenant delete NAME [--yes]

Makes, lists or removes tenants. Each has its own resources at /fhir/NAME and sees nothing of the others.
A name has 1 to 63 of a-z, 0-9 and hyphens. A running server knows a new tenant at once.
delete removes all resources of the tenant with their history, and asks before it does, unless --yes is given.`,

  async run(args) {
    const { values, positionals } = parse(args, { yes: { type: 'boolean', short: 'y' } }, [1, 2]);
    const [action, name] = positionals;
    const config = loadConfig();
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
    if (action !== 'create' && action !== 'delete')
      throw new UsageError(`"${action}" is not create, list or delete`);
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

async function confirmed(name: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('Without a terminal to ask at, delete needs --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(
    `All resources of tenant ${name} will be deleted. Type its name to go on: `,
  );
  terminal.close();
  return answer.trim() === name;
}
