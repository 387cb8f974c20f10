import pg from 'pg';
import { migrate } from './migrate.ts';
import { ensureKeys, ensureRoles, type RoleOptions, type ServingRole } from './roles.ts';

/**
 * Opens a connection of the owner, gives it to `work` and closes it.
 * @throws Error with the address but without the password when the database cannot be reached
 */
export async function withOwner<T>(ownerUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: ownerUrl,
    application_name: 'vesta-owner',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  // A broken connection is reported by the query that meets it.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    const { host, port, database, user } = client;
    throw new Error(
      `Cannot connect to PostgreSQL at ${host}:${port}/${database} as ${user}: ${messageOf(error)}`,
    );
  }
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * Makes a database ready for server processes: migrations, keys and the serving role.
 * @returns the serving role with its connection string
 */
export async function prepareDatabase(
  ownerUrl: string,
  options: RoleOptions,
  log: (message: string) => void = () => {},
): Promise<ServingRole> {
  return await withOwner(ownerUrl, async (client) => {
    await migrate(client, log);
    await ensureKeys(client);
    return await ensureRoles(client, ownerUrl, options);
  });
}

function messageOf(error: unknown): string {
  // Connecting to a name with several addresses fails with an AggregateError whose own message is empty.
  if (error instanceof AggregateError) return error.errors.map((each) => (each as Error).message).join('; ');
  return (error as Error).message;
}
