import type { IncomingMessage } from 'node:http';
import { type AccessScope, openScope, type Tenant } from '../access/scope.ts';
import type { AuditActor } from '../audit/request-event.ts';
import type { AccessToken, TokenVerifier } from '../auth/token/access-token.ts';
import { FhirError, type IssueCode } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';

/** What of a request decides what it may do. */
export type AccessRequest = Pick<IncomingMessage, 'headers' | 'method'>;

/** Decides what a request to the FHIR API may do. */
export interface RequestAccess {
  /**
   * @param path segments below the tenant's base
   * @throws FhirError 401 for a request without a token that counts (RFC 6750, section 3)
   */
  scopeOf(
    request: AccessRequest,
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

/** What decides about access besides the token; see fhir/access-facts.ts. */
export interface AccessDecisions {
  /** Resolves when it is known what other processes have changed; undefined when it is already. */
  fresh(): Promise<void> | undefined;
  /** Another number whenever something has changed in the tenant. */
  epoch(tenant: Tenant): number;
  /** What a verified token may do, and until when (epoch milliseconds) if nothing changes. */
  decide(token: AccessToken, context: TenantContext): Promise<Decision>;
}

export interface Decision {
  readonly scope: AccessScope;
  readonly until: number;
}

/** VESTA_AUTH=smart: access tokens decide. Decisions are used again as long as they hold. */
export function tokenAccess(
  verifier: TokenVerifier,
  decisions: AccessDecisions,
  smartConfiguration: (context: TenantContext) => object,
): RequestAccess {
  const known = new WeakMap<AccessToken, Decision & { context: TenantContext; epoch: number }>();
  const actors = new WeakMap<AccessScope, AuditActor>();
  const remembered = (token: AccessToken, context: TenantContext): AccessScope | undefined => {
    const waiting = decisions.fresh();
    if (waiting !== undefined) {
      waiting.catch(() => {});
      return undefined;
    }
    const before = known.get(token);
    const holds =
      before?.context === context &&
      before.epoch === decisions.epoch(context.tenant) &&
      Date.now() < before.until;
    return holds ? before.scope : undefined;
  };
  const scopeFor = async (request: AccessRequest, context: TenantContext): Promise<AccessScope> => {
    const token = await verifier.verify(context.tenant, bearerOf(request));
    if (token === undefined) {
      throw unauthorized('The access token is not valid here, or no longer', 'error="invalid_token"');
    }
    const waiting = decisions.fresh();
    if (waiting !== undefined) await waiting;
    const before = remembered(token, context);
    if (before !== undefined) return before;
    const epoch = decisions.epoch(context.tenant);
    const decision = await decisions.decide(token, context);
    const { scope } = decision;
    actors.set(scope, actorOf(token, scope));
    known.set(token, { ...decision, context, epoch });
    return scope;
  };
  return {
    smartConfiguration,
    actorOf: (scope) => actors.get(scope) ?? { agent: scope.subject },
    scopeOf(request, context, path) {
      if (isPublic(request, path)) return { tenant: context.tenant, subject: 'anonymous', grants: PUBLIC };
      // Most requests are decided by what is in memory: they wait for nothing, not even for a resolved promise.
      const token = verifier.remembered(context.tenant, request.headers.authorization?.slice(7) ?? '');
      const isBearer = token !== undefined && isPlainBearer(request);
      return (isBearer ? remembered(token, context) : undefined) ?? scopeFor(request, context);
    },
  };
}

function actorOf({ id, role }: AccessToken, scope: AccessScope): AuditActor {
  const { subject, client, purposeOfUse, emergencies } = scope;
  return {
    agent: subject,
    token: id,
    ...(client === undefined ? {} : { client }),
    ...(role === undefined ? {} : { role }),
    ...(purposeOfUse === undefined ? {} : { purpose: purposeOfUse }),
    ...(emergencies === undefined ? {} : { emergencies }),
  };
}

const PUBLIC: AccessScope['grants'] = [{ types: [], interactions: ['capabilities'] }];

/** What anybody may read: the CapabilityStatement (R4 http.html#capabilities; g10 asks for it without a token). */
function isPublic({ method }: AccessRequest, path: readonly string[]): boolean {
  return path.length === 1 && path[0] === 'metadata' && (method === 'GET' || method === 'HEAD');
}

/** Whether the Authorization header is `Bearer`, one space, and what stands behind it. */
function isPlainBearer({ headers }: AccessRequest): boolean {
  return headers.authorization?.startsWith('Bearer ') === true;
}

/** The token of the Authorization header: nowhere else may one be (OAuth 2.1). @throws FhirError 401 */
function bearerOf({ headers }: AccessRequest): string {
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
