import pg from 'pg';
import type { MasterKey } from '../src/security/keys/master-key.ts';
import { cleanUp, temporaryDirectory, VestaProcess, workersOf } from './server-process.ts';
import type { SmartServer } from './smart-server.ts';
import { until } from './workflow-support.ts';

/** A write of a resource, by words in its JSON, that is not to be finished. */
export interface Held {
  readonly resourceType: string;
  /** Parts of the JSON text of the resource as it is to be stored. */
  readonly mentions: readonly string[];
}

/**
 * `vesta serve` in processes of its own, on the database and at the address of a {@link SmartServer}, to be killed as by
 * `kill -9` and started again. So that it dies at a moment that is known, however fast it is, the database holds a write.
 */
export class KillableServer {
  readonly #owner: pg.Client;
  readonly #servingRole: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #dataDirectory: string;
  #running: VestaProcess | undefined;

  private constructor(server: SmartServer, owner: pg.Client) {
    const { database, settings } = server.harness;
    const [key] = settings.auth?.masterKeys.keys ?? [];
    this.#owner = owner;
    this.#servingRole = new URL(database.servingUrl).username;
    this.#dataDirectory = temporaryDirectory();
    this.#environment = {
      PORT: String(settings.port),
      HOST: settings.host,
      BASE_URL: settings.baseUrl,
      DATABASE_URL: database.ownerUrl,
      VESTA_DATA_DIR: this.#dataDirectory,
      VESTA_AUTH: 'smart',
      VESTA_MASTER_KEY: (key as MasterKey).key.toString('hex'),
      VESTA_DEMO: 'off',
      VESTA_WORKERS: '1',
    };
  }

  /** Ends the server of the test's own process, whose place the other one takes: its services cannot be used any more. */
  static async inPlaceOf(server: SmartServer): Promise<KillableServer> {
    const owner = new pg.Client({ connectionString: server.harness.database.ownerUrl });
    await owner.connect();
    await owner.query(`create function public.hold() returns trigger language plpgsql as
      $$ begin perform pg_sleep(3600); return new; end $$`);
    await server.harness.service.stop(2000);
    return new KillableServer(server, owner);
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    this.#running = new VestaProcess(['serve'], this.#environment);
    await this.#running.says(/Vesta is ready/);
  }

  /** From now on the first write of this kind is not finished. */
  async hold({ resourceType, mentions }: Held): Promise<void> {
    const condition = [`{"resourceType":"${resourceType}"%`, ...mentions.map((text) => `%${text}%`)]
      .map((pattern) => `new.content like ${pg.escapeLiteral(pattern)}`)
      .join(' and ');
    await this.#owner.query(`create trigger hold before insert or update on store.resource
      for each row when (${condition}) execute function public.hold()`);
  }

  /** Waits until a write is held. */
  async held(): Promise<void> {
    await until(
      async () => {
        const { rowCount } = await this.#owner.query(
          `select 1 from pg_stat_activity where usename = $1 and wait_event = 'PgSleep'`,
          [this.#servingRole],
        );
        return rowCount !== 0;
      },
      120,
      () => `Nothing was held: ${this.#running?.output}`,
    );
  }

  /** Ends all its processes at once, as `kill -9` does; what was held is never written, and nothing is held any more. */
  async kill(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    const { pid } = running.child;
    const workers = pid === undefined ? [] : workersOf(pid);
    // First the one that would start others in their place.
    running.kill('SIGKILL');
    for (const worker of workers) process.kill(worker, 'SIGKILL');
    await running.exited;
    await this.#owner.query(
      'select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = $1',
      [this.#servingRole],
    );
    await this.#owner.query('drop trigger if exists hold on store.resource');
  }

  /** Ends it for good. */
  async end(): Promise<void> {
    await this.kill().finally(() => this.#owner.end());
    await cleanUp(this.#dataDirectory);
  }
}
