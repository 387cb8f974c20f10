import type { TokenClaims } from '../../access/access-scope-of.ts';
import type { AccessScope, Tenant } from '../../access/scope.ts';
import type { FhirServer } from '../../fhir/fhir-server.ts';
import { internalRequest } from '../../fhir/internal-request.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { isObject } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject } from '../../json/types.ts';

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
    const identifier = [system, value].map((part) => part.replace(/[\\$,|]/g, '\\$&')).join('|');
    const query = [
      ['identifier', identifier],
      ['_count', '2'],
    ] as const;
    const { text } = await fhir.handle(
      internalRequest(context, await scopeOf(ASKING, context), ['Practitioner'], query),
    );
    const { entry = [] } = (text === undefined ? {} : parseJson(text)) as { entry?: JsonObject[] };
    const found = entry.flatMap(({ resource }) => (isObject(resource) ? [resource] : []));
    const [only] = found;
    return found.length === 1 && only?.['active'] !== false ? String(only?.['id']) : undefined;
  };
}
