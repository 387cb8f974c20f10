import { setTimeout as sleep } from 'node:timers/promises';
import { withOwner } from '../../server/src/storage/prepare.ts';
import { ensureTenant } from '../../server/src/storage/tenants.ts';
import { createTestDatabase, type TestDatabase } from '../../server/test/database.ts';
import { freePort, VestaProcess, workersOf } from '../../server/test/server-process.ts';

/** `vesta serve` in processes of its own, on a database of the run's PostgreSQL. */
export interface Served {
  readonly process: VestaProcess;
  readonly database: TestDatabase;
  readonly port: number;
  /** `http://127.0.0.1:port`, without trailing slash. */
  readonly url: string;
  /** Process ids of the server processes at the moment. */
  workers(): number[];
  /** Stops the server and removes the database. @returns the exit code of `vesta serve` */
  stop(): Promise<number | string>;
}

/**
 * Starts `vesta serve` as it is delivered, with tenants.
 * @param env options of Vesta besides PORT, DATABASE_URL and VESTA_DEMO; without VESTA_AUTH it is open
 */
export async function startServed(
  tenants: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const database = await createTestDatabase();
  const port = await freePort();
  const server = new VestaProcess(['serve'], {
    DATABASE_URL: database.ownerUrl,
    PORT: String(port),
    VESTA_DEMO: 'off',
    VESTA_AUTH: 'open',
    ...env,
  });
  try {
    await server.says(/Vesta is ready/);
    await withOwner(database.ownerUrl, async (owner) => {
      for (const name of tenants) await ensureTenant(owner, name);
    });
  } catch (error) {
    server.kill('SIGKILL');
    await database.drop();
    throw error;
  }
  return {
    process: server,
    database,
    port,
    url: `http://127.0.0.1:${port}`,
    workers: () => workersOf(server.child.pid!),
    async stop() {
      server.kill('SIGTERM');
      const code = await server.exited;
      await database.drop();
      return code;
    },
  };
}

/** Waits until a condition holds. @throws Error with `what` after `limit` milliseconds */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limit = 30_000,
): Promise<void> {
  const deadline = Date.now() + limit;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Not within ${limit} ms: ${what}`);
    await sleep(25);
  }
}
