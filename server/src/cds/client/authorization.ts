import type { Tenant } from '../../access/scope.ts';
import { formatScope, intersectScopes, parseScopes } from '../../auth/scopes/index.ts';
import type { AuthServices } from '../../auth/services.ts';
import type { AccessToken } from '../../auth/token/access-token.ts';
import { mintAccessToken } from '../../auth/token/mint.ts';
import type { FhirAuthorization } from '../hooks/types.ts';
import type { CdsProviderRegistration } from '../registrations.ts';

/** Seconds that the token of a service lives. */
const LIFE = 60;

/**
 * The access token that a service of others gets (CDS Hooks 2.0, Passing the Access Token to the CDS Service): for the
 * service and the user, for one patient, to read, and no more than registration and user both may. The service acts for
 * the user, so the policy of agents holds besides the user's.
 * @param token of the user who asks
 * @returns undefined when the registration has no scopes, when nothing is in common, or where no person asks
 */
export async function fhirAuthorizationOf(
  auth: AuthServices,
  tenant: Tenant,
  token: AccessToken,
  provider: CdsProviderRegistration,
  patient: string,
): Promise<FhirAuthorization | undefined> {
  // Who acts for somebody does not pass that on.
  if (provider.scopes === undefined || token.role === undefined || token.actor !== undefined)
    return undefined;
  const held = parseScopes(token.scopes).resources.filter(
    ({ context }) => context === 'user' || (context === 'patient' && token.patient === patient),
  );
  const { resources } = intersectScopes(
    { resources: parseScopes(provider.scopes).resources, context: [] },
    { resources: held.map((scope) => ({ ...scope, context: 'patient' as const })), context: [] },
  );
  const scope = await auth.enforceable(tenant, resources.map(formatScope).join(' '), token.role);
  const seconds = Math.min(LIFE, token.expires - Math.floor(Date.now() / 1000));
  if (scope === '' || seconds <= 0) return undefined;
  const subject = `cds-service/${provider.id}`;
  const { encounter: _, ...person } = token;
  const { jwt } = await mintAccessToken(
    auth,
    tenant,
    { ...person, clientId: subject, actor: { clientId: subject }, scopes: scope, patient },
    seconds,
  );
  return { access_token: jwt, token_type: 'Bearer', expires_in: seconds, scope, subject, patient };
}
