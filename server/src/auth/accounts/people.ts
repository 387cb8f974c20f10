import type { Tenant } from '../../access/scope.ts';
import { StoredAccounts } from '../../storage/auth/accounts.ts';
import { StoredAuthorizationRequests } from '../../storage/auth/authorization-requests.ts';
import { StoredConsents } from '../../storage/auth/consents.ts';
import { StoredSessions } from '../../storage/auth/sessions.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { ParsedScopes } from '../scopes/index.ts';
import type { AuthServices } from '../services.ts';
import type { SessionStore } from '../sessions/session.ts';
import { createSsoServices, type SsoServices } from '../sso/services.ts';
import type { Account, AccountStore } from './account.ts';
import type { AuthEvent } from './events.ts';
import type { BreachList } from './password-rules.ts';
import { type AccountPolicy, accountPolicyOf } from './policy.ts';

/** A patient as people choose one. */
export interface PatientChoice {
  readonly id: string;
  readonly name: string;
  /** FHIR date */
  readonly birthDate?: string;
  readonly gender?: string;
  /** What tells people of the same name apart, such as a medical record number. */
  readonly identifier?: string;
}

/** The patients that a person may see, by the FHIR server's own search with the person's access. */
export interface PatientDirectory {
  /**
   * Up to 20 patients whose name or birth date fits what was typed; the first 20 for an empty text, which are all of
   * theirs for patients and caregivers.
   */
  searchPatients(tenant: Tenant, account: Account, text: string): Promise<PatientChoice[]>;
  /** The patient of this id; undefined if there is none that the person may see. */
  findPatient(tenant: Tenant, account: Account, id: string): Promise<PatientChoice | undefined>;
  /** Visits of a patient, latest first, for `launch/encounter`; without it apps get no encounter but from an EHR. */
  listEncounters?(
    tenant: Tenant,
    account: Account,
    patientId: string,
  ): Promise<{ readonly id: string; readonly title: string }[]>;
}

/** What accounts and pages need of the rest of the house. */
export interface PeopleEnvironment {
  readonly patients: PatientDirectory;
  /** What people of a role may let an app do. */
  scopesAllowedTo(tenant: Tenant, role: string): Promise<Pick<ParsedScopes, 'resources' | 'context'>>;
  readonly mailer: Mailer;
  readonly breaches?: BreachList;
  /**
   * Id of the one Practitioner with an identifier; undefined when there is none or more. Without it no provider can name
   * people by identifiers.
   */
  findPractitioner?(tenant: Tenant, system: string, value: string): Promise<string | undefined>;
  /** Told what people do about their logins, for AuditEvents and detection. */
  onEvent?(tenant: Tenant, event: AuthEvent): void;
}

/** What accounts, sessions and pages work with. */
export interface PeopleServices
  extends PeopleEnvironment,
    Pick<
      AuthServices,
      | 'settings'
      | 'connections'
      | 'secrets'
      | 'clients'
      | 'grants'
      | 'codes'
      | 'launches'
      | 'enforceable'
      | 'onError'
    > {
  readonly accounts: AccountStore;
  readonly sessions: SessionStore;
  readonly requests: StoredAuthorizationRequests;
  readonly consents: StoredConsents;
  /** Logins at identity providers. */
  readonly sso: SsoServices;
  /** What the tenant demands; as it was at most five seconds ago. */
  policyOf(tenant: Tenant): Promise<AccountPolicy>;
}

const POLICY_FRESH = 5000;
const MAX_POLICIES = 1000;

/** Joins the two halves of the authorization server. */
export function createPeopleServices(
  auth: Omit<AuthServices, 'findTenant' | 'mayRead' | 'clientKeys'>,
  environment: PeopleEnvironment,
): PeopleServices {
  const { connections } = auth;
  const policies = new Map<number, { readonly policy: AccountPolicy; readonly loaded: number }>();
  return {
    ...environment,
    settings: auth.settings,
    connections,
    secrets: auth.secrets,
    clients: auth.clients,
    grants: auth.grants,
    codes: auth.codes,
    launches: auth.launches,
    enforceable: (tenant, scopes, role) => auth.enforceable(tenant, scopes, role),
    onError: (error) => auth.onError(error),
    accounts: new StoredAccounts(connections, auth.secrets),
    sessions: new StoredSessions(connections, () => auth.verifier.revoked()),
    requests: new StoredAuthorizationRequests(connections),
    consents: new StoredConsents(connections),
    sso: createSsoServices(auth),
    async policyOf(tenant) {
      const known = policies.get(tenant.id);
      if (known !== undefined && known.loaded + POLICY_FRESH > Date.now()) return known.policy;
      const rows = await connections.global({
        text: 'select config from store.tenant where id = $1',
        values: [tenant.id],
      });
      const policy = accountPolicyOf((rows[0]?.[0] ?? {}) as Record<string, unknown>);
      if (policies.size >= MAX_POLICIES) policies.clear();
      policies.set(tenant.id, { policy, loaded: Date.now() });
      return policy;
    },
  };
}
