import type { Request, Response } from 'express';
import { findRefreshToken } from '../../storage/auth/refresh-tokens.ts';
import { authenticateClient } from '../clients/authenticate.ts';
import { Form, tenantOf } from '../endpoint.ts';
import { OAuthError } from '../oauth-error.ts';
import type { AuthServices } from '../services.ts';
import { assertionAudiences } from './endpoint.ts';

/**
 * POST {issuer}/revoke (RFC 7009): a refresh token ends its grant with all tokens, an access token ends alone. A token
 * that is not known is no error; `token_type_hint` is not needed to find one.
 * @throws OAuthError; invalid_grant when the token is another client's
 */
export async function revoke(
  services: AuthServices,
  request: Request,
  response: Response,
): Promise<undefined> {
  const tenant = tenantOf(response);
  const form = new Form(request);
  const client = await authenticateClient(
    services,
    tenant,
    request.headers.authorization,
    form,
    assertionAudiences(services, tenant),
  );
  const token = form.require('token');
  const requireOwn = (clientId: string) => {
    if (clientId !== client.id)
      throw new OAuthError('invalid_grant', 'The token was issued to another client');
  };
  const access = await services.verifier.verify(tenant, token);
  if (access !== undefined) {
    requireOwn(access.clientId);
    await services.grants.revokeToken(tenant, access.id);
    return undefined;
  }
  const stored = await findRefreshToken(services.connections, tenant, token);
  if (stored === undefined) return undefined;
  const grant = await services.grants.find(tenant, stored.grantId);
  if (grant === undefined) return undefined;
  requireOwn(grant.clientId);
  await services.grants.revoke(tenant, { id: grant.id });
  return undefined;
}
