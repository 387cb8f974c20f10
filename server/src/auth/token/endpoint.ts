import type { Request, Response } from 'express';
import type { Tenant } from '../../access/scope.ts';
import { authenticateClient } from '../clients/authenticate.ts';
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
  const client = await authenticateClient(
    services,
    tenant,
    request.headers.authorization,
    form,
    assertionAudiences(services, tenant),
  );
  if (!client.grantTypes.includes(grantType as GrantType)) {
    throw new OAuthError('unauthorized_client', 'The client is not registered for this grant_type');
  }
  return await handler(services, tenant, client, form);
}
