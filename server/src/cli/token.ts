import { randomUUID } from 'node:crypto';
import type { Tenant } from '../access/scope.ts';
import { TenantKeys } from '../auth/keys/tenant-keys.ts';
import { parseScopes } from '../auth/scopes/parse.ts';
import { DEFAULT_SETTINGS } from '../auth/settings.ts';
import type { AccessToken } from '../auth/token/access-token.ts';
import { mintAccessToken } from '../auth/token/mint.ts';
import { granted, systemOnly } from '../auth/token/scope-rules.ts';
import { systemGrantId } from '../auth/token/system-grant.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { localWrapper } from '../security/keys/key-wrapper.ts';
import type { SecretBox } from '../security/keys/secret-box.ts';
import { KeyVault } from '../security/keys/vault.ts';
import { masterKeysOf } from '../security/settings.ts';
import { StoredAccounts } from '../storage/auth/accounts.ts';
import { StoredClients } from '../storage/auth/clients.ts';
import type { Connections } from '../storage/connections.ts';
import { type Command, parse, UsageError, wholeNumber } from './command.ts';
import { withinTenant } from './within-tenant.ts';

/** Client of tokens that are made without one. */
const OPERATOR = 'vesta-cli';

/** `vesta token`. */
export const token: Command = {
  help: `Usage: vesta token [--tenant NAME] [--user LOGIN | --client ID] [--scope "SCOPE..."] [--patient ID] [--minutes N]

Prints an access token, for use with curl:

  curl -H "Authorization: Bearer $(vesta token --tenant demo)" http://localhost:8080/fhir/demo/Patient

It is signed with the tenant's key, which takes the rights of the database's owner and the master key.

  --tenant NAME   of this tenant (demo)
  --user LOGIN    as this person, who may do what the role allows (scope user/*.cruds; of patients patient/*.cruds)
  --client ID     as this registered service, with its system/ scopes or some of them
                  without both: as the operator (scope system/*.cruds)
  --scope SCOPES  with these scopes
  --patient ID    with this patient in context
  --minutes N     that ends after 1 to 60 minutes (15)`,

  async run(args) {
    const text = { type: 'string' } as const;
    const { values } = parse(
      args,
      { tenant: text, user: text, client: text, scope: text, patient: text, minutes: text },
      [0, 0],
    );
    if (values.user !== undefined && values.client !== undefined) {
      throw new UsageError('--user and --client exclude each other');
    }
    const minutes = wholeNumber('minutes', values.minutes, 15, 1, 60);
    const { scope, patient } = values;
    const unknown = parseScopes(scope ?? '').unknown[0];
    if (unknown !== undefined) throw new UsageError(`--scope: "${unknown}" is no scope`);
    const config = loadConfig();
    const name = values.tenant ?? 'demo';
    const jwt = await withinTenant(config, 'token', name, async (connections, tenant) => {
      return await signed(config, connections, tenant, minutes, async (secrets) =>
        values.user !== undefined
          ? ofPerson(new StoredAccounts(connections, secrets), tenant, values.user, scope, patient)
          : ofService(connections, tenant, values.client, scope, patient),
      );
    });
    console.log(jwt);
    return 0;
  },
};

/**
 * A token with which the server's own commands may do everything in a tenant, for an hour.
 * @param connections of the database's owner
 */
export function operatorToken(config: Config, connections: Connections, tenant: Tenant): Promise<string> {
  return signed(config, connections, tenant, 60, () =>
    ofService(connections, tenant, undefined, undefined, undefined),
  );
}

async function signed(
  config: Config,
  connections: Connections,
  tenant: Tenant,
  minutes: number,
  fieldsOf: (secrets: SecretBox) => Promise<Fields>,
): Promise<string> {
  const vault = new KeyVault({ connections, wrapper: localWrapper(masterKeysOf(config)) });
  try {
    const secrets = await vault.secretBox();
    const { keyRotationSeconds } = DEFAULT_SETTINGS;
    const keys = new TenantKeys(connections, secrets, { rotationSeconds: keyRotationSeconds });
    const settings = { ...DEFAULT_SETTINGS, baseUrl: config.baseUrl };
    return (await mintAccessToken({ keys, settings }, tenant, await fieldsOf(secrets), minutes * 60)).jwt;
  } finally {
    await vault.close();
  }
}

type Fields = Omit<AccessToken, 'id' | 'issued' | 'expires'>;

/** @throws Error when there is no such account, or it is not active */
async function ofPerson(
  accounts: StoredAccounts,
  tenant: Tenant,
  login: string,
  scope: string | undefined,
  patient: string | undefined,
): Promise<Fields> {
  const account = await accounts.findByLogin(tenant, login);
  if (account === undefined) throw new Error(`Tenant ${tenant.name} has no account "${login}"`);
  if (account.state !== 'active') throw new Error(`The account "${login}" is ${account.state}`);
  const own = /^Patient\/(.+)$/.exec(account.fhirUser ?? '')?.[1];
  const context = patient ?? own;
  return {
    grantId: randomUUID(),
    clientId: OPERATOR,
    subject: account.id,
    role: account.role,
    ...(account.fhirUser === undefined ? {} : { fhirUser: account.fhirUser }),
    scopes:
      scope ?? `openid fhirUser ${own === undefined ? 'user/*.cruds' : 'launch/patient patient/*.cruds'}`,
    ...(context === undefined ? {} : { patient: context }),
    purposeOfUse: 'TREAT',
  };
}

/** @throws Error when there is no such client, or it may have none of the scopes */
async function ofService(
  connections: Connections,
  tenant: Tenant,
  id: string | undefined,
  scope: string | undefined,
  patient: string | undefined,
): Promise<Fields> {
  const context = patient === undefined ? {} : { patient };
  if (id === undefined) {
    return {
      grantId: randomUUID(),
      clientId: OPERATOR,
      subject: OPERATOR,
      scopes: scope ?? 'system/*.cruds',
      ...context,
    };
  }
  const client = await new StoredClients(connections, () => {}).find(tenant, id);
  if (client === undefined) throw new Error(`Tenant ${tenant.name} has no client ${id}`);
  const scopes = granted(systemOnly(scope ?? client.scopes), client.scopes);
  if (scopes === '')
    throw new Error(
      `The client ${id} is registered for none of these system/ scopes: ${scope ?? client.scopes}`,
    );
  return { grantId: systemGrantId(client), clientId: id, subject: id, scopes, ...context };
}
