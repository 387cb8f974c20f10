import type { Client } from '../clients/client.ts';
import { compact } from '../compact.ts';
import type { LaunchContext } from '../token/launches.ts';

/** What an app asks for, once it is known to be well-formed; with what the person has chosen since. */
export interface AuthorizationRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  /** As asked, separated by spaces. */
  readonly scope: string;
  readonly state?: string;
  readonly codeChallenge: string;
  readonly nonce?: string;
  /** OpenID Connect Core 3.1.2.1: login, consent, select_account, none. */
  readonly prompt: readonly string[];
  /** Seconds since the person must have proved who they are. */
  readonly maxAge?: number;
  readonly loginHint?: string;
  /** From the `launch` parameter. */
  readonly launch?: LaunchContext;
  /** Epoch milliseconds. */
  readonly received: number;
  readonly patient?: { readonly id: string; readonly name: string };
  /** Empty: the person chose none. */
  readonly encounter?: string;
  /** Whose choices these are: they are worth nothing for another account. */
  readonly chosenBy?: string;
}

/** What an app is told in the answer that it is sent (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6). */
export type AuthorizationErrorCode =
  | 'invalid_request'
  | 'unauthorized_client'
  | 'access_denied'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'login_required'
  | 'consent_required'
  | 'interaction_required'
  | 'request_not_supported'
  | 'request_uri_not_supported';

/** Sent back to the app. */
export class AuthorizationError extends Error {
  readonly error: AuthorizationErrorCode;

  constructor(error: AuthorizationErrorCode, description: string) {
    super(description);
    this.error = error;
  }
}

/** Shown to the person: the app, or the address that the answer would go to, is not to be trusted. */
export class UntrustedRequestError extends Error {
  readonly kind: 'client' | 'redirect' | 'request';

  constructor(kind: 'client' | 'redirect' | 'request', detail = '') {
    super(detail);
    this.kind = kind;
  }
}

/** The parameters of a request as express reads them: a repeated one is a list. */
export type Parameters = Readonly<Record<string, unknown>>;

/** One parameter; those without a value count as left out (RFC 6749, 3.1). */
function single(parameters: Parameters, name: string): string | undefined {
  const value = parameters[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string')
    throw new AuthorizationError('invalid_request', `${name} is given more than once`);
  return value;
}

/**
 * The client id and the address that the answer goes to, before either is looked up.
 * @throws UntrustedRequestError when one is missing or repeated
 */
export function readAddress(parameters: Parameters): { clientId: string; redirectUri: string } {
  try {
    const clientId = single(parameters, 'client_id');
    const redirectUri = single(parameters, 'redirect_uri');
    if (clientId === undefined) throw new UntrustedRequestError('request', 'client_id is missing');
    if (redirectUri === undefined) throw new UntrustedRequestError('request', 'redirect_uri is missing');
    return { clientId, redirectUri };
  } catch (error) {
    if (error instanceof AuthorizationError) throw new UntrustedRequestError('request', error.message);
    throw error;
  }
}

/** The `state` to send back with an error; undefined also when it is given twice. */
export const stateOf = (parameters: Parameters): string | undefined =>
  typeof parameters['state'] === 'string' && parameters['state'] !== '' ? parameters['state'] : undefined;

/**
 * Reads an authorization request of a client whose redirect_uri is known to be its own.
 * @param fhirBase what `aud` must be; a slash at the end does not matter
 * @returns the request and the `launch` value, which is still to be looked up
 * @throws AuthorizationError
 */
export function readRequest(
  parameters: Parameters,
  client: Pick<Client, 'id' | 'grantTypes'>,
  redirectUri: string,
  fhirBase: string,
  now: number,
): { request: AuthorizationRequest; launch: string | undefined } {
  const get = (name: string) => single(parameters, name);
  const need = (name: string): string => {
    const value = get(name);
    if (value === undefined) throw new AuthorizationError('invalid_request', `${name} is missing`);
    return value;
  };
  const state = get('state');
  if (get('request') !== undefined)
    throw new AuthorizationError('request_not_supported', 'request is not supported');
  if (get('request_uri') !== undefined) {
    throw new AuthorizationError('request_uri_not_supported', 'request_uri is not supported');
  }
  if (need('response_type') !== 'code') {
    throw new AuthorizationError('unsupported_response_type', 'response_type must be code');
  }
  if ((get('response_mode') ?? 'query') !== 'query') {
    throw new AuthorizationError('invalid_request', 'response_mode must be query');
  }
  if (!client.grantTypes.includes('authorization_code')) {
    throw new AuthorizationError(
      'unauthorized_client',
      'The client is not registered for authorization_code',
    );
  }
  const aud = need('aud');
  if (aud !== fhirBase && aud !== `${fhirBase}/`) {
    throw new AuthorizationError('invalid_request', `aud must be ${fhirBase}`);
  }
  const scope = get('scope');
  if (scope === undefined) throw new AuthorizationError('invalid_scope', 'scope is missing');
  const codeChallenge = need('code_challenge');
  if (get('code_challenge_method') !== 'S256') {
    throw new AuthorizationError('invalid_request', 'code_challenge_method must be S256');
  }
  // A SHA-256 in base64url (RFC 7636, 4.2).
  if (!/^[A-Za-z0-9_-]{43}$/.test(codeChallenge)) {
    throw new AuthorizationError('invalid_request', 'code_challenge is no SHA-256 in base64url');
  }
  const prompt = (get('prompt') ?? '').split(' ').filter((each) => each !== '');
  if (prompt.includes('none') && prompt.length > 1) {
    throw new AuthorizationError('invalid_request', 'prompt=none stands alone');
  }
  const unknownPrompt = prompt.find((each) => !['none', 'login', 'consent', 'select_account'].includes(each));
  if (unknownPrompt !== undefined) {
    throw new AuthorizationError('invalid_request', 'prompt is none, login, consent or select_account');
  }
  const maxAge = get('max_age');
  if (maxAge !== undefined && !/^\d{1,9}$/.test(maxAge)) {
    throw new AuthorizationError('invalid_request', 'max_age must be a number of seconds');
  }
  const launch = get('launch');
  const asksLaunch = scope.split(/\s+/).includes('launch');
  if (asksLaunch && launch === undefined) {
    throw new AuthorizationError('invalid_request', 'The scope launch needs the parameter launch of an EHR');
  }
  if (!asksLaunch && launch !== undefined) {
    throw new AuthorizationError('invalid_request', 'The parameter launch needs the scope launch');
  }
  const request = compact({
    clientId: client.id,
    redirectUri,
    scope,
    state,
    codeChallenge,
    nonce: get('nonce'),
    prompt,
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
    loginHint: get('login_hint')?.slice(0, 200),
    received: now,
  });
  return { request, launch };
}

/**
 * The address of an answer: the redirect_uri as it is registered, with its own query, and the answer's parameters. `iss`
 * says which server answers (RFC 9207), so that an app which knows several is not confused.
 */
export function answerUri(
  redirectUri: string,
  issuer: string,
  state: string | undefined,
  answer:
    | { readonly code: string }
    | { readonly error: AuthorizationErrorCode; readonly error_description: string },
): string {
  const parameters = new URLSearchParams(answer as unknown as Record<string, string>);
  if (state !== undefined) parameters.set('state', state);
  parameters.set('iss', issuer);
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${parameters}`;
}

/**
 * What Content-Security-Policy calls the place that an answer goes to: an origin, or the scheme of an app's own. It has
 * no way to write an IPv6 address (CSP level 3, 2.3.1, host-char), which native apps use for themselves: RFC 8252, 7.3.
 */
export function formTargetOf(redirectUri: string): string {
  const { protocol, origin, hostname } = new URL(redirectUri);
  if (hostname.startsWith('[')) return protocol;
  return protocol === 'http:' || protocol === 'https:' ? origin : protocol;
}
