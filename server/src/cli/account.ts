import { ROLES } from '../access/policies/index.ts';
import type { Tenant } from '../access/scope.ts';
import type { Account } from '../auth/accounts/account.ts';
import { faultOfPassword, invite, sendReset, setPassword } from '../auth/accounts/invitations.ts';
import { loginKey } from '../auth/accounts/lockout.ts';
import { accountPolicyOf } from '../auth/accounts/policy.ts';
import { knownLanguage } from '../auth/pages/strings/index.ts';
import { loadConfig } from '../config/config.ts';
import { StoredAccounts } from '../storage/auth/accounts.ts';
import { StoredGrants } from '../storage/auth/grants.ts';
import { forgetFailures } from '../storage/auth/login-failures.ts';
import { StoredSessions } from '../storage/auth/sessions.ts';
import type { Connections } from '../storage/connections.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withinTenant } from './within-tenant.ts';

const ACTIONS = ['create', 'list', 'disable', 'enable', 'password', 'reset-mfa', 'unlock'] as const;
type Action = (typeof ACTIONS)[number];

const FAULTS = {
  'too-short': 'it is too short',
  'too-long': 'it is too long',
  'too-common': 'it is among the first that would be tried',
  breached: 'it is known from a breach',
} as const;

/** What the actions work with. */
interface Place {
  readonly connections: Connections;
  readonly tenant: Tenant;
  readonly accounts: StoredAccounts;
  readonly baseUrl: string;
  /** The new password, if one was given. */
  readonly password: string | undefined;
}

/** `vesta account ...` */
export const account: Command = {
  help: `Usage: vesta account create LOGIN --role ROLE [OPTION...]
       vesta account list
       vesta account disable|enable|unlock LOGIN
       vesta account password LOGIN [--password-stdin]
       vesta account reset-mfa LOGIN

Makes and manages the accounts that people log in with. A running server knows of changes at once.
Without --password-stdin, create and password print a link by which the person chooses a password: of 72 hours and of one.
disable ends the sessions of the person and takes back what apps hold; reset-mfa removes all second factors; unlock
forgets failed logins.

  --tenant NAME          for this tenant (demo)
  --role ROLE            ${ROLES.join(', ')}
  --name NAME            the person's name (the login)
  --email ADDRESS        where letters are sent
  --fhir-user REFERENCE  whom the account stands for: Practitioner/1, PractitionerRole/1, Patient/1, RelatedPerson/1
  --language CODE        en, es or ur
  --password-stdin       reads the password from the standard input`,

  async run(args) {
    const text = { type: 'string' } as const;
    const { values, positionals } = parse(
      args,
      {
        tenant: text,
        role: text,
        name: text,
        email: text,
        'fhir-user': text,
        language: text,
        'password-stdin': { type: 'boolean' },
      },
      [1, 2],
    );
    const [action, login] = positionals as [Action, string | undefined];
    if (!ACTIONS.includes(action)) throw new UsageError(`"${action}" is not ${ACTIONS.join(', ')}`);
    if (action === 'list' && login !== undefined) throw new UsageError(`"${login}" is one too many`);
    if (action !== 'list' && login === undefined) throw new UsageError('The login is missing');
    const made = action === 'create' ? checkedAccount(login as string, values) : undefined;
    const password = values['password-stdin'] === true ? await readPassword() : undefined;
    const config = loadConfig();
    const tenantName = values.tenant ?? 'demo';
    return await withinTenant(config, `account ${action}`, tenantName, async (connections, tenant) => {
      const accounts = new StoredAccounts(connections);
      const place: Place = { connections, tenant, accounts, baseUrl: config.baseUrl, password };
      if (action === 'list') return await list(place);
      if (made !== undefined) return await create(place, made);
      const found = await accounts.findByLogin(tenant, login as string);
      if (found === undefined) {
        console.error(`Tenant ${tenant.name} has no account ${login}`);
        return 1;
      }
      return await change(place, action, found);
    });
  },
};

type NewPerson = Parameters<StoredAccounts['create']>[1];

/** @throws UsageError */
function checkedAccount(login: string, values: Readonly<Record<string, unknown>>): NewPerson {
  const text = (name: string) => values[name] as string | undefined;
  const role = text('role');
  if (!/^[^\s]{1,320}$/.test(login)) throw new UsageError(`"${login}" cannot be a login: it has no spaces`);
  if (role === undefined) throw new UsageError('--role is missing');
  if (!(ROLES as readonly string[]).includes(role))
    throw new UsageError(`--role: there is no role "${role}"`);
  const fhirUser = text('fhir-user');
  if (
    fhirUser !== undefined &&
    !/^(Practitioner|PractitionerRole|Patient|RelatedPerson)\/[A-Za-z0-9\-.]{1,64}$/.test(fhirUser)
  ) {
    throw new UsageError(`--fhir-user: "${fhirUser}" is no reference such as Practitioner/1`);
  }
  const email = text('email');
  if (email !== undefined && !/^[^\s@,;<>]+@[^\s@,;<>]+$/.test(email)) {
    throw new UsageError(`--email: "${email}" is no address`);
  }
  const language = text('language');
  if (language !== undefined && knownLanguage(language) === undefined) {
    throw new UsageError(`--language: "${language}" is not en, es or ur`);
  }
  return {
    login,
    role,
    name: text('name') ?? login,
    ...(email === undefined ? {} : { email }),
    ...(fhirUser === undefined ? {} : { fhirUser }),
    ...(language === undefined ? {} : { language }),
  };
}

async function readPassword(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  return text.replace(/\r?\n$/, '');
}

async function list({ accounts, tenant }: Place): Promise<number> {
  const all = await accounts.list(tenant);
  for (const each of all) {
    const second = [each.hasTotp ? 'totp' : '', each.passkeys > 0 ? `${each.passkeys} passkeys` : '']
      .filter(Boolean)
      .join(', ');
    console.log(
      [each.login, each.role, each.state, each.fhirUser ?? '-', each.name, second].join('\t').trimEnd(),
    );
  }
  if (all.length === 0) console.log(`Tenant ${tenant.name} has no accounts`);
  return 0;
}

async function create(place: Place, person: NewPerson): Promise<number> {
  const { accounts, tenant, password } = place;
  // Before the account is there: a refused password leaves nothing behind.
  if (password !== undefined && (await isRefused(place, person, password))) return 1;
  const made = await accounts.create(tenant, person);
  if (made === undefined) {
    console.error(`Tenant ${tenant.name} has an account ${person.login} already`);
    return 1;
  }
  if (password !== undefined) await setPassword(place, tenant, made, password);
  else console.log(await linkOf(place, made, invite));
  console.log(`Account ${made.login} (${made.role}) is there`);
  return 0;
}

async function change(place: Place, action: Action, person: Account): Promise<number> {
  const { connections, accounts, tenant, password } = place;
  const done = (text: string) => {
    console.log(`Account ${person.login} ${text}`);
    return 0;
  };
  switch (action) {
    case 'disable':
      await accounts.setState(tenant, person.id, 'disabled');
      await endAll(place, person);
      return done('is disabled; its sessions and apps have ended');
    case 'enable':
      await accounts.setState(tenant, person.id, person.hasPassword ? 'active' : 'invited');
      return done('is enabled');
    case 'unlock':
      await forgetFailures(connections, tenant, loginKey(person.login));
      await forgetFailures(connections, tenant, `factor:${person.id}`);
      return done('may try again');
    case 'reset-mfa':
      await accounts.setFactors(tenant, person.id, {});
      await accounts.setRecoveryCodes(tenant, person.id, []);
      for (const { id } of await accounts.passkeys(tenant, person.id)) {
        await accounts.removePasskey(tenant, person.id, id);
      }
      await endAll(place, person);
      return done('has no second factors any more');
    default:
      if (password === undefined) {
        console.log(await linkOf(place, person, person.state === 'invited' ? invite : sendReset));
        return 0;
      }
      if (await isRefused(place, person, password)) return 1;
      await setPassword(place, tenant, person, password);
      await endAll(place, person);
      await forgetFailures(connections, tenant, loginKey(person.login));
      return done('has a new password');
  }
}

async function endAll({ connections, tenant }: Place, { id }: Account): Promise<void> {
  // Servers learn of revocations from the database.
  await new StoredSessions(connections, () => {}).end(tenant, id, {});
  await new StoredGrants(connections, () => {}).revoke(tenant, { account: id });
}

async function isRefused(
  { connections, tenant }: Place,
  person: NewPerson,
  password: string,
): Promise<boolean> {
  const policyOf = async () => {
    const rows = await connections.global({
      text: 'select config from store.tenant where id = $1',
      values: [tenant.id],
    });
    return accountPolicyOf((rows[0]?.[0] ?? {}) as Record<string, unknown>);
  };
  const { login, name, email } = person;
  const fault = await faultOfPassword(
    { policyOf },
    tenant,
    { login, name, ...(email === undefined ? {} : { email }) },
    password,
  );
  if (fault !== undefined) console.error(`This password cannot be used: ${FAULTS[fault]}`);
  return fault !== undefined;
}

/** The link by which a person chooses a password; it is printed, not sent. */
async function linkOf(
  { accounts, baseUrl, tenant }: Place,
  person: Account,
  make: typeof invite,
): Promise<string> {
  const settings = { baseUrl } as Parameters<typeof invite>[0]['settings'];
  return await make({ accounts, settings, mailer: { send: async () => {} } }, tenant, person);
}
