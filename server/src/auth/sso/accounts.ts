import type { Account } from '../accounts/account.ts';
import type { Visit } from '../sessions/visit.ts';
import { urlsOf } from '../urls.ts';
import { claimedFhirUser, claimText, mappedRole, type ProvedIdentity, SsoError } from './proved-identity.ts';
import type { IdentityProvider } from './provider.ts';

/** Why a person whom the provider knows may not come in; each has a page of its own. */
export type Refusal = 'role' | 'unknown' | 'disabled';

export class RefusedPersonError extends SsoError {
  readonly refusal: Refusal;
  readonly accountId: string | undefined;

  constructor(refusal: Refusal, reason: string, accountId?: string) {
    super(reason);
    this.refusal = refusal;
    this.accountId = accountId;
  }
}

/**
 * The account of a person whom a provider has proved, with the role and the reference that the provider gives now: the one
 * that is linked, an invited one of the same verified e-mail address, or a new one, as the provider's rules allow. What
 * apps and other browsers hold by an earlier role ends.
 * @throws RefusedPersonError when there is none, or it may not come in; SsoError for claims that cannot be right
 */
export async function accountOf(
  visit: Visit,
  provider: IdentityProvider,
  proved: ProvedIdentity,
): Promise<Account> {
  const { services, tenant, origin } = visit;
  const { identities } = services.sso;
  const linked = await identities.accountOf(tenant, provider.id, proved.subject);
  const role = mappedRole(provider.roles, proved.claims);
  if (role === undefined) {
    // Whoever has lost every role keeps nothing that an earlier one gave.
    if (linked !== undefined) await endAccess(visit, linked);
    throw new RefusedPersonError('role', 'no role is mapped', linked);
  }
  const known = linked === undefined ? undefined : await services.accounts.find(tenant, linked);
  if (known?.state === 'disabled')
    throw new RefusedPersonError('disabled', 'the account is disabled', known.id);
  const fhirUser = await fhirUserOf(visit, provider, proved);
  const account =
    known ??
    (await linkedByEmail(visit, provider, proved)) ??
    (await created(visit, provider, proved, role, fhirUser));
  const isFhirUserKnown = fhirUser === undefined || (account.fhirUser ?? null) === fhirUser;
  if (account.role !== role || !isFhirUserKnown) {
    await endAccess(visit, account.id, visit.login?.session.id);
    services.onEvent?.(tenant, {
      kind: 'role-changed',
      accountId: account.id,
      provider: provider.id,
      reason: role,
      ...origin,
    });
  }
  await identities.noteLogin(tenant, provider.id, proved.subject, account.id, { role, fhirUser });
  const current = await services.accounts.find(tenant, account.id);
  // It may have been disabled meanwhile.
  if (current?.state !== 'active')
    throw new RefusedPersonError('disabled', 'the account is disabled', account.id);
  return current;
}

/** @param except the session that goes on: it holds no role of its own */
async function endAccess({ services, tenant }: Visit, accountId: string, except?: string): Promise<void> {
  await services.sessions.end(tenant, accountId, except === undefined ? {} : { except });
  await services.grants.revoke(tenant, { account: accountId });
}

/** Whom the account stands for; null for nobody, undefined when the provider is not asked. */
async function fhirUserOf(
  { services, tenant }: Visit,
  { claims: names }: IdentityProvider,
  { claims }: ProvedIdentity,
): Promise<string | null | undefined> {
  if (names.fhirUser !== undefined) {
    return claimedFhirUser(claims, names, urlsOf(services.settings.baseUrl, tenant).fhir) ?? null;
  }
  if (names.practitioner === undefined) return undefined;
  const { claim, system } = names.practitioner;
  const value = claimText(claims, claim);
  const id = value === undefined ? undefined : await services.findPractitioner?.(tenant, system, value);
  return id === undefined ? null : `Practitioner/${id}`;
}

/** The verified e-mail address; undefined when there is none, or nobody has verified it. */
function emailOf({ claims: names, trustEmail }: IdentityProvider, { claims, emailVerified }: ProvedIdentity) {
  const email = emailVerified || trustEmail ? claimText(claims, names.email) : undefined;
  return email !== undefined && /^[^\s@,;<>]+@[^\s@,;<>]+$/.test(email) ? email : undefined;
}

/** Only an invited account: one that somebody uses already is linked by an administrator, who knows whose it is. */
async function linkedByEmail(
  { services, tenant, origin }: Visit,
  provider: IdentityProvider,
  proved: ProvedIdentity,
): Promise<Account | undefined> {
  const email = provider.linkByEmail ? emailOf(provider, proved) : undefined;
  if (email === undefined) return undefined;
  const found = await services.accounts.findByEmail(tenant, email);
  const [account] = found;
  if (found.length !== 1 || account?.state !== 'invited') return undefined;
  const { identities } = services.sso;
  // Somebody else of this provider may have it already, with an address that was given to another person since.
  const others = await identities.ofAccount(tenant, account.id);
  if (others.length > 0 || !(await identities.link(tenant, provider.id, proved.subject, account.id)))
    return undefined;
  services.onEvent?.(tenant, {
    kind: 'account-linked',
    accountId: account.id,
    provider: provider.id,
    ...origin,
  });
  return account;
}

async function created(
  { services, tenant, origin }: Visit,
  provider: IdentityProvider,
  proved: ProvedIdentity,
  role: string,
  fhirUser: string | null | undefined,
): Promise<Account> {
  if (!provider.createAccounts)
    throw new RefusedPersonError('unknown', 'there is no account, and none is made');
  const { claims: names } = provider;
  const email = emailOf(provider, proved);
  const login = claimText(proved.claims, names.login) ?? email;
  if (login === undefined || /\s/.test(login))
    throw new SsoError('no claim can be the login of a new account');
  const { identities } = services.sso;
  const id = await identities.createLinked(tenant, provider.id, proved.subject, {
    login,
    name: claimText(proved.claims, names.name, 200) ?? login,
    role,
    ...(email === undefined ? {} : { email }),
    ...(typeof fhirUser === 'string' ? { fhirUser } : {}),
  });
  // Another login of the same person at the same time may have made it.
  const accountId = id ?? (await identities.accountOf(tenant, provider.id, proved.subject));
  const account = accountId === undefined ? undefined : await services.accounts.find(tenant, accountId);
  if (account === undefined) throw new RefusedPersonError('unknown', 'the login belongs to another account');
  if (id !== undefined) {
    services.onEvent?.(tenant, {
      kind: 'account-provisioned',
      accountId: id,
      provider: provider.id,
      reason: role,
      ...origin,
    });
  }
  return account;
}
