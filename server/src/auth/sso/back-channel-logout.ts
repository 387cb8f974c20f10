import type { Tenant } from '../../access/scope.ts';
import { useAssertion } from '../../storage/auth/client-assertions.ts';
import type { PeopleServices } from '../accounts/people.ts';
import { FetchError } from '../clients/public-fetch.ts';
import { checkLogoutToken } from './oidc/logout-token.ts';
import { SsoError } from './proved-identity.ts';

/**
 * Ends the sessions that a provider says have ended, with what apps hold by them (OpenID Connect Back-Channel Logout 1.0,
 * 2.5 to 2.7).
 * @param body form with `logout_token`
 * @throws SsoError when it is not the provider's, or was used before
 */
export async function backChannelLogout(
  { sso, connections, sessions, onEvent }: PeopleServices,
  tenant: Tenant,
  providerId: string,
  body: unknown,
): Promise<void> {
  const provider = await sso.providers.find(tenant, providerId);
  if (provider?.kind !== 'oidc') throw new SsoError('there is no such provider');
  const jwt = (body as Record<string, unknown> | undefined)?.['logout_token'];
  if (typeof jwt !== 'string' || jwt.length > 20_000) throw new SsoError('logout_token is missing');
  const token = await checkLogoutToken(jwt, (again) => sso.oidc.keySet(provider, again), provider).catch(
    (error) => {
      throw error instanceof FetchError ? new SsoError("the provider's keys cannot be had") : error;
    },
  );
  if (!(await useAssertion(connections, tenant, `logout:${provider.id}`, token.jti, token.expires))) {
    throw new SsoError('the logout token was used before');
  }
  const { sid, sub } = token;
  const subject = sub === undefined ? undefined : `${provider.issuer} ${sub}`;
  const found = await sso.identities.sessionsOf(tenant, provider.id, {
    ...(sid === undefined ? {} : { session: sid }),
    ...(subject === undefined ? {} : { subject }),
  });
  for (const { id, accountId } of found) {
    await sessions.end(tenant, accountId, { id });
    onEvent?.(tenant, { kind: 'session-ended', accountId, provider: provider.id });
  }
}
