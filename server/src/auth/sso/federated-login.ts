import { stepPath } from '../authorize/endpoint.ts';
import { FetchError } from '../clients/public-fetch.ts';
import { errorPage } from '../pages/message.ts';
import { refusedPage } from '../pages/providers.ts';
import type { Outcome } from '../pages/routes.ts';
import { logIn } from '../sessions/logins.ts';
import type { Visit } from '../sessions/visit.ts';
import { accountOf, RefusedPersonError } from './accounts.ts';
import type { LoginPurpose } from './pending.ts';
import { type ProvedIdentity, provedMfa, SsoError } from './proved-identity.ts';
import type { IdentityProvider } from './provider.ts';

/** Where a login leads: on with the request that waits, back to what was to be confirmed, or to the person's page. */
export const onward = (visit: Visit, { request, confirm }: LoginPurpose): string =>
  request !== undefined
    ? stepPath(visit, request)
    : `${visit.path}/manage${confirm === undefined || confirm === '' ? '' : `/${confirm}`}`;

/** Logs a person in whom a provider has proved, or says why not. */
export async function logInFederated(
  visit: Visit,
  provider: IdentityProvider,
  proved: ProvedIdentity,
  purpose: LoginPurpose,
): Promise<Outcome> {
  const account = await accountOf(visit, provider, proved);
  if (purpose.confirm !== undefined && visit.login?.account.id !== account.id) {
    throw new SsoError('another person has confirmed');
  }
  const methods = ['fed', ...(provedMfa(proved, provider.mfa) ? ['mfa'] : [])];
  const { session, authenticated } = proved;
  const pending = await logIn(visit, account, methods, { provider: provider.id, session, authenticated });
  if (pending !== undefined && purpose.request === undefined) return { redirect: `${visit.path}/login` };
  return { redirect: onward(visit, purpose) };
}

/**
 * Runs what checks a provider's answer; what is wrong with it becomes a page for the person, and a failed login for the
 * audit log.
 */
export async function refusing(
  visit: Visit,
  provider: IdentityProvider,
  purpose: LoginPurpose,
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  const { services, tenant, origin } = visit;
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SsoError || error instanceof FetchError)) throw error;
    const refused = error instanceof RefusedPersonError ? error : undefined;
    services.onEvent?.(tenant, {
      kind: 'login-failed',
      accountId: refused?.accountId,
      provider: provider.id,
      reason: error.message,
      ...origin,
    });
    return refusedPage(visit, {
      provider: provider.name,
      why: refused?.refusal ?? (error instanceof FetchError ? 'unreachable' : 'answer'),
      back: purpose.request === undefined ? `${visit.path}/login` : stepPath(visit, purpose.request),
    });
  }
}

/** For answers that belong to no login of this browser: too late, sent twice, or begun by somebody else. */
export const unknownLogin = (visit: Visit): Outcome => errorPage(visit, visit.strings.errorExpired, 400);
