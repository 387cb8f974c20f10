import { authenticate, checkSecondFactor } from '../accounts/authenticate.ts';
import { newFactor, newRecovery } from '../accounts/factors.ts';
import { authenticateByPasskey, canUsePasskeys, loginOptions } from '../accounts/passkeys.ts';
import { type LoginPage, loginPage } from '../pages/login.ts';
import { errorPage, logoutPage, messagePage } from '../pages/message.ts';
import { formValue, type Outcome, queryValue } from '../pages/routes.ts';
import { recoveryPage } from '../pages/totp.ts';
import { finishLogin, logIn, logOut } from '../sessions/logins.ts';
import type { Visit } from '../sessions/visit.ts';
import { flowOf, stepPath } from './endpoint.ts';
import { type Flow, loginPageOf } from './flow.ts';
import { formTargetOf } from './request.ts';
import { openSeed, unfinishedPage } from './unfinished.ts';

/** The authorization request that a form belongs to; `gone` when it names one that is no more. */
async function waiting(visit: Visit): Promise<Flow | 'none' | 'gone'> {
  const handle = formValue(visit, 'request');
  return handle === undefined ? 'none' : ((await flowOf(visit, handle)) ?? 'gone');
}

/** Where a login leads: on with the request that waits, or to the person's own page. */
const onward = (visit: Visit, flow: Flow | 'none'): string =>
  flow === 'none' ? `${visit.path}/manage` : stepPath(visit, flow.handle);

async function pageFor(visit: Visit, flow: Flow | 'none', more: Partial<LoginPage>): Promise<Outcome> {
  if (flow !== 'none') return await loginPageOf(flow, more);
  const { services, tenant, browser } = visit;
  const passkeyOptions = canUsePasskeys(services) ? await loginOptions(services, tenant, browser) : undefined;
  return loginPage(visit, { passkeyOptions, providers: await services.sso.providers.list(tenant), ...more });
}

const targets = (flow: Flow | 'none') =>
  flow === 'none' ? undefined : [formTargetOf(flow.request.redirectUri)];

/** GET /login: for who comes without an app. */
export async function showLogin(visit: Visit): Promise<Outcome> {
  if (visit.login !== undefined) return { redirect: `${visit.path}/manage` };
  const open = await unfinishedPage(visit, undefined);
  if (open !== undefined) return open;
  const notice = queryValue(visit, 'set') === 'password' ? visit.strings.passwordSet : undefined;
  return await pageFor(visit, 'none', { notice });
}

/** POST /login: user name and password. */
export async function submitLogin(visit: Visit): Promise<Outcome> {
  const flow = await waiting(visit);
  if (flow === 'gone') return errorPage(visit, visit.strings.errorExpired);
  const login = formValue(visit, 'login');
  const password = formValue(visit, 'password');
  if (login === undefined || password === undefined) {
    return await pageFor(visit, flow, {
      login,
      missing: { login: login === undefined, password: password === undefined },
    });
  }
  const account = await authenticate(visit.services, visit.tenant, login, password, visit.origin);
  if (account === undefined)
    return await pageFor(visit, flow, { login: login.slice(0, 200), failed: 'password' });
  const pending = await logIn(visit, account, ['pwd']);
  return { redirect: pending === undefined || flow !== 'none' ? onward(visit, flow) : `${visit.path}/login` };
}

/** POST /login/passkey: a passkey proves two factors at once, what the person has and who they are or what they know. */
export async function submitPasskey(visit: Visit): Promise<Outcome> {
  const flow = await waiting(visit);
  if (flow === 'gone') return errorPage(visit, visit.strings.errorExpired);
  const answer = formValue(visit, 'credential');
  const { services, tenant, browser } = visit;
  const account =
    answer === undefined ? undefined : await authenticateByPasskey(services, tenant, browser, answer);
  // As a second factor after the provider's login it is welcome.
  const isSecond =
    visit.unfinished?.session.pending === 'second-factor' && visit.unfinished.account.id === account?.id;
  if (account === undefined || (!account.localLogins && !isSecond)) {
    services.onEvent?.(tenant, { kind: 'login-failed', ...visit.origin });
    return await pageFor(visit, flow, { failed: 'passkey' });
  }
  if (isSecond) await finishLogin(visit, 'passkey');
  else await logIn(visit, account, ['pop', 'user', 'mfa']);
  return { redirect: onward(visit, flow) };
}

/** POST /login/second-factor: a one-time password or a recovery code after the password. */
export async function submitSecondFactor(visit: Visit): Promise<Outcome> {
  const flow = await waiting(visit);
  if (flow === 'gone') return errorPage(visit, visit.strings.errorExpired);
  const { unfinished, services, tenant } = visit;
  const request = flow === 'none' ? undefined : flow.handle;
  const open = await unfinishedPage(visit, request, { formTargets: targets(flow), wrong: true });
  if (unfinished?.session.pending !== 'second-factor' || open === undefined) {
    return { redirect: flow === 'none' ? `${visit.path}/login` : onward(visit, flow) };
  }
  const code = formValue(visit, 'code') ?? '';
  const proof = await checkSecondFactor(services, tenant, unfinished.account, code, visit.origin);
  if (proof === undefined) return open;
  await finishLogin(visit, proof);
  return { redirect: onward(visit, flow) };
}

/** POST /login/enrol: the first second factor of who needs one to log in. */
export async function submitEnrolment(visit: Visit): Promise<Outcome> {
  const flow = await waiting(visit);
  if (flow === 'gone') return errorPage(visit, visit.strings.errorExpired);
  const { unfinished } = visit;
  const seed = openSeed(visit, formValue(visit, 'seed') ?? '');
  const request = flow === 'none' ? undefined : flow.handle;
  const open = await unfinishedPage(visit, request, { formTargets: targets(flow), wrong: true, seed });
  if (unfinished?.session.pending !== 'enrol' || open === undefined || seed === undefined) {
    return { redirect: flow === 'none' ? `${visit.path}/login` : onward(visit, flow) };
  }
  if (!(await newFactor(visit, unfinished.account, seed, formValue(visit, 'code') ?? ''))) return open;
  const codes = await newRecovery(visit, unfinished.account);
  await finishLogin(visit, 'otp');
  return recoveryPage(visit, codes, onward(visit, flow), targets(flow));
}

/** GET /logout asks; POST does it, and goes on with the request that waits, if there is one. */
export const showLogout = async (visit: Visit): Promise<Outcome> =>
  visit.login === undefined && visit.unfinished === undefined
    ? messagePage(visit.strings.signedOut, visit.strings.signedOutText)
    : logoutPage(visit);

export async function submitLogout(visit: Visit): Promise<Outcome> {
  const flow = await waiting(visit);
  await logOut(visit);
  return { redirect: typeof flow === 'string' ? `${visit.path}/logout` : stepPath(visit, flow.handle) };
}
