import * as jose from 'jose';
import type { Tenant } from '../../access/scope.ts';
import { type JwkSets, keysOf } from '../../auth/clients/jwk-sets.ts';
import { FetchError } from '../../auth/clients/public-fetch.ts';
import { FhirError } from '../../fhir/outcome.ts';
import type { CdsClientRegistration } from '../registrations.ts';

/**
 * Algorithms that are trusted, those first that CDS Hooks 2.0 recommends (JWT Signing Algorithm). The public sandbox signs
 * with ES256, and many libraries with RS256 unless they are told otherwise.
 */
const ALGORITHMS = ['ES384', 'RS384', 'ES256', 'RS256'];
/** How far ahead `exp` may lie, in seconds. */
const LONGEST = 300;
/** What clocks may differ by, in seconds. */
const TOLERANCE = 10;
const MAX_LENGTH = 8192;
const MAX_JTI = 1024;

export interface EhrJwtOptions {
  readonly keys: JwkSets;
  findClient(tenant: Tenant, issuer: string): Promise<CdsClientRegistration | undefined>;
  /** Notes that a JWT was used, until it expires (epoch milliseconds). @returns false when it was used before */
  use(tenant: Tenant, issuer: string, jti: string, expires: number): Promise<boolean>;
  /** Epoch milliseconds; for tests. */
  readonly now?: () => number;
}

/**
 * Checks the JWT by which an EHR proves itself: resolves to its registration.
 * @param audiences what `aud` may be: the URL that is called
 */
export type EhrVerifier = (
  tenant: Tenant,
  authorization: string | undefined,
  audiences: readonly string[],
) => Promise<CdsClientRegistration>;

/** The issuer that the JWT of an Authorization header claims; nothing of it is checked. */
export function claimedIssuer(authorization: string | undefined): string | undefined {
  const jwt = bearerJwt(authorization);
  try {
    return jwt === undefined ? undefined : issuerOf(jose.decodeJwt(jwt));
  } catch {
    return undefined;
  }
}

/** A URI is of these characters only (RFC 3986); what else it may be is nobody's that was registered. */
const issuerOf = ({ iss }: { readonly iss?: unknown }): string | undefined =>
  typeof iss === 'string' && /^[\x21-\x7e]{1,1000}$/.test(iss) ? iss : undefined;

function bearerJwt(authorization: string | undefined): string | undefined {
  const jwt = /^Bearer +([A-Za-z0-9\-_]+\.[A-Za-z0-9\-_]+\.[A-Za-z0-9\-_]*) *$/i.exec(
    authorization ?? '',
  )?.[1];
  return jwt === undefined || jwt.length > MAX_LENGTH ? undefined : jwt;
}

/**
 * Makes what checks JWTs of EHRs (CDS Hooks 2.0, Trusting CDS Clients): signed by a key of the issuer that the tenant has
 * registered; for the URL that is called and nothing else; young; used once.
 * The verifier throws FhirError 401 for any other.
 */
export function ehrVerifier(options: EhrJwtOptions): EhrVerifier {
  const { keys, now = Date.now } = options;
  return async (tenant, authorization, accepted) => {
    const jwt = bearerJwt(authorization);
    if (jwt === undefined)
      throw refused('A JWT of the CDS client is needed as bearer token', authorization === undefined);
    const { header, claimed } = decoded(jwt);
    if (header.alg === undefined || !ALGORITHMS.includes(header.alg))
      throw refused(`alg of the JWT must be one of ${ALGORITHMS.join(', ')}`);
    if (header.typ?.toUpperCase() !== 'JWT') throw refused('typ of the JWT must be JWT');
    if (typeof header.kid !== 'string') throw refused('The JWT has no kid');
    const issuer = issuerOf(claimed);
    const client = issuer === undefined ? undefined : await options.findClient(tenant, issuer);
    if (client === undefined) throw refused('iss of the JWT is not registered with this tenant');
    if (header.jku !== undefined && header.jku !== client.jku)
      throw refused('jku of the JWT is not the one that is registered');
    const claims = await verified(jwt, header, client, keys, now());
    const audiences = claims.aud === undefined ? [] : [claims.aud].flat();
    if (audiences.length === 0 || !audiences.every((one) => accepted.includes(one)))
      throw refused(`aud of the JWT must be ${accepted[0]}`);
    const seconds = now() / 1000;
    if (typeof claims.exp !== 'number') throw refused('The JWT has no exp');
    if (claims.exp > seconds + LONGEST + TOLERANCE)
      throw refused('exp of the JWT is more than 5 minutes ahead');
    if (typeof claims.iat !== 'number' || claims.iat > seconds + TOLERANCE)
      throw refused('iat of the JWT is missing, or in the future');
    if (typeof claims.jti !== 'string' || claims.jti === '' || claims.jti.length > MAX_JTI)
      throw refused('The JWT has no usable jti');
    const expires = (claims.exp + TOLERANCE) * 1000;
    if (!(await options.use(tenant, client.issuer, claims.jti, expires)))
      throw refused('The JWT was used before');
    return client;
  };
}

function decoded(jwt: string): { header: jose.ProtectedHeaderParameters; claimed: jose.JWTPayload } {
  try {
    return { header: jose.decodeProtectedHeader(jwt), claimed: jose.decodeJwt(jwt) };
  } catch {
    throw refused('The bearer token is no JWT');
  }
}

async function verified(
  jwt: string,
  header: jose.ProtectedHeaderParameters,
  client: CdsClientRegistration,
  sets: JwkSets,
  now: number,
): Promise<jose.JWTPayload> {
  for (const key of await candidates(header, client, sets)) {
    try {
      const { payload } = await jose.jwtVerify(jwt, key, {
        algorithms: ALGORITHMS,
        clockTolerance: TOLERANCE,
        currentDate: new Date(now),
      });
      return payload;
    } catch (error) {
      if (error instanceof jose.errors.JWTExpired) throw refused('The JWT has expired');
      if (error instanceof jose.errors.JWTClaimValidationFailed)
        throw refused(`${error.claim} of the JWT is wrong`);
    }
  }
  throw refused('The JWT is not signed with a key of its issuer');
}

async function candidates(
  header: jose.ProtectedHeaderParameters,
  { jku, jwks, privateNetwork }: CdsClientRegistration,
  sets: JwkSets,
): Promise<readonly jose.CryptoKey[]> {
  const { kid, alg } = header as { kid: string; alg: string };
  if (jku === undefined) return jwks === undefined ? [] : await keysOf(jwks, kid, alg);
  try {
    const found = await keysOf(await sets.get(jku, false, privateNetwork), kid, alg);
    // The EHR may have a new key since.
    return found.length > 0 ? found : await keysOf(await sets.get(jku, true, privateNetwork), kid, alg);
  } catch (error) {
    if (error instanceof FetchError) throw refused(`The keys at jku cannot be had: ${error.message}`);
    throw error;
  }
}

function refused(diagnostics: string, missing = false): FhirError {
  return new FhirError(
    401,
    [{ severity: 'error', code: 'login', diagnostics, expression: 'http.authorization' }],
    { 'WWW-Authenticate': missing ? 'Bearer' : 'Bearer error="invalid_token"' },
  );
}
