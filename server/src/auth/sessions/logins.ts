import type { Account } from '../accounts/account.ts';
import { needsMfa } from '../accounts/policy.ts';
import { writeCookie } from './cookies.ts';
import type { PendingStep, ProviderSession } from './session.ts';
import { isSecure, type Visit } from './visit.ts';

/**
 * Logs a person in after they proved who they are in one way. The cookie is a new one (no session fixation); a session
 * of the same person in this browser goes on, so that its apps do, another person's is ended.
 * @param methods RFC 8176 values; `mfa` when it was more than one factor already
 * @param from the identity provider that they proved it to, and when (epoch milliseconds) if it says so
 * @returns what is still to be done before it counts
 */
export async function logIn(
  visit: Visit,
  account: Account,
  methods: readonly string[],
  from?: ProviderSession & { readonly authenticated?: number | undefined },
): Promise<PendingStep | undefined> {
  const { services, tenant, policy, origin } = visit;
  const pending = methods.includes('mfa')
    ? undefined
    : account.hasTotp || account.passkeys > 0
      ? 'second-factor'
      : needsMfa(policy, account.role)
        ? 'enrol'
        : undefined;
  // A step that is still to be done has to follow soon, however long ago the first one was.
  const authenticated = pending === undefined ? from?.authenticated : undefined;
  const earlier = visit.login ?? visit.unfinished;
  const isSame = earlier?.account.id === account.id;
  let token: string;
  if (earlier !== undefined && isSame) {
    token = await services.sessions.renew(
      tenant,
      earlier.session.id,
      methods,
      pending,
      from ?? null,
      authenticated,
    );
  } else {
    if (earlier !== undefined) {
      await services.sessions.end(tenant, earlier.account.id, { id: earlier.session.id });
    }
    const expires = Date.now() + policy.sessionHours * 3600_000;
    const made = await services.sessions.create(tenant, {
      accountId: account.id,
      expires,
      methods,
      pending,
      from,
      authenticated,
      address: origin.address,
      userAgent: origin.userAgent,
    });
    token = made.token;
  }
  writeCookie(visit.response, 'session', tenant, isSecure(services), token);
  if (pending === undefined) await loggedIn(visit, account, from?.provider);
  return pending;
}

/** RFC 8176 values of second factors; there is none for recovery codes. */
const SECOND_FACTORS = { otp: ['otp'], recovery: [], passkey: ['pop', 'user'] } as const;

/** Completes a login that lacked a step. */
export async function finishLogin(visit: Visit, method: keyof typeof SECOND_FACTORS): Promise<void> {
  const { services, tenant, unfinished } = visit;
  if (unfinished === undefined) throw new Error('There is no login to be finished');
  const { session, account } = unfinished;
  const methods = [...new Set([...session.methods, ...SECOND_FACTORS[method], 'mfa'])];
  const token = await services.sessions.renew(tenant, session.id, methods, undefined);
  writeCookie(visit.response, 'session', tenant, isSecure(services), token);
  await loggedIn(visit, account, session.provider);
}

async function loggedIn(
  { services, tenant, origin }: Visit,
  account: Account,
  provider: string | undefined,
): Promise<void> {
  await services.accounts.noteLogin(tenant, account.id);
  services.onEvent?.(tenant, { kind: 'login', accountId: account.id, provider, ...origin });
}

/** Ends the login of this browser, with what apps hold only as long as it lasts. */
export async function logOut(visit: Visit): Promise<void> {
  const { services, tenant, response } = visit;
  const current = visit.login ?? visit.unfinished;
  if (current !== undefined) {
    await services.sessions.end(tenant, current.account.id, { id: current.session.id });
    services.onEvent?.(tenant, { kind: 'logout', accountId: current.account.id, ...visit.origin });
  }
  writeCookie(response, 'session', tenant, isSecure(services), '', 0);
}
