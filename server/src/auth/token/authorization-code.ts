import { createHash } from 'node:crypto';
import type { Tenant } from '../../access/scope.ts';
import { type StoredCode, takeCode } from '../../storage/auth/codes.ts';
import { readGrant, readHolder, revokeMatching, touchGrant } from '../../storage/auth/grants.ts';
import { insertRefreshToken } from '../../storage/auth/refresh-tokens.ts';
import { runTransaction, type Transaction } from '../../storage/transaction.ts';
import type { Client } from '../clients/client.ts';
import type { Form } from '../endpoint.ts';
import { newSecret, sameSecret } from '../hash.ts';
import { OAuthError } from '../oauth-error.ts';
import type { AuthServices } from '../services.ts';
import type { AuthGrant } from './grant.ts';
import { refreshExpires } from './refresh-life.ts';
import { type TokenResponse, userTokenResponse } from './response.ts';

/** `code_verifier` (RFC 7636, section 4.1). */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/;

type Exchange =
  | { readonly grant: AuthGrant; readonly refreshToken: string | undefined }
  | { readonly refused: string; readonly revoked: boolean };

/**
 * grant_type=authorization_code (RFC 6749, section 4.1.3) with PKCE S256 (RFC 7636, section 4.5). A code is used up by
 * its first presentation, whatever the outcome; the second one ends what was granted.
 * @throws OAuthError
 */
export async function exchangeCode(
  services: AuthServices,
  tenant: Tenant,
  client: Client,
  form: Form,
): Promise<TokenResponse> {
  const code = form.require('code');
  const verifier = form.require('code_verifier');
  if (!VERIFIER.test(verifier)) {
    throw new OAuthError(
      'invalid_request',
      'code_verifier must be 43 to 128 of A-Z, a-z, 0-9, -, ., _ and ~',
    );
  }
  const redirectUri = form.require('redirect_uri');
  const result = await runTransaction(
    services.connections,
    tenant,
    async (transaction): Promise<Exchange> => {
      const stored = await takeCode(transaction, code);
      if (stored === undefined) return { refused: 'The code is not known', revoked: false };
      if (stored.replayed) {
        await revokeMatching(transaction, { id: stored.grantId });
        return { refused: 'The code was used before', revoked: true };
      }
      const grant = await readGrant(transaction, stored.grantId);
      const refused = problem(stored, grant, client, redirectUri, verifier);
      if (grant === undefined || refused !== undefined)
        return { refused: refused ?? UNUSABLE, revoked: false };
      if ((await readHolder(transaction, grant)).account === undefined) {
        return { refused: UNUSABLE, revoked: false };
      }
      return { grant, refreshToken: await firstRefreshToken(services, transaction, client, grant) };
    },
  );
  if ('refused' in result) {
    if (result.revoked) services.verifier.revoked();
    throw new OAuthError('invalid_grant', result.refused);
  }
  const { grant, refreshToken } = result;
  return await userTokenResponse(services, tenant, grant, {
    scopes: grant.scopes,
    refreshToken,
    first: true,
  });
}

const UNUSABLE = 'The code can no longer be used';

/** Why a code is refused; undefined when it is good. */
function problem(
  stored: StoredCode,
  grant: AuthGrant | undefined,
  client: Client,
  redirectUri: string,
  verifier: string,
): string | undefined {
  if (grant === undefined || grant.revoked) return UNUSABLE;
  if (grant.clientId !== client.id) return 'The code was issued to another client';
  if (stored.expires <= Date.now()) return 'The code has expired';
  if (stored.redirectUri !== redirectUri) return 'redirect_uri is not the one of the authorization request';
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  if (!sameSecret(challenge, stored.codeChallenge)) return 'code_verifier does not match code_challenge';
  return undefined;
}

async function firstRefreshToken(
  { settings }: AuthServices,
  transaction: Transaction,
  client: Client,
  grant: AuthGrant,
): Promise<string | undefined> {
  const now = Date.now();
  const expires = client.grantTypes.includes('refresh_token')
    ? refreshExpires(grant, settings, now)
    : undefined;
  await touchGrant(transaction, grant.id, Math.max(expires ?? 0, now + settings.accessTokenSeconds * 1000));
  if (expires === undefined) return undefined;
  const token = newSecret();
  await insertRefreshToken(transaction, token, { grantId: grant.id, expires });
  return token;
}
