import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Tenant } from '../access/scope.ts';
import type { OwnerConnection } from '../storage/migrate.ts';
import { withOwner } from '../storage/prepare.ts';
import { ensureTenant } from '../storage/tenants.ts';
import { type DemoOptions, loadState } from './demo.ts';
import { TOKEN_VARIABLE } from './http-client.ts';

/** The tenant of a national authority in the demo: facilities and their reports, no patients. */
export const NATIONAL_TENANT = 'national';

/** What is still to be done for the national tenant when the server answers. */
export interface NationalDemo {
  readonly tenant: Tenant;
  /** Sends the reports, made of the demo patients, through the server's own HTTP interface. Never rejects. */
  load(options: DemoOptions): Promise<void>;
  /** Stops; the next start goes on. */
  stop(): void;
}

/**
 * Makes the national tenant when it is absent.
 * @returns undefined if a tenant of its name was filled by somebody else
 */
export async function prepareNational(connection: OwnerConnection): Promise<NationalDemo | undefined> {
  const { tenant } = await ensureTenant(connection, NATIONAL_TENANT);
  const marker = `demo-national:${tenant.id}`;
  const state = await loadState(connection, tenant, marker);
  if (state === 'foreign') return undefined;
  let child: ChildProcess | undefined;
  let stopped = false;
  return {
    tenant,
    stop: () => {
      stopped = true;
      child?.kill('SIGKILL');
    },
    load: async ({ ownerUrl, url, log, token }) => {
      if (stopped || state === 'loaded') return;
      try {
        // A process of its own: the memory that it takes is given back.
        child = spawn(process.execPath, [join(import.meta.dirname, 'demo-national-main.ts'), url], {
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
          env: { ...process.env, [TOKEN_VARIABLE]: token },
        });
        const code = await new Promise<number | null>((resolve) => {
          child?.once('exit', resolve);
          child?.once('error', () => resolve(1));
        });
        if (stopped) return;
        if (code !== 0) return log('Not all national reports could be loaded; the next start tries again.');
        await withOwner(ownerUrl, (client) =>
          client.query(`update store.setting set value = 'loaded' where name = $1`, [marker]),
        );
      } catch (error) {
        log((error as Error).message);
      }
    },
  };
}
