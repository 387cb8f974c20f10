import * as jose from 'jose';
import type { Tenant } from '../../access/scope.ts';
import { Lru } from '../../collections/lru.ts';
import { isRevoked, type Revocation } from '../../storage/auth/revocations.ts';
import type { Connections } from '../../storage/connections.ts';
import type { TenantKeys } from '../keys/tenant-keys.ts';
import { urlsOf } from '../urls.ts';
import type { AccessToken, TokenVerifier } from './access-token.ts';
import { ACCESS_TOKEN_TYPE, accessTokenOf } from './claims.ts';
import { RevocationWatch } from './revocation-watch.ts';

/** Longest token that is looked at, in characters. */
const MAX_LENGTH = 8192;
const MAX_VERIFIED = 4000;

export interface VerifierOptions {
  readonly connections: Connections;
  readonly keys: TenantKeys;
  /** Of the server, without trailing slash. */
  readonly baseUrl: string;
  /** Epoch milliseconds; for tests. */
  readonly now?: () => number;
  /** Milliseconds that never go back; for tests. */
  readonly clock?: () => number;
  /** Most verified tokens that are kept; 4000 by default, about 2 kB each. */
  readonly maxVerified?: number;
}

/** A verifier that is told when this process has revoked something. */
export interface RevocableVerifier extends TokenVerifier {
  /** Call it after the revocation is committed: the next token is checked against it. */
  revoked(): void;
}

interface Verified {
  readonly tenantId: number;
  readonly token: AccessToken;
}

/** Makes what checks the bearer tokens of requests: see {@link TokenVerifier}. */
export function createTokenVerifier(options: VerifierOptions): RevocableVerifier {
  const { connections, keys, baseUrl, now = Date.now, maxVerified = MAX_VERIFIED } = options;
  const verified = new Lru<string, Verified>(maxVerified);
  const forget = (revoked: readonly Revocation[]): void => {
    const gone = new Set(revoked.map(({ tenantId, id }) => `${tenantId}/${id}`));
    for (const [bearer, { tenantId, token }] of verified.entries()) {
      if (gone.has(`${tenantId}/${token.id}`) || gone.has(`${tenantId}/${token.grantId}`)) {
        verified.delete(bearer);
      }
    }
  };
  const watch = new RevocationWatch(connections, forget, options.clock);

  const check = async (tenant: Tenant, bearer: string): Promise<AccessToken | undefined> => {
    const urls = urlsOf(baseUrl, tenant);
    let token: AccessToken | undefined;
    try {
      const { payload } = await jose.jwtVerify(
        bearer,
        async ({ kid, alg }) => {
          const key = kid === undefined ? undefined : await keys.verifying(tenant, kid, alg);
          if (key === undefined) throw new jose.errors.JWKSNoMatchingKey();
          return key;
        },
        {
          algorithms: ['ES256', 'RS256'],
          typ: ACCESS_TOKEN_TYPE,
          issuer: urls.issuer,
          audience: urls.fhir,
          requiredClaims: ['exp'],
          currentDate: new Date(now()),
        },
      );
      token = accessTokenOf(payload);
    } catch (error) {
      if (error instanceof jose.errors.JOSEError) return undefined;
      throw error;
    }
    if (token === undefined) return undefined;
    const { generation } = watch;
    if (await isRevoked(connections, tenant, [token.id, token.grantId])) return undefined;
    // If something was revoked meanwhile, nobody would take the token out of memory again.
    if (watch.generation === generation) verified.set(bearer, { tenantId: tenant.id, token });
    return token;
  };

  return {
    revoked: () => watch.note(),
    async verify(tenant, bearer) {
      if (bearer.length > MAX_LENGTH) return undefined;
      const waiting = watch.fresh();
      if (waiting !== undefined) await waiting;
      const known = verified.get(bearer);
      if (known === undefined) return await check(tenant, bearer);
      if (known.tenantId !== tenant.id) return undefined;
      if (known.token.expires <= now() / 1000) {
        verified.delete(bearer);
        return undefined;
      }
      return known.token;
    },
    remembered(tenant, bearer) {
      const waiting = watch.fresh();
      if (waiting !== undefined) {
        // Whoever waits for the same answer is told if there is none.
        waiting.catch(() => {});
        return undefined;
      }
      const known = verified.get(bearer);
      return known?.tenantId === tenant.id && known.token.expires > now() / 1000 ? known.token : undefined;
    },
  };
}
