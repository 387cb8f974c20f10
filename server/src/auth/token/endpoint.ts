import type { Request, Response } from 'express';
import type { Tenant } from '../../access/scope.ts';
import { findRefreshToken } from '../../storage/auth/refresh-tokens.ts';
import { authenticateClient, namesClient } from '../clients/authenticate.ts';
import type { Client, GrantType } from '../clients/client.ts';
import { Form, tenantOf } from '../endpoint.ts';
import { OAuthError } from '../oauth-error.ts';
import type { AuthServices } from '../services.ts';
import { urlsOf } from '../urls.ts';
import { exchangeCode } from './authorization-code.ts';
import { clientCredentials } from './client-credentials.ts';
import { exchangeToken } from './exchange.ts';
import { refresh } from './refresh.ts';
import type { TokenResponse } from './response.ts';

type Handler = (services: AuthServices, tenant: Tenant, client: Client, form: Form) => Promise<TokenResponse>;

const HANDLERS: Readonly<Record<GrantType, Handler>> = {
  authorization_code: exchangeCode,
  refresh_token: refresh,
  client_credentials: clientCredentials,
  'urn:ietf:params:oauth:grant-type:token-exchange': exchangeToken,
};

/** What `aud` of a client assertion may be. */
export function assertionAudiences(services: AuthServices, tenant: Tenant): readonly string[] {
  const { issuer } = urlsOf(services.settings.baseUrl, tenant);
  return [`${issuer}/token`, issuer];
}

/**
 * POST {issuer}/token (RFC 6749, section 3.2).
 * @throws OAuthError
 */
export async function tokenEndpoint(
  services: AuthServices,
  request: Request,
  response: Response,
): Promise<TokenResponse> {
  const tenant = tenantOf(response);
  const form = new Form(request);
  const grantType = form.require('grant_type');
  const handler = Object.hasOwn(HANDLERS, grantType) ? HANDLERS[grantType as GrantType] : undefined;
  if (handler === undefined) {
    throw new OAuthError(
      'unsupported_grant_type',
      `grant_type must be ${Object.keys(HANDLERS).join(' or ')}`,
    );
  }
  const { authorization } = request.headers;
  const client =
    (grantType === 'refresh_token' && !namesClient(authorization, form)
      ? await publicClientOf(services, tenant, form)
      : undefined) ??
    (await authenticateClient(services, tenant, authorization, form, assertionAudiences(services, tenant)));
  if (!client.grantTypes.includes(grantType as GrantType)) {
    throw new OAuthError('unauthorized_client', 'The client is not registered for this grant_type');
  }
  return await handler(services, tenant, client, form);
}

/**
 * The public client that a refresh token was issued to, for a request that names none: SMART App Launch 2.2 has no
 * client_id among the parameters of a refresh, and for a public client an id proves nothing that the token does not.
 */
async function publicClientOf(
  services: AuthServices,
  tenant: Tenant,
  form: Form,
): Promise<Client | undefined> {
  const stored = await findRefreshToken(services.connections, tenant, form.require('refresh_token'));
  const grant = stored && (await services.grants.find(tenant, stored.grantId));
  const client = grant && (await services.clients.find(tenant, grant.clientId));
  return client?.kind === 'public' ? client : undefined;
}
