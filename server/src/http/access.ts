import type { IncomingMessage } from 'node:http';
import { type AccessScope, openScope } from '../access/scope.ts';
import type { AuditActor } from '../audit/request-event.ts';
import type { AccessToken, TokenVerifier } from '../auth/token/access-token.ts';
import { FhirError, type IssueCode } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';

/** Decides what a request to the FHIR API may do. */
export interface RequestAccess {
  /**
   * @param path segments below the tenant's base
   * @throws FhirError 401 for a request without a token that counts (RFC 6750, section 3)
   */
  scopeOf(
    request: IncomingMessage,
    context: TenantContext,
    path: readonly string[],
  ): AccessScope | Promise<AccessScope>;
  /** Who the scope of a request is for, as the audit log names them; without it, who the scope says. */
  actorOf?(scope: AccessScope): AuditActor;
  /** The document at `.well-known/smart-configuration`; undefined where there is no authorization. */
  smartConfiguration?(context: TenantContext): object;
}

/** VESTA_AUTH=open: everybody may do everything. */
export const OPEN_ACCESS: RequestAccess = { scopeOf: (_request, context) => openScope(context.tenant) };

/** How long a decision is used for further requests with the same token, in milliseconds. */
const FRESH = 5000;

/**
 * VESTA_AUTH=smart: access tokens decide.
 * @param scopeOf what a verified token may do
 */
export function tokenAccess(
  verifier: TokenVerifier,
  scopeOf: (token: AccessToken, context: TenantContext) => Promise<AccessScope>,
  smartConfiguration: (context: TenantContext) => object,
): RequestAccess {
  const decisions = new WeakMap<AccessToken, { scope: AccessScope; context: TenantContext; at: number }>();
  const actors = new WeakMap<AccessScope, AuditActor>();
  return {
    smartConfiguration,
    actorOf: (scope) => actors.get(scope) ?? { agent: scope.subject },
    async scopeOf(request, context, path) {
      if (isPublic(request, path)) return { tenant: context.tenant, subject: 'anonymous', grants: PUBLIC };
      const bearer = bearerOf(request);
      const token = await verifier.verify(context.tenant, bearer);
      if (token === undefined) {
        throw unauthorized('The access token is not valid here, or no longer', 'error="invalid_token"');
      }
      const known = decisions.get(token);
      const now = performance.now();
      if (known !== undefined && known.context === context && now - known.at < FRESH) return known.scope;
      const scope = await scopeOf(token, context);
      actors.set(scope, actorOf(token, scope));
      decisions.set(token, { scope, context, at: now });
      return scope;
    },
  };
}

function actorOf({ id, role }: AccessToken, { subject, client, purposeOfUse }: AccessScope): AuditActor {
  return {
    agent: subject,
    token: id,
    ...(client === undefined ? {} : { client }),
    ...(role === undefined ? {} : { role }),
    ...(purposeOfUse === undefined ? {} : { purpose: purposeOfUse }),
  };
}

const PUBLIC: AccessScope['grants'] = [{ types: [], interactions: ['capabilities'] }];

/** What anybody may read: the CapabilityStatement (R4 http.html#capabilities; g10 asks for it without a token). */
function isPublic({ method }: IncomingMessage, path: readonly string[]): boolean {
  return path.length === 1 && path[0] === 'metadata' && (method === 'GET' || method === 'HEAD');
}

/** The token of the Authorization header: nowhere else may one be (OAuth 2.1). @throws FhirError 401 */
function bearerOf({ headers }: IncomingMessage): string {
  const { authorization } = headers;
  if (authorization === undefined) throw unauthorized('An access token is needed');
  const match = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization);
  if (match === null) {
    throw unauthorized(
      'The Authorization header must be Bearer with an access token',
      'error="invalid_token"',
    );
  }
  return match[1] as string;
}

function unauthorized(diagnostics: string, error?: string): FhirError {
  const code: IssueCode = 'login';
  return new FhirError(401, [{ severity: 'error', code, diagnostics, expression: 'http.authorization' }], {
    'WWW-Authenticate': error === undefined ? 'Bearer' : `Bearer ${error}`,
  });
}
