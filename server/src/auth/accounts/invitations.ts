import type { Tenant } from '../../access/scope.ts';
import { newSecret } from '../hash.ts';
import { urlsOf } from '../urls.ts';
import type { Account } from './account.ts';
import { hashPassword } from './password-hash.ts';
import { type PasswordFault, passwordFault } from './password-rules.ts';
import type { PeopleServices } from './people.ts';

const INVITATION_HOURS = 72;
const RESET_HOURS = 1;

type Needs = Pick<PeopleServices, 'accounts' | 'mailer' | 'settings'>;

/**
 * Writes to a person who has an account but no password yet.
 * @returns the link of the letter, for who has no mail
 */
export async function invite(services: Needs, tenant: Tenant, account: Account): Promise<string> {
  return await sendLink(services, tenant, account, 'invitation', INVITATION_HOURS);
}

/** Writes to a person who has forgotten the password. */
export async function sendReset(services: Needs, tenant: Tenant, account: Account): Promise<string> {
  return await sendLink(services, tenant, account, 'reset', RESET_HOURS);
}

async function sendLink(
  { accounts, mailer, settings }: Needs,
  tenant: Tenant,
  account: Account,
  kind: 'invitation' | 'reset',
  hours: number,
): Promise<string> {
  const token = newSecret();
  await accounts.addToken(tenant, kind, token, account.id, Date.now() + hours * 3600_000);
  // The address comes from the settings, never from a request's Host.
  const link = `${urlsOf(settings.baseUrl, tenant).issuer}/${kind}?token=${token}`;
  await mailer.send({ kind, tenant, account, link, hours });
  return link;
}

/**
 * What the tenant's rules have against a new password of an account.
 * @returns undefined when it may be set
 */
export async function faultOfPassword(
  services: Pick<PeopleServices, 'policyOf'> & Partial<Pick<PeopleServices, 'breaches'>>,
  tenant: Tenant,
  account: Pick<Account, 'login' | 'name' | 'email'>,
  password: string,
): Promise<PasswordFault | undefined> {
  const { minimumPasswordLength } = await services.policyOf(tenant);
  const expected = [account.login, account.name, account.email ?? '', tenant.name, 'vesta'];
  return await passwordFault(password, expected, {
    minimumLength: minimumPasswordLength,
    ...(services.breaches === undefined ? {} : { breaches: services.breaches }),
  });
}

/** Sets a password that has passed {@link faultOfPassword}. */
export async function setPassword(
  { accounts }: Pick<PeopleServices, 'accounts'>,
  tenant: Tenant,
  account: Pick<Account, 'id'>,
  password: string,
): Promise<void> {
  await accounts.setPasswordHash(tenant, account.id, await hashPassword(password));
}
