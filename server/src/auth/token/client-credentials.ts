import type { Tenant } from '../../access/scope.ts';
import type { Client } from '../clients/client.ts';
import type { Form } from '../endpoint.ts';
import { OAuthError } from '../oauth-error.ts';
import type { AuthServices } from '../services.ts';
import { mintAccessToken } from './mint.ts';
import type { TokenResponse } from './response.ts';
import { granted, systemOnly } from './scope-rules.ts';
import { systemGrantId } from './system-grant.ts';

/**
 * grant_type=client_credentials (RFC 6749, section 4.4) as SMART Backend Services have it: for clients with a key, for
 * `system/` scopes. What is granted is what was asked and is registered, and is listed.
 * @throws OAuthError
 */
export async function clientCredentials(
  services: AuthServices,
  tenant: Tenant,
  client: Client,
  form: Form,
): Promise<TokenResponse> {
  if (client.kind !== 'confidential-asymmetric') {
    throw new OAuthError('unauthorized_client', 'Backend services prove themselves by private_key_jwt');
  }
  const asked = form.get('scope');
  if (asked === undefined) throw new OAuthError('invalid_scope', 'The scopes that are asked for are missing');
  const registered = granted(systemOnly(asked), client.scopes);
  if (registered === '')
    throw new OAuthError('invalid_scope', 'None of the scopes is registered for the client');
  const scopes = await services.enforceable(tenant, registered, undefined);
  if (scopes === '') throw new OAuthError('invalid_scope', 'What the scopes search for is not understood');
  const seconds = services.settings.systemTokenSeconds;
  const { jwt } = await mintAccessToken(
    services,
    tenant,
    { grantId: systemGrantId(client), clientId: client.id, subject: client.id, scopes },
    seconds,
  );
  return { access_token: jwt, token_type: 'Bearer', expires_in: seconds, scope: scopes };
}
