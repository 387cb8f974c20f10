import type { Request, Response } from 'express';
import { compact } from '../compact.ts';
import { bearerOf, tenantOf } from '../endpoint.ts';
import { bearerError } from '../oauth-error.ts';
import type { AuthServices } from '../services.ts';
import { urlsOf } from '../urls.ts';
import { hasScope } from './grant.ts';

/**
 * GET or POST {issuer}/userinfo (OpenID Connect Core, section 5.3): for access tokens with the scope `openid`.
 * @throws OAuthError
 */
export async function userinfo(
  services: AuthServices,
  request: Request,
  response: Response,
): Promise<object> {
  const tenant = tenantOf(response);
  const bearer = bearerOf(request);
  if (bearer === undefined) throw bearerError();
  const token = await services.verifier.verify(tenant, bearer);
  if (token === undefined) throw bearerError('invalid_token', 'The access token is not valid');
  if (!hasScope(token.scopes, 'openid')) {
    throw bearerError('insufficient_scope', 'The access token has no scope openid');
  }
  const user =
    token.fhirUser === undefined
      ? undefined
      : `${urlsOf(services.settings.baseUrl, tenant).fhir}/${token.fhirUser}`;
  const profile = hasScope(token.scopes, 'profile');
  const account =
    profile && token.role !== undefined ? await services.accounts.find(tenant, token.subject) : undefined;
  return compact({
    sub: token.subject,
    name: account?.name,
    fhirUser: hasScope(token.scopes, 'fhirUser') ? user : undefined,
    profile: profile ? user : undefined,
  });
}
