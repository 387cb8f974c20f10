import { randomUUID } from 'node:crypto';
import { compact } from '../compact.ts';
import { newSecret } from '../hash.ts';
import { OAuthError } from '../oauth-error.ts';
import { formatScopes, parseScopes } from '../scopes/parse.ts';
import type { Client, ClientKind, GrantType, JwkSet, NewClient } from './client.ts';
import { jwkSetProblem } from './jwk-sets.ts';

/** How `token_endpoint_auth_method` (RFC 7591, section 2) makes a client's kind. */
const KINDS: Readonly<Record<string, ClientKind>> = {
  none: 'public',
  client_secret_basic: 'confidential-symmetric',
  client_secret_post: 'confidential-symmetric',
  private_key_jwt: 'confidential-asymmetric',
};

export const AUTH_METHODS = Object.keys(KINDS);

export const GRANT_TYPES: readonly GrantType[] = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:token-exchange',
];

/** What an app may ask for that does not say. */
const DEFAULT_SCOPES = 'launch launch/patient openid fhirUser patient/*.rs';
const MAX_TEXT = 2000;
const MAX_LIST = 50;

type Metadata = Readonly<Record<string, unknown>>;

/**
 * Makes a client of the metadata of RFC 7591, section 2; `launch_uri` besides is where an EHR opens the app.
 * @param allowHttp whether jwks_uri may be http: for tests and development
 * @throws OAuthError invalid_redirect_uri or invalid_client_metadata
 */
export function clientOfMetadata(metadata: unknown, { allowHttp = false } = {}): NewClient {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw invalid('The client metadata must be a JSON object');
  }
  const given = metadata as Metadata;
  const method = text(given, 'token_endpoint_auth_method') ?? 'client_secret_basic';
  const kind = Object.hasOwn(KINDS, method) ? KINDS[method] : undefined;
  if (kind === undefined) throw invalid(`token_endpoint_auth_method must be ${AUTH_METHODS.join(', ')}`);
  const grantTypes = grantTypesOf(given, kind);
  if (list(given, 'response_types')?.some((type) => type !== 'code')) {
    throw invalid('response_types may hold code only');
  }
  const redirectUris = redirectUrisOf(given, kind, grantTypes);
  const id = randomUUID();
  const secret = kind === 'confidential-symmetric' ? newSecret() : undefined;
  return compact({
    id,
    name: text(given, 'client_name') ?? redirectHost(redirectUris) ?? id,
    kind,
    redirectUris,
    launchUri: webUrl(given, 'launch_uri', true),
    scopes: scopesOf(given, grantTypes),
    grantTypes,
    ...keysOf(given, kind, allowHttp),
    logoUri: webUrl(given, 'logo_uri', true),
    clientUri: webUrl(given, 'client_uri', true),
    policyUri: webUrl(given, 'policy_uri', true),
    tosUri: webUrl(given, 'tos_uri', true),
    contacts: list(given, 'contacts'),
    secret,
  });
}

/** A client as RFC 7591, section 3.2.1 answers its registration. */
export function registrationResponse(client: Client, secret: string | undefined): object {
  const method = AUTH_METHODS.find((each) => KINDS[each] === client.kind);
  return compact({
    client_id: client.id,
    client_secret: secret,
    client_id_issued_at: Math.floor(client.created / 1000),
    client_secret_expires_at: secret === undefined ? undefined : 0,
    client_name: client.name,
    token_endpoint_auth_method: method,
    grant_types: client.grantTypes,
    response_types: client.grantTypes.includes('authorization_code') ? ['code'] : [],
    redirect_uris: client.redirectUris,
    launch_uri: client.launchUri,
    scope: client.scopes,
    jwks: client.jwks,
    jwks_uri: client.jwksUri,
    logo_uri: client.logoUri,
    client_uri: client.clientUri,
    policy_uri: client.policyUri,
    tos_uri: client.tosUri,
    contacts: client.contacts,
  });
}

function grantTypesOf(given: Metadata, kind: ClientKind): GrantType[] {
  const types = list(given, 'grant_types') ?? ['authorization_code'];
  const unknown = types.find((type) => !(GRANT_TYPES as readonly string[]).includes(type));
  if (unknown !== undefined || types.length === 0) {
    throw invalid(`grant_types must be among ${GRANT_TYPES.join(', ')}`);
  }
  if (types.includes('client_credentials') && kind !== 'confidential-asymmetric') {
    throw invalid('client_credentials takes token_endpoint_auth_method private_key_jwt');
  }
  if (types.some((type) => type.endsWith('token-exchange')) && kind === 'public') {
    throw invalid('Token exchange takes a client that proves itself');
  }
  return [...new Set(types)] as GrantType[];
}

function redirectUrisOf(given: Metadata, kind: ClientKind, grantTypes: readonly GrantType[]): string[] {
  const uris = list(given, 'redirect_uris') ?? [];
  if (uris.length === 0 && grantTypes.includes('authorization_code')) {
    throw new OAuthError('invalid_redirect_uri', 'redirect_uris is missing');
  }
  for (const uri of uris) {
    const problem = redirectProblem(uri, kind);
    if (problem !== undefined) throw new OAuthError('invalid_redirect_uri', problem);
  }
  return uris;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** What is wrong with a redirect URI (RFC 6749, section 3.1.2; RFC 8252, section 7); undefined when nothing is. */
export function redirectProblem(uri: string, kind: ClientKind): string | undefined {
  if (!URL.canParse(uri)) return 'A redirect URI must be an absolute URI';
  const { protocol, hostname, hash, username, password } = new URL(uri);
  if (hash !== '' || uri.includes('#')) return 'A redirect URI has no fragment';
  if (username !== '' || password !== '') return 'A redirect URI holds no credentials';
  if (protocol === 'https:') return undefined;
  if (protocol === 'http:') {
    return LOOPBACK.has(hostname)
      ? undefined
      : 'A redirect URI with http must lead to this machine (loopback)';
  }
  // A scheme of an app is a domain name in reverse, so that javascript: and its like are none.
  if (kind === 'public' && /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(protocol)) return undefined;
  return "A redirect URI must be https, or a native app's own scheme such as org.example.app:/callback";
}

function scopesOf(given: Metadata, grantTypes: readonly GrantType[]): string {
  const asked = text(given, 'scope');
  if (asked === undefined && !grantTypes.includes('authorization_code')) throw invalid('scope is missing');
  // RFC 7591 lets the server leave out what it does not know; the answer tells.
  const scopes = formatScopes(parseScopes(asked ?? DEFAULT_SCOPES));
  if (scopes === '') throw invalid('scope holds no scope of this server');
  return scopes;
}

function keysOf(
  given: Metadata,
  kind: ClientKind,
  allowHttp: boolean,
): { jwks: JwkSet | undefined; jwksUri: string | undefined } {
  const jwks = given['jwks'];
  const jwksUri = webUrl(given, 'jwks_uri', allowHttp);
  if (jwks !== undefined && jwksUri !== undefined) throw invalid('jwks and jwks_uri exclude each other');
  if (kind === 'confidential-asymmetric' && jwks === undefined && jwksUri === undefined) {
    throw invalid('private_key_jwt takes jwks or jwks_uri');
  }
  if (jwks !== undefined) {
    const problem = jwkSetProblem(jwks);
    if (problem !== undefined) throw invalid(`jwks: ${problem}`);
  }
  return { jwks: jwks as JwkSet | undefined, jwksUri };
}

function text(given: Metadata, name: string): string | undefined {
  const value = given[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string' || value.length > MAX_TEXT) {
    throw invalid(`${name} must be a text of at most ${MAX_TEXT} characters`);
  }
  return value;
}

function list(given: Metadata, name: string): string[] | undefined {
  const value = given[name];
  if (value === undefined || value === null) return undefined;
  const fits = (one: unknown) => typeof one === 'string' && one !== '' && one.length <= MAX_TEXT;
  if (!Array.isArray(value) || value.length > MAX_LIST || !value.every(fits)) {
    throw invalid(`${name} must be a list of at most ${MAX_LIST} texts`);
  }
  return value as string[];
}

function webUrl(given: Metadata, name: string, allowHttp: boolean): string | undefined {
  const value = text(given, name);
  if (value === undefined) return undefined;
  const protocol = URL.canParse(value) ? new URL(value).protocol : '';
  if (protocol !== 'https:' && !(allowHttp && protocol === 'http:')) {
    throw invalid(`${name} must be a URL beginning with https://`);
  }
  return value;
}

const redirectHost = (uris: readonly string[]): string | undefined =>
  uris.map((uri) => new URL(uri).hostname).find((host) => host !== '');

const invalid = (description: string): OAuthError => new OAuthError('invalid_client_metadata', description);
