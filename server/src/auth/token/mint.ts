import { randomUUID } from 'node:crypto';
import * as jose from 'jose';
import type { Tenant } from '../../access/scope.ts';
import { compact } from '../compact.ts';
import type { TenantKeys } from '../keys/tenant-keys.ts';
import type { AuthSettings } from '../settings.ts';
import { urlsOf } from '../urls.ts';
import type { AccessToken } from './access-token.ts';
import { ACCESS_TOKEN_TYPE, claimsOf } from './claims.ts';
import { type AuthGrant, hasScope } from './grant.ts';

/** What making tokens takes. */
export interface Mint {
  readonly keys: TenantKeys;
  readonly settings: Pick<AuthSettings, 'baseUrl' | 'accessTokenAlgorithm'>;
}

export interface MintedToken {
  readonly jwt: string;
  readonly token: AccessToken;
}

/**
 * Signs an access token (RFC 9068).
 * @param seconds how long it lives
 */
export async function mintAccessToken(
  { keys, settings }: Mint,
  tenant: Tenant,
  fields: Omit<AccessToken, 'id' | 'issued' | 'expires'>,
  seconds: number,
): Promise<MintedToken> {
  const issued = Math.floor(Date.now() / 1000);
  const token: AccessToken = { ...fields, id: randomUUID(), issued, expires: issued + seconds };
  const { issuer, fhir } = urlsOf(settings.baseUrl, tenant);
  const { kid, algorithm, key } = await keys.signing(tenant, settings.accessTokenAlgorithm);
  const jwt = await new jose.SignJWT({ ...claimsOf(token), iss: issuer, aud: fhir })
    .setProtectedHeader({ alg: algorithm, kid, typ: ACCESS_TOKEN_TYPE })
    .sign(key);
  return { jwt, token };
}

/** The fields of a person's access token that follow from the grant. */
export function fieldsOf(grant: AuthGrant, scopes: string): Omit<AccessToken, 'id' | 'issued' | 'expires'> {
  return compact({
    grantId: grant.id,
    clientId: grant.clientId,
    subject: grant.accountId ?? grant.clientId,
    fhirUser: grant.fhirUser,
    role: grant.role,
    scopes,
    patient: grant.patient,
    encounter: grant.encounter,
    purposeOfUse: grant.purposeOfUse,
  });
}

/** How long an id_token may be used to tell who logged in, in seconds. */
const ID_TOKEN_LIFE = 3600;

/**
 * Signs an id_token (OpenID Connect Core, section 2) with RS256, which every client knows; `fhirUser` is an absolute URL
 * (SMART App Launch 2.2).
 * @param nonce of the authorization request; left out when tokens are refreshed
 */
export async function mintIdToken(
  { keys, settings }: Mint,
  tenant: Tenant,
  grant: AuthGrant,
  scopes: string,
  nonce: string | undefined,
): Promise<string> {
  const { issuer, fhir } = urlsOf(settings.baseUrl, tenant);
  const { kid, algorithm, key } = await keys.signing(tenant, 'RS256');
  const issued = Math.floor(Date.now() / 1000);
  const user = grant.fhirUser === undefined ? undefined : `${fhir}/${grant.fhirUser}`;
  const claims = compact({
    iss: issuer,
    sub: grant.accountId ?? grant.clientId,
    aud: grant.clientId,
    iat: issued,
    exp: issued + ID_TOKEN_LIFE,
    auth_time: grant.context.authTime,
    nonce,
    fhirUser: hasScope(scopes, 'fhirUser') ? user : undefined,
    // What SMART App Launch 1.0 called it.
    profile: hasScope(scopes, 'profile') ? user : undefined,
  });
  return await new jose.SignJWT(claims).setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' }).sign(key);
}
