import type { Router } from 'express';
import { accessScopeOf } from '../access/access-scope-of.ts';
import { scopesAllowedTo } from '../access/policies/index.ts';
import type { Tenant } from '../access/scope.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { loginEvent } from '../audit/login-event.ts';
import { createPeopleServices } from '../auth/accounts/people.ts';
import { smartConfiguration, smartSecurity } from '../auth/discovery/documents.ts';
import { createMailer } from '../auth/mail/letters.ts';
import type { MailTransport } from '../auth/mail/mailer.ts';
import { pagesRouter } from '../auth/manage/router.ts';
import { patientDirectory } from '../auth/patient-directory.ts';
import { authRouter } from '../auth/router.ts';
import { type AuthServices, createAuthServices } from '../auth/services.ts';
import type { AuthSettings } from '../auth/settings.ts';
import type { FhirServer } from '../fhir/fhir-server.ts';
import { internalRequest } from '../fhir/internal-request.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { FhirRequest } from '../fhir/request.ts';
import type { JsonObject } from '../json/types.ts';
import { localWrapper } from '../security/keys/key-wrapper.ts';
import type { MasterKeySource } from '../security/keys/master-key.ts';
import { KeyVault } from '../security/keys/vault.ts';
import type { Connections } from '../storage/connections.ts';
import { type RequestAccess, tokenAccess } from './access.ts';
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

/** The installation's keys. @param onError told when they could not be looked after */
export function openVault(
  { masterKeys }: AuthOptions,
  connections: Connections,
  onError: (error: unknown) => void,
): KeyVault {
  return new KeyVault({ connections, wrapper: localWrapper(masterKeys), onError });
}

/**
 * @param baseUrl of the server, without trailing slash
 * @param vault closed by the service's stop
 * @param audit where what people do about their logins is recorded
 * @param onError told of errors that are not a client's
 */
export async function startAuth(
  options: AuthOptions,
  baseUrl: string,
  fhir: FhirServer,
  vault: KeyVault,
  audit: AuditLog,
  onError: (error: unknown) => void,
): Promise<AuthService> {
  const { tenants, services: fhirServices } = fhir;
  const { connections } = fhirServices;
  const services = createAuthServices({
    settings: { ...options.settings, baseUrl },
    connections,
    masterKey: await vault.secretBox(),
    findTenant: async (name) => (await tenants.byName(name))?.tenant,
    mayRead: async (tenant, token, reference) => {
      const context = await tenants.current(tenant);
      const path = reference.split('/');
      return answers(fhir, internalRequest(context, accessScopeOf(token, tenant), path));
    },
    onError,
  });
  const people = createPeopleServices(services, {
    patients: patientDirectory(fhir),
    scopesAllowedTo: async (_tenant, role) => scopesAllowedTo(role),
    mailer: createMailer(options.mail),
    onEvent: (tenant, event) => void audit.record(tenant, loginEvent(event)).catch(onError),
  });
  return {
    services,
    stop: () => vault.close(),
    router: authRouter(services, pagesRouter(people)),
    access: tokenAccess(
      services.verifier,
      async (token, { tenant }) => accessScopeOf(token, tenant),
      ({ tenant }) => smartConfiguration(baseUrl, tenant),
    ),
  };
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
