import { authenticate, checkSecondFactor } from '../accounts/authenticate.ts';
import { newFactor, newRecovery } from '../accounts/factors.ts';
import { faultOfPassword, setPassword } from '../accounts/invitations.ts';
import {
  authenticateByPasskey,
  canUsePasskeys,
  loginOptions,
  registerPasskey,
  registrationOptions,
} from '../accounts/passkeys.ts';
import { needsMfa } from '../accounts/policy.ts';
import { enrolPage, openSeed } from '../authorize/unfinished.ts';
import { confirmPage } from '../pages/confirm.ts';
import { addPasskeyPage } from '../pages/manage.ts';
import { errorPage } from '../pages/message.ts';
import { passwordPage } from '../pages/password.ts';
import { formValue, type Outcome, queryValue } from '../pages/routes.ts';
import { recoveryPage } from '../pages/totp.ts';
import { writeCookie } from '../sessions/cookies.ts';
import { isSecure, type Login, type Visit } from '../sessions/visit.ts';
import { CONFIRMED as BACK } from '../sso/start.ts';
import { managed } from './apps.ts';

export const showPassword = async (visit: Visit, { account }: Login): Promise<Outcome> =>
  passwordPage(visit, { login: account.login });

/** POST /manage/password: with the old password, which is a proof of its own. Ends the other sessions. */
export async function submitPassword(visit: Visit, { account, session }: Login): Promise<Outcome> {
  const { services, tenant, origin } = visit;
  const page = (fault: Parameters<typeof passwordPage>[1]['fault']) =>
    passwordPage(visit, { login: account.login, fault });
  const password = formValue(visit, 'password') ?? '';
  if (password !== (formValue(visit, 'repeat') ?? '')) return page('differs');
  const current = formValue(visit, 'current') ?? '';
  const proved = await authenticate(services, tenant, account.login, current, origin);
  if (proved?.id !== account.id) return page('current');
  const fault = await faultOfPassword(services, tenant, account, password);
  if (fault !== undefined) return page(fault);
  await setPassword(services, tenant, account, password);
  await services.sessions.end(tenant, account.id, { except: session.id });
  await renew(visit, { account, session }, session.methods);
  services.onEvent?.(tenant, { kind: 'password-changed', accountId: account.id, ...origin });
  await services.mailer.send({ kind: 'password-changed', tenant, account }).catch(services.onError);
  return managed(visit);
}

async function renew(
  { services, tenant, response }: Visit,
  { session }: Login,
  methods: readonly string[],
): Promise<void> {
  const token = await services.sessions.renew(tenant, session.id, [...new Set(methods)], undefined);
  writeCookie(response, 'session', tenant, isSecure(services), token);
}

export const showTotp = async (visit: Visit): Promise<Outcome> =>
  await enrolPage(visit, 'manage/totp', undefined, {});

/** POST /manage/totp: the first one-time password of a new seed. */
export async function submitTotp(visit: Visit, login: Login): Promise<Outcome> {
  const seed = openSeed(visit, formValue(visit, 'seed') ?? '');
  if (seed === undefined) return { redirect: `${visit.path}/manage/totp` };
  if (!(await newFactor(visit, login.account, seed, formValue(visit, 'code') ?? ''))) {
    return await enrolPage(visit, 'manage/totp', undefined, { wrong: true, seed });
  }
  return await showRecovery(visit, login);
}

/** POST /manage/recovery, and whenever a first factor was set up: new recovery codes. */
export async function showRecovery(visit: Visit, { account }: Login): Promise<Outcome> {
  return recoveryPage(visit, await newRecovery(visit, account), `${visit.path}/manage`);
}

/** POST /manage/totp/remove */
export async function removeTotp(visit: Visit, { account }: Login): Promise<Outcome> {
  const { services, tenant, policy, strings, origin } = visit;
  if (needsMfa(policy, account.role) && account.passkeys === 0)
    return errorPage(visit, strings.totpNeeded, 409);
  await services.accounts.setFactors(tenant, account.id, {});
  if (account.passkeys === 0) await services.accounts.setRecoveryCodes(tenant, account.id, []);
  services.onEvent?.(tenant, { kind: 'second-factor-changed', accountId: account.id, ...origin });
  return managed(visit);
}

/** GET /manage/passkeys */
export async function showAddPasskey(visit: Visit, { account }: Login, failed = false): Promise<Outcome> {
  const { services, tenant, browser } = visit;
  const options = canUsePasskeys(services)
    ? await registrationOptions(services, tenant, account, browser)
    : undefined;
  return addPasskeyPage(visit, options, failed);
}

/** POST /manage/passkeys: what the browser made. */
export async function submitAddPasskey(visit: Visit, login: Login): Promise<Outcome> {
  const { services, tenant, browser, origin } = visit;
  const { account } = login;
  const answer = formValue(visit, 'credential') ?? '';
  const name = formValue(visit, 'name') ?? '';
  if (!(await registerPasskey(services, tenant, account, browser, answer, name))) {
    return await showAddPasskey(visit, login, true);
  }
  services.onEvent?.(tenant, { kind: 'second-factor-changed', accountId: account.id, ...origin });
  const isFirst = !account.hasTotp && account.passkeys === 0;
  return isFirst ? await showRecovery(visit, login) : managed(visit);
}

/** POST /manage/passkeys/remove */
export async function removePasskey(visit: Visit, { account }: Login): Promise<Outcome> {
  const { services, tenant, policy, strings, origin } = visit;
  const isLastFactor = account.passkeys === 1 && !account.hasTotp;
  if (isLastFactor && (needsMfa(policy, account.role) || !account.hasPassword)) {
    return errorPage(visit, strings.totpNeeded, 409);
  }
  await services.accounts.removePasskey(tenant, account.id, formValue(visit, 'passkey') ?? '');
  services.onEvent?.(tenant, { kind: 'second-factor-changed', accountId: account.id, ...origin });
  return managed(visit);
}

async function confirmation(
  visit: Visit,
  { account }: Login,
  back: string,
  wrong: boolean,
): Promise<Outcome> {
  const { services, tenant, browser } = visit;
  const passkeys = canUsePasskeys(services) ? await services.accounts.passkeys(tenant, account.id) : [];
  const [known, identities] = await Promise.all([
    services.sso.providers.list(tenant),
    services.sso.identities.ofAccount(tenant, account.id),
  ]);
  return confirmPage(visit, BACK.includes(back) ? back : '', {
    wrong,
    needsCode: account.hasTotp,
    hasPassword: account.hasPassword,
    providers: known.filter(({ id }) => identities.some(({ provider }) => provider === id)),
    passkeyOptions: passkeys.length > 0 ? await loginOptions(services, tenant, browser, passkeys) : undefined,
  });
}

/** GET /manage/confirm: step-up before a sensitive change. */
export const showConfirm = async (visit: Visit, login: Login): Promise<Outcome> =>
  await confirmation(visit, login, queryValue(visit, 'back') ?? '', false);

const onward = ({ path }: Visit, back: string): Outcome => ({
  redirect: `${path}/manage${back === '' || !BACK.includes(back) ? '' : `/${back}`}`,
});

/** POST /manage/confirm: the password, and the second factor of who has one. */
export async function submitConfirm(visit: Visit, login: Login): Promise<Outcome> {
  const { services, tenant, origin } = visit;
  const { account, session } = login;
  const back = formValue(visit, 'back') ?? '';
  const password = formValue(visit, 'password') ?? '';
  const proved = await authenticate(services, tenant, account.login, password, origin);
  const isSecondRight =
    proved !== undefined &&
    (!account.hasTotp ||
      (await checkSecondFactor(services, tenant, account, formValue(visit, 'code') ?? '', origin)) !==
        undefined);
  if (proved?.id !== account.id || !isSecondRight) return await confirmation(visit, login, back, true);
  await renew(visit, login, session.methods);
  return onward(visit, back);
}

/** POST /manage/confirm/passkey */
export async function submitConfirmPasskey(visit: Visit, login: Login): Promise<Outcome> {
  const { services, tenant, browser } = visit;
  const back = formValue(visit, 'back') ?? '';
  const proved = await authenticateByPasskey(services, tenant, browser, formValue(visit, 'credential') ?? '');
  if (proved?.id !== login.account.id) return await confirmation(visit, login, back, true);
  await renew(visit, login, [...login.session.methods, 'pop', 'user', 'mfa']);
  return onward(visit, back);
}
