import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../config/config.ts';
import type { OwnerConnection } from '../storage/migrate.ts';
import { withOwner } from '../storage/prepare.ts';
import { ensureTenant } from '../storage/tenants.ts';

/** Where the demo patients lie: Synthea bundles, see the README there. */
export const DEMO_DIRECTORY = join(ROOT, 'server', 'demo');

export const DEMO_TENANT = 'demo';

/** The demo patients are still to be loaded. */
export interface DemoLoad {
  /** Loads them through the server's own HTTP interface, in a process of its own; never rejects. */
  load(options: { ownerUrl: string; url: string; log: (message: string) => void }): Promise<void>;
  /** Stops loading; the next start goes on. */
  stop(): void;
}

/**
 * Makes the demo tenant when it is absent.
 * @returns how to load its patients if that has not been done yet; undefined if it has, or if the tenant was filled
 *   by somebody else
 */
export async function prepareDemo(connection: OwnerConnection): Promise<DemoLoad | undefined> {
  const { tenant } = await ensureTenant(connection, DEMO_TENANT);
  const marker = `demo:${tenant.id}`;
  const { rows } = await connection.query('select value from store.setting where name = $1', [marker]);
  if (rows[0]?.value === 'loaded') return undefined;
  if (rows[0] === undefined) {
    const used = await connection.query('select from store.resource where tenant_id = $1 limit 1', [
      tenant.id,
    ]);
    const value = used.rowCount === 0 ? 'loading' : 'loaded';
    await connection.query('insert into store.setting (name, value) values ($1, $2) on conflict do nothing', [
      marker,
      value,
    ]);
    if (value === 'loaded') return undefined;
  }
  let child: ChildProcess | undefined;
  let stopped = false;
  return {
    stop: () => {
      stopped = true;
      child?.kill('SIGKILL');
    },
    load: async ({ ownerUrl, url, log }) => {
      if (stopped) return;
      const files = readdirSync(DEMO_DIRECTORY).filter((name) => name.startsWith('patient-')).length;
      log(`Loading ${files} demo patients...`);
      // A process of its own: the memory that it takes is given back.
      child = spawn(
        process.execPath,
        [
          join(import.meta.dirname, 'main.ts'),
          'load',
          DEMO_DIRECTORY,
          '--tenant',
          DEMO_TENANT,
          '--url',
          url,
          '--once',
        ],
        // By the channel it learns when this process is killed, and ends too: the next start begins anew.
        { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
      );
      const code = await new Promise<number | null>((resolve) => {
        child?.once('exit', resolve);
        child?.once('error', () => resolve(1));
      });
      if (stopped) return;
      if (code !== 0) {
        log('Not all demo patients could be loaded; the next start tries again.');
        return;
      }
      try {
        await withOwner(ownerUrl, (client) =>
          client.query(`update store.setting set value = 'loaded' where name = $1`, [marker]),
        );
        log(`The demo patients are there`);
      } catch (error) {
        log((error as Error).message);
      }
    },
  };
}
