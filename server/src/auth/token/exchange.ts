import type { Tenant } from '../../access/scope.ts';
import type { Client } from '../clients/client.ts';
import type { Form } from '../endpoint.ts';
import { OAuthError } from '../oauth-error.ts';
import type { AuthServices } from '../services.ts';
import { urlsOf } from '../urls.ts';
import { mintAccessToken } from './mint.ts';
import type { TokenResponse } from './response.ts';
import { granted, resourceOnly } from './scope-rules.ts';

export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';

/**
 * Token exchange (RFC 8693) for agents that act for a person: the person's access token becomes one with the same
 * subject and context, the agent as actor, and no more scopes than token and agent both have. It belongs to the same
 * grant: what ends the person's tokens ends it.
 * @throws OAuthError
 */
export async function exchangeToken(
  services: AuthServices,
  tenant: Tenant,
  client: Client,
  form: Form,
): Promise<TokenResponse> {
  if (client.kind === 'public') {
    throw new OAuthError('unauthorized_client', 'Only a client that proves itself may act for somebody');
  }
  const subjectToken = form.require('subject_token');
  const type = form.require('subject_token_type');
  if (type !== ACCESS_TOKEN && type !== JWT) {
    throw new OAuthError('invalid_request', `subject_token_type must be ${ACCESS_TOKEN}`);
  }
  if (form.get('actor_token') !== undefined || form.get('actor_token_type') !== undefined) {
    throw new OAuthError('invalid_request', 'The actor is the client itself: there is no actor_token');
  }
  const wanted = form.get('requested_token_type');
  if (wanted !== undefined && wanted !== ACCESS_TOKEN && wanted !== JWT) {
    throw new OAuthError('invalid_request', `requested_token_type must be ${ACCESS_TOKEN}`);
  }
  const { issuer, fhir } = urlsOf(services.settings.baseUrl, tenant);
  for (const target of [form.get('audience'), form.get('resource')]) {
    if (target !== undefined && target !== fhir && target !== issuer) {
      throw new OAuthError('invalid_target', `Tokens are for ${fhir} only`);
    }
  }
  const subject = await services.verifier.verify(tenant, subjectToken);
  if (subject === undefined) throw new OAuthError('invalid_request', 'subject_token is not valid');
  if (subject.role === undefined) {
    throw new OAuthError('invalid_request', 'subject_token is not the token of a person');
  }
  if (subject.actor !== undefined) {
    // A chain of agents would hide who it was that the person entrusted.
    throw new OAuthError('invalid_request', 'subject_token was exchanged already');
  }
  const asked = form.get('scope') ?? subject.scopes;
  const common = granted(granted(resourceOnly(asked), subject.scopes), client.scopes);
  const scopes = await services.enforceable(tenant, common, subject.role);
  if (scopes === '')
    throw new OAuthError('invalid_scope', 'Person and agent have none of the scopes in common');
  const left = subject.expires - Math.floor(Date.now() / 1000);
  const seconds = Math.min(services.settings.accessTokenSeconds, left);
  if (seconds <= 0) throw new OAuthError('invalid_request', 'subject_token is not valid');
  const { jwt } = await mintAccessToken(
    services,
    tenant,
    {
      ...subject,
      clientId: client.id,
      scopes,
      actor: { clientId: client.id },
    },
    seconds,
  );
  return {
    access_token: jwt,
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer',
    expires_in: seconds,
    scope: scopes,
    ...(subject.patient === undefined ? {} : { patient: subject.patient }),
    ...(subject.encounter === undefined ? {} : { encounter: subject.encounter }),
  };
}
