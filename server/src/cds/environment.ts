import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { AccessScope } from '../access/scope.ts';
import type { AuditActor } from '../audit/request-event.ts';
import type { AuthServices } from '../auth/services.ts';
import type { FhirServer } from '../fhir/fhir-server.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { Logger } from '../observability/logger.ts';
import type { CdsMetrics } from './metrics.ts';
import type { CdsRegistry } from './service/service.ts';
import { REAL_TIME, type Time } from './time.ts';

/** What CDS Hooks needs of the rest of the house. */
export interface CdsEnvironment {
  readonly fhir: FhirServer;
  /** Of the server, without trailing slash. */
  readonly baseUrl: string;
  readonly registry: CdsRegistry;
  /** The authorization server; undefined in open mode, where nobody proves who they are. */
  readonly auth: AuthServices | undefined;
  /** What the bearer of a request may do. @throws FhirError 401 */
  scopeOf(request: BearerRequest, context: TenantContext): AccessScope | Promise<AccessScope>;
  /** Who makes a request, for the audit log. */
  actorOf(request: IncomingMessage, scope: AccessScope): AuditActor;
  /** Counts a request against the limits of its address. @throws FhirError 429 */
  arrived(request: IncomingMessage): void;
  /** The same when it is known who asks. @throws FhirError 429 */
  known(scope: AccessScope): void;
  readonly settings: CdsSettings;
  readonly metrics: CdsMetrics;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  readonly now?: () => Date;
}

export interface BearerRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

export interface CdsSettings {
  /** Whether EHRs and services at private addresses, and without TLS, are spoken with: for tests and development. */
  readonly allowPrivateAddresses: boolean;
  /** Milliseconds that all services of a hook have together, when an app asks. */
  readonly budget: number;
  /** Failures one after the other after which a service of others is left alone, and for how many milliseconds. */
  readonly breaker: { readonly failures: number; readonly pause: number };
  /** Bytes of a request's body. */
  readonly maxBodyBytes: number;
  /** What limits are measured by. */
  readonly time: Time;
}

export const DEFAULT_CDS_SETTINGS: CdsSettings = {
  allowPrivateAddresses: false,
  budget: 2500,
  breaker: { failures: 3, pause: 30_000 },
  maxBodyBytes: 8_000_000,
  time: REAL_TIME,
};
