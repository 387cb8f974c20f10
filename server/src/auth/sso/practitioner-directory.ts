import type { TokenClaims } from '../../access/access-scope-of.ts';
import type { AccessScope, Tenant } from '../../access/scope.ts';
import type { FhirServer } from '../../fhir/fhir-server.ts';
import { InternalClient } from '../../fhir/internal-client.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { escapeValue } from '../../search/query/escape.ts';

/** Who asks: the server itself, for nothing but practitioners. */
const ASKING = { clientId: 'vesta', subject: 'vesta', scopes: 'system/Practitioner.rs' };

/**
 * Finds practitioners by their identifiers, by the FHIR API's own search.
 * @param scopeOf what somebody may do
 * @returns for a system and a value the id of the one Practitioner who has them; undefined when there is none, or more
 */
export function practitionerDirectory(
  fhir: FhirServer,
  scopeOf: (claims: TokenClaims, context: TenantContext) => Promise<AccessScope>,
): (tenant: Tenant, system: string, value: string) => Promise<string | undefined> {
  return async (tenant, system, value) => {
    const context = await fhir.tenants.current(tenant);
    const identifier = [system, value].map(escapeValue).join('|');
    const client = new InternalClient(fhir, context, await scopeOf(ASKING, context), { audited: false });
    const found = await client.search('Practitioner', [
      ['identifier', identifier],
      ['_count', '2'],
    ]);
    const [only] = found;
    return found.length === 1 && only?.['active'] !== false ? String(only?.['id']) : undefined;
  };
}
