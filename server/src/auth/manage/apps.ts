import type { AppAccess } from '../pages/manage.ts';
import { managePage } from '../pages/manage.ts';
import { formValue, type Outcome, queryValue } from '../pages/routes.ts';
import type { Login, Visit } from '../sessions/visit.ts';
import { launchableApps } from './launch.ts';

/** GET /manage: a person's page. */
export async function showManage(visit: Visit, login: Login): Promise<Outcome> {
  const { services, tenant } = visit;
  const { account, session } = login;
  const [apps, sessions, passkeys, recoveryCodes, providers, identities, launchable] = await Promise.all([
    appsOf(visit, account.id),
    services.sessions.ofAccount(tenant, account.id),
    services.accounts.passkeys(tenant, account.id),
    services.accounts.recoveryCodesLeft(tenant, account.id),
    services.sso.providers.list(tenant),
    services.sso.identities.ofAccount(tenant, account.id),
    launchableApps(visit),
  ]);
  return managePage(visit, {
    account,
    session,
    apps,
    sessions,
    passkeys,
    recoveryCodes,
    providers: new Map(providers.map(({ id, name }) => [id, name])),
    linked: [...new Set(identities.map(({ provider }) => provider))],
    canLaunch: launchable.length > 0,
    done: queryValue(visit, 'done') !== undefined,
  });
}

async function appsOf({ services, tenant }: Visit, accountId: string): Promise<AppAccess[]> {
  const grants = await services.grants.ofAccount(tenant, accountId);
  const ids = [...new Set(grants.map(({ clientId }) => clientId))];
  return await Promise.all(
    ids.map(async (clientId) => ({
      clientId,
      name: (await services.clients.find(tenant, clientId))?.name,
      grants: grants.filter((grant) => grant.clientId === clientId),
    })),
  );
}

export const managed = ({ path }: Visit): Outcome => ({ redirect: `${path}/manage?done=yes` });

/** POST /manage/apps: takes back all that an app may do, and what was remembered of it. */
export async function revokeApp(visit: Visit, { account }: Login): Promise<Outcome> {
  const { services, tenant, origin } = visit;
  const client = formValue(visit, 'client');
  if (client !== undefined) {
    await services.grants.revoke(tenant, { account: account.id, client });
    await services.consents.forget(tenant, account.id, client);
    services.onEvent?.(tenant, { kind: 'app-revoked', accountId: account.id, clientId: client, ...origin });
  }
  return managed(visit);
}

/** POST /manage/sessions: ends one session of the person, or all but this one. */
export async function endSession(visit: Visit, { account, session }: Login): Promise<Outcome> {
  const { services, tenant, origin } = visit;
  const which = formValue(visit, 'which') ?? '';
  if (which === 'others') await services.sessions.end(tenant, account.id, { except: session.id });
  else if (/^[0-9a-f-]{36}$/.test(which)) await services.sessions.end(tenant, account.id, { id: which });
  else return managed(visit);
  services.onEvent?.(tenant, { kind: 'session-ended', accountId: account.id, ...origin });
  return managed(visit);
}
