import { randomInt } from 'node:crypto';
import type { Tenant } from '../../access/scope.ts';
import type { AccountStore } from './account.ts';
import { hashPassword } from './password-hash.ts';

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
  /** Shown once; undefined when the account was there before. */
  readonly password: string | undefined;
  readonly fhirUser: string | undefined;
}

/** Roles of people, with the kind of resource that they stand for. */
const ROLES: readonly (readonly [role: string, name: string, kind: keyof DemoPeople | undefined])[] = [
  ['super_admin', 'Sasha Super', 'practitioners'],
  ['org_admin', 'Odile Organizer', 'practitioners'],
  ['attending', 'Amir Attending', 'practitioners'],
  ['specialist', 'Sofia Specialist', 'practitioners'],
  ['nurse', 'Nora Nurse', 'practitioners'],
  ['medical_assistant', 'Mika Assistant', 'practitioners'],
  ['practice_manager', 'Paula Manager', 'practitioners'],
  ['front_desk', 'Frida Desk', 'practitioners'],
  ['scheduler', 'Samir Scheduler', 'practitioners'],
  ['billing', 'Bela Billing', 'practitioners'],
  ['patient', 'Pat Patient', 'patients'],
  ['caregiver', 'Cara Giver', 'relatedPersons'],
  ['researcher', 'Rana Researcher', 'practitioners'],
];

/** A password of 20 signs (about 98 bits) without those that are taken for each other, in groups. */
export function generatedPassword(): string {
  const signs = 'abcdefghjkmnpqrstuvwxyz23456789';
  return Array.from({ length: 4 }, () =>
    Array.from({ length: 5 }, () => signs[randomInt(signs.length)]).join(''),
  ).join('-');
}

/**
 * Makes an account for each role that lacks one: its login is the role's name. An account that is there is left as it is,
 * and its password is not known any more.
 * @param roles the roles that exist (access/policies); those of services get no account
 * @returns all of them, with the passwords of the new ones to be printed
 */
export async function ensureDemoAccounts(
  accounts: AccountStore,
  tenant: Tenant,
  people: DemoPeople,
  roles: readonly string[],
): Promise<DemoAccount[]> {
  const made: DemoAccount[] = [];
  const used = { practitioners: 0, patients: 0, relatedPersons: 0 };
  for (const [role, name, kind] of ROLES) {
    if (!roles.includes(role)) continue;
    const login = role.replaceAll('_', '-');
    const known = await accounts.findByLogin(tenant, login);
    const fhirUser = known?.fhirUser ?? (kind && nextOf(people, kind, used));
    if (known !== undefined) {
      made.push({ login, role, password: undefined, fhirUser });
      continue;
    }
    const password = generatedPassword();
    const account = await accounts.create(tenant, {
      login,
      name,
      role,
      passwordHash: await hashPassword(password),
      ...(fhirUser === undefined ? {} : { fhirUser }),
    });
    // Another server process may have made it meanwhile.
    made.push({ login, role, password: account === undefined ? undefined : password, fhirUser });
  }
  return made;
}

const TYPES = {
  practitioners: 'Practitioner',
  patients: 'Patient',
  relatedPersons: 'RelatedPerson',
} as const;

/** The next resource of a kind; people share them when there are too few. */
function nextOf(
  people: DemoPeople,
  kind: keyof DemoPeople,
  used: Record<keyof DemoPeople, number>,
): string | undefined {
  const ids = people[kind];
  if (ids.length === 0) return undefined;
  return `${TYPES[kind]}/${ids[used[kind]++ % ids.length]}`;
}
