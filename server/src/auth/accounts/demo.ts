import { createHash } from 'node:crypto';
import type { Tenant } from '../../access/scope.ts';
import type { Account, AccountStore } from './account.ts';
import { hashPassword, verifyPassword } from './password-hash.ts';

/** Resources of the demo tenant that accounts stand for, as ids. */
export interface DemoPeople {
  readonly practitioners: readonly string[];
  readonly patients: readonly string[];
  /** RelatedPerson resources, for caregivers. */
  readonly relatedPersons: readonly string[];
}

export interface DemoAccount {
  readonly login: string;
  readonly role: string;
  /** Undefined when the account has another password than the one it was made with. */
  readonly password: string | undefined;
  readonly fhirUser: string | undefined;
}

/** Where the passwords of demo accounts come from. */
export interface DemoSecrets {
  /** 32 bytes of this installation for a login, the same ones at each start, that nobody else can tell. */
  bytesOf(login: string): Buffer;
  /** SHA-256 of the stored hash of each login's first password: spares computing argon2id at each start. */
  readonly digests: Map<string, string>;
}

interface DemoRole {
  readonly role: string;
  readonly name: string;
  readonly kind?: keyof DemoPeople;
  /** Id and name of who it is with the demo data of this version (server/demo/us-core). */
  readonly person?: readonly [id: string, name: string];
}

const ROLES: readonly DemoRole[] = [
  { role: 'super_admin', name: 'Sasha Super', kind: 'practitioners' },
  { role: 'org_admin', name: 'Odile Organizer', kind: 'practitioners' },
  {
    role: 'attending',
    name: 'Amir Attending',
    kind: 'practitioners',
    person: ['imogen-tarrow', 'Imogen Tarrow'],
  },
  {
    role: 'specialist',
    name: 'Sofia Specialist',
    kind: 'practitioners',
    person: ['casimir-bellweather', 'Casimir Bellweather'],
  },
  { role: 'nurse', name: 'Nora Nurse', kind: 'practitioners', person: ['odalys-finch', 'Odalys Finch'] },
  { role: 'medical_assistant', name: 'Mika Assistant', kind: 'practitioners' },
  { role: 'practice_manager', name: 'Paula Manager', kind: 'practitioners' },
  { role: 'front_desk', name: 'Frida Desk', kind: 'practitioners' },
  { role: 'scheduler', name: 'Samir Scheduler', kind: 'practitioners' },
  { role: 'billing', name: 'Bela Billing', kind: 'practitioners' },
  {
    role: 'patient',
    name: 'Pat Patient',
    kind: 'patients',
    person: ['marisol-quintero-ashby', 'Marisol Quintero-Ashby'],
  },
  {
    role: 'caregiver',
    name: 'Cara Giver',
    kind: 'relatedPersons',
    person: ['theo-mother', 'Adaeze Okafor'],
  },
  { role: 'researcher', name: 'Rana Researcher', kind: 'practitioners' },
  {
    role: 'national',
    name: 'Nadia National',
    kind: 'practitioners',
    person: ['nadia-national', 'Nadia National'],
  },
  { role: 'api_consumer', name: 'A partner’s program' },
  { role: 'agent', name: 'An agent' },
];

/** Ids that accounts stand for when the tenant has them. */
export const DEMO_PERSONS: readonly string[] = ROLES.flatMap(({ person }) => (person ? [person[0]] : []));

const SIGNS = 'abcdefghjkmnpqrstuvwxyz23456789';

/** A password of 20 signs (99 bits) without those that are taken for each other, in groups. @param bytes 32 random ones */
export function readablePassword(bytes: Uint8Array): string {
  const base = BigInt(SIGNS.length);
  let number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return Array.from({ length: 4 }, () =>
    Array.from({ length: 5 }, () => {
      const sign = SIGNS[Number(number % base)];
      number /= base;
      return sign;
    }).join(''),
  ).join('-');
}

const digestOf = (hash: string): string => createHash('sha256').update(hash).digest('base64url');

/**
 * Makes an account for each role that lacks one: its login is the role's name. An account that is there is left as it is.
 * @param roles the roles that exist (access/policies)
 * @param secrets whose digests are brought up to date
 * @returns all of them, with the passwords that still count
 */
export async function ensureDemoAccounts(
  accounts: AccountStore,
  tenant: Tenant,
  people: DemoPeople,
  roles: readonly string[],
  secrets: DemoSecrets,
): Promise<DemoAccount[]> {
  const made: DemoAccount[] = [];
  const next = linker(people);
  for (const each of ROLES.filter(({ role }) => roles.includes(role))) {
    const { role } = each;
    const login = role.replaceAll('_', '-');
    const password = readablePassword(secrets.bytesOf(login));
    const known = await accounts.findByLogin(tenant, login);
    if (known !== undefined) {
      const counts = await isFirst(accounts, tenant, known, password, secrets);
      made.push({ login, role, password: counts ? password : undefined, fhirUser: known.fhirUser });
      continue;
    }
    const { fhirUser, name } = next(each);
    const passwordHash = await hashPassword(password);
    const account = await accounts.create(tenant, {
      login,
      name,
      role,
      passwordHash,
      ...(fhirUser === undefined ? {} : { fhirUser }),
    });
    if (account !== undefined) secrets.digests.set(login, digestOf(passwordHash));
    made.push({ login, role, password, fhirUser });
  }
  return made;
}

/** Whether an account still has the password that it was made with. */
async function isFirst(
  accounts: AccountStore,
  tenant: Tenant,
  { id, login }: Account,
  password: string,
  { digests }: DemoSecrets,
): Promise<boolean> {
  const hash = await accounts.passwordHash(tenant, id);
  if (hash === undefined) return false;
  const digest = digestOf(hash);
  const known = digests.get(login);
  if (known === digest) return true;
  // A login renews a hash that was made with weaker parameters.
  if (known === `not ${digest}`) return false;
  const counts = await verifyPassword(hash, password);
  digests.set(login, counts ? digest : `not ${digest}`);
  return counts;
}

const TYPES = {
  practitioners: 'Practitioner',
  patients: 'Patient',
  relatedPersons: 'RelatedPerson',
} as const;

/** Gives each role its own person, or the next one of its kind; they share them when there are too few. */
function linker(people: DemoPeople): (role: DemoRole) => { fhirUser: string | undefined; name: string } {
  const used = { practitioners: 0, patients: 0, relatedPersons: 0 };
  return ({ name, kind, person }) => {
    if (kind === undefined) return { fhirUser: undefined, name };
    const ids = people[kind];
    if (person !== undefined && ids.includes(person[0]))
      return { fhirUser: `${TYPES[kind]}/${person[0]}`, name: person[1] };
    const others = ids.filter((id) => !DEMO_PERSONS.includes(id));
    const pool = others.length > 0 ? others : ids;
    if (pool.length === 0) return { fhirUser: undefined, name };
    return { fhirUser: `${TYPES[kind]}/${pool[used[kind]++ % pool.length]}`, name };
  };
}
