import { randomUUID } from 'node:crypto';
import * as jose from 'jose';
import type { Tenant } from '../../../access/scope.ts';
import { compact } from '../../compact.ts';
import type { PendingLogin } from '../pending.ts';
import { type ProvedIdentity, SsoError } from '../proved-identity.ts';
import type { OidcProvider } from '../provider.ts';
import type { SsoServices } from '../services.ts';
import { answeredCode } from './authorization.ts';
import { jsonObject } from './discovery.ts';
import { checkIdToken } from './id-token.ts';

/** Life of client assertions in seconds. */
const ASSERTION_LIFE = 60;

/**
 * Exchanges the code of a provider's answer, and says who has logged in (OpenID Connect Core 1.0, 3.1.3 and 5.3).
 * @param parameters of the redirect
 * @param pending what was asked
 * @throws SsoError; FetchError when the provider cannot be reached
 */
export async function proveByCode(
  { oidc, providers, keys }: SsoServices,
  tenant: Tenant,
  provider: OidcProvider,
  redirectUri: string,
  parameters: Readonly<Record<string, unknown>>,
  pending: PendingLogin,
): Promise<ProvedIdentity> {
  const metadata = await oidc.metadata(provider);
  const code = answeredCode(parameters, provider.issuer, metadata);
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: pending.codeVerifier as string,
  });
  const headers: Record<string, string> = {};
  if (provider.clientAuthentication === 'private_key_jwt') {
    // The tenant's own JWK set is what the provider knows this client by.
    const { key, kid, algorithm } = await keys.signing(tenant, 'RS256');
    const now = Math.floor(Date.now() / 1000);
    form.set('client_id', provider.clientId);
    form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    form.set(
      'client_assertion',
      await new jose.SignJWT({
        iss: provider.clientId,
        sub: provider.clientId,
        aud: metadata.tokenEndpoint,
        jti: randomUUID(),
        iat: now,
        exp: now + ASSERTION_LIFE,
      })
        .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
        .sign(key),
    );
  } else {
    const secret = await providers.secret(tenant, provider.id);
    if (secret === undefined) throw new SsoError('the provider has no client secret');
    if (provider.clientAuthentication === 'client_secret_basic') {
      const pair = `${formEncoded(provider.clientId)}:${formEncoded(secret)}`;
      headers['Authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
    } else {
      form.set('client_id', provider.clientId);
      form.set('client_secret', secret);
    }
  }
  const { text } = await oidc.fetch(provider, metadata.tokenEndpoint, { headers, form });
  const { id_token: idToken, access_token: accessToken } = jsonObject(text, 'the token response');
  if (typeof idToken !== 'string') throw new SsoError('the token response has no id_token');
  const claims = await checkIdToken(idToken, (again) => oidc.keySet(provider, again), {
    issuer: provider.issuer,
    clientId: provider.clientId,
    nonce: pending.nonce as string,
    accessToken: typeof accessToken === 'string' ? accessToken : undefined,
    fresh: pending.fresh,
    started: pending.started,
  });
  const more =
    provider.userinfo && metadata.userinfoEndpoint !== undefined && typeof accessToken === 'string'
      ? await userinfo(oidc, provider, metadata.userinfoEndpoint, accessToken, claims.sub)
      : {};
  return identityOf(provider, { ...more, ...claims }, pending, Date.now());
}

async function userinfo(
  oidc: SsoServices['oidc'],
  provider: OidcProvider,
  endpoint: string,
  accessToken: string,
  sub: string,
): Promise<Record<string, unknown>> {
  const headers = { Authorization: `Bearer ${accessToken}` };
  const { text } = await oidc.fetch(provider, endpoint, { headers });
  const claims = jsonObject(text, 'the UserInfo response');
  // OpenID Connect Core, 5.3.4: otherwise it is of somebody else.
  if (claims['sub'] !== sub) throw new SsoError('sub of the UserInfo response is of another person');
  return claims;
}

function identityOf(
  provider: OidcProvider,
  claims: Readonly<Record<string, unknown>> & { readonly sub: string },
  { fresh }: PendingLogin,
  now: number,
): ProvedIdentity {
  const { sub, acr, amr, sid, auth_time: authTime, email_verified: emailVerified } = claims;
  const proved = typeof authTime === 'number' ? Math.min(now, authTime * 1000) : undefined;
  return compact({
    subject: `${provider.issuer} ${sub}`,
    claims,
    emailVerified: emailVerified === true,
    // Whoever was asked anew has answered just now, whatever the provider's clock says.
    authenticated: fresh ? now : proved,
    acr: typeof acr === 'string' ? acr : undefined,
    amr: Array.isArray(amr) ? amr.filter((each): each is string => typeof each === 'string') : [],
    session: typeof sid === 'string' && sid !== '' && sid.length <= 500 ? sid : undefined,
  });
}

/** RFC 6749, 2.3.1: both parts are form-encoded before they are joined. */
const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
