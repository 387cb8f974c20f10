import type { Request, Response } from 'express';
import { bearerOf, tenantOf } from '../endpoint.ts';
import { sameSecret } from '../hash.ts';
import { bearerError, OAuthError } from '../oauth-error.ts';
import type { AuthServices } from '../services.ts';
import { clientOfMetadata, registrationResponse } from './registration.ts';

/**
 * POST {issuer}/register (RFC 7591): for whoever has the initial access token of the installation.
 * @throws OAuthError; access_denied when no initial access token is set
 */
export async function register(
  services: AuthServices,
  request: Request,
  response: Response,
): Promise<object> {
  const { registrationToken, allowPrivateAddresses } = services.settings;
  if (registrationToken === undefined) {
    throw new OAuthError('access_denied', 'Apps are registered by the operator of this server', 403);
  }
  const bearer = bearerOf(request);
  if (bearer === undefined) throw bearerError(undefined, 'Registration takes the initial access token');
  if (!sameSecret(bearer, registrationToken)) {
    throw bearerError('invalid_token', 'This is not the initial access token');
  }
  const tenant = tenantOf(response);
  const { secret, ...client } = clientOfMetadata(request.body, { allowHttp: allowPrivateAddresses });
  await services.clients.create(tenant, secret === undefined ? client : { ...client, secret });
  response.status(201);
  return registrationResponse({ ...client, created: Date.now() }, secret);
}
