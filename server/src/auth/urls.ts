import type { Tenant } from '../access/scope.ts';

/** Where a tenant's endpoints are. All are absolute, without trailing slash. */
export interface TenantUrls {
  /** Issuer of tokens, and the base of all endpoints of authorization. */
  readonly issuer: string;
  /** FHIR base: the audience of access tokens. */
  readonly fhir: string;
}

/** @param baseUrl of the server, without trailing slash */
export function urlsOf(baseUrl: string, tenant: Pick<Tenant, 'name'>): TenantUrls {
  return { issuer: `${baseUrl}/auth/${tenant.name}`, fhir: `${baseUrl}/fhir/${tenant.name}` };
}
