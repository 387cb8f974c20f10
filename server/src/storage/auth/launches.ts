import type { Tenant } from '../../access/scope.ts';
import { hashSecret, newSecret } from '../../auth/hash.ts';
import type { LaunchContext, LaunchStore } from '../../auth/token/launches.ts';
import type { Connections } from '../connections.ts';

/** How long a launch waits for its app, in milliseconds. */
const LAUNCH_LIFE = 600_000;

/** Launches that wait for their app, in the database. */
export class StoredLaunches implements LaunchStore {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  async createLaunch(tenant: Tenant, context: LaunchContext): Promise<string> {
    const launch = newSecret();
    const now = Date.now();
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: 'insert into store.launch (tenant_id, launch_hash, context, created, expires) values ($1, $2, $3, $4, $5)',
        values: [tenant.id, hashSecret(launch), JSON.stringify(context), now, now + LAUNCH_LIFE],
      }),
    );
    return launch;
  }

  async takeLaunch(tenant: Tenant, launch: string): Promise<LaunchContext | undefined> {
    const { rows } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: 'delete from store.launch where tenant_id = $1 and launch_hash = $2 returning context, expires',
        values: [tenant.id, hashSecret(launch)],
      }),
    );
    const row = rows[0];
    return row === undefined || Number(row[1]) <= Date.now() ? undefined : (row[0] as LaunchContext);
  }
}
