import { Router } from 'express';
import type { AccessScope } from '../../access/scope.ts';
import { JwkSets } from '../../auth/clients/jwk-sets.ts';
import { InternalClient } from '../../fhir/internal-client.ts';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import { useAssertion } from '../../storage/auth/client-assertions.ts';
import { StoredCdsRegistrations } from '../../storage/cds/registrations.ts';
import { addEndpoint, type CdsCall } from '../endpoint.ts';
import type { CdsEnvironment } from '../environment.ts';
import { parseFeedback } from '../hooks/feedback.ts';
import { parseRequest } from '../hooks/request.ts';
import type { CdsRequest } from '../hooks/types.ts';
import type { CallOutcome } from '../metrics.ts';
import type { CdsClientRegistration } from '../registrations.ts';
import { DEGRADED_EXTENSION, DEGRADED_HEADER } from '../terms.ts';
import { callService, TimeLimitError } from './call.ts';
import { claimedIssuer, ehrVerifier } from './ehr-jwt.ts';
import { storeFeedback } from './feedback-store.ts';
import type { PrefetchSource } from './prefetch.ts';
import type { CdsService } from './service.ts';
import { ehrSource, tenantSource } from './sources.ts';

/**
 * The part of a service's time that the EHR's FHIR server has: what has not come by then cannot be had, which is 412
 * (CDS Hooks 2.0, HTTP Status Codes), and not a service that is too slow.
 */
const FETCHING = 0.75;

/** Where the services of a tenant are; the second for clients that put `/cds-services` after a base URL by themselves. */
const MOUNTS = ['/cds-services/:tenant', '/cds/:tenant/cds-services'] as const;

/**
 * This server as a provider of CDS services (CDS Hooks 2.0): discovery for anybody, calls and feedback for EHRs that the
 * tenant has registered; for anybody where the tenant takes calls without proof. Mount it at the root of the app.
 */
export function cdsServicesRouter(environment: CdsEnvironment): Router {
  const { fhir, baseUrl, registry, auth, settings } = environment;
  const { connections } = fhir.services;
  const registrations = new StoredCdsRegistrations(connections);
  const verify = ehrVerifier({
    keys: new JwkSets(settings),
    findClient: (tenant, issuer) => registrations.findClient(tenant, issuer),
    use: (tenant, issuer, jti, expires) =>
      useAssertion(connections, tenant, `cds-client ${issuer}`, jti, expires),
  });
  const find = (call: CdsCall): CdsService => {
    const service = registry.find(call.part('id'));
    if (service === undefined) throw fhirError(404, 'not-found', 'There is no such CDS service', 'http.path');
    return service;
  };
  const urlsOf = ({ context }: CdsCall, { id }: CdsService): string[] =>
    MOUNTS.map((mount) => `${baseUrl}${mount.replace(':tenant', context.tenant.name)}/${id}`);

  /** @returns undefined for a caller without proof, where the tenant takes those */
  const callerOf = async (
    call: CdsCall,
    audiences: readonly string[],
  ): Promise<CdsClientRegistration | undefined> => {
    const { tenant, policy } = call.context;
    const { authorization } = call.request.headers;
    if ((policy.unsignedCdsClients ?? (auth === undefined ? 'allow' : 'refuse')) === 'allow') {
      const issuer = claimedIssuer(authorization);
      // Who claims to be somebody that is known here proves it.
      if (issuer === undefined || (await registrations.findClient(tenant, issuer)) === undefined)
        return undefined;
    }
    return await verify(tenant, authorization, audiences);
  };

  const router = Router();
  for (const mount of MOUNTS) {
    addEndpoint(router, environment, 'GET', mount, async () => ({ services: registry.descriptions() }));

    addEndpoint(router, environment, 'POST', `${mount}/:id`, async (call) => {
      const service = find(call);
      const client = await callerOf(call, urlsOf(call, service));
      return await answer(environment, call, service, client, parseRequest(await call.body(), service.hook));
    });

    addEndpoint(router, environment, 'POST', `${mount}/:id/feedback`, async (call) => {
      const service = find(call);
      const urls = urlsOf(call, service);
      const client = await callerOf(call, [...urls.map((url) => `${url}/feedback`), ...urls]);
      // It becomes part of the record, which strangers do not write where others need access.
      if (client === undefined && auth !== undefined)
        throw fhirError(
          401,
          'login',
          'Feedback is taken from registered CDS clients only',
          'http.authorization',
        );
      const author = client === undefined ? {} : { issuer: client.issuer };
      await storeFeedback(fhir, call.context, service.id, author, parseFeedback(await call.body()));
      return {};
    });
  }
  return router;
}

/** Calls a service for an EHR. A service that is too slow is no reason to keep people waiting: the answer has no cards. */
async function answer(
  environment: CdsEnvironment,
  call: CdsCall,
  service: CdsService,
  client: CdsClientRegistration | undefined,
  request: CdsRequest,
): Promise<object> {
  const { metrics, log, now = () => new Date() } = environment;
  const { time } = environment.settings;
  const { context } = call;
  const started = performance.now();
  const ended = (outcome: CallOutcome) => metrics.observe(service.id, outcome, performance.now() - started);
  try {
    const caller = await callerScope(environment, call, request);
    const source = sourceOf(environment, call, service, client, request, caller);
    const response = await callService(service, request, { tenant: context, caller, source, now, time });
    ended('answered');
    return response;
  } catch (error) {
    if (error instanceof TimeLimitError) {
      ended('time-limit');
      log.warn({ tenant: context.tenant.name, service: service.id }, 'a CDS service was too slow');
      call.response.set(DEGRADED_HEADER, 'time-limit');
      return { cards: [], extension: { [DEGRADED_EXTENSION]: 'time-limit' } };
    }
    ended(error instanceof FhirError && error.status === 412 ? 'missing-data' : 'failure');
    throw error;
  }
}

/** What of this tenant's record is open to who has an access token for it, in open mode to anybody. */
async function callerScope(
  { scopeOf }: CdsEnvironment,
  { context }: CdsCall,
  { fhirServer, fhirAuthorization }: CdsRequest,
): Promise<AccessScope | undefined> {
  if (fhirServer !== context.baseUrl) return undefined;
  const token = fhirAuthorization?.access_token;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    return await scopeOf({ method: 'GET', headers }, context);
  } catch (error) {
    // A token that is missing or does not count gives no access: what is needed and not there is a matter of 412.
    if (error instanceof FhirError && error.status === 401) return undefined;
    throw error;
  }
}

/**
 * Where data comes from that the EHR has not sent: this server, or the FHIR servers that the EHR's registration names; of
 * callers without proof any public one. Undefined where there is no access.
 */
function sourceOf(
  { fhir, settings, actorOf }: CdsEnvironment,
  { context, request: http }: CdsCall,
  service: CdsService,
  client: CdsClientRegistration | undefined,
  { fhirServer, fhirAuthorization }: CdsRequest,
  caller: AccessScope | undefined,
): PrefetchSource | undefined {
  if (caller !== undefined)
    return tenantSource(new InternalClient(fhir, context, caller, { actor: actorOf(http, caller) }));
  if (fhirServer === undefined || fhirServer === context.baseUrl) return undefined;
  if (client !== undefined && client.fhirServers?.includes(fhirServer) !== true) return undefined;
  return ehrSource({
    fhirServer,
    accessToken: fhirAuthorization?.access_token,
    allowPrivate: settings.allowPrivateAddresses || client?.privateNetwork === true,
    limit: settings.time.limit(service.timeout * FETCHING),
  });
}
