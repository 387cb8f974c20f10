import { countTry, forgetFailures } from '../../storage/auth/login-failures.ts';
import type { AccountTokenKind } from '../accounts/account.ts';
import { faultOfPassword, sendReset, setPassword } from '../accounts/invitations.ts';
import { addressKey, loginKey } from '../accounts/lockout.ts';
import { errorPage, messagePage } from '../pages/message.ts';
import { forgotPage, passwordPage } from '../pages/password.ts';
import { formValue, type Outcome, queryValue } from '../pages/routes.ts';
import { logOut } from '../sessions/logins.ts';
import type { Visit } from '../sessions/visit.ts';

/** Letters are few: three an hour to a login, twenty to all that an address asks for. */
const LETTERS = { free: 2, first: 3600_000, longest: 3600_000, forgotten: 3600_000 };
const LETTERS_OF_ADDRESS = { ...LETTERS, free: 19 };

export const showForgot = async (visit: Visit): Promise<Outcome> => forgotPage(visit);

/** POST /forgot: the answer is the same whether there is an account or not, and does not wait for the letter. */
export async function submitForgot(visit: Visit): Promise<Outcome> {
  const login = formValue(visit, 'login')?.trim();
  if (login === undefined || login === '') return forgotPage(visit, true);
  // What takes time depends on whether there is an account: it is done after the answer.
  setImmediate(() => {
    sendLetters(visit, login.slice(0, 320)).catch(visit.services.onError);
  });
  return messagePage(visit.strings.sentTitle, visit.strings.sentText);
}

async function sendLetters({ services, tenant, origin }: Visit, login: string): Promise<void> {
  const { connections, accounts } = services;
  const now = Date.now();
  const allowed = await Promise.all([
    countTry(connections, tenant, `letter-${addressKey(origin.address)}`, LETTERS_OF_ADDRESS, now),
    countTry(connections, tenant, `letter-${loginKey(login)}`, LETTERS, now),
  ]);
  if (allowed.includes(undefined)) return;
  const byLogin = await accounts.findByLogin(tenant, login);
  const found =
    byLogin === undefined && login.includes('@') ? await accounts.findByEmail(tenant, login) : [byLogin];
  for (const account of found) {
    if (account?.email === undefined || account.state !== 'active' || !account.localLogins) continue;
    services.onEvent?.(tenant, { kind: 'password-reset-asked', accountId: account.id, ...origin });
    await sendReset(services, tenant, account);
  }
}

type LinkKind = Extract<AccountTokenKind, 'invitation' | 'reset'>;

/** GET /reset and /invitation: where the link of a letter leads. Looking at it does not use it up: mail scanners do. */
export const showSetPassword =
  (kind: LinkKind) =>
  async (visit: Visit): Promise<Outcome> => {
    const token = queryValue(visit, 'token') ?? '';
    const account = await accountOf(visit, kind, token);
    if (account === undefined) return errorPage(visit, visit.strings.linkDead, 400);
    return passwordPage(visit, { login: account.login, token, kind });
  };

/** POST /reset and /invitation. Whoever held the account before loses sessions and apps. */
export const submitSetPassword =
  (kind: LinkKind) =>
  async (visit: Visit): Promise<Outcome> => {
    const { services, tenant, strings } = visit;
    const token = formValue(visit, 'token') ?? '';
    const account = await accountOf(visit, kind, token);
    if (account === undefined) return errorPage(visit, strings.linkDead, 400);
    const password = formValue(visit, 'password') ?? '';
    if (password !== (formValue(visit, 'repeat') ?? '')) {
      return passwordPage(visit, { login: account.login, token, kind, fault: 'differs' });
    }
    const fault = await faultOfPassword(services, tenant, account, password);
    if (fault !== undefined) return passwordPage(visit, { login: account.login, token, kind, fault });
    if ((await services.accounts.takeToken(tenant, kind, token)) === undefined) {
      return errorPage(visit, strings.linkDead, 400);
    }
    await setPassword(services, tenant, account, password);
    await services.sessions.end(tenant, account.id, {});
    await services.grants.revoke(tenant, { account: account.id });
    await forgetFailures(services.connections, tenant, loginKey(account.login));
    await logOut(visit);
    services.onEvent?.(tenant, { kind: 'password-changed', accountId: account.id, ...visit.origin });
    if (kind === 'reset')
      await services.mailer.send({ kind: 'password-changed', tenant, account }).catch(services.onError);
    return { redirect: `${visit.path}/login?set=password` };
  };

async function accountOf({ services, tenant }: Visit, kind: LinkKind, token: string) {
  if (!/^[A-Za-z0-9_-]{43}$/.test(token)) return undefined;
  const id = await services.accounts.peekToken(tenant, kind, token);
  const account = id === undefined ? undefined : await services.accounts.find(tenant, id);
  return account?.state === 'disabled' || account?.localLogins === false ? undefined : account;
}
