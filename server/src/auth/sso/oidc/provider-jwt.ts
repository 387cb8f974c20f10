import * as jose from 'jose';
import type { JwkSet } from '../../clients/client.ts';
import { keysOf } from '../../clients/jwk-sets.ts';
import { SsoError } from '../proved-identity.ts';

/** Algorithms that a provider may sign with: asymmetric ones, so that no secret is both password and key. */
export const PROVIDER_ALGORITHMS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** What clocks may differ by, in seconds. */
export const TOLERANCE = 60;

/** The keys of a provider; asked again when one is missing. */
export type KeySource = (again: boolean) => Promise<JwkSet>;

export interface Verified {
  readonly claims: jose.JWTPayload;
  readonly header: jose.JWTHeaderParameters;
}

/**
 * Checks signature, issuer, audience and times of a JWT of a provider.
 * @param what it is called in errors
 * @param expected issuer and client id, compared exactly; `aud` may name nobody else (OpenID Connect Core, 3.1.3.7)
 * @param now epoch milliseconds
 * @throws SsoError; FetchError when the keys cannot be had
 */
export async function verifyProviderJwt(
  jwt: string,
  what: string,
  keys: KeySource,
  expected: { readonly issuer: string; readonly clientId: string },
  now: number,
): Promise<Verified> {
  let header: jose.ProtectedHeaderParameters;
  try {
    header = jose.decodeProtectedHeader(jwt);
  } catch {
    throw new SsoError(`${what} is no signed JWT`);
  }
  const { alg, kid } = header;
  if (alg === undefined || !PROVIDER_ALGORITHMS.includes(alg)) {
    throw new SsoError(`${what} is signed by an algorithm that is not allowed`);
  }
  let candidates = await keysOf(await keys(false), kid, alg);
  if (candidates.length === 0) candidates = await keysOf(await keys(true), kid, alg);
  if (candidates.length === 0)
    throw new SsoError(`${what} is signed by a key that the provider does not publish`);
  for (const key of candidates) {
    try {
      const { payload, protectedHeader } = await jose.jwtVerify(jwt, key, {
        algorithms: [alg],
        issuer: expected.issuer,
        audience: expected.clientId,
        requiredClaims: ['iat'],
        clockTolerance: TOLERANCE,
        currentDate: new Date(now),
      });
      if ([payload.aud].flat().some((each) => each !== expected.clientId)) {
        throw new SsoError(`aud of ${what} names others too`);
      }
      if ((payload.iat as number) > now / 1000 + TOLERANCE) throw new SsoError(`iat of ${what} lies ahead`);
      return { claims: payload, header: protectedHeader };
    } catch (error) {
      if (error instanceof jose.errors.JWTExpired) throw new SsoError(`${what} has expired`);
      if (error instanceof jose.errors.JWTClaimValidationFailed) {
        throw new SsoError(`${error.claim} of ${what} is wrong`);
      }
      if (!(error instanceof jose.errors.JOSEError)) throw error;
    }
  }
  throw new SsoError(`the signature of ${what} is wrong`);
}
