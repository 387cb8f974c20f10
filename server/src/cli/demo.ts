import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Tenant } from '../access/scope.ts';
import { ROOT } from '../config/config.ts';
import type { OwnerConnection } from '../storage/migrate.ts';
import { withOwner } from '../storage/prepare.ts';
import { configureWhereUnset, ensureTenant } from '../storage/tenants.ts';
import { CLINIC_NAME, CLINIC_ZONE } from './demo-calendar.ts';
import { demoPackagesText, missingPackages } from './demo-packages.ts';
import { TOKEN_VARIABLE } from './http-client.ts';

/** Where the demo patients lie: Synthea bundles, see the README there. */
export const DEMO_DIRECTORY = join(ROOT, 'server', 'demo');

export const DEMO_TENANT = 'demo';

/** What is still to be done for the demo tenant when the server answers. */
export interface DemoLoad {
  readonly tenant: Tenant;
  /**
   * Installs its packages, then loads its patients through the server's own HTTP interface, so that they are indexed by
   * the packages' search parameters; each in a process of its own. Never rejects.
   */
  load(options: DemoOptions): Promise<void>;
  /** Stops; the next start goes on. */
  stop(): void;
}

export interface DemoOptions {
  readonly ownerUrl: string;
  /** Where this machine reaches the server. */
  readonly url: string;
  readonly log: (message: string) => void;
  /** Access token for the tenant, where one is needed. */
  readonly token?: string | undefined;
}

/**
 * Makes the demo tenant when it is absent.
 * @returns what is left to do for it; undefined if the tenant was filled by somebody else
 */
export async function prepareDemo(connection: OwnerConnection): Promise<DemoLoad | undefined> {
  const { tenant } = await ensureTenant(connection, DEMO_TENANT);
  const marker = `demo:${tenant.id}`;
  const state = await loadState(connection, tenant, marker);
  if (state === 'foreign') return undefined;
  const calendarMarker = `demo-calendar:${tenant.id}`;
  const given = await connection.query('select from store.setting where name = $1', [calendarMarker]);
  const isCalendarMissing = given.rowCount === 0;
  const arePackagesMissing = (await missingPackages(connection, tenant)).length > 0;
  let child: ChildProcess | undefined;
  let stopped = false;
  const run = async (script: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> => {
    if (stopped) return false;
    // A process of its own: the memory that it takes is given back. By the channel it learns when this process is
    // killed, and ends too: the next start begins anew.
    child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env,
    });
    const code = await new Promise<number | null>((resolve) => {
      child?.once('exit', resolve);
      child?.once('error', () => resolve(1));
    });
    return code === 0;
  };
  const installPackages = async ({ ownerUrl, log }: DemoOptions): Promise<void> => {
    const done =
      !arePackagesMissing ||
      (await run('demo-packages-main.ts', [], { ...process.env, DATABASE_URL: ownerUrl }));
    if (stopped) return;
    if (!done) log('The packages of the demo tenant could not be installed; the next start tries again.');
    const text = await withOwner(ownerUrl, (client) => demoPackagesText(client, tenant));
    if (text !== undefined) log(text);
  };
  const loadPatients = async ({ ownerUrl, url, log, token }: DemoOptions): Promise<void> => {
    log('Loading the demo patients...');
    const args = ['load', DEMO_DIRECTORY, '--tenant', DEMO_TENANT, '--url', url, '--once'];
    const done = await run('main.ts', args, { ...process.env, [TOKEN_VARIABLE]: token });
    if (stopped) return;
    if (!done) {
      log('Not all demo patients could be loaded; the next start tries again.');
      return;
    }
    await withOwner(ownerUrl, (client) =>
      client.query(`update store.setting set value = 'loaded' where name = $1`, [marker]),
    );
    log(`The demo patients are there`);
  };
  const loadCalendar = async ({ ownerUrl, url, log, token }: DemoOptions): Promise<void> => {
    const env = { ...process.env, [TOKEN_VARIABLE]: token };
    const done = await run('demo-calendar-main.ts', [url, DEMO_TENANT], env);
    if (stopped) return;
    if (!done) {
      log('The calendar of the demo tenant could not be made; the next start tries again.');
      return;
    }
    await withOwner(ownerUrl, async (client) => {
      // What the clinic's messages are signed with, and whose night they spare.
      await configureWhereUnset(client, DEMO_TENANT, {
        'communication.name': CLINIC_NAME,
        'communication.timeZone': CLINIC_ZONE,
      });
      await client.query(
        `insert into store.setting (name, value) values ($1, 'given') on conflict do nothing`,
        [calendarMarker],
      );
    });
  };
  return {
    tenant,
    stop: () => {
      stopped = true;
      child?.kill('SIGKILL');
    },
    load: async (options) => {
      try {
        if (!stopped) await installPackages(options);
        if (!stopped && state === 'loading') await loadPatients(options);
        // After the people that it refers to. What somebody changes or removes later stays so.
        if (!stopped && isCalendarMissing) await loadCalendar(options);
      } catch (error) {
        options.log((error as Error).message);
      }
    },
  };
}

/**
 * Whether a demo tenant is still to be filled, or was filled by somebody else before.
 * @param marker name of the setting that says so
 */
export async function loadState(
  connection: OwnerConnection,
  tenant: Tenant,
  marker: string,
): Promise<'loading' | 'loaded' | 'foreign'> {
  const { rows } = await connection.query('select value from store.setting where name = $1', [marker]);
  if (rows[0] !== undefined) return rows[0].value;
  const used = await connection.query('select from store.resource where tenant_id = $1 limit 1', [tenant.id]);
  const value = used.rowCount === 0 ? 'loading' : 'foreign';
  await connection.query('insert into store.setting (name, value) values ($1, $2) on conflict do nothing', [
    marker,
    value,
  ]);
  return value;
}
