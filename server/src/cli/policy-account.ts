import { accessScopeOf, type TokenClaims } from '../access/access-scope-of.ts';
import { consentsDenying } from '../access/consent/rules.ts';
import { explainRequest } from '../access/explain.ts';
import { type AccessScope, grantsFor, type Interaction, type Tenant } from '../access/scope.ts';
import type { Config } from '../config/config.ts';
import { loadDefinitions } from '../conformance/definitions.ts';
import { AccessFactsReader, type KnownFacts } from '../fhir/access-facts.ts';
import type { Route } from '../fhir/route.ts';
import { visibleStatement } from '../fhir/search/conditional-search.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import { Tenants } from '../fhir/tenants.ts';
import { TextHasher } from '../search/hash.ts';
import { localWrapper } from '../security/keys/key-wrapper.ts';
import { existingMasterKeysOf } from '../security/settings.ts';
import { StoredAccounts } from '../storage/auth/accounts.ts';
import type { Connections } from '../storage/connections.ts';
import { hashToText } from '../storage/rows.ts';
import { openSetting } from '../storage/security/settings.ts';
import { withinTenant } from './within-tenant.ts';

/** What is asked about an account. */
export interface AccountQuestion {
  readonly tenant: string;
  readonly login: string;
  readonly scopes: string;
  readonly patient: string | undefined;
  readonly route: Route;
}

/** What the database says to it. */
export interface AccountAnswer {
  readonly allowed: boolean;
  readonly reasons: readonly string[];
  readonly grants: AccessScope['grants'];
}

/**
 * Says why an account of a tenant may carry out a request, by its role's policy, consents and emergency accesses as they
 * are in the database; of a request for one resource also whether it is among those allowed.
 * @throws Error when there is no such tenant or account
 */
export async function explainForAccount(config: Config, question: AccountQuestion): Promise<AccountAnswer> {
  return await withinTenant(config, 'policy', question.tenant, async (connections, tenant) => {
    const account = await new StoredAccounts(connections).findByLogin(tenant, question.login);
    if (account === undefined) throw new Error(`Tenant ${tenant.name} has no account "${question.login}"`);
    const { role, fhirUser, state } = account;
    const isPersonal = role === 'patient' || role === 'caregiver';
    const token: TokenClaims = {
      clientId: 'cli',
      subject: account.id,
      role,
      scopes: question.scopes,
      ...(fhirUser === undefined ? {} : { fhirUser }),
      ...(question.patient === undefined ? {} : { patient: question.patient }),
      ...(isPersonal ? { purposeOfUse: 'PATRQT' } : {}),
    };
    const context = await contextOf(config, connections, tenant);
    const known = await new AccessFactsReader(connections).factsOf(token, context);
    const { allowed, reasons } = explainRequest(token, question.route, known.facts);
    const scope = accessScopeOf(token, tenant, known.facts);
    const one =
      allowed === 'none' ? undefined : await oneResource(connections, context, scope, question.route);
    return {
      allowed: state === 'active' && allowed !== 'none' && one?.visible !== false,
      reasons: [
        `${question.login} has the role ${role}${fhirUser === undefined ? '' : ` and is ${fhirUser}`}.`,
        ...(state === 'active' ? [] : [`The account is ${state}: it gets no tokens.`]),
        ...factsSaid(known, role),
        ...reasons,
        ...(one === undefined ? [] : [one.reason]),
      ],
      grants: scope.grants,
    };
  });
}

/** The tenant's context as a server makes it. */
async function contextOf(config: Config, connections: Connections, tenant: Tenant): Promise<TenantContext> {
  const [setting] = await connections.global({
    text: `select value from store.setting where name = 'hash_key'`,
    values: [],
  });
  if (setting === undefined) throw new Error('The database has no hash_key: start the server once');
  const keys = existingMasterKeysOf(config);
  const key = await openSetting(keys && localWrapper(keys), 'hash_key', setting[0] as string);
  return await new Tenants(connections, loadDefinitions(), new TextHasher(key), config.baseUrl).current(
    tenant,
  );
}

/** What the facts besides the token say. */
function factsSaid({ facts }: KnownFacts, role: string): string[] {
  const { overrides, breakGlass = [], consents, patients } = facts;
  const now = facts.now ?? Date.now();
  const said: string[] = [];
  if (overrides?.has(role) === true) said.push(`The tenant has its own policy of the role ${role}.`);
  if (patients !== undefined)
    said.push(
      patients.length === 0
        ? 'No patient consents to access by name, so there are no records to see.'
        : `These patients consent to access by name: ${patients.join(', ')}.`,
    );
  for (const { patient, until, reason } of breakGlass) {
    if (until <= now) continue;
    const end = new Date(until).toISOString();
    said.push(`Until ${end} the record of Patient/${patient} is open in an emergency: ${reason}`);
  }
  const denying = consents === undefined ? [] : consentsDenying(consents.rules, consents.request);
  if (denying.length > 0) said.push(`These consents deny something: ${denying.join(', ')}.`);
  return said;
}

/** Whether the resource that a request names is there and allowed. */
async function oneResource(
  connections: Connections,
  context: TenantContext,
  scope: AccessScope,
  { interaction, type, id, operation }: Route,
): Promise<{ visible: boolean; reason: string } | undefined> {
  if (type === undefined || id === undefined || interaction === 'create') return undefined;
  const asked: Interaction = operation === undefined ? interaction : 'read';
  const hash = context.keys.reference(`${type}/${id}`);
  const { rows } = await connections.within(context.tenant, 'read', (connection) =>
    connection.query({
      text: 'select 1 from tenant.resource where tenant_id = $1 and ref_hash = $2::bigint and not deleted',
      values: [context.tenant.id, hashToText(hash)],
    }),
  );
  if (rows.length === 0) return { visible: false, reason: `There is no ${type}/${id}.` };
  const open = grantsFor(scope, type, asked);
  const found =
    open.length === 0
      ? []
      : (
          await connections.within(context.tenant, 'read', (connection) =>
            connection.query(visibleStatement(scope, context, type, asked, [hash])),
          )
        ).rows;
  return found.length > 0
    ? { visible: true, reason: `${type}/${id} is among them.` }
    : { visible: false, reason: `${type}/${id} is not among them: it is answered as if it were not there.` };
}
