import { type ChildProcess, spawn } from 'node:child_process';
import cluster from 'node:cluster';
import { existsSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import type { Tenant } from '../access/scope.ts';
import { type Config, loadConfig, ROOT } from '../config/config.ts';
import { checkOpenBinding } from '../config/open-binding.ts';
import { optionsHelp } from '../config/options.ts';
import { workerEnvironment } from '../config/worker-settings.ts';
import { serveClusterMetrics } from '../observability/cluster-metrics.ts';
import { masterKeysOf } from '../security/settings.ts';
import { tlsFiles, tlsOptions } from '../security/tls/tls-options.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../storage/embedded/postgres.ts';
import { startMaintenance } from '../storage/maintenance.ts';
import { prepareDatabase, withOwner } from '../storage/prepare.ts';
import { type Command, parse } from './command.ts';
import { type DemoLoad, type DemoOptions, prepareDemo } from './demo.ts';
import { type NationalDemo, prepareNational } from './demo-national.ts';
import { localUrl } from './local-url.ts';
import { acquireLock, type Lock } from './lock.ts';
import { requireFreePort } from './port.ts';
import { Workers } from './workers.ts';

/** A graceful stop takes at most this long, in milliseconds; running requests get most of it. */
const STOP_WITHIN = 30_000;
const DRAIN_WITHIN = 24_000;

/** `vesta serve`, which `npm start` runs. */
export const serve: Command = {
  help: `Usage: vesta serve

Starts the server: its PostgreSQL (unless DATABASE_URL names one), one process per core, and the demo tenant.
Ctrl-C or SIGTERM stops it gracefully within 30 s; a second Ctrl-C stops it at once.

Options are environment variables, or keys of vesta.config.json (the environment wins):

${optionsHelp()}`,

  async run(args) {
    parse(args, {}, [0, 0]);
    return await new Primary(loadConfig()).run();
  },
};

/** The primary process: starts the parts in order, keeps them running, and stops them in the opposite order. */
class Primary {
  readonly #config: Config;
  readonly #log = (message: string) => console.log(message);
  #lock: Lock | undefined;
  #postgres: EmbeddedPostgres | undefined;
  #workers: Workers | undefined;
  #demo: DemoLoad | undefined;
  #national: NationalDemo | undefined;
  #maintenance: { stop(): Promise<void> } | undefined;
  #warming: ChildProcess | undefined;
  #building: ChildProcess | undefined;
  #ownerUrl = '';
  #stopping: Promise<void> | undefined;
  #stopAsked = 0;
  #exitCode = 0;
  #finish: (() => void) | undefined;
  readonly #finished = new Promise<void>((resolve) => {
    this.#finish = resolve;
  });

  constructor(config: Config) {
    this.#config = config;
  }

  async run(): Promise<number> {
    const config = this.#config;
    checkOpenBinding(config);
    // With an external database it must be given: asked before anything is touched.
    if (config.auth === 'smart' && config.databaseUrl !== undefined) masterKeysOf(config);
    if (config.databaseUrl === undefined) {
      this.#lock = await acquireLock(config.dataDirectory, 'serve', localUrl(config));
    }
    this.#listenForSignals();
    try {
      await this.#start();
    } catch (error) {
      if (this.#stopping === undefined) {
        await this.#stop(1);
        throw error;
      }
    }
    await this.#finished;
    return this.#exitCode;
  }

  async #start(): Promise<void> {
    const config = this.#config;
    // Told here by name, rather than by each server process.
    const tls = tlsFiles(config);
    if (tls !== undefined) tlsOptions(tls);
    await requireFreePort(config.port, config.host);
    if (config.databaseUrl === undefined) {
      this.#postgres = await startEmbeddedPostgres({ dataDirectory: config.dataDirectory, log: this.#log });
      this.#ownerUrl = this.#postgres.url();
    } else {
      this.#ownerUrl = config.databaseUrl;
    }
    const role = await prepareDatabase(
      this.#ownerUrl,
      { statementTimeout: config.statementTimeoutMs },
      this.#log,
    );
    if (this.#postgres?.adopted) await endSessions(this.#ownerUrl, role.name);
    if (this.#stopping !== undefined) return;
    // Made at the first start, before the server processes look for it.
    if (config.auth === 'smart') masterKeysOf(config);
    // Looked up before the server processes are there, so that the tenant exists when they answer.
    this.#demo = config.demo ? await withOwner(this.#ownerUrl, (client) => prepareDemo(client)) : undefined;
    this.#national = config.demo ? await withOwner(this.#ownerUrl, prepareNational) : undefined;
    this.#workers = new Workers({
      count: config.workers,
      environment: workerEnvironment(role.url, config),
      log: this.#log,
      giveUp: (reason) => {
        console.error(reason);
        void this.#stop(1);
      },
    });
    serveClusterMetrics(cluster);
    await this.#workers.start();
    if (this.#stopping !== undefined) return;
    this.#maintenance = startMaintenance(this.#ownerUrl, this.#log);
    this.#announce();
    flushCompileCache();
    this.#warm();
    this.#building = buildApps();
    await this.#fillDemo().catch((error: Error) => {
      if (this.#stopping === undefined) console.error(`The demo tenant is not complete: ${error.message}`);
    });
  }

  /**
   * Loads what the demo tenant lacks, through the server's own door. Only here is what makes tokens and accounts loaded:
   * the primary process starts sooner, and stays small where there is no demo.
   */
  async #fillDemo(): Promise<void> {
    const config = this.#config;
    const ownerUrl = this.#ownerUrl;
    const common = { ownerUrl, url: localUrl(config), log: this.#log };
    if (this.#demo === undefined) return;
    await this.#startDemoProvider(this.#demo.tenant).catch((error: Error) => {
      this.#log(`The demo's provider of CDS services could not be started: ${error.message}`);
    });
    if (config.auth === 'open') {
      await this.#demo.load(common);
      return await this.#fillNational(common);
    }
    const { demoLogins, demoToken } = await import('./demo-logins.ts');
    const tenant = this.#demo.tenant;
    const token = await demoToken(config, ownerUrl, tenant);
    await this.#demo.load({ ...common, token });
    if (this.#stopping !== undefined) return;
    for (const line of await demoLogins(config, ownerUrl, tenant)) this.#log(line);
    await this.#fillNational(common);
  }

  /** Loads what the national tenant lacks: after the patients, whose facilities report. */
  async #fillNational(common: DemoOptions): Promise<void> {
    if (this.#national === undefined || this.#stopping !== undefined) return;
    const config = this.#config;
    const { tenant } = this.#national;
    if (config.auth === 'open') return await this.#national.load(common);
    const { demoLogins, demoToken, NATIONAL_GIFTS } = await import('./demo-logins.ts');
    const token = await demoToken(config, common.ownerUrl, tenant);
    await this.#national.load({ ...common, token });
    if (this.#stopping !== undefined) return;
    for (const line of await demoLogins(config, common.ownerUrl, tenant, NATIONAL_GIFTS)) this.#log(line);
  }

  /** Somebody else's CDS services for the demo tenant to ask. */
  async #startDemoProvider(tenant: Tenant): Promise<void> {
    const [{ startDemoProvider }, { registerDemoProviders }] = await Promise.all([
      import('../cds/demo/provider.ts'),
      import('./demo-cds.ts'),
    ]);
    const { url } = await startDemoProvider();
    await withOwner(this.#ownerUrl, (owner) => registerDemoProviders(owner, tenant, url));
  }

  /** Makes the caches of definitions that nobody has needed yet, beside the server and at low priority. */
  #warm(): void {
    const warming = spawn(process.execPath, [join(import.meta.dirname, 'warm.ts')], { stdio: 'ignore' });
    this.#warming = warming;
    warming.on('error', () => {});
    if (warming.pid !== undefined) setPriority(warming.pid, 19);
    warming.unref();
  }

  #announce(): void {
    const { auth, baseUrl, workers, demo, databaseUrl, dataDirectory } = this.#config;
    const tenant = demo ? 'demo' : '{tenant}';
    this.#log(
      [
        `Vesta is ready: FHIR R4 at ${baseUrl}/fhir/${tenant}`,
        auth === 'open'
          ? '  VESTA_AUTH=open: EVERYBODY WHO REACHES THIS ADDRESS MAY READ AND CHANGE EVERYTHING. For benchmarks only.'
          : `  a token for curl npx vesta token (curl --oauth2-bearer "$(npx vesta token)" ${baseUrl}/fhir/${tenant}/Patient)`,
        `  what it can do   ${baseUrl}/fhir/${tenant}/metadata`,
        ...(demo ? [`  its patients     ${baseUrl}/fhir/demo/Patient`] : []),
        `  apps             ${baseUrl}/apps/patient/`,
        `  health, metrics  ${baseUrl}/health/ready  ${baseUrl}/metrics`,
        `  ${workers} server process${workers === 1 ? '' : 'es'}, ${
          databaseUrl === undefined ? `data in ${dataDirectory}` : 'external database'
        }; Ctrl-C stops it`,
      ].join('\n'),
    );
  }

  #listenForSignals(): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        const now = Date.now();
        if (this.#stopAsked === 0) {
          this.#stopAsked = now;
          this.#log('Stopping: running requests finish first');
          void this.#stop(0);
        } else if (now - this.#stopAsked > 1000) {
          // One Ctrl-C may arrive twice, from the terminal and from the parent; a later one is another.
          this.#log('Stopping at once');
          this.#workers?.kill();
          void this.#postgres?.stop('immediate');
        }
      });
    }
    if (process.connected) {
      // The parent that started this with a channel was killed.
      process.on('disconnect', () => void this.#stop(0));
      process.channel?.unref();
    }
    process.on('uncaughtException', (error) => {
      console.error(error);
      void this.#stop(1);
    });
  }

  #stop(code: number): Promise<void> {
    this.#exitCode = Math.max(this.#exitCode, code);
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    const began = Date.now();
    const last = setTimeout(() => process.exit(1), STOP_WITHIN + 5000);
    last.unref();
    try {
      this.#lock?.update({ stopping: true });
      this.#demo?.stop();
      this.#national?.stop();
      this.#warming?.kill();
      this.#building?.kill();
      await this.#maintenance?.stop();
      await Promise.all([this.#workers?.stop(DRAIN_WITHIN), this.#checkpoint()]);
      if (this.#postgres !== undefined) {
        const left = setTimeout(
          () => void this.#postgres?.stop('immediate'),
          STOP_WITHIN - (Date.now() - began),
        );
        await this.#postgres.stop();
        clearTimeout(left);
      }
    } catch (error) {
      console.error(error);
      this.#exitCode = 1;
    } finally {
      this.#lock?.release();
      clearTimeout(last);
      this.#finish?.();
    }
    // Nothing is left to wait for but timers of libraries.
    setTimeout(() => process.exit(), 500).unref();
  }

  /** Writes out what is dirty while requests still finish: PostgreSQL's own last checkpoint is short then. */
  async #checkpoint(): Promise<void> {
    if (this.#postgres === undefined || this.#workers === undefined) return;
    await withOwner(this.#postgres.url(), (client) => client.query('checkpoint')).catch(() => {});
  }
}

/** Builds the apps whose sources have changed, beside the server; where they are built already that is over at once. */
function buildApps(): ChildProcess | undefined {
  const script = join(ROOT, 'scripts', 'build-apps.ts');
  if (!existsSync(script)) return undefined;
  const building = spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit'] });
  building.on('error', () => {});
  if (building.pid !== undefined) setPriority(building.pid, 10);
  building.unref();
  return building;
}

/**
 * Ends what the server processes of a killed primary have left running in the database: nobody waits for it any more,
 * and it must not be committed after somebody has looked whether it was.
 */
async function endSessions(ownerUrl: string, role: string): Promise<void> {
  await withOwner(ownerUrl, (client) =>
    client.query('select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = $1', [role]),
  );
}
