import * as jose from 'jose';
import type { Client } from './client.ts';
import type { ClientKeys } from './client-keys.ts';
import { FetchError } from './public-fetch.ts';

/** Algorithms of client assertions (SMART App Launch 2.2, asymmetric client authentication). */
export const ASSERTION_ALGORITHMS = ['RS384', 'ES384'] as const;

/** How far ahead `exp` may lie, in seconds. */
const LONGEST = 300;
/** What clocks may differ by, in seconds. */
const TOLERANCE = 10;
/** Longest jti that is looked at. */
const MAX_JTI = 1024;

/** Why an assertion is refused: told to the client's developer. */
export class AssertionError extends Error {}

export interface CheckedAssertion {
  readonly jti: string;
  /** Epoch milliseconds after which it is refused anyway. */
  readonly expires: number;
}

/**
 * The client that an assertion claims to be of, unchecked.
 * @throws AssertionError when it is no JWT or iss and sub are not the same (RFC 7523, section 3)
 */
export function claimedClient(assertion: string): string {
  let claims: jose.JWTPayload;
  try {
    claims = jose.decodeJwt(assertion);
  } catch {
    throw new AssertionError('client_assertion is no JWT');
  }
  if (typeof claims.iss !== 'string' || claims.iss !== claims.sub) {
    throw new AssertionError('iss and sub of the client_assertion must both be the client_id');
  }
  return claims.iss;
}

/**
 * Checks header, signature and claims of a client assertion (SMART App Launch 2.2; RFC 7523, section 3). Whether its jti
 * was used before is left to the caller.
 * @param audiences what `aud` may be: token endpoint and issuer
 * @param now epoch milliseconds
 * @throws AssertionError
 */
export async function checkAssertion(
  assertion: string,
  client: Client,
  keys: ClientKeys,
  audiences: readonly string[],
  now = Date.now(),
): Promise<CheckedAssertion> {
  const header = headerOf(assertion);
  if (!(ASSERTION_ALGORITHMS as readonly unknown[]).includes(header.alg)) {
    throw new AssertionError(`alg of the client_assertion must be ${ASSERTION_ALGORITHMS.join(' or ')}`);
  }
  if (typeof header.kid !== 'string') throw new AssertionError('The client_assertion has no kid');
  if (header.jku !== undefined && header.jku !== client.jwksUri) {
    throw new AssertionError('jku of the client_assertion is not the registered jwks_uri');
  }
  const claims = await verified(assertion, await candidates(keys, client, header), now);
  if (claims.iss !== client.id || claims.sub !== client.id) {
    throw new AssertionError('iss and sub of the client_assertion must both be the client_id');
  }
  const audience = claims.aud === undefined ? [] : [claims.aud].flat();
  if (audience.length === 0 || !audience.every((each) => audiences.includes(each))) {
    throw new AssertionError('aud of the client_assertion is not this token endpoint');
  }
  if (typeof claims.exp !== 'number') throw new AssertionError('The client_assertion has no exp');
  if (claims.exp > now / 1000 + LONGEST + TOLERANCE) {
    throw new AssertionError(`exp of the client_assertion is more than ${LONGEST / 60} minutes ahead`);
  }
  if (typeof claims.jti !== 'string' || claims.jti === '' || claims.jti.length > MAX_JTI) {
    throw new AssertionError('The client_assertion has no usable jti');
  }
  return { jti: claims.jti, expires: (claims.exp + TOLERANCE) * 1000 };
}

function headerOf(assertion: string): jose.ProtectedHeaderParameters {
  try {
    return jose.decodeProtectedHeader(assertion);
  } catch {
    throw new AssertionError('client_assertion is no JWT');
  }
}

async function candidates(
  keys: ClientKeys,
  client: Client,
  header: jose.ProtectedHeaderParameters,
): Promise<readonly jose.CryptoKey[]> {
  try {
    return await keys.candidates(client, header.kid as string, header.alg as string);
  } catch (error) {
    if (error instanceof FetchError)
      throw new AssertionError(`The keys at jwks_uri cannot be had: ${error.message}`);
    throw error;
  }
}

async function verified(
  assertion: string,
  keys: readonly jose.CryptoKey[],
  now: number,
): Promise<jose.JWTPayload> {
  let reason = 'no registered key has the kid of the client_assertion';
  for (const key of keys) {
    try {
      const { payload } = await jose.jwtVerify(assertion, key, {
        algorithms: [...ASSERTION_ALGORITHMS],
        clockTolerance: TOLERANCE,
        currentDate: new Date(now),
      });
      return payload;
    } catch (error) {
      if (error instanceof jose.errors.JWTExpired)
        throw new AssertionError('The client_assertion has expired');
      reason = 'its signature does not match the registered key';
      if (error instanceof jose.errors.JWTClaimValidationFailed) {
        throw new AssertionError(`${error.claim} of the client_assertion is wrong`);
      }
    }
  }
  throw new AssertionError(`The client_assertion is not valid: ${reason}`);
}
