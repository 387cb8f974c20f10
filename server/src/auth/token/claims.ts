import type { JWTPayload } from 'jose';
import { compact } from '../compact.ts';
import type { AccessToken } from './access-token.ts';

/** `typ` of access tokens (RFC 9068): an id_token is never taken for one. */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

/** The claims of an access token (RFC 9068, section 2.2) but for iss and aud. */
export function claimsOf(token: AccessToken): JWTPayload {
  return compact({
    jti: token.id,
    gid: token.grantId,
    client_id: token.clientId,
    sub: token.subject,
    fhirUser: token.fhirUser,
    role: token.role,
    scope: token.scopes,
    patient: token.patient,
    encounter: token.encounter,
    purpose_of_use: token.purposeOfUse,
    act: token.actor === undefined ? undefined : { sub: token.actor.clientId },
    iat: token.issued,
    exp: token.expires,
  });
}

/** The inverse of {@link claimsOf}; undefined when a claim is missing or of a wrong type. */
export function accessTokenOf(claims: JWTPayload): AccessToken | undefined {
  const { jti, gid, client_id: clientId, sub, scope, iat, exp, act } = claims;
  const required = [jti, gid, clientId, sub, scope].every((claim) => typeof claim === 'string');
  if (!required || typeof iat !== 'number' || typeof exp !== 'number') return undefined;
  const text = (name: string) => (typeof claims[name] === 'string' ? (claims[name] as string) : undefined);
  const actor = (act as { sub?: unknown } | undefined)?.sub;
  return compact({
    id: jti as string,
    grantId: gid as string,
    clientId: clientId as string,
    subject: sub as string,
    fhirUser: text('fhirUser'),
    role: text('role'),
    scopes: scope as string,
    patient: text('patient'),
    encounter: text('encounter'),
    purposeOfUse: text('purpose_of_use'),
    actor: typeof actor === 'string' ? { clientId: actor } : undefined,
    issued: iat,
    expires: exp,
  });
}
