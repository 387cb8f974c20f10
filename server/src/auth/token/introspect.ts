import type { Request, Response } from 'express';
import type { Tenant } from '../../access/scope.ts';
import { findRefreshToken } from '../../storage/auth/refresh-tokens.ts';
import { authenticateClient, namesClient } from '../clients/authenticate.ts';
import type { Client } from '../clients/client.ts';
import { compact } from '../compact.ts';
import { bearerOf, Form, tenantOf } from '../endpoint.ts';
import { bearerError, OAuthError } from '../oauth-error.ts';
import type { AuthServices } from '../services.ts';
import { urlsOf } from '../urls.ts';
import type { AccessToken } from './access-token.ts';
import { assertionAudiences } from './endpoint.ts';

const INACTIVE = { active: false };

/**
 * POST {issuer}/introspect (RFC 7662; SMART App Launch 2.2, "Token Introspection"): for clients that prove themselves,
 * and for bearers of a living access token. Refresh tokens are told about to the client that has them.
 * @throws OAuthError
 */
export async function introspect(
  services: AuthServices,
  request: Request,
  response: Response,
): Promise<object> {
  const tenant = tenantOf(response);
  const form = new Form(request);
  const caller = await callerOf(services, tenant, request, form);
  const token = form.require('token');
  const access = await services.verifier.verify(tenant, token);
  if (access !== undefined) return accessTokenState(services, tenant, access);
  if (caller === undefined) return INACTIVE;
  return (await refreshTokenState(services, tenant, caller, token)) ?? INACTIVE;
}

/** @returns undefined for a bearer */
async function callerOf(
  services: AuthServices,
  tenant: Tenant,
  request: Request,
  form: Form,
): Promise<Client | undefined> {
  const { authorization } = request.headers;
  const bearer = bearerOf(request);
  if (bearer !== undefined) {
    if ((await services.verifier.verify(tenant, bearer)) === undefined) {
      throw bearerError('invalid_token', 'The access token is not valid');
    }
    return undefined;
  }
  if (!namesClient(authorization, form)) throw bearerError();
  const client = await authenticateClient(
    services,
    tenant,
    authorization,
    form,
    assertionAudiences(services, tenant),
  );
  // An id alone is known to everybody: it would let anyone try tokens out (RFC 7662, section 4).
  if (client.kind === 'public') {
    throw new OAuthError('invalid_client', 'A public client has to present an access token', 401, {
      'WWW-Authenticate': 'Bearer',
    });
  }
  return client;
}

function accessTokenState(services: AuthServices, tenant: Tenant, token: AccessToken): object {
  const { issuer, fhir } = urlsOf(services.settings.baseUrl, tenant);
  return compact({
    active: true,
    scope: token.scopes,
    client_id: token.clientId,
    token_type: 'Bearer',
    exp: token.expires,
    iat: token.issued,
    sub: token.subject,
    aud: fhir,
    iss: issuer,
    jti: token.id,
    patient: token.patient,
    encounter: token.encounter,
    fhirUser: token.fhirUser === undefined ? undefined : `${fhir}/${token.fhirUser}`,
    act: token.actor === undefined ? undefined : { sub: token.actor.clientId },
  });
}

async function refreshTokenState(
  services: AuthServices,
  tenant: Tenant,
  caller: Client,
  token: string,
): Promise<object | undefined> {
  const stored = await findRefreshToken(services.connections, tenant, token);
  if (stored === undefined || stored.used !== undefined || stored.expires <= Date.now()) return undefined;
  const grant = await services.grants.find(tenant, stored.grantId);
  if (grant === undefined || grant.revoked || grant.clientId !== caller.id) return undefined;
  return compact({
    active: true,
    scope: grant.scopes,
    client_id: grant.clientId,
    exp: Math.floor(stored.expires / 1000),
    iat: Math.floor(stored.created / 1000),
    sub: grant.accountId,
    iss: urlsOf(services.settings.baseUrl, tenant).issuer,
    patient: grant.patient,
    encounter: grant.encounter,
  });
}
