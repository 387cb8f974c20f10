import { loadConfig } from '../config/config.ts';
import { existingMasterKeysOf } from '../security/settings.ts';
import { migrate, migrationStatus } from '../storage/migrate.ts';
import { ensureKeys } from '../storage/roles.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withDatabase } from './database.ts';

/** `vesta db migrate|status|check`. */
export const db: Command = {
  help: `Usage: vesta db migrate
       vesta db status
       vesta db check [--tenant NAME]

migrate brings the database to the schema of this version (serve does so too).
status lists the migrations.
check verifies that index and resources agree, in all tenants or one; the exit code is 1 if they do not.`,

  async run(args) {
    const { values, positionals } = parse(args, { tenant: { type: 'string' } }, [1, 1]);
    const config = loadConfig();
    switch (positionals[0]) {
      case 'migrate':
        return await withDatabase(config, 'db migrate', async (client) => {
          const done = await migrate(client, console.log);
          await ensureKeys(client);
          console.log(done.length === 0 ? 'The database is up to date' : `Applied: ${done.join(', ')}`);
          return 0;
        });
      case 'status':
        return await withDatabase(config, 'db status', async (client) => {
          const states = await migrationStatus(client);
          for (const { name, state, applied } of states) {
            console.log(
              `${name.padEnd(32)} ${state}${applied === undefined ? '' : ` ${applied.toISOString()}`}`,
            );
          }
          return states.every(({ state }) => state === 'applied') ? 0 : 1;
        });
      case 'check':
        return await withDatabase(config, 'db check', async (client) => {
          // It brings the definitions with it, which the other commands do not need.
          const { checkDatabase } = await import('../storage/check.ts');
          const { resources, count, problems } = await checkDatabase(client, {
            ...(values.tenant === undefined ? {} : { tenant: values.tenant }),
            baseUrl: `${config.baseUrl}/fhir`,
            masterKeys: existingMasterKeysOf(config),
            onProgress: (message) => console.error(message),
          });
          for (const problem of problems) console.log(problem);
          const checked = `${resources.toLocaleString('en')} resources checked`;
          console.log(count === 0 ? `${checked}: all is well` : `${checked}: ${count} problems`);
          return count === 0 ? 0 : 1;
        });
      default:
        throw new UsageError(`"${positionals[0]}" is not migrate, status or check`);
    }
  },
};
