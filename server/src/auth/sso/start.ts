import { flowOf } from '../authorize/endpoint.ts';
import { isFreshEnough } from '../authorize/flow.ts';
import type { AuthorizationRequest } from '../authorize/request.ts';
import { newSecret } from '../hash.ts';
import { errorPage } from '../pages/message.ts';
import { goOnPage } from '../pages/providers.ts';
import { formValue, type Outcome } from '../pages/routes.ts';
import type { Visit } from '../sessions/visit.ts';
import { refusing } from './federated-login.ts';
import { authenticationUrl, newCodeVerifier } from './oidc/authorization.ts';
import type { PendingLogin } from './pending.ts';
import type { IdentityProvider } from './provider.ts';
import { authnRequestUrl, newRequestId } from './saml/service-provider.ts';

/** Addresses of this server for one provider; each provider has its own, so that answers are not mixed up. */
export function providerUrls({ base }: Pick<Visit, 'base'>, { id }: Pick<IdentityProvider, 'id'>) {
  const at = `${base}/sso/${id}`;
  return { callback: `${at}/callback`, acs: `${at}/acs`, metadata: `${at}/metadata`, finish: `${at}/finish` };
}

/** Pages below /manage that may ask for a confirmation. */
export const CONFIRMED = ['', 'password', 'totp', 'passkeys'];

/**
 * POST /sso/start: sends the person to a provider. The page in between is no redirect, because browsers hold those after
 * a form to `form-action`, and nobody knows where a provider leads to in turn.
 */
export async function startLogin(visit: Visit): Promise<Outcome> {
  const { services, tenant, browser, language } = visit;
  const { providers, logins, oidc } = services.sso;
  const id = formValue(visit, 'provider');
  const provider = id === undefined ? undefined : await providers.find(tenant, id);
  if (provider === undefined) return errorPage(visit, visit.strings.errorExpired, 400);
  const handle = formValue(visit, 'request');
  const flow = handle === undefined ? undefined : await flowOf(visit, handle);
  if (handle !== undefined && flow === undefined) return errorPage(visit, visit.strings.errorExpired, 400);
  const back = (visit.request.body as Record<string, unknown>)['confirm'];
  const confirm = typeof back === 'string' && CONFIRMED.includes(back) ? back : undefined;
  const purpose = {
    ...(handle === undefined ? {} : { request: handle }),
    ...(handle !== undefined || confirm === undefined ? {} : { confirm }),
  };
  const fresh =
    'confirm' in purpose ||
    (flow !== undefined &&
      asksForProof(flow.request) &&
      (visit.login === undefined || !isFreshEnough(visit.login, flow.request)));
  const started = Date.now();
  const urls = providerUrls(visit, provider);
  return await refusing(visit, provider, purpose, async () => {
    const begin = (login: Partial<PendingLogin>) =>
      logins.add(tenant, provider.id, browser, { ...purpose, started, fresh, ...login });
    if (provider.kind === 'saml') {
      const requestId = newRequestId();
      const relayState = await begin({ requestId });
      const key =
        provider.signingCertificate === undefined ? undefined : await providers.secret(tenant, provider.id);
      return goOnPage(
        visit,
        provider.name,
        await authnRequestUrl(provider, urls, { requestId, relayState, fresh }, key),
      );
    }
    const metadata = await oidc.metadata(provider);
    const nonce = newSecret();
    const codeVerifier = newCodeVerifier();
    const state = await begin({ nonce, codeVerifier });
    const loginHint = flow?.request.loginHint;
    const asked = { redirectUri: urls.callback, state, nonce, codeVerifier, fresh, loginHint, language };
    return goOnPage(visit, provider.name, authenticationUrl(provider, metadata, asked));
  });
}

/** Whether a login of any age will not do for a request (OpenID Connect Core, 3.1.2.1). */
const asksForProof = ({ prompt, maxAge }: AuthorizationRequest): boolean =>
  maxAge !== undefined || prompt.includes('login') || prompt.includes('select_account');
