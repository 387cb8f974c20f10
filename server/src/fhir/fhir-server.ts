import { asyncStatus, startAsync } from './interactions/async.ts';
import { auditEvents } from './interactions/audit-events.ts';
import { bundle } from './interactions/bundle.ts';
import { capabilities } from './interactions/capabilities.ts';
import { history } from './interactions/history.ts';
import { read } from './interactions/read.ts';
import { search } from './interactions/search.ts';
import { create, patch, remove, update } from './interactions/write.ts';
import { findOperation } from './operations/operations.ts';
import { fhirError } from './outcome.ts';
import { withVisibleReasons } from './reasons.ts';
import type { FhirRequest, FhirResponse } from './request.ts';
import type { Route } from './route.ts';
import { route } from './route.ts';
import type { InteractionHandler, Services } from './services.ts';
import type { Tenants } from './tenants.ts';

type RoutedHandler = (services: Services, request: FhirRequest, route: Route) => Promise<FhirResponse>;

const HANDLERS: Partial<Record<Route['interaction'], RoutedHandler>> = {
  read,
  vread: read,
  create,
  update,
  patch,
  delete: remove,
  'history-instance': history,
  'history-type': history,
  'history-system': history,
  'search-type': search,
  'search-system': search,
  capabilities: capabilities as InteractionHandler as RoutedHandler,
  batch: bundle as InteractionHandler as RoutedHandler,
};

/** Interactions that may take long enough to be worth `Prefer: respond-async` (R4 async.html). */
const ASYNC = new Set<Route['interaction']>([
  'batch',
  'search-type',
  'search-system',
  'history-type',
  'history-system',
  'operation',
]);

/** The RESTful API without HTTP: takes a request, finds its interaction and carries it out. */
export class FhirServer {
  readonly services: Services;

  constructor(services: Omit<Services, 'handle'>) {
    this.services = { ...services, handle: (request, others) => this.handle(request, others) };
  }

  get tenants(): Tenants {
    return this.services.tenants;
  }

  /**
   * @param services in place of the process's own: those of a transaction for its reads
   * @throws FhirError for whatever the client is to be told; what the request's signal says when that has ended
   */
  async handle(request: FhirRequest, services: Services = this.services): Promise<FhirResponse> {
    request.signal?.throwIfAborted();
    if (request.scope.tenant.id !== request.context.tenant.id) {
      // Tokens are verified for the tenant of the path: only a fault of ours leads here.
      this.services.isolation?.found();
      throw fhirError(403, 'forbidden', 'This access is for another tenant', 'http.path');
    }
    try {
      return await this.#route(services, request);
    } catch (error) {
      throw await withVisibleReasons(services, request, error);
    }
  }

  async #route(services: Services, request: FhirRequest): Promise<FhirResponse> {
    const [first, second] = request.path;
    if (first === '_async' && second !== undefined) return asyncStatus(services, request, second);
    const routed = route(request.method, request.path);
    if (request.prefer.respondAsync && ASYNC.has(routed.interaction)) return startAsync(services, request);
    if (routed.interaction === 'operation') {
      return findOperation(routed, request.method, services.agents?.options.agents)(
        services,
        request,
        routed,
      );
    }
    if (services.audit !== undefined) {
      const answer = await auditEvents(services, request, routed);
      if (answer !== undefined) return answer;
    }
    const handler = HANDLERS[routed.interaction];
    if (handler === undefined)
      throw fhirError(501, 'not-supported', `${routed.interaction} is not supported`, 'http.path');
    return handler(services, request, routed);
  }
}
