import { createHash } from 'node:crypto';
import { newSecret } from '../../hash.ts';
import { SsoError } from '../proved-identity.ts';
import type { OidcProvider } from '../provider.ts';
import type { ProviderMetadata } from './discovery.ts';

/** What a person is sent to the provider with, besides what the provider's description says. */
export interface AuthenticationRequest {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** The provider has to ask for proof anew. */
  readonly fresh: boolean;
  readonly loginHint?: string | undefined;
  /** BCP 47 */
  readonly language: string;
}

/** A verifier of PKCE (RFC 7636, 4.1). */
export const newCodeVerifier = (): string => newSecret();

/** The address that the person is sent to (OpenID Connect Core 1.0, 3.1.2.1; RFC 7636). */
export function authenticationUrl(
  provider: OidcProvider,
  { authorizationEndpoint }: Pick<ProviderMetadata, 'authorizationEndpoint'>,
  request: AuthenticationRequest,
): string {
  const url = new URL(authorizationEndpoint);
  const { acr } = provider.mfa;
  const parameters: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: provider.clientId,
    redirect_uri: request.redirectUri,
    scope: provider.scope,
    state: request.state,
    nonce: request.nonce,
    code_challenge: createHash('sha256').update(request.codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
    prompt: request.fresh ? 'login' : undefined,
    max_age: request.fresh ? '0' : undefined,
    acr_values: acr.length > 0 ? acr.join(' ') : undefined,
    login_hint: request.loginHint,
    ui_locales: request.language,
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}

/**
 * The code of the provider's answer. Answers of another provider are refused (RFC 9207, 2.4).
 * @param parameters of the redirect; one that is given twice is a list
 * @throws SsoError naming what the provider says instead of a code
 */
export function answeredCode(
  parameters: Readonly<Record<string, unknown>>,
  issuer: string,
  { sendsIssuer }: Pick<ProviderMetadata, 'sendsIssuer'>,
): string {
  const { iss, error, code } = parameters;
  if (iss !== undefined ? iss !== issuer : sendsIssuer) throw new SsoError('the answer is of another issuer');
  if (error !== undefined) {
    const named = typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? error : 'an error';
    throw new SsoError(`the provider answers ${named}`);
  }
  if (typeof code !== 'string' || code === '' || code.length > 4096)
    throw new SsoError('the answer has no code');
  return code;
}
