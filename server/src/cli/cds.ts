import { readFileSync } from 'node:fs';
import type { Tenant } from '../access/scope.ts';
import type { JwkSet } from '../auth/clients/client.ts';
import { compact } from '../auth/compact.ts';
import {
  type CdsClientRegistration,
  type CdsProviderRegistration,
  checkClient,
  checkProvider,
  RegistrationError,
} from '../cds/registrations.ts';
import { loadConfig } from '../config/config.ts';
import { StoredCdsRegistrations } from '../storage/cds/registrations.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withinTenant } from './within-tenant.ts';

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** What is registered: of both kinds what the command has to know. */
interface Kind<Registration> {
  readonly title: string;
  /** Options of add, besides those that both kinds have. */
  readonly options: readonly string[];
  /** @throws RegistrationError, UsageError */
  made(id: string, values: Values): Registration;
  add(store: StoredCdsRegistrations, tenant: Tenant, registration: Registration): Promise<boolean>;
  remove(store: StoredCdsRegistrations, tenant: Tenant, id: string): Promise<boolean>;
  list(store: StoredCdsRegistrations, tenant: Tenant): Promise<string[]>;
}

const CLIENTS: Kind<CdsClientRegistration> = {
  title: 'CDS client',
  options: ['jku', 'jwks', 'fhir-server'],
  made: (issuer, values) =>
    checkClient(
      compact({
        issuer,
        name: needed(values, 'name'),
        jku: values['jku'] as string | undefined,
        jwks: values['jwks'] === undefined ? undefined : readJwks(values['jwks'] as string),
        fhirServers: (values['fhir-server'] as string | undefined)?.split(/\s+/).filter(Boolean),
        privateNetwork: values['private-network'] === true ? true : undefined,
      }),
    ),
  add: (store, tenant, client) => store.addClient(tenant, client),
  remove: (store, tenant, issuer) => store.removeClient(tenant, issuer),
  list: async (store, tenant) =>
    (await store.clients(tenant)).map(
      ({ issuer, name, jku, jwks, fhirServers = [], privateNetwork }) =>
        `${issuer}  ${name}  ${jku ?? `${jwks?.keys.length ?? 0} keys`}${fhirServers.map((url) => `  ${url}`).join('')}${note(privateNetwork)}`,
    ),
};

const PROVIDERS: Kind<CdsProviderRegistration> = {
  title: 'CDS provider',
  options: ['url', 'scope'],
  made: (id, values) =>
    checkProvider(
      compact({
        id,
        name: needed(values, 'name'),
        url: needed(values, 'url'),
        scopes: values['scope'] as string | undefined,
        privateNetwork: values['private-network'] === true ? true : undefined,
      }),
    ),
  add: (store, tenant, provider) => store.addProvider(tenant, provider),
  remove: (store, tenant, id) => store.removeProvider(tenant, id),
  list: async (store, tenant) =>
    (await store.providers(tenant)).map(
      ({ id, name, url, scopes, privateNetwork }) =>
        `${id.padEnd(24)}${name}  ${url}${scopes === undefined ? '' : `  ${scopes}`}${note(privateNetwork)}`,
    ),
};

const note = (privateNetwork: boolean | undefined): string =>
  privateNetwork === true ? '  (private network)' : '';

/** `vesta cds client|provider add|list|remove`. */
export const cds: Command = {
  help: `Usage: vesta cds client add ISSUER --name NAME (--jku URL | --jwks FILE) [--fhir-server "URL..."] [--private-network]
       vesta cds client list
       vesta cds client remove ISSUER
       vesta cds provider add ID --name NAME --url URL [--scope "SCOPE..."] [--private-network]
       vesta cds provider list
       vesta cds provider remove ID

CDS Hooks 2.0. Clients are EHRs that may call this server's services at /cds-services/TENANT: their JWTs (ES384, RS384) have
ISSUER as iss. Providers are others whose services are asked when an app calls /cds-hooks/TENANT/HOOK; ID (a-z, 0-9, hyphens)
becomes part of the names of their services. A running server knows of changes at once.

  --tenant NAME        for this tenant (demo)
  --name NAME          what it is called
  --private-network    it may be at a private address
  --jku URL            where the client's public keys are, as a JWK set
  --jwks FILE          the keys themselves
  --fhir-server URLS   bases of the client's FHIR servers: what it has not prefetched is fetched there, and nowhere else
  --url URL            base of the provider's discovery, without /cds-services
  --scope SCOPES       scopes of the access token that the provider's services get, such as patient/Condition.rs; by
                       default they get none, and only what they prefetch

EHRs without JWT are let in by vesta tenant configure TENANT cds.unsignedClients=allow.`,

  async run(args) {
    const text = { type: 'string' } as const;
    const { values, positionals } = parse(
      args,
      {
        tenant: text,
        name: text,
        jku: text,
        jwks: text,
        'fhir-server': text,
        url: text,
        scope: text,
        'private-network': { type: 'boolean' },
      },
      [2, 3],
    );
    const [what, action, id] = positionals as [string, string, string | undefined];
    if (what === 'client') return await carryOut(CLIENTS, action, id, values);
    if (what === 'provider') return await carryOut(PROVIDERS, action, id, values);
    throw new UsageError(`"${what}" is not client or provider`);
  },
};

async function carryOut<R>(
  kind: Kind<R>,
  action: string,
  id: string | undefined,
  values: Values,
): Promise<number> {
  if (action !== 'add' && action !== 'list' && action !== 'remove')
    throw new UsageError(`"${action}" is not add, list or remove`);
  if (action === 'list' ? id !== undefined : id === undefined)
    throw new UsageError(id === undefined ? 'An argument is missing' : `"${id}" is one too many`);
  const allowed = action === 'add' ? ['tenant', 'name', 'private-network', ...kind.options] : ['tenant'];
  const wrong = Object.keys(values).find((name) => !allowed.includes(name));
  if (wrong !== undefined) throw new UsageError(`--${wrong} does not belong to ${action} of a ${kind.title}`);
  const registration = action === 'add' ? madeOf(kind, id as string, values) : undefined;
  const tenantName = (values['tenant'] as string | undefined) ?? 'demo';
  return await withinTenant(loadConfig(), `cds ${action}`, tenantName, async (connections, tenant) => {
    const store = new StoredCdsRegistrations(connections);
    if (action === 'list') {
      const lines = await kind.list(store, tenant);
      for (const line of lines) console.log(line);
      if (lines.length === 0) console.log(`Tenant ${tenantName} has no ${kind.title}s`);
      return 0;
    }
    if (registration !== undefined) {
      if (!(await kind.add(store, tenant, registration))) {
        console.error(`Tenant ${tenantName} has a ${kind.title} ${id} already`);
        return 1;
      }
      console.log(`${kind.title} ${id} is registered`);
      return 0;
    }
    if (!(await kind.remove(store, tenant, id as string))) {
      console.error(`Tenant ${tenantName} has no ${kind.title} ${id}`);
      return 1;
    }
    console.log(`${kind.title} ${id} is gone`);
    return 0;
  });
}

/** @throws UsageError when the options make no registration */
function madeOf<R>(kind: Kind<R>, id: string, values: Values): R {
  try {
    return kind.made(id, values);
  } catch (error) {
    throw error instanceof RegistrationError ? new UsageError(error.message) : error;
  }
}

function needed(values: Values, name: string): string {
  const value = values[name];
  if (typeof value !== 'string') throw new UsageError(`--${name} is missing`);
  return value;
}

function readJwks(file: string): JwkSet {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JwkSet;
  } catch (error) {
    throw new UsageError(`--jwks: ${file} cannot be read (${(error as Error).message})`);
  }
}
