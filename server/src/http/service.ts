import type { Server } from 'node:http';
import { loadDefinitions } from '../conformance/definitions.ts';
import { FhirServer } from '../fhir/fhir-server.ts';
import { jobHandlers } from '../fhir/job-handlers.ts';
import { fhirPathEvaluator } from '../fhir/operations/fhirpath-evaluator.ts';
import { terminologyOf } from '../fhir/operations/terminology/call.ts';
import type { FhirSettings } from '../fhir/services.ts';
import { Tenants } from '../fhir/tenants.ts';
import { WriteCoalescer } from '../fhir/write/coalescer.ts';
import { type AfterCommit, WriteEngine } from '../fhir/write/engine.ts';
import { JobQueue } from '../jobs/job-queue.ts';
import { indexPackages } from '../jobs/package-index.ts';
import { joinClusterMetrics } from '../observability/cluster-metrics.ts';
import { createLogger, type Logger, type LogLevel } from '../observability/logger.ts';
import { createCursorCodec } from '../search/cursor.ts';
import { TextHasher } from '../search/hash.ts';
import { ConnectionPools, type Connections } from '../storage/connections.ts';
import { VersionReader } from '../storage/read-versions.ts';
import { RowIdGenerator } from '../storage/row-id.ts';
import { TextDictionary } from '../storage/text-dictionary.ts';
import type { TerminologyService } from '../terminology/service.ts';
import { terminologyWritten } from '../terminology/store-system.ts';
import { OPEN_ACCESS } from './access.ts';
import { createApp, type Readiness } from './app.ts';
import { type AuditService, startAudit } from './audit-service.ts';
import { type AuthOptions, type AuthService, openVault, smartSecurityOf, startAuth } from './auth-service.ts';
import { BodyBudget } from './body.ts';
import { fhirHandler } from './fhir-handler.ts';
import { IdleMemory } from './idle-memory.ts';
import { listen, shutDown } from './listen.ts';
import { observe, watchedMetrics } from './observe.ts';

/** Everything a server process has to be told. */
export interface ServiceSettings {
  readonly port: number;
  readonly host: string;
  /** Public base without trailing slash, e.g. `http://localhost:8080`; FHIR lies below `/fhir`. */
  readonly baseUrl: string;
  /** Connection string of the serving role. */
  readonly servingUrl: string;
  readonly fhir: FhirSettings;
  readonly maxBodyBytes: number;
  /** Bytes of bodies worked on at once in this process. */
  readonly bodyBudgetBytes: number;
  readonly poolSize: number;
  readonly statementTimeout: number;
  readonly requestTimeout: number;
  readonly logLevel: LogLevel;
  /** SMART on FHIR authorization; undefined: everybody may do everything. */
  readonly auth?: AuthOptions;
}

export interface RunningService {
  readonly server: Server;
  readonly fhir: FhirServer;
  readonly connections: ConnectionPools;
  readonly log: Logger;
  /** The authorization server, if there is one. */
  readonly auth: AuthService | undefined;
  /** The audit log, if there is authorization. */
  readonly audit: AuditService | undefined;
  /** Ends gracefully: running requests finish within `grace` milliseconds. */
  stop(grace?: number): Promise<void>;
}

const MAX_URL = 16_384;

/**
 * Starts a server process: one process of the cluster, or the whole server in a test.
 * @throws Error when the port is taken or the database cannot be reached
 */
export async function startService(settings: ServiceSettings): Promise<RunningService> {
  const log = createLogger({ level: settings.logLevel, name: 'vesta' });
  const connections = new ConnectionPools({
    connectionString: settings.servingUrl,
    // Reads by id need little: they are joined. The rest of `read` is for searches that cannot be slow.
    poolSizes: { read: 4, search: Math.max(2, settings.poolSize - 7), write: 3 },
    statementTimeouts: { read: settings.statementTimeout, search: settings.statementTimeout, write: 0 },
    acquireTimeout: Math.min(settings.requestTimeout, 10_000),
  });
  const [secrets, node] = await Promise.all([
    connections.global({
      text: `select name, value from store.setting where name in ('hash_key', 'cursor_key')`,
      values: [],
    }),
    connections.global({ text: `select nextval('store.node_number')`, values: [] }),
  ]);
  const secret = (name: string): Buffer => {
    const row = secrets.find(([key]) => key === name);
    if (row === undefined) throw new Error(`The database has no ${name}: run vesta db migrate`);
    return Buffer.from(row[1] as string, 'hex');
  };
  const definitions = loadDefinitions();
  const tenants = new Tenants(
    connections,
    definitions,
    new TextHasher(secret('hash_key')),
    `${settings.baseUrl}/fhir`,
  );
  const terminology = terminologyOf({ connections });
  const cursors = createCursorCodec(secret('cursor_key'));
  const onAuthError = (error: unknown) => log.error({ err: error }, 'authorization failure');
  const vault = settings.auth && openVault(settings.auth, connections, onAuthError);
  const audit =
    vault &&
    startAudit({
      ...settings.auth?.audit,
      servingUrl: settings.servingUrl,
      connections,
      secrets: await vault.secretBox(),
      hashKey: secret('hash_key'),
      cursors,
      logger: log,
      server: () => fhir,
    });
  const engine = new WriteEngine(
    {
      connections,
      rowIds: new RowIdGenerator(Number(node[0]?.[0])),
      dictionary: new TextDictionary(connections),
      conformance: tenants,
      terminology,
      audit: audit?.trail,
    },
    settings.fhir,
    noteTerminology(connections, terminology, log),
  );
  const writes = new WriteCoalescer(engine);
  const jobs = new JobQueue(connections, {
    onError: (error, job) => log.error({ job: job?.kind, err: error }, 'job failure'),
  });
  const fhir: FhirServer = new FhirServer({
    settings: settings.fhir,
    tenants,
    connections,
    reader: new VersionReader(connections),
    engine,
    writes,
    cursors,
    jobs,
    ...(settings.auth === undefined ? {} : { security: smartSecurityOf(settings.baseUrl) }),
    ...(audit === undefined ? {} : { audit: audit.trail }),
  });
  jobs.start(jobHandlers(fhir.services));
  tenants.onUnindexed = (context) => {
    indexPackages(connections, jobs, context).catch((error: unknown) =>
      log.error(
        { err: error, tenant: context.tenant.name },
        'the reindexing for packages could not be asked for',
      ),
    );
  };

  const metrics = watchedMetrics(connections, writes, jobs);
  const exposition = joinClusterMetrics(metrics);
  const readiness: Readiness = { accepting: true };
  const memory = new IdleMemory();
  audit?.watch(metrics);
  const auth =
    settings.auth === undefined || vault === undefined || audit === undefined
      ? undefined
      : await startAuth(settings.auth, settings.baseUrl, fhir, vault, audit.log, onAuthError);

  const handler = fhirHandler(fhir, {
    access: auth?.access ?? OPEN_ACCESS,
    ...(audit === undefined ? {} : { audit: audit.trail }),
    maxBodyBytes: settings.maxBodyBytes,
    maxUrlLength: MAX_URL,
    budget: new BodyBudget(settings.bodyBudgetBytes),
    onLargeBody: (bytes) => memory.worked(bytes),
    observe: (request, outcome) => {
      memory.busy();
      observe(metrics, log, request, outcome);
    },
  });
  const server = await listen(
    {
      port: settings.port,
      host: settings.host,
      headersTimeout: Math.min(15_000, settings.requestTimeout),
      requestTimeout: settings.requestTimeout,
      maxHeaderBytes: 32_768,
    },
    handler,
    createApp(fhir, exposition, readiness, auth?.router),
  );
  return {
    server,
    fhir,
    connections,
    log,
    auth,
    audit,
    async stop(grace = 25_000) {
      readiness.accepting = false;
      memory.stop();
      await shutDown(server, grace);
      await jobs.stop();
      fhirPathEvaluator().close();
      await audit?.stop();
      await auth?.stop();
      await connections.close();
    },
  };
}

/** Code systems and value sets that were stored decide at once; large ones are copied into the concept tables. */
function noteTerminology(connections: Connections, service: TerminologyService, log: Logger): AfterCommit {
  return (context, outcomes) => {
    terminologyWritten(connections, service, context, outcomes).catch((error: unknown) =>
      log.error({ err: error }, 'a code system could not be copied into the concept tables'),
    );
  };
}
