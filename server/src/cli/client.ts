import { readFileSync } from 'node:fs';
import type { Tenant } from '../access/scope.ts';
import type { Client } from '../auth/clients/client.ts';
import { AUTH_METHODS, clientOfMetadata, GRANT_TYPES } from '../auth/clients/registration.ts';
import { OAuthError } from '../auth/oauth-error.ts';
import { loadConfig } from '../config/config.ts';
import { StoredClients } from '../storage/auth/clients.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withinTenant } from './within-tenant.ts';

/** `vesta client create|list|delete`. */
export const client: Command = {
  help: `Usage: vesta client create --name NAME [OPTION...]
       vesta client list
       vesta client delete ID

Registers apps and services that may ask for access tokens (SMART on FHIR), lists and removes them. What is removed loses
its tokens at once. A running server knows a new client at once. The secret of a client is shown once.

  --tenant NAME        for this tenant (demo)
  --name NAME          what people see on the consent page
  --id ID              client_id (a random one)
  --auth METHOD        how it proves itself: ${AUTH_METHODS.join(', ')} (none)
  --redirect "URI..."  where people may be sent back to; compared exactly
  --launch-uri URL     where an EHR opens the app
  --scope "SCOPE..."   what it may ask for (launch launch/patient openid fhirUser patient/*.rs)
  --grants "TYPE..."   grant types: ${GRANT_TYPES.slice(0, 3).join(', ')},
                       ${GRANT_TYPES[3]}
                       (authorization_code refresh_token; without --redirect client_credentials)
  --jwks FILE          public keys of private_key_jwt, as a JWK set
  --jwks-uri URL       where they are fetched
  --logo URL           shown on the consent page
  --trusted            an EHR launches it without asking the person for consent`,

  async run(args) {
    const text = { type: 'string' } as const;
    const { values, positionals } = parse(
      args,
      {
        tenant: text,
        name: text,
        id: text,
        auth: text,
        redirect: text,
        'launch-uri': text,
        scope: text,
        grants: text,
        jwks: text,
        'jwks-uri': text,
        logo: text,
        trusted: { type: 'boolean' },
      },
      [1, 2],
    );
    const [action, id] = positionals;
    if (action !== 'create' && action !== 'list' && action !== 'delete') {
      throw new UsageError(`"${action}" is not create, list or delete`);
    }
    if (action === 'delete' ? id === undefined : id !== undefined) {
      throw new UsageError(
        action === 'delete' ? 'The id of the client is missing' : `"${id}" is one too many`,
      );
    }
    const tenantName = values.tenant ?? 'demo';
    const within = <T>(work: (clients: StoredClients, tenant: Tenant) => Promise<T>): Promise<T> =>
      withinTenant(loadConfig(), `client ${action}`, tenantName, (connections, tenant) =>
        // Servers learn of revocations from the database.
        work(new StoredClients(connections, () => {}), tenant),
      );
    if (action === 'list') {
      const all = await within((clients, tenant) => clients.list(tenant));
      for (const each of all) console.log(line(each));
      if (all.length === 0) console.log(`Tenant ${tenantName} has no clients`);
      return 0;
    }
    if (action === 'delete') {
      if (!(await within((clients, tenant) => clients.delete(tenant, id as string)))) {
        console.error(`Tenant ${tenantName} has no client ${id}`);
        return 1;
      }
      console.log(`Client ${id} is gone, with all its tokens`);
      return 0;
    }
    const made = newClient(values);
    if (!(await within((clients, tenant) => clients.create(tenant, made)))) {
      console.error(`Tenant ${tenantName} has a client ${made.id} already`);
      return 1;
    }
    console.log(`client_id      ${made.id}`);
    if (made.secret !== undefined) console.log(`client_secret  ${made.secret}`);
    console.log(`scope          ${made.scopes}`);
    return 0;
  },
};

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** @throws UsageError when the options make no client */
function newClient(values: Values) {
  const words = (name: string) => (values[name] as string | undefined)?.split(/\s+/).filter(Boolean);
  if (values['name'] === undefined) throw new UsageError('--name is missing');
  const redirects = words('redirect') ?? [];
  try {
    const made = clientOfMetadata(
      {
        client_name: values['name'],
        token_endpoint_auth_method: values['auth'] ?? 'none',
        redirect_uris: redirects,
        launch_uri: values['launch-uri'],
        scope: values['scope'],
        grant_types:
          words('grants') ??
          (redirects.length > 0 ? ['authorization_code', 'refresh_token'] : ['client_credentials']),
        jwks: values['jwks'] === undefined ? undefined : readJson(values['jwks'] as string),
        jwks_uri: values['jwks-uri'],
        logo_uri: values['logo'],
      },
      { allowHttp: true },
    );
    return {
      ...made,
      ...(values['id'] === undefined ? {} : { id: checkedId(values['id'] as string) }),
      ...(values['trusted'] === true ? { trusted: true } : {}),
    };
  } catch (error) {
    throw error instanceof OAuthError ? new UsageError(error.message) : error;
  }
}

/** `client_id` of RFC 6749, appendix A.1, without the colon, that Basic would have to encode, and without spaces. */
function checkedId(id: string): string {
  if (!/^[\x21-\x39\x3b-\x7e]{1,200}$/.test(id)) throw new UsageError(`--id: "${id}" cannot be a client_id`);
  return id;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`--jwks: ${file} cannot be read (${(error as Error).message})`);
  }
}

function line({ id, name, kind, grantTypes, scopes }: Client): string {
  const grants = grantTypes.map((type) => type.split(':').at(-1)).join(',');
  return `${id.padEnd(38)}${name.padEnd(26)}${kind.padEnd(26)}${grants}  ${scopes}`;
}
