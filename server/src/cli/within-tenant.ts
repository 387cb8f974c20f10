import type { Tenant } from '../access/scope.ts';
import type { Config } from '../config/config.ts';
import { ownerConnections } from '../storage/auth/owner.ts';
import type { Connections } from '../storage/connections.ts';
import { migrate } from '../storage/migrate.ts';
import { tenantNumber } from '../storage/terminology/owner.ts';
import { withDatabase } from './database.ts';

/**
 * Runs `work` in a tenant with the rights of the database's owner, on a database that is brought up to date.
 * @param command name of the subcommand, for others who find the data directory in use
 * @throws Error when there is no such tenant
 */
export async function withinTenant<T>(
  config: Config,
  command: string,
  name: string,
  work: (connections: Connections, tenant: Tenant) => Promise<T>,
): Promise<T> {
  return await withDatabase(config, command, async (owner) => {
    await migrate(owner);
    const connections = ownerConnections(owner);
    const id = await tenantNumber(async (text, values) => connections.global({ text, values }), name);
    if (id === undefined) throw new Error(`There is no tenant "${name}"`);
    return await work(connections, { id, name });
  });
}
