import { readFileSync } from 'node:fs';
import type { Tenant } from '../access/scope.ts';
import { checkProvider, type IdentityProvider, ProviderError } from '../auth/sso/provider.ts';
import { readProviderMetadata } from '../auth/sso/saml/provider-metadata.ts';
import { providerUrls } from '../auth/sso/start.ts';
import { urlsOf } from '../auth/urls.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { localWrapper } from '../security/keys/key-wrapper.ts';
import { KeyVault } from '../security/keys/vault.ts';
import { masterKeysOf, type SecuritySettings } from '../security/settings.ts';
import { StoredAccounts } from '../storage/auth/accounts.ts';
import { StoredIdentities } from '../storage/auth/identities.ts';
import { StoredIdentityProviders } from '../storage/auth/identity-providers.ts';
import type { Connections } from '../storage/connections.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withinTenant } from './within-tenant.ts';

const ACTIONS = ['add', 'replace', 'list', 'show', 'remove', 'link', 'unlink'] as const;
type Action = (typeof ACTIONS)[number];

/** What the actions work with. */
interface Place {
  readonly config: Config;
  readonly connections: Connections;
  readonly tenant: Tenant;
  readonly providers: StoredIdentityProviders;
}

/** `vesta sso ...` */
export const sso: Command = {
  help: `Usage: vesta sso add FILE [--secret FILE] [--metadata FILE]
       vesta sso replace FILE [--secret FILE] [--metadata FILE]
       vesta sso list
       vesta sso show ID
       vesta sso remove ID
       vesta sso link ID LOGIN --subject SUBJECT
       vesta sso unlink ID LOGIN

Lets people of a tenant log in at an identity provider, by OpenID Connect or SAML 2.0. A running server knows of changes
at once. FILE is JSON that describes the provider; what is left out has the default:

  kind             oidc or saml
  id, name         part of its addresses (a-z, 0-9, hyphens); what people see on the login page
  roles            [{"claim", "value", "role"}, ...]: the first that fits gives the role, who fits none is refused;
                   value * is any, but for super_admin and org_admin; claim may be a path: realm_access.roles
  claims           {"login", "name", "email"}: claims or attributes of these meanings; {"fhirUser"}: one that holds a
                   reference, or {"practitioner": {"claim", "system"}}: an identifier of the Practitioner
  linkByEmail      an invited account is for who comes with its verified e-mail address (false)
  trustEmail       the provider has verified every address that it gives (false)
  createAccounts   who has no account gets one (false)
  localLogins      linked accounts may also log in here, by password or passkey (true)
  mfa              {"acr": [...], "amr": [...]}: what shows a second factor that counts here (none)

  oidc: issuer, clientId, clientAuthentication (client_secret_basic, client_secret_post, private_key_jwt by the tenant's
        own /jwks), scope (openid profile email), userinfo (false: only the id_token is read), privateNetwork (false)
  saml: entityId, ssoUrl (HTTP-Redirect) and certificates (PEM), or all three from --metadata; nameIdFormat,
        subjectAttribute (in place of the NameID), signingCertificate (PEM; requests are signed by the key of --secret)

add shows what to register at the provider. replace keeps the links of accounts, and the secret unless one is given.
remove ends the sessions that began at the provider, and all links. link says by SUBJECT (sub, or NameID) who at the
provider has the account LOGIN.

  --tenant NAME    for this tenant (demo)
  --secret FILE    client secret, or private key in PEM; kept encrypted
  --metadata FILE  the provider's SAML metadata
  --subject TEXT   who it is at the provider`,

  async run(args) {
    const text = { type: 'string' } as const;
    const { values, positionals } = parse(
      args,
      { tenant: text, secret: text, metadata: text, subject: text },
      [1, 3],
    );
    const [action, first, login] = positionals as [Action, string | undefined, string | undefined];
    if (!ACTIONS.includes(action)) throw new UsageError(`"${action}" is not ${ACTIONS.join(', ')}`);
    const isLink = action === 'link' || action === 'unlink';
    const count = action === 'list' ? 1 : isLink ? 3 : 2;
    if (positionals.length < count) throw new UsageError('An argument is missing');
    if (positionals.length > count) throw new UsageError(`"${positionals[count]}" is one too many`);
    if ((values.subject !== undefined) !== (action === 'link')) {
      throw new UsageError('--subject belongs to link, which needs it');
    }
    const isChange = action === 'add' || action === 'replace';
    if (!isChange && (values.secret ?? values.metadata) !== undefined) {
      throw new UsageError('--secret and --metadata belong to add and replace');
    }
    const config = loadConfig();
    const provider = isChange ? await describedProvider(first as string, values.metadata) : undefined;
    const secret = values.secret === undefined ? undefined : readText(values.secret, '--secret').trim();
    return await withinTenant(
      config,
      `sso ${action}`,
      values.tenant ?? 'demo',
      async (connections, tenant) => {
        const place = { config, connections, tenant, providers: new StoredIdentityProviders(connections) };
        if (provider !== undefined) return await store(place, provider, secret, action === 'replace');
        if (action === 'list') return await list(place);
        const found = await place.providers.find(tenant, first as string);
        if (found === undefined) {
          console.error(`Tenant ${tenant.name} has no identity provider ${first}`);
          return 1;
        }
        if (action === 'show') return show(place, found);
        if (action === 'remove') return await remove(place, found);
        return await changeLink(place, found, login as string, values.subject);
      },
    );
  },
};

/** @throws UsageError when the file describes no provider */
async function describedProvider(file: string, metadata: string | undefined): Promise<IdentityProvider> {
  let described: unknown;
  const text = readText(file, 'FILE');
  try {
    described = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not JSON (${(error as Error).message})`);
  }
  try {
    const more = metadata === undefined ? {} : await readProviderMetadata(readText(metadata, '--metadata'));
    return checkProvider({ ...(described as object), ...more }, { allowHttp: true });
  } catch (error) {
    throw error instanceof ProviderError ? new UsageError(error.message) : error;
  }
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${what}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

async function store(place: Place, provider: IdentityProvider, secret: string | undefined, again: boolean) {
  const { config, connections, tenant } = place;
  const earlier = await place.providers.find(tenant, provider.id);
  if (again ? earlier === undefined : earlier !== undefined) {
    console.error(`Tenant ${tenant.name} has ${again ? 'no' : 'an'} identity provider ${provider.id}`);
    return 1;
  }
  if (earlier !== undefined && identityOf(earlier) !== identityOf(provider)) {
    console.error(
      'Another issuer is another provider: its people are others. Remove the old one, or use another id',
    );
    return 1;
  }
  const fault = secretFault(provider, secret, again);
  if (fault !== undefined) throw new UsageError(fault);
  const vault = new KeyVault({
    connections,
    wrapper: localWrapper(masterKeysOf(config as Config & Partial<SecuritySettings>)),
  });
  try {
    const providers = new StoredIdentityProviders(connections, await vault.secretBox());
    const done = await (again
      ? providers.replace(tenant, provider, secret)
      : providers.add(tenant, provider, secret));
    if (!done) throw new Error(`The identity provider ${provider.id} was changed by somebody else meanwhile`);
  } finally {
    await vault.close();
  }
  return show(place, provider);
}

const identityOf = (provider: IdentityProvider): string =>
  provider.kind === 'oidc' ? `oidc ${provider.issuer}` : `saml ${provider.entityId}`;

/** What is wrong about giving this secret, or none. */
function secretFault(
  provider: IdentityProvider,
  secret: string | undefined,
  again: boolean,
): string | undefined {
  const isKey = provider.kind === 'saml';
  const needed = isKey
    ? provider.signingCertificate !== undefined
    : provider.clientAuthentication !== 'private_key_jwt';
  if (needed && secret === undefined && !again) {
    return `--secret is missing: the ${isKey ? 'key of signingCertificate' : 'client secret'}`;
  }
  if (!needed && secret !== undefined) return 'This provider needs no --secret';
  if (secret === '') return '--secret: the file is empty';
  return isKey && secret !== undefined && !/^-----BEGIN (RSA )?PRIVATE KEY-----/.test(secret)
    ? '--secret: this is no private key in PEM'
    : undefined;
}

async function list({ providers, tenant }: Place): Promise<number> {
  const all = await providers.list(tenant);
  for (const each of all)
    console.log(`${each.id.padEnd(24)}${each.kind}  ${each.name}  ${identityOf(each).slice(5)}`);
  if (all.length === 0) console.log(`Tenant ${tenant.name} has no identity providers`);
  return 0;
}

function show({ config, tenant }: Pick<Place, 'config' | 'tenant'>, provider: IdentityProvider): number {
  const { issuer } = urlsOf(config.baseUrl, tenant);
  const urls = providerUrls({ base: issuer }, provider);
  if (provider.kind === 'oidc') {
    console.log(`redirect URI         ${urls.callback}`);
    console.log(`back-channel logout  ${issuer}/sso/${provider.id}/backchannel-logout`);
    if (provider.clientAuthentication === 'private_key_jwt')
      console.log(`keys                 ${issuer}/jwks`);
  } else {
    console.log(`metadata, entity id  ${urls.metadata}`);
    console.log(`assertion consumer   ${urls.acs}`);
  }
  console.log(JSON.stringify(provider, null, 2));
  return 0;
}

async function remove({ providers, tenant }: Place, { id }: IdentityProvider): Promise<number> {
  const removed = await providers.remove(tenant, id);
  console.log(
    `${id} is gone, with ${removed?.links ?? 0} links of accounts and ${removed?.sessions ?? 0} sessions`,
  );
  return 0;
}

async function changeLink(
  { connections, tenant }: Place,
  provider: IdentityProvider,
  login: string,
  subject: string | undefined,
): Promise<number> {
  const account = await new StoredAccounts(connections).findByLogin(tenant, login);
  if (account === undefined) {
    console.error(`Tenant ${tenant.name} has no account ${login}`);
    return 1;
  }
  const identities = new StoredIdentities(connections);
  if (subject === undefined) {
    const count = await identities.unlink(tenant, provider.id, account.id);
    console.log(`${login}: ${count} links with ${provider.id} were removed`);
    return count === 0 ? 1 : 0;
  }
  const issuer = provider.kind === 'oidc' ? provider.issuer : provider.entityId;
  if (!(await identities.link(tenant, provider.id, `${issuer} ${subject}`, account.id))) {
    console.error(`${subject} of ${provider.id} is linked with an account already`);
    return 1;
  }
  console.log(`${subject} of ${provider.id} logs in as ${login}`);
  return 0;
}
