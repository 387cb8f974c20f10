import type { Router } from 'express';
import { accessScopeOf, type TokenClaims } from '../access/access-scope-of.ts';
import type { BreakGlass } from '../access/break-glass.ts';
import { enforceableScopes } from '../access/enforceable-scopes.ts';
import { policyOf, scopesAllowedTo } from '../access/policies/index.ts';
import type { Tenant } from '../access/scope.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { loginEvent } from '../audit/login-event.ts';
import { createPeopleServices } from '../auth/accounts/people.ts';
import { smartConfiguration, smartSecurity } from '../auth/discovery/documents.ts';
import { createMailer } from '../auth/mail/letters.ts';
import type { Mailer, MailTransport } from '../auth/mail/mailer.ts';
import { pagesRouter } from '../auth/manage/router.ts';
import { patientDirectory } from '../auth/patient-directory.ts';
import { authRouter } from '../auth/router.ts';
import { type AuthServices, createAuthServices } from '../auth/services.ts';
import type { AuthSettings } from '../auth/settings.ts';
import { practitionerDirectory } from '../auth/sso/practitioner-directory.ts';
import type { AccessFactsReader } from '../fhir/access-facts.ts';
import type { FhirServer } from '../fhir/fhir-server.ts';
import { internalRequest } from '../fhir/internal-request.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { FhirRequest } from '../fhir/request.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { JsonObject } from '../json/types.ts';
import type { MasterKeySource } from '../security/keys/master-key.ts';
import type { KeyVault } from '../security/keys/vault.ts';
import { type Decision, type RequestAccess, tokenAccess } from './access.ts';
import type { AuditOptions } from './audit-service.ts';

/** What VESTA_AUTH=smart needs to be told. */
export interface AuthOptions {
  readonly masterKeys: MasterKeySource;
  /** Takes invitations and password resets. */
  readonly mail: MailTransport;
  readonly settings?: Partial<Omit<AuthSettings, 'baseUrl'>>;
  readonly audit?: AuditOptions;
}

/** The authorization server of this process, and what it lets requests to the FHIR API do. */
export interface AuthService {
  readonly services: AuthServices;
  readonly access: RequestAccess;
  readonly router: Router;
  /** References of those who look after privacy in a tenant. */
  privacyPeople(tenant: Tenant): Promise<string[]>;
  /**
   * Writes to those who look after privacy, and to the practitioners among `told`, that a record was opened in an
   * emergency.
   */
  onEmergency(context: TenantContext, opened: BreakGlass, told: readonly string[]): void;
  /** To be called before the connections are closed. */
  stop(): Promise<void>;
}

/** What a tenant's CapabilityStatement says of authorization. @param baseUrl of the server */
export function smartSecurityOf(baseUrl: string): (tenant: Tenant) => JsonObject {
  return (tenant) => ({
    ...smartSecurity(baseUrl, tenant),
    description:
      'SMART App Launch 2.2: requests carry an access token of this tenant, except those for this statement.',
  });
}

/**
 * @param baseUrl of the server, without trailing slash
 * @param facts what decides about access besides tokens
 * @param vault closed by the service's stop
 * @param audit where what people do about their logins is recorded
 * @param onError told of errors that are not a client's
 */
export async function startAuth(
  options: AuthOptions,
  baseUrl: string,
  fhir: FhirServer,
  facts: AccessFactsReader,
  vault: KeyVault,
  audit: AuditLog,
  onError: (error: unknown) => void,
): Promise<AuthService> {
  const { tenants, services: fhirServices } = fhir;
  const { connections } = fhirServices;
  const decide = async (token: TokenClaims, context: TenantContext): Promise<Decision> => {
    const { facts: known, until } = await facts.factsOf(token, context);
    return { scope: accessScopeOf(token, context.tenant, known), until };
  };
  const scopeOf = async (token: TokenClaims, context: TenantContext) => {
    await facts.fresh();
    return (await decide(token, context)).scope;
  };
  const overridesOf = async (tenant: Tenant) => facts.overridesOf(await tenants.current(tenant));
  const services = createAuthServices({
    settings: { ...options.settings, baseUrl },
    connections,
    masterKey: await vault.secretBox(),
    findTenant: async (name) => (await tenants.byName(name))?.tenant,
    mayRead: async (tenant, token, reference) => {
      const context = await tenants.current(tenant);
      const path = reference.split('/');
      return answers(fhir, internalRequest(context, await scopeOf(token, context), path));
    },
    enforceable: async (tenant, scopes, role) => {
      if (!scopes.includes('?')) return scopes;
      const { definitions } = await tenants.current(tenant);
      const policy = role === undefined ? undefined : policyOf(role, await overridesOf(tenant));
      return enforceableScopes(scopes, definitions, policy);
    },
    onError,
  });
  const mailer = createMailer(options.mail);
  const people = createPeopleServices(services, {
    patients: patientDirectory(fhir, scopeOf),
    scopesAllowedTo: async (tenant, role) => scopesAllowedTo(role, await overridesOf(tenant)),
    mailer,
    findPractitioner: practitionerDirectory(fhir, scopeOf),
    onEvent: (tenant, event) => void audit.record(tenant, loginEvent(event)).catch(onError),
  });
  return {
    services,
    stop: () => vault.close(),
    router: authRouter(services, pagesRouter(people)),
    privacyPeople: async (tenant) =>
      (await services.accounts.list(tenant)).flatMap(({ role, state, fhirUser }) =>
        role === PRIVACY_ROLE && state === 'active' && fhirUser !== undefined ? [fhirUser] : [],
      ),
    onEmergency: (context, opened, told) =>
      void writeOfEmergency(services, mailer, context.tenant, opened, told).catch(onError),
    access: tokenAccess(
      services.verifier,
      { fresh: () => facts.fresh(), epoch: (tenant) => facts.epoch(tenant), decide },
      ({ tenant }) => smartConfiguration(baseUrl, tenant),
    ),
  };
}

/** Who looks after privacy in a tenant. */
const PRIVACY_ROLE = 'org_admin';

/** Mails those who look after privacy, and the practitioners who are told, as far as they have addresses. */
async function writeOfEmergency(
  { accounts }: AuthServices,
  mailer: Mailer,
  tenant: Tenant,
  { subject, patient, until }: BreakGlass,
  told: readonly string[],
): Promise<void> {
  const all = await accounts.list(tenant);
  const who = all.find(({ id, fhirUser }) => fhirUser === subject || id === subject)?.name ?? subject;
  const letter = { kind: 'emergency' as const, who, record: `Patient/${patient}` };
  for (const account of all) {
    const { state, role, email, fhirUser } = account;
    if (state !== 'active' || email === undefined) continue;
    if (role !== PRIVACY_ROLE && (fhirUser === undefined || !told.includes(fhirUser))) continue;
    await mailer.send({ ...letter, tenant, account, until: new Date(until).toISOString() });
  }
}

/** Whether a read finds something. */
async function answers(fhir: FhirServer, request: FhirRequest): Promise<boolean> {
  try {
    return (await fhir.handle(request)).status === 200;
  } catch (error) {
    if (error instanceof FhirError && error.status < 500) return false;
    throw error;
  }
}
