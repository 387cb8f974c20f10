import { join } from 'node:path';
import { openScope } from '../access/scope.ts';
import { AuditLog, type Durability } from '../audit/audit-log.ts';
import { chainKey } from '../audit/chain.ts';
import { alertEvent, Detector } from '../audit/detection/detector.ts';
import { type FindResources, People } from '../audit/detection/people.ts';
import { detectionRules } from '../audit/detection/rules.ts';
import { RowMaker } from '../audit/entry.ts';
import { watchAudit } from '../audit/metrics.ts';
import { auditSecret } from '../audit/secret.ts';
import { AuditTrail } from '../audit/trail.ts';
import type { FhirServer } from '../fhir/fhir-server.ts';
import { InternalClient } from '../fhir/internal-client.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { CursorCodec } from '../search/cursor.ts';
import type { SecretBox } from '../security/keys/secret-box.ts';
import { SealingConnection } from '../storage/audit/sealing.ts';
import type { Connections } from '../storage/connections.ts';
import { parseQuery } from './fhir-handler.ts';

/** How the audit log of a process is kept. */
export interface AuditOptions {
  /** Where events lie until the database has them; without it, answers wait for the database. */
  readonly spoolDirectory?: string;
  readonly durability?: Durability;
}

export interface AuditEnvironment extends AuditOptions {
  readonly servingUrl: string;
  readonly connections: Connections;
  readonly secrets: SecretBox;
  /** The key of the index hashes of the database (store.setting, hash_key). */
  readonly hashKey: Uint8Array;
  readonly cursors: CursorCodec;
  readonly logger: Logger;
  /** The server, when it is first asked for: it is made with the trail. */
  readonly server: () => FhirServer;
}

/** The audit log of this process, with the detection that watches it. */
export interface AuditService {
  readonly log: AuditLog;
  readonly trail: AuditTrail;
  /** Shows the log's and the detection's numbers in /metrics. */
  watch(metrics: Metrics): void;
  /** To be called when no requests come any more, before the connections are closed. */
  stop(): Promise<void>;
}

/** Starts the audit log of a process. */
export function startAudit(environment: AuditEnvironment): AuditService {
  const { connections, cursors, logger, spoolDirectory, durability } = environment;
  const rows = new RowMaker(environment.hashKey);
  const onError = (error: unknown) => logger.error({ err: error }, 'audit failure');
  const people = new People({ find: finder(environment.server), onError });
  const detector = new Detector({
    rules: detectionRules(),
    facts: people.facts,
    onAlert(tenant, alert) {
      // The text names people: it is for the audit log only.
      logger.warn({ tenant: tenant.name, rule: alert.rule }, 'security alert');
      log.record(tenant, alertEvent(alert)).catch(onError);
    },
  });
  const log = new AuditLog({
    connection: new SealingConnection(environment.servingUrl),
    rows,
    key: chainKey(auditSecret(environment.secrets)),
    observe: (tenant, entry) => detector.observe(tenant, entry),
    onError,
    ...(spoolDirectory === undefined ? {} : { spoolDirectory }),
    ...(durability === undefined ? {} : { durability }),
  });
  return {
    log,
    trail: new AuditTrail(log, { connections, rows, cursors }, (tenant) =>
      environment.server().tenants.fieldsOf(tenant),
    ),
    watch: (metrics) => watchAudit(metrics.registry, log, detector),
    stop: () => log.stop(),
  };
}

/** Where the spool files of a data directory lie: all processes of the machine share it, each with files of its own. */
export const spoolDirectoryOf = (dataDirectory: string): string => join(dataDirectory, 'audit-spool');

/** Searches for the detection: beside the requests, and of all that a tenant has. */
function finder(server: () => FhirServer): FindResources {
  return async (tenant, type, query) => {
    const fhir = server();
    const context = await fhir.tenants.current(tenant);
    const client = new InternalClient(fhir, context, openScope(tenant), { audited: false });
    return client.search(type, parseQuery(query));
  };
}
