import { StoredFederatedLogins } from '../../storage/auth/federated-logins.ts';
import { StoredIdentities } from '../../storage/auth/identities.ts';
import { StoredIdentityProviders } from '../../storage/auth/identity-providers.ts';
import type { AuthServices } from '../services.ts';
import { OidcProviders } from './oidc/discovery.ts';

/** What logins at identity providers work with. */
export interface SsoServices extends Pick<AuthServices, 'keys'> {
  readonly providers: StoredIdentityProviders;
  readonly identities: StoredIdentities;
  readonly logins: StoredFederatedLogins;
  readonly oidc: OidcProviders;
}

export function createSsoServices({
  connections,
  secrets,
  keys,
  settings,
}: Pick<AuthServices, 'connections' | 'secrets' | 'keys' | 'settings'>): SsoServices {
  return {
    keys,
    providers: new StoredIdentityProviders(connections, secrets),
    identities: new StoredIdentities(connections),
    logins: new StoredFederatedLogins(connections, secrets),
    oidc: new OidcProviders(settings),
  };
}
