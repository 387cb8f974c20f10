import { ROLES } from '../access/policies/index.ts';
import type { Tenant } from '../access/scope.ts';
import { type DemoAccount, ensureDemoAccounts } from '../auth/accounts/demo.ts';
import { typeCode } from '../conformance/resource-types.ts';
import { StoredAccounts } from '../storage/auth/accounts.ts';
import { ownerConnections } from '../storage/auth/owner.ts';
import type { Connections } from '../storage/connections.ts';
import { withOwner } from '../storage/prepare.ts';

/** People of each kind who get accounts. */
const MOST = 12;

/**
 * Makes an account for each role of people in the demo tenant, for its practitioners and patients.
 * @returns lines to print: logins, and the passwords of the accounts that are new
 */
export async function demoAccounts(ownerUrl: string, tenant: Tenant): Promise<string[]> {
  return await withOwner(ownerUrl, async (owner) => {
    const connections = ownerConnections(owner);
    const people = {
      practitioners: await idsOf(connections, tenant, 'Practitioner'),
      patients: await idsOf(connections, tenant, 'Patient'),
      relatedPersons: await idsOf(connections, tenant, 'RelatedPerson'),
    };
    const accounts = await ensureDemoAccounts(new StoredAccounts(connections), tenant, people, ROLES);
    const made = accounts.filter(({ password }) => password !== undefined);
    if (made.length === 0)
      return [
        `Demo accounts: ${accounts.map(({ login }) => login).join(', ')} (vesta account password sets one)`,
      ];
    return ['Demo accounts, made now; the passwords are not shown again:', ...made.map(lineOf)];
  });
}

function lineOf({ login, password, fhirUser }: DemoAccount): string {
  return `  ${login.padEnd(18)} ${password}  ${fhirUser ?? ''}`;
}

/** The newest resources of a type: those made for the demo come last. */
async function idsOf(connections: Connections, tenant: Tenant, type: string): Promise<string[]> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      text: `select id from store.resource where tenant_id = $1 and type = $2 and not deleted
        order by rid desc limit $3`,
      values: [tenant.id, typeCode(type), MOST],
    }),
  );
  return rows.map(([id]) => id as string);
}
