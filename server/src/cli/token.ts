import { randomUUID } from 'node:crypto';
import { ROLES } from '../access/policies/index.ts';
import type { Tenant } from '../access/scope.ts';
import type { Account } from '../auth/accounts/account.ts';
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
  help: `Usage: vesta token [--tenant NAME] [--role ROLE | --user LOGIN | --client ID] [--patient ID] [--scope "SCOPE..."]
                   [--minutes N] [--quiet]

Prints an access token, for use with curl; what it is goes to standard error:

  curl --oauth2-bearer "$(vesta token)" http://localhost:8080/fhir/demo/Patient
  curl --oauth2-bearer "$(vesta token --role nurse)" http://localhost:8080/fhir/demo/Patient

It is signed with the tenant's key, which takes the rights of the database's owner and the master key.

  --tenant NAME   of this tenant (demo)
  --role ROLE     as the first account of this role, e.g. nurse; the demo tenant has one for each
  --user LOGIN    as this person, who may do what the role allows (scope user/*.cruds; of patients patient/*.cruds)
  --client ID     as this registered service, with its system/ scopes or some of them
                  without these three: as the operator (scope system/*.cruds)
  --patient ID    with this patient in context; without a person, as an app of this patient (scope patient/*.cruds)
  --scope SCOPES  with these scopes
  --minutes N     that ends after 1 to 60 minutes (15)
  --quiet         says nothing on standard error`,

  async run(args) {
    const text = { type: 'string' } as const;
    const { values } = parse(
      args,
      {
        tenant: text,
        role: text,
        user: text,
        client: text,
        scope: text,
        patient: text,
        minutes: text,
        quiet: { type: 'boolean' },
      },
      [0, 0],
    );
    const who = (['role', 'user', 'client'] as const).filter((name) => values[name] !== undefined);
    if (who.length > 1) throw new UsageError(`--${who[0]} and --${who[1]} exclude each other`);
    const minutes = wholeNumber('minutes', values.minutes, 15, 1, 60);
    const { role, user, client, scope, patient } = values;
    const unknown = parseScopes(scope ?? '').unknown[0];
    if (unknown !== undefined) throw new UsageError(`--scope: "${unknown}" is no scope`);
    if (role !== undefined && !(ROLES as readonly string[]).includes(role))
      throw new UsageError(`--role: there is no role "${role}"; there are ${ROLES.join(', ')}`);
    if (patient !== undefined && !/^[A-Za-z0-9\-.]{1,64}$/.test(patient))
      throw new UsageError(`--patient: "${patient}" is no id of a Patient`);
    const config = loadConfig();
    const name = values.tenant ?? 'demo';
    const made = await withinTenant(config, 'token', name, async (connections, tenant) => {
      return await signed(config, connections, tenant, minutes, async (secrets) => {
        const accounts = new StoredAccounts(connections, secrets);
        const account =
          role !== undefined
            ? await firstOfRole(accounts, tenant, role)
            : user !== undefined
              ? await activeAccount(accounts, tenant, user)
              : undefined;
        return account === undefined
          ? await ofService(connections, tenant, client, scope, patient)
          : ofPerson(account, scope, patient);
      });
    });
    if (values.quiet !== true) console.error(described(config, name, made, minutes));
    console.log(made.jwt);
    return 0;
  },
};

/** What a token is, for people. */
function described(config: Config, tenant: string, { fields }: Signed, minutes: number): string {
  const { role, fhirUser, subject, scopes, patient, clientId } = fields;
  const who =
    role !== undefined
      ? `${role}${fhirUser === undefined ? '' : ` (${fhirUser})`}`
      : clientId === OPERATOR
        ? 'the operator'
        : `client ${subject}`;
  const about = patient === undefined ? '' : `, with Patient/${patient} in context`;
  return (
    `Token of tenant ${tenant} as ${who}${about}, for ${minutes} minutes: ${scopes}\n` +
    `curl --oauth2-bearer TOKEN ${config.baseUrl}/fhir/${tenant}/Patient`
  );
}

/**
 * A token with which the server's own commands may do everything in a tenant, for an hour.
 * @param connections of the database's owner
 */
export async function operatorToken(
  config: Config,
  connections: Connections,
  tenant: Tenant,
): Promise<string> {
  const { jwt } = await signed(config, connections, tenant, 60, () =>
    ofService(connections, tenant, undefined, undefined, undefined),
  );
  return jwt;
}

interface Signed {
  readonly jwt: string;
  readonly fields: Fields;
}

async function signed(
  config: Config,
  connections: Connections,
  tenant: Tenant,
  minutes: number,
  fieldsOf: (secrets: SecretBox) => Promise<Fields>,
): Promise<Signed> {
  const vault = new KeyVault({ connections, wrapper: localWrapper(masterKeysOf(config)) });
  try {
    const secrets = await vault.secretBox();
    const { keyRotationSeconds } = DEFAULT_SETTINGS;
    const keys = new TenantKeys(connections, secrets, { rotationSeconds: keyRotationSeconds });
    const settings = { ...DEFAULT_SETTINGS, baseUrl: config.baseUrl };
    const fields = await fieldsOf(secrets);
    const { jwt } = await mintAccessToken({ keys, settings }, tenant, fields, minutes * 60);
    return { jwt, fields };
  } finally {
    await vault.close();
  }
}

type Fields = Omit<AccessToken, 'id' | 'issued' | 'expires'>;

/** @throws Error when there is no such account, or it is not active */
async function activeAccount(accounts: StoredAccounts, tenant: Tenant, login: string): Promise<Account> {
  const account = await accounts.findByLogin(tenant, login);
  if (account === undefined) throw new Error(`Tenant ${tenant.name} has no account "${login}"`);
  if (account.state !== 'active') throw new Error(`The account "${login}" is ${account.state}`);
  return account;
}

/** @throws Error when no active account has the role */
async function firstOfRole(accounts: StoredAccounts, tenant: Tenant, role: string): Promise<Account> {
  const active = (await accounts.list(tenant)).filter(({ state }) => state === 'active');
  const found = active.find((account) => account.role === role);
  if (found !== undefined) return found;
  const roles = [...new Set(active.map((account) => account.role))];
  throw new Error(
    `Tenant ${tenant.name} has no active account of role ${role}; ${
      roles.length === 0 ? 'vesta account create makes accounts' : `there are ${roles.join(', ')}`
    }`,
  );
}

function ofPerson(account: Account, scope: string | undefined, patient: string | undefined): Fields {
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
      scopes: scope ?? (patient === undefined ? 'system/*.cruds' : 'launch/patient patient/*.cruds'),
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
