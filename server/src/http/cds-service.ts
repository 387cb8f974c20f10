import { Router } from 'express';
import { hookServices } from '../agents/runtime/hook-services.ts';
import type { AgentRuntime } from '../agents/runtime/runtime.ts';
import { cdsHooksRouter } from '../cds/client/router.ts';
import { addEnd } from '../cds/endpoint.ts';
import { type CdsSettings, DEFAULT_CDS_SETTINGS } from '../cds/environment.ts';
import { cdsMetrics } from '../cds/metrics.ts';
import { cdsServicesRouter } from '../cds/service/router.ts';
import { CdsRegistry } from '../cds/service/service.ts';
import { BUILT_IN_SERVICES } from '../cds/services/index.ts';
import type { FhirServer } from '../fhir/fhir-server.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { startTrace } from '../observability/trace.ts';
import type { TrustedProxies } from '../security/limits/client-address.ts';
import type { RequestAccess } from './access.ts';
import { requestActor } from './audit-actor.ts';
import type { AuthService } from './auth-service.ts';
import type { RequestLimits } from './rate-limits.ts';

/** CDS Hooks of this process. */
export interface CdsService {
  /** What of the process answers hooks; services may be added. */
  readonly registry: CdsRegistry;
  /** Below `/cds-services`, `/cds` and `/cds-hooks`. */
  readonly router: Router;
}

export interface CdsOptions {
  readonly fhir: FhirServer;
  /** Of the server, without trailing slash. */
  readonly baseUrl: string;
  readonly auth: AuthService | undefined;
  /** Of the agents, some of which hooks wake. */
  readonly agents: AgentRuntime;
  readonly access: RequestAccess;
  readonly proxies: TrustedProxies;
  readonly limits: RequestLimits | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly settings?: Partial<CdsSettings> | undefined;
}

/** Puts CDS Hooks together: the built-in services, the agents that hooks wake, discovery and calls, and the hooks that apps ask by. */
export function cdsService(options: CdsOptions): CdsService {
  const { fhir, baseUrl, auth, agents, access, proxies, limits, metrics, log } = options;
  const registry = new CdsRegistry([...BUILT_IN_SERVICES, ...hookServices(agents)]);
  const environment = {
    fhir,
    baseUrl,
    registry,
    auth: auth?.services,
    scopeOf: (request, context) => access.scopeOf(request, context, []),
    actorOf: (request, scope) =>
      requestActor(request, startTrace(request.headers).requestId, proxies, access.actorOf?.(scope)),
    arrived: (request) => void limits?.arrived(request),
    known: (scope) => void limits?.known(scope),
    settings: {
      ...DEFAULT_CDS_SETTINGS,
      allowPrivateAddresses: auth?.services.settings.allowPrivateAddresses ?? false,
      ...options.settings,
    },
    metrics: cdsMetrics(metrics.registry),
    log,
  } satisfies Parameters<typeof cdsServicesRouter>[0];
  const router = Router();
  router.use(cdsServicesRouter(environment), cdsHooksRouter(environment));
  addEnd(router, environment, ['/cds-services', '/cds', '/cds-hooks']);
  return { registry, router };
}
