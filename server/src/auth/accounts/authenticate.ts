import type { Tenant } from '../../access/scope.ts';
import { countTry, forgetFailures, takeTryBack } from '../../storage/auth/login-failures.ts';
import type { Account } from './account.ts';
import type { Origin } from './events.ts';
import { ADDRESS_RULE, addressKey, LOGIN_RULE, loginKey } from './lockout.ts';
import { hashPassword, isOutdated, verifyPassword } from './password-hash.ts';
import type { PeopleServices } from './people.ts';
import { recoveryCodeHash } from './recovery-codes.ts';
import { totpStep } from './totp.ts';

/** Longest password that is hashed, in UTF-16 units: none that was ever set is longer. */
const LONGEST = 512;

/**
 * The account of a login and its password. For a wrong password, an unknown login, a disabled account, one that logs in
 * elsewhere only and one that has to wait the answer is the same after the same work, so that nobody learns which logins there are (OWASP ASVS 5.0, 6.3.8).
 * A try counts before it is judged: those at the same time do not pass together.
 * @throws BusyError when too many logins are at work
 */
export async function authenticate(
  services: PeopleServices,
  tenant: Tenant,
  login: string,
  password: string,
  origin: Origin,
): Promise<Account | undefined> {
  const { connections, accounts } = services;
  const now = Date.now();
  const keys = { address: addressKey(origin.address), login: loginKey(login) };
  const [byAddress, byLogin] = await Promise.all([
    countTry(connections, tenant, keys.address, ADDRESS_RULE, now),
    countTry(connections, tenant, keys.login, LOGIN_RULE, now),
  ]);
  const mustWait = byAddress === undefined || byLogin === undefined || password.length > LONGEST;
  const account = login.length > 320 ? undefined : await accounts.findByLogin(tenant, login.trim());
  const hash = account === undefined ? undefined : await accounts.passwordHash(tenant, account.id);
  const matches = await verifyPassword(
    mustWait || account?.state !== 'active' || !account.localLogins ? undefined : hash,
    password.slice(0, LONGEST),
  );
  if (!matches || account === undefined) {
    services.onEvent?.(tenant, {
      kind: mustWait ? 'login-throttled' : 'login-failed',
      accountId: account?.id,
      ...(account === undefined ? {} : { login: account.login }),
      ...origin,
    });
    return undefined;
  }
  await Promise.all([
    takeTryBack(connections, tenant, keys.address),
    forgetFailures(connections, tenant, keys.login),
    isOutdated(hash as string)
      ? hashPassword(password).then((fresh) => accounts.setPasswordHash(tenant, account.id, fresh))
      : undefined,
  ]);
  return account;
}

/**
 * Checks a one-time password or a recovery code of an account. Each is good once; failures slow down further tries.
 * @returns how it was proved (RFC 8176); undefined when it was not
 */
export async function checkSecondFactor(
  services: PeopleServices,
  tenant: Tenant,
  account: Account,
  code: string,
  origin: Origin,
): Promise<'otp' | 'recovery' | undefined> {
  const { accounts, connections } = services;
  const key = `factor:${account.id}`;
  const counted = await countTry(connections, tenant, key, LOGIN_RULE, Date.now());
  const proof = counted === undefined ? undefined : await proofOf(services, tenant, account, code);
  if (proof === undefined) {
    services.onEvent?.(tenant, { kind: 'second-factor-failed', accountId: account.id, ...origin });
    return undefined;
  }
  if (proof === 'recovery') {
    services.onEvent?.(tenant, { kind: 'second-factor-changed', accountId: account.id, ...origin });
    await services.mailer
      .send({
        kind: 'recovery-used',
        tenant,
        account,
        left: await accounts.recoveryCodesLeft(tenant, account.id),
      })
      .catch(services.onError);
  }
  await forgetFailures(connections, tenant, key);
  return proof;
}

async function proofOf(
  { accounts }: PeopleServices,
  tenant: Tenant,
  account: Account,
  code: string,
): Promise<'otp' | 'recovery' | undefined> {
  const { totp } = await accounts.factors(tenant, account.id);
  const step = totp === undefined ? undefined : await totpStep(totp, code);
  if (step !== undefined) return (await accounts.useTotpStep(tenant, account.id, step)) ? 'otp' : undefined;
  const hash = recoveryCodeHash(account.id, code);
  return hash !== undefined && (await accounts.useRecoveryCode(tenant, account.id, hash))
    ? 'recovery'
    : undefined;
}
