import type { Server } from 'node:http';
import type { AnyAgent } from '../agents/agent.ts';
import { AGENTS } from '../agents/registry.ts';
import type { CdsSettings } from '../cds/environment.ts';
import { loadDefinitions } from '../conformance/definitions.ts';
import { Pace } from '../events/pace.ts';
import { AccessFactsReader } from '../fhir/access-facts.ts';
import { FhirServer } from '../fhir/fhir-server.ts';
import { jobHandlers } from '../fhir/job-handlers.ts';
import { Labels } from '../fhir/labels.ts';
import { fhirPathEvaluator } from '../fhir/operations/fhirpath-evaluator.ts';
import { terminologyOf } from '../fhir/operations/terminology/call.ts';
import type { FhirSettings } from '../fhir/services.ts';
import { Tenants } from '../fhir/tenants.ts';
import { bearOnAccess } from '../fhir/write/access-hooks.ts';
import { WriteCoalescer } from '../fhir/write/coalescer.ts';
import { type AfterCommit, WriteEngine } from '../fhir/write/engine.ts';
import { JobQueue } from '../jobs/job-queue.ts';
import { indexPackages } from '../jobs/package-index.ts';
import { joinClusterMetrics } from '../observability/cluster-metrics.ts';
import { createLogger, type Logger, type LogLevel } from '../observability/logger.ts';
import { type KnownDirectory, knownDirectoryOf } from '../scheduling/known-directory.ts';
import { createCursorCodec } from '../search/cursor.ts';
import { TextHasher } from '../search/hash.ts';
import type { MasterKeySource } from '../security/keys/master-key.ts';
import { type TrustedProxies, trustedProxies } from '../security/limits/client-address.ts';
import { limitAuthRequests } from '../security/limits/express.ts';
import { RateLimiter, type RateLimits } from '../security/limits/limiter.ts';
import { watchLimits } from '../security/limits/metrics.ts';
import { FileLinks } from '../security/links/file-links.ts';
import type { TlsFiles } from '../security/tls/tls-options.ts';
import { type ConnectionOptions, ConnectionPools, type Connections } from '../storage/connections.ts';
import { VersionReader } from '../storage/read-versions.ts';
import { RowIdGenerator } from '../storage/row-id.ts';
import { TextDictionary } from '../storage/text-dictionary.ts';
import type { TerminologyService } from '../terminology/service.ts';
import { terminologyWritten } from '../terminology/store-system.ts';
import { OPEN_ACCESS } from './access.ts';
import { type AgentService, agentService, type ModelSettings } from './agent-service.ts';
import { answerHeaders } from './answer-headers.ts';
import { createApp, type Readiness } from './app.ts';
import { type AuditService, startAudit } from './audit-service.ts';
import { type AuthOptions, type AuthService, smartSecurityOf, startAuth } from './auth-service.ts';
import { BodyBudget } from './body.ts';
import { type CdsService, cdsService } from './cds-service.ts';
import {
  type CommunicationService,
  type CommunicationSettings,
  communicationService,
} from './communication-service.ts';
import { fhirHandler } from './fhir-handler.ts';
import { IdleMemory } from './idle-memory.ts';
import { openInstallationKeys } from './installation-keys.ts';
import { listen, shutDown } from './listen.ts';
import { metricsAccess } from './metrics-access.ts';
import { observe, watchedMetrics } from './observe.ts';
import { limitedTenantOf, requestLimits } from './rate-limits.ts';

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
  /** Who bears it may read /metrics; see metrics-access.ts. */
  readonly metricsToken?: string | undefined;
  /** How the connection and those who call are dealt with; by default plain HTTP without limits. */
  readonly protection?: Partial<ProtectionSettings>;
  /** SMART on FHIR authorization; undefined: everybody may do everything. */
  readonly auth?: AuthOptions;
  /** By which identifiers are encrypted where there is no authorization; else those of `auth` are. */
  readonly masterKeys?: MasterKeySource;
  /** How CDS Hooks behaves, where other than by default. */
  readonly cds?: Partial<CdsSettings>;
  /** How messages to people are sent, where other than by staying in the record. */
  readonly communication?: Partial<CommunicationSettings>;
  /** The agents; all of the server by default. */
  readonly agents?: readonly AnyAgent[];
  /** The language model of the agents; undefined: they go by their rules alone. */
  readonly model?: ModelSettings;
}

/** What security/settings.ts says, of what concerns connections and requests. */
export interface ProtectionSettings {
  readonly tls: TlsFiles;
  readonly hstsSeconds: number;
  /** Whose pages may frame the apps: sources of the directive frame-ancestors; none of them for nobody. */
  readonly appFrameAncestors: readonly string[];
  readonly proxies: TrustedProxies;
  readonly rates: RateLimits;
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
  readonly agents: AgentService;
  readonly communication: CommunicationService;
  readonly cds: CdsService;
  /** Ends gracefully: running requests finish within `grace` milliseconds. */
  stop(grace?: number): Promise<void>;
}

const MAX_URL = 16_384;
const MAX_HEADER_BYTES = 32_768;

/**
 * Starts a server process: one process of the cluster, or the whole server in a test.
 * @throws Error when the port is taken or the database cannot be reached
 */
export async function startService(settings: ServiceSettings): Promise<RunningService> {
  const log = createLogger({ level: settings.logLevel, name: 'vesta' });
  const pools: ConnectionOptions = {
    connectionString: settings.servingUrl,
    // Reads by id need little: they are joined. The rest of `read` is for searches that cannot be slow.
    poolSizes: { read: 4, search: Math.max(2, settings.poolSize - 7), write: 3 },
    statementTimeouts: { read: settings.statementTimeout, search: settings.statementTimeout, write: 0 },
    acquireTimeout: Math.min(settings.requestTimeout, 10_000),
  };
  const connections = new ConnectionPools(pools);
  const masterKeys = settings.auth?.masterKeys ?? settings.masterKeys;
  const keys = await openInstallationKeys(masterKeys, connections, pools, log);
  const [hashKey, cursorKey, node] = await Promise.all([
    keys.setting('hash_key'),
    keys.setting('cursor_key'),
    connections.global({ text: `select nextval('store.node_number')`, values: [] }),
  ]);
  const definitions = loadDefinitions();
  const tenants = new Tenants(
    connections,
    definitions,
    new TextHasher(hashKey),
    `${settings.baseUrl}/fhir`,
    undefined,
    keys.fieldsOf,
  );
  const terminology = terminologyOf({ connections });
  const cursors = createCursorCodec(cursorKey);
  const onAuthError = (error: unknown) => log.error({ err: error }, 'authorization failure');
  const vault = settings.auth && keys.vault;
  const audit =
    vault &&
    startAudit({
      ...settings.auth?.audit,
      servingUrl: settings.servingUrl,
      connections,
      secrets: await vault.secretBox(),
      hashKey,
      cursors,
      logger: log,
      server: () => fhir,
    });
  let answered = 0;
  const pace = new Pace({ answered: () => answered });
  pace.start();
  const communication = communicationService({
    connections,
    server: () => fhir,
    baseUrl: settings.baseUrl,
    log,
    secrets: await keys.vault?.secretBox(),
    settings: settings.communication,
    pace,
  });
  const agents = agentService({
    connections,
    server: () => fhir,
    audit: audit?.trail,
    logger: log,
    agents: settings.agents ?? [...AGENTS, communication.agent],
    model: settings.model,
    pace,
  });
  const facts = new AccessFactsReader(connections);
  const labels = settings.auth && new Labels(() => fhir, facts, onAuthError);
  const engine = new WriteEngine(
    {
      connections,
      rowIds: new RowIdGenerator(Number(node[0]?.[0])),
      dictionary: new TextDictionary(connections),
      conformance: tenants,
      terminology,
      labellerOf: labels && ((context) => labels.labellerOf(context)),
      audit: audit?.trail,
      outbox: agents.outbox,
      cipherOf: keys.cipherOf,
    },
    settings.fhir,
    afterCommit(noteTerminology(connections, terminology, log), facts, knownDirectoryOf(connections)),
  );
  const writes = new WriteCoalescer(engine);
  const jobs = new JobQueue(connections, {
    sealer: keys.sealer,
    onError: (error, job) => log.error({ job: job?.kind, err: error }, 'job failure'),
  });
  const links = vault && new FileLinks(vault, settings.baseUrl);
  const fhir: FhirServer = new FhirServer({
    settings: settings.fhir,
    tenants,
    connections,
    reader: new VersionReader(connections),
    engine,
    writes,
    cursors,
    jobs,
    isolation: connections.isolation,
    agents: agents.runtime,
    ...(communication.push === undefined ? {} : { push: communication.push }),
    ...(settings.auth === undefined
      ? {}
      : {
          security: smartSecurityOf(settings.baseUrl),
          access: {
            facts,
            privacyPeople: async (tenant) => (await auth?.privacyPeople(tenant)) ?? [],
            onEmergency: (...told) => auth?.onEmergency(...told),
          },
        }),
    ...(audit === undefined ? {} : { audit: audit.trail }),
    ...(links === undefined ? {} : { links }),
  });
  jobs.start(jobHandlers(fhir.services));
  agents.start();
  communication.start(agents.runtime);
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
  agents.watch(metrics);
  communication.watch(metrics);
  const auth: AuthService | undefined =
    settings.auth === undefined || vault === undefined || audit === undefined
      ? undefined
      : await startAuth(settings.auth, settings.baseUrl, fhir, facts, vault, audit.log, onAuthError);

  const { tls, hstsSeconds = 31_536_000, appFrameAncestors = [], rates } = settings.protection ?? {};
  const proxies = settings.protection?.proxies ?? trustedProxies('loopback');
  const limiter = rates && new RateLimiter(rates);
  if (limiter !== undefined) watchLimits(metrics.registry, limiter);
  const byToken = auth !== undefined;
  const access = auth?.access ?? OPEN_ACCESS;
  const limits = limiter && requestLimits(limiter, proxies, byToken);
  const cds = cdsService({
    fhir,
    baseUrl: settings.baseUrl,
    auth,
    agents: agents.runtime,
    access,
    proxies,
    limits,
    metrics,
    log,
    settings: settings.cds,
  });
  const handler = fhirHandler(fhir, {
    access,
    proxies,
    headers: answerHeaders({ byToken, hstsSeconds, proxies }),
    limits,
    links,
    ...(audit === undefined ? {} : { audit: audit.trail }),
    maxBodyBytes: settings.maxBodyBytes,
    maxUrlLength: MAX_URL,
    budget: new BodyBudget(settings.bodyBudgetBytes),
    onLargeBody: (bytes) => memory.worked(bytes),
    observe: (request, outcome) => {
      answered++;
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
      maxHeaderBytes: MAX_HEADER_BYTES,
      tls,
      onCertificate: (error) =>
        error === undefined
          ? log.info('a new certificate is in use')
          : log.error({ err: error }, 'the new certificate cannot be used; the one before stays'),
    },
    handler,
    createApp(fhir, exposition, readiness, metricsAccess(settings.metricsToken, settings.baseUrl), {
      proxies,
      hstsSeconds,
      appFrameAncestors,
      maxUrlLength: MAX_URL,
      auth: auth?.router,
      cds: cds.router,
      communication: communication.router(limits),
      agentsHealth: agents.health,
      authLimits: limiter && limitAuthRequests(limiter, proxies, limitedTenantOf),
    }),
  );
  return {
    server,
    fhir,
    connections,
    log,
    auth,
    audit,
    agents,
    communication,
    cds,
    async stop(grace = 25_000) {
      readiness.accepting = false;
      memory.stop();
      await shutDown(server, grace);
      pace.stop();
      await Promise.all([jobs.stop(), agents.stop(), communication.stop()]);
      fhirPathEvaluator().close();
      await audit?.stop();
      await auth?.stop();
      await keys.stop();
      await connections.close();
    },
  };
}

/** What was committed decides at once: about access, about free times, and about codes. */
function afterCommit(noted: AfterCommit, facts: AccessFactsReader, directory: KnownDirectory): AfterCommit {
  return (context, outcomes) => {
    directory.written(context.tenant, outcomes);
    if (bearOnAccess(outcomes)) facts.changed(context.tenant);
    noted(context, outcomes);
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
