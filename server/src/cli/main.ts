import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, ROOT } from '../config/config.ts';
import { MasterKeyError } from '../security/keys/master-key.ts';
import { MigrationError } from '../storage/migrate.ts';
import { TenantError } from '../storage/tenants.ts';
import { type Command, UsageError } from './command.ts';
import { LockedError } from './lock.ts';

const HELP = `Vesta: a FHIR R4 server on PostgreSQL

Usage: vesta COMMAND [OPTION...]

Commands:
  serve                     start the server
  load FILE|DIRECTORY...    load bundles and NDJSON into a running server
  tenant create|list|delete make, list and remove tenants
  account create|list|...   make and manage the accounts that people log in with
  client create|list|delete register, list and remove apps and services (SMART on FHIR)
  sso add|list|show|...     let people log in at an identity provider (OpenID Connect, SAML)
  cds client|provider ...   register EHRs that may ask for decision support, and providers that are asked (CDS Hooks)
  communication twilio|...  by which account a tenant sends SMS and WhatsApp messages
  token                     print an access token, for use with curl
  reindex                   index resources anew after search parameters changed
  db migrate|status|check   bring the database up to date, show its state, verify it
  package install|list|...  install FHIR packages such as US Core, switch them on and off
  terminology load|list|remove  load big code systems such as ICD-10-CM
  policy list|show|explain  what each role may do, and why a request is allowed or not
  audit verify|export       verify the audit log's hash chains, write it to a file
  keys status|rotate        show and change the keys that encrypt data
  validate FILE|DIR|-       validate resources against R4 and profiles, without a server
  fhirpath EXPRESSION [FILE|-] evaluate a FHIRPath expression on a resource

  vesta COMMAND --help      what a command does and takes
  vesta --version           the version
`;

/** Commands are loaded when they are called: the server's primary process stays small. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  load: async () => (await import('./load.ts')).load,
  tenant: async () => (await import('./tenant.ts')).tenant,
  account: async () => (await import('./account.ts')).account,
  client: async () => (await import('./client.ts')).client,
  sso: async () => (await import('./sso.ts')).sso,
  cds: async () => (await import('./cds.ts')).cds,
  communication: async () => (await import('./communication.ts')).communication,
  token: async () => (await import('./token.ts')).token,
  reindex: async () => (await import('./reindex.ts')).reindex,
  terminology: async () => (await import('./terminology.ts')).terminology,
  package: async () => (await import('./package.ts')).packageCommand,
  policy: async () => (await import('./policy.ts')).policy,
  audit: async () => (await import('./audit-secret.ts')).audit,
  keys: async () => (await import('./keys.ts')).keys,
  validate: async () => (await import('./validate.ts')).validate,
  fhirpath: async () => (await import('./fhirpath.ts')).fhirpath,
  db: async () => (await import('./db.ts')).db,
};

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    console.log(HELP);
    return 0;
  }
  if (name === '--version' || name === '-v') {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    console.log(version);
    return 0;
  }
  const load = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    console.error(
      `${name === undefined ? 'A command is missing' : `There is no command "${name}"`}.\n\n${HELP}`,
    );
    return 2;
  }
  const command = await load();
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(command.help);
    return 0;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}.\n\n${command.help}`);
      return 2;
    }
    throw error;
  }
}

/** Errors whose message is meant for the user; of others the place matters too. */
function isForUser(error: unknown): boolean {
  return (
    error instanceof ConfigError ||
    error instanceof LockedError ||
    error instanceof MasterKeyError ||
    error instanceof MigrationError ||
    error instanceof TenantError ||
    (error instanceof Error && error.constructor === Error)
  );
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(isForUser(error) ? (error as Error).message : error);
  return 1;
});
