import express, { type Router } from 'express';
import { useAssertion } from '../../storage/auth/client-assertions.ts';
import type { PeopleServices } from '../accounts/people.ts';
import { noStore, readForm, sendError, tenantOf } from '../endpoint.ts';
import { OAuthError } from '../oauth-error.ts';
import { errorPage } from '../pages/message.ts';
import { formValue, type Outcome, PageRoutes, queryValue } from '../pages/routes.ts';
import type { Visit } from '../sessions/visit.ts';
import { urlsOf } from '../urls.ts';
import { backChannelLogout } from './back-channel-logout.ts';
import { logInFederated, refusing, unknownLogin } from './federated-login.ts';
import { proveByCode } from './oidc/relying-party.ts';
import { SsoError } from './proved-identity.ts';
import type { OidcProvider, SamlProvider } from './provider.ts';
import { proveByResponse, serviceProviderMetadata } from './saml/service-provider.ts';
import { providerUrls, startLogin } from './start.ts';

const STATE = /^[A-Za-z0-9_-]{43}$/;

/** Logins at identity providers, below a tenant's issuer: mounted as authorizeRouter is. */
export function ssoRouter(services: PeopleServices): Router {
  const pages = new PageRoutes(services);
  pages.post('/sso/start', startLogin);
  pages.get('/sso/:provider/callback', callback);
  pages.postFromElsewhere('/sso/:provider/acs', consumeAssertion);
  pages.get('/sso/:provider/finish', finish);
  const router = express.Router();
  router.use(pages.router);
  router.get('/sso/:provider/metadata', async (request, response, next) => {
    try {
      const tenant = tenantOf(response);
      const { providers } = services.sso;
      const provider = await providers.find(tenant, request.params.provider);
      if (provider?.kind !== 'saml') return next();
      const { issuer } = urlsOf(services.settings.baseUrl, tenant);
      const key = await providers.secret(tenant, provider.id);
      response
        .set({ 'Cache-Control': 'public, max-age=300', 'X-Content-Type-Options': 'nosniff' })
        .type('application/samlmetadata+xml')
        .send(await serviceProviderMetadata(provider, providerUrls({ base: issuer }, provider), key));
    } catch (error) {
      sendError(response, error, services.onError);
    }
  });
  router.post('/sso/:provider/backchannel-logout', readForm, async (request, response) => {
    noStore(response);
    try {
      await backChannelLogout(services, tenantOf(response), String(request.params['provider']), request.body);
      response.status(200).end();
    } catch (error) {
      const answered = error instanceof SsoError ? new OAuthError('invalid_request', error.message) : error;
      sendError(response, answered, services.onError);
    }
  });
  return router;
}

async function providerOf<K extends 'oidc' | 'saml'>(
  { services, tenant, request }: Visit,
  kind: K,
): Promise<(K extends 'oidc' ? OidcProvider : SamlProvider) | undefined> {
  const found = await services.sso.providers.find(tenant, String(request.params['provider']));
  return (found?.kind === kind ? found : undefined) as never;
}

const notFound = (visit: Visit): Outcome => errorPage(visit, visit.strings.errorNotFound, 404);

/** GET /sso/{provider}/callback: the answer of an OpenID Connect provider. It is good once, in the browser that asked. */
async function callback(visit: Visit): Promise<Outcome> {
  const { services, tenant, browser, request } = visit;
  const provider = await providerOf(visit, 'oidc');
  if (provider === undefined) return notFound(visit);
  const state = queryValue(visit, 'state') ?? '';
  const pending = STATE.test(state)
    ? await services.sso.logins.take(tenant, provider.id, state, browser, false)
    : undefined;
  if (pending?.nonce === undefined) return unknownLogin(visit);
  return await refusing(visit, provider, pending, async () => {
    const { callback: address } = providerUrls(visit, provider);
    const proved = await proveByCode(services.sso, tenant, provider, address, request.query, pending);
    return await logInFederated(visit, provider, proved, pending);
  });
}

/**
 * POST /sso/{provider}/acs: the response of a SAML provider (SAML bindings, 3.5). Browsers send it without cookies, since
 * another site makes them: what it proves waits for the browser that asked, which goes on by GET.
 */
async function consumeAssertion(visit: Visit): Promise<Outcome> {
  const { services, tenant } = visit;
  const { logins } = services.sso;
  const provider = await providerOf(visit, 'saml');
  if (provider === undefined) return notFound(visit);
  const relayState = formValue(visit, 'RelayState') ?? '';
  const pending = STATE.test(relayState) ? await logins.peek(tenant, provider.id, relayState) : undefined;
  if (pending?.requestId === undefined) return unknownLogin(visit);
  const urls = providerUrls(visit, provider);
  return await refusing(visit, provider, pending, async () => {
    const response = formValue(visit, 'SAMLResponse');
    if (response === undefined) throw new SsoError('there is no SAMLResponse');
    const { proved, assertionId, expires } = await proveByResponse(provider, urls, response, pending);
    const isNew = await useAssertion(
      services.connections,
      tenant,
      `saml:${provider.id}`,
      assertionId,
      expires,
    );
    if (!isNew) throw new SsoError('the assertion was used before');
    if (!(await logins.answer(tenant, provider.id, relayState, { ...pending, proved })))
      return unknownLogin(visit);
    return { redirect: `${visit.path}/sso/${provider.id}/finish?state=${relayState}` };
  });
}

/** GET /sso/{provider}/finish: the browser comes for what the response has proved. */
async function finish(visit: Visit): Promise<Outcome> {
  const { services, tenant, browser } = visit;
  const provider = await providerOf(visit, 'saml');
  if (provider === undefined) return notFound(visit);
  const state = queryValue(visit, 'state') ?? '';
  const pending = STATE.test(state)
    ? await services.sso.logins.take(tenant, provider.id, state, browser, true)
    : undefined;
  const proved = pending?.proved;
  if (pending === undefined || proved === undefined) return unknownLogin(visit);
  return await refusing(visit, provider, pending, () => logInFederated(visit, provider, proved, pending));
}
