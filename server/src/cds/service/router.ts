import { Router } from 'express';
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
import { ehrVerifier } from './ehr-jwt.ts';
import { storeFeedback } from './feedback-store.ts';
import type { PrefetchSource } from './prefetch.ts';
import type { CdsService } from './service.ts';
import { ehrSource, tenantSource } from './sources.ts';

/**
 * This server as a provider of CDS services (CDS Hooks 2.0): discovery for anybody, calls and feedback for EHRs that the
 * tenant has registered, in open mode for anybody. Mount it at the root of the app.
 */
export function cdsServicesRouter(environment: CdsEnvironment): Router {
  const { fhir, baseUrl, registry, auth, settings } = environment;
  const { connections } = fhir.services;
  const registrations = new StoredCdsRegistrations(connections);
  const verify =
    auth &&
    ehrVerifier({
      keys: new JwkSets(settings),
      findClient: (tenant, issuer) => registrations.findClient(tenant, issuer),
      use: (tenant, issuer, jti, expires) =>
        useAssertion(connections, tenant, `cds-client ${issuer}`, jti, expires),
    });
  const router = Router();
  const find = (call: CdsCall): CdsService => {
    const service = registry.find(call.part('id'));
    if (service === undefined) throw fhirError(404, 'not-found', 'There is no such CDS service', 'http.path');
    return service;
  };
  const urlOf = ({ context }: CdsCall, { id }: CdsService): string =>
    `${baseUrl}/cds-services/${context.tenant.name}/${id}`;
  const callerOf = async (
    call: CdsCall,
    audiences: readonly string[],
  ): Promise<CdsClientRegistration | undefined> =>
    verify?.(call.context.tenant, call.request.headers.authorization, audiences);

  addEndpoint(router, environment, 'GET', '/cds-services/:tenant', async () => ({
    services: registry.descriptions(),
  }));

  addEndpoint(router, environment, 'POST', '/cds-services/:tenant/:id', async (call) => {
    const service = find(call);
    await callerOf(call, [urlOf(call, service)]);
    return await answer(environment, call, service, parseRequest(await call.body(), service.hook));
  });

  addEndpoint(router, environment, 'POST', '/cds-services/:tenant/:id/feedback', async (call) => {
    const service = find(call);
    const url = urlOf(call, service);
    const caller = await callerOf(call, [`${url}/feedback`, url]);
    const author = caller === undefined ? {} : { issuer: caller.issuer };
    await storeFeedback(fhir, call.context, service.id, author, parseFeedback(await call.body()));
    return {};
  });
  return router;
}

/** Calls a service for an EHR. A service that is too slow is no reason to keep people waiting: the answer has no cards. */
async function answer(
  environment: CdsEnvironment,
  call: CdsCall,
  service: CdsService,
  request: CdsRequest,
): Promise<object> {
  const { metrics, log, now = () => new Date() } = environment;
  const { tenant } = call.context;
  const started = performance.now();
  const ended = (outcome: CallOutcome) => metrics.observe(service.id, outcome, performance.now() - started);
  try {
    const source = await sourceOf(environment, call, service, request);
    const response = await callService(service, request, { tenant, source, now });
    ended('answered');
    return response;
  } catch (error) {
    if (error instanceof TimeLimitError) {
      ended('time-limit');
      log.warn({ tenant: tenant.name, service: service.id }, 'a CDS service was too slow');
      call.response.set(DEGRADED_HEADER, 'time-limit');
      return { cards: [], extension: { [DEGRADED_EXTENSION]: 'time-limit' } };
    }
    ended(error instanceof FhirError && error.status === 412 ? 'missing-data' : 'failure');
    throw error;
  }
}

/** Where data comes from that the EHR has not sent; undefined where it gives no access. */
async function sourceOf(
  { fhir, scopeOf, settings }: CdsEnvironment,
  { context }: CdsCall,
  service: CdsService,
  { fhirServer, fhirAuthorization }: CdsRequest,
): Promise<PrefetchSource | undefined> {
  if (fhirServer === undefined) return undefined;
  const accessToken = fhirAuthorization?.access_token;
  if (fhirServer !== context.baseUrl)
    return ehrSource({
      fhirServer,
      accessToken,
      allowPrivate: settings.allowPrivateAddresses,
      timeout: service.timeout,
    });
  try {
    const headers = accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
    return tenantSource(
      new InternalClient(fhir, context, await scopeOf({ method: 'GET', headers }, context)),
    );
  } catch (error) {
    // A token that is missing or does not count gives no access: what is needed and not there is a matter of 412.
    if (error instanceof FhirError && error.status === 401) return undefined;
    throw error;
  }
}
