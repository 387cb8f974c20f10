import type { Tenant } from '../access/scope.ts';
import { createSecretBox, type SecretBox } from '../security/keys/secret-box.ts';
import { StoredAccounts } from '../storage/auth/accounts.ts';
import { StoredClients } from '../storage/auth/clients.ts';
import { StoredGrants } from '../storage/auth/grants.ts';
import { StoredLaunches } from '../storage/auth/launches.ts';
import type { Connections } from '../storage/connections.ts';
import type { AccountStore } from './accounts/account.ts';
import type { ClientStore } from './clients/client.ts';
import { ClientKeys } from './clients/client-keys.ts';
import { TenantKeys } from './keys/tenant-keys.ts';
import { type AuthSettings, authSettings } from './settings.ts';
import type { AccessToken } from './token/access-token.ts';
import type { CodeIssuer } from './token/codes.ts';
import { issueCode } from './token/issue-code.ts';
import type { LaunchStore } from './token/launches.ts';
import { createTokenVerifier, type RevocableVerifier } from './token/verifier.ts';

/** What the authorization server needs of the rest of the house. */
export interface AuthEnvironment {
  readonly settings: Partial<AuthSettings> & Pick<AuthSettings, 'baseUrl'>;
  readonly connections: Connections;
  /** What stored secrets are sealed with: 32 bytes, or a box that has keys of its own. */
  readonly masterKey: Uint8Array | SecretBox;
  /** The tenant of this name; undefined if there is none that is active. */
  findTenant(name: string): Promise<Tenant | undefined>;
  /** Whether the bearer of a user's token may read a resource, e.g. `Patient/1`: asked before it becomes a launch's context. */
  mayRead(tenant: Tenant, token: AccessToken, reference: string): Promise<boolean>;
  /**
   * Of scopes, those that can be enforced: without granular ones whose search cannot be carried out, or that the role may
   * not search by. All of them where this is left out.
   * @param role of the person; undefined for services
   */
  enforceable?(tenant: Tenant, scopes: string, role: string | undefined): Promise<string>;
  /** Told of errors that are not the client's. */
  onError(error: unknown): void;
}

/** What the endpoints of authorization work with. */
export interface AuthServices extends Omit<AuthEnvironment, 'settings' | 'masterKey' | 'enforceable'> {
  /** See {@link AuthEnvironment.enforceable}. */
  enforceable(tenant: Tenant, scopes: string, role: string | undefined): Promise<string>;
  readonly settings: AuthSettings;
  readonly secrets: SecretBox;
  readonly keys: TenantKeys;
  readonly accounts: AccountStore;
  readonly clients: ClientStore;
  readonly clientKeys: ClientKeys;
  readonly grants: StoredGrants;
  readonly codes: CodeIssuer;
  readonly launches: LaunchStore;
  readonly verifier: RevocableVerifier;
}

/** @throws RangeError for settings out of bounds; MasterKeyError for a key of a wrong length */
export function createAuthServices(environment: AuthEnvironment): AuthServices {
  const { connections } = environment;
  const settings = authSettings(environment.settings);
  const { masterKey } = environment;
  const secrets = masterKey instanceof Uint8Array ? createSecretBox(masterKey) : masterKey;
  const keys = new TenantKeys(connections, secrets, { rotationSeconds: settings.keyRotationSeconds });
  const verifier = createTokenVerifier({ connections, keys, baseUrl: settings.baseUrl });
  const onRevoked = () => verifier.revoked();
  return {
    findTenant: (name) => environment.findTenant(name),
    mayRead: (tenant, token, reference) => environment.mayRead(tenant, token, reference),
    enforceable: async (tenant, scopes, role) =>
      (await environment.enforceable?.(tenant, scopes, role)) ?? scopes,
    onError: (error) => environment.onError(error),
    connections,
    settings,
    secrets,
    keys,
    accounts: new StoredAccounts(connections, secrets),
    clients: new StoredClients(connections, onRevoked),
    clientKeys: new ClientKeys(settings),
    grants: new StoredGrants(connections, onRevoked),
    codes: { issueCode: (tenant, request) => issueCode(connections, tenant, request) },
    launches: new StoredLaunches(connections),
    verifier,
  };
}
