import { randomUUID } from 'node:crypto';
import type { Tenant } from '../../access/scope.ts';
import { insertCode } from '../../storage/auth/codes.ts';
import { insertGrant } from '../../storage/auth/grants.ts';
import type { Connections } from '../../storage/connections.ts';
import { runTransaction } from '../../storage/transaction.ts';
import { compact } from '../compact.ts';
import { newSecret } from '../hash.ts';
import { LONGEST_ACCESS_TOKEN } from '../settings.ts';
import type { AuthorizedRequest } from './codes.ts';
import type { AuthGrant } from './grant.ts';

/** How long a code waits for its exchange, in milliseconds. */
export const CODE_LIFE = 60_000;

/** Records what a person has authorized and makes its code: see {@link CodeIssuer}. */
export async function issueCode(
  connections: Connections,
  tenant: Tenant,
  request: AuthorizedRequest,
): Promise<string> {
  const code = newSecret();
  const now = Date.now();
  const grant = grantOf(request, now);
  await runTransaction(connections, tenant, async (transaction) => {
    await insertGrant(transaction, grant, now + LONGEST_ACCESS_TOKEN * 1000);
    await insertCode(transaction, code, {
      grantId: grant.id,
      redirectUri: request.redirectUri,
      codeChallenge: request.codeChallenge,
      expires: now + CODE_LIFE,
    });
  });
  return code;
}

/** @param now epoch milliseconds */
function grantOf(request: AuthorizedRequest, now: number): AuthGrant {
  const { nonce, needPatientBanner, intent, appContext, fhirContext, authTime } = request;
  return compact({
    id: randomUUID(),
    clientId: request.clientId,
    accountId: request.accountId,
    sessionId: request.sessionId,
    scopes: request.scopes,
    role: request.role,
    fhirUser: request.fhirUser,
    patient: request.patient,
    encounter: request.encounter,
    purposeOfUse: request.purposeOfUse ?? 'TREAT',
    context: compact({
      nonce,
      needPatientBanner,
      intent,
      appContext,
      fhirContext,
      authTime: authTime ?? Math.floor(now / 1000),
    }),
    created: now,
    revoked: false,
  });
}
