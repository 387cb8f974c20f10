import { timingSafeEqual } from 'node:crypto';
import type { Tenant } from '../../access/scope.ts';
import { useAssertion } from '../../storage/auth/client-assertions.ts';
import type { Connections } from '../../storage/connections.ts';
import type { Form } from '../endpoint.ts';
import { hashSecret } from '../hash.ts';
import { OAuthError } from '../oauth-error.ts';
import { AssertionError, checkAssertion, claimedClient } from './assertion.ts';
import type { Client, ClientStore } from './client.ts';
import type { ClientKeys } from './client-keys.ts';

/** `client_assertion_type` of RFC 7523. */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** What client authentication works with. */
export interface ClientAuthentication {
  readonly connections: Connections;
  readonly clients: ClientStore;
  readonly clientKeys: ClientKeys;
}

interface Credentials {
  readonly id: string;
  readonly secret?: string;
  readonly assertion?: string;
  /** By `Authorization: Basic`. */
  readonly basic: boolean;
}

/**
 * Who calls the token, introspection or revocation endpoint: by nothing but the id (public clients), by a secret in
 * `Authorization: Basic` or in the form, or by private_key_jwt (RFC 6749, section 2.3; RFC 7523).
 * @param authorization value of the header
 * @param audiences what `aud` of an assertion may be
 * @throws OAuthError invalid_client (401), or invalid_request when the request is malformed or uses two ways at once
 */
export async function authenticateClient(
  { connections, clients, clientKeys }: ClientAuthentication,
  tenant: Tenant,
  authorization: string | undefined,
  form: Form,
  audiences: readonly string[],
): Promise<Client> {
  const credentials = credentialsOf(authorization, form);
  const refuse = (reason: string): OAuthError =>
    new OAuthError(
      'invalid_client',
      reason,
      401,
      // Without it browsers would ask people for a password.
      credentials.basic ? { 'WWW-Authenticate': 'Basic realm="token endpoint", charset="UTF-8"' } : {},
    );
  const [client, stored] = await Promise.all([
    clients.find(tenant, credentials.id),
    credentials.secret === undefined ? undefined : clients.secretHash(tenant, credentials.id),
  ]);
  // Compared for unknown clients too: the time must not tell which there are.
  const secretFits = timingSafeEqual(hashSecret(credentials.secret ?? ''), stored ?? UNKNOWN);
  if (client === undefined) throw refuse(FAILED);
  switch (client.kind) {
    case 'public':
      if (credentials.secret !== undefined || credentials.assertion !== undefined) throw refuse(FAILED);
      return client;
    case 'confidential-symmetric':
      if (stored === undefined || !secretFits) throw refuse(FAILED);
      return client;
    case 'confidential-asymmetric': {
      const { assertion } = credentials;
      if (assertion === undefined) throw refuse('The client has to prove itself with a client_assertion');
      try {
        const { jti, expires } = await checkAssertion(assertion, client, clientKeys, audiences);
        if (!(await useAssertion(connections, tenant, client.id, jti, expires))) {
          throw refuse('jti of the client_assertion was used before');
        }
      } catch (error) {
        throw error instanceof AssertionError ? refuse(error.message) : error;
      }
      return client;
    }
  }
}

const FAILED = 'There is no such client, or it has not proved who it is';
const UNKNOWN = Buffer.alloc(32);

/** Whether a request to an endpoint names a client at all. */
export function namesClient(authorization: string | undefined, form: Form): boolean {
  return (
    /^Basic /i.test(authorization ?? '') ||
    form.get('client_id') !== undefined ||
    form.get('client_assertion') !== undefined
  );
}

function credentialsOf(authorization: string | undefined, form: Form): Credentials {
  const basic = /^Basic /i.test(authorization ?? '') ? basicOf(authorization as string) : undefined;
  const secret = form.get('client_secret');
  const type = form.get('client_assertion_type');
  const assertion = form.get('client_assertion');
  const given = form.get('client_id');
  if ([basic?.secret, secret, assertion ?? type].filter((way) => way !== undefined).length > 1) {
    throw new OAuthError('invalid_request', 'The client must prove itself in one way only');
  }
  if (basic !== undefined) {
    if (given !== undefined && given !== basic.id) {
      throw new OAuthError('invalid_request', 'client_id is not the one of the Authorization header');
    }
    return { ...basic, basic: true };
  }
  if (type !== undefined || assertion !== undefined) {
    if (type !== ASSERTION_TYPE)
      throw new OAuthError('invalid_request', `client_assertion_type must be ${ASSERTION_TYPE}`);
    if (assertion === undefined) throw new OAuthError('invalid_request', 'client_assertion is missing');
    const id = claimed(assertion);
    if (given !== undefined && given !== id) {
      throw new OAuthError('invalid_client', 'client_id is not the one of the client_assertion', 401);
    }
    return { id, assertion, basic: false };
  }
  if (given === undefined) throw new OAuthError('invalid_client', 'The client does not say who it is', 401);
  return { id: given, ...(secret === undefined ? {} : { secret }), basic: false };
}

function claimed(assertion: string): string {
  try {
    return claimedClient(assertion);
  } catch (error) {
    throw error instanceof AssertionError ? new OAuthError('invalid_client', error.message, 401) : error;
  }
}

/** Id and secret are form-encoded inside of Basic (RFC 6749, section 2.3.1); an empty secret is none. */
function basicOf(authorization: string): { id: string; secret?: string } {
  const text = Buffer.from(authorization.slice(6).trim(), 'base64').toString('utf8');
  const colon = text.indexOf(':');
  try {
    const decode = (part: string) => decodeURIComponent(part.replaceAll('+', ' '));
    const id = decode(colon < 0 ? '' : text.slice(0, colon));
    const secret = decode(text.slice(colon + 1));
    if (id !== '') return secret === '' ? { id } : { id, secret };
  } catch {
    // Told below.
  }
  throw new OAuthError(
    'invalid_client',
    'The Authorization header is not Basic with client_id and secret',
    401,
    {
      'WWW-Authenticate': 'Basic realm="token endpoint", charset="UTF-8"',
    },
  );
}
