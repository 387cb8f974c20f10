import type { Tenant } from '../../access/scope.ts';
import { readGrant, readHolder, revokeMatching, touchGrant } from '../../storage/auth/grants.ts';
import {
  insertRefreshToken,
  lockRefreshToken,
  markExchanged,
  type StoredRefreshToken,
} from '../../storage/auth/refresh-tokens.ts';
import { runTransaction, type Transaction } from '../../storage/transaction.ts';
import type { Client } from '../clients/client.ts';
import type { Form } from '../endpoint.ts';
import { OAuthError, type OAuthErrorCode } from '../oauth-error.ts';
import type { AuthServices } from '../services.ts';
import { type AuthGrant, hasScope } from './grant.ts';
import { refreshExpires } from './refresh-life.ts';
import { type TokenResponse, userTokenResponse } from './response.ts';
import { narrowed } from './scope-rules.ts';

/**
 * How long a client may send the same refresh token again, in milliseconds: its answer may have been lost, or two of its
 * windows may have refreshed at once. It gets the same successor again, so that one chain stays one chain: as soon as
 * that successor was used by anybody, the older token counts as stolen.
 */
export const RETRY_GRACE = 10_000;

interface Refusal {
  readonly error: OAuthErrorCode;
  readonly reason: string;
  readonly revoked?: boolean;
}

interface Refreshed {
  readonly grant: AuthGrant;
  readonly scopes: string;
  readonly refreshToken: string;
}

const refuse = (reason: string, revoked = false): Refusal => ({ error: 'invalid_grant', reason, revoked });

/**
 * grant_type=refresh_token (RFC 6749, section 6) with rotation: each token is exchanged for its successor, and the reuse
 * of an exchanged one ends the grant with all its tokens (OAuth 2.1, section 4.3.1).
 * @throws OAuthError
 */
export async function refresh(
  services: AuthServices,
  tenant: Tenant,
  client: Client,
  form: Form,
): Promise<TokenResponse> {
  const token = form.require('refresh_token');
  const asked = form.get('scope');
  const result = await runTransaction(services.connections, tenant, (transaction) =>
    rotate(services, transaction, client, token, asked),
  );
  if ('error' in result) {
    if (result.revoked) services.verifier.revoked();
    throw new OAuthError(result.error, result.reason);
  }
  const { grant, scopes, refreshToken } = result;
  return await userTokenResponse(services, tenant, grant, { scopes, refreshToken, first: false });
}

async function rotate(
  services: AuthServices,
  transaction: Transaction,
  client: Client,
  token: string,
  asked: string | undefined,
): Promise<Refreshed | Refusal> {
  const now = Date.now();
  const stored = await lockRefreshToken(transaction, token);
  const found = stored && (await readGrant(transaction, stored.grantId));
  if (stored === undefined || found === undefined || found.clientId !== client.id) {
    return refuse('The refresh token is not known');
  }
  if (found.revoked) return refuse('The refresh token was revoked');
  if (stored.expires <= now) return refuse('The refresh token has expired');
  if (isReuse(stored, now)) {
    await revokeMatching(transaction, { id: found.id });
    return refuse('The refresh token was used before', true);
  }
  const { account, sessionAlive } = await readHolder(transaction, found);
  if (account === undefined) return refuse('The account is not active');
  if (!hasScope(found.scopes, 'offline_access') && !sessionAlive) return refuse('The session has ended');
  // Roles change: what a person is now decides, not what they were when they authorized.
  const { fhirUser: _former, ...rest } = found;
  const grant: AuthGrant = { ...rest, ...account };
  const scopes = asked === undefined ? grant.scopes : narrowed(asked, grant.scopes);
  if (scopes === undefined) {
    return { error: 'invalid_scope', reason: 'scope asks for more than was granted' };
  }
  const expires = refreshExpires(grant, services.settings, now);
  if (expires === undefined) return refuse('The refresh token can no longer be used');
  const successor = services.secrets
    .derive('refresh-token', `${transaction.tenant.id}/${token}`)
    .toString('base64url');
  if (stored.used === undefined) {
    await insertRefreshToken(transaction, successor, { grantId: grant.id, expires });
    await markExchanged(transaction, token, successor);
  }
  await touchGrant(
    transaction,
    grant.id,
    Math.max(expires, now + services.settings.accessTokenSeconds * 1000),
  );
  return { grant, scopes, refreshToken: successor };
}

/** Whether a token that is presented was exchanged before, and not just now by a client that has not heard of it. */
function isReuse({ used, successorUsed }: StoredRefreshToken, now: number): boolean {
  return used !== undefined && (successorUsed || used + RETRY_GRACE <= now);
}
