import { randomUUID } from 'node:crypto';
import * as jose from 'jose';
import type { Tenant } from '../../access/scope.ts';
import { endpointsOf } from '../../auth/discovery/documents.ts';
import type { TenantKeys } from '../../auth/keys/tenant-keys.ts';
import { urlsOf } from '../../auth/urls.ts';

/** Seconds that a JWT lives: as long as a call takes, and clocks differ. */
const LIFE = 120;

/**
 * The JWT by which a tenant proves itself to a CDS service (CDS Hooks 2.0, Trusting CDS Clients): signed with ES384, the
 * public key is in the tenant's JWK set.
 * @param audience URL of the endpoint that is called
 */
export async function signCall(
  keys: TenantKeys,
  baseUrl: string,
  tenant: Tenant,
  audience: string | string[],
): Promise<string> {
  const { kid, algorithm, key } = await keys.signing(tenant, 'ES384');
  return await new jose.SignJWT({ tenant: tenant.name })
    .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT', jku: endpointsOf(baseUrl, tenant).jwks })
    .setIssuer(urlsOf(baseUrl, tenant).issuer)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(`${LIFE}s`)
    .setJti(randomUUID())
    .sign(key);
}
