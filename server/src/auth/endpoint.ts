import express, { type Request, type RequestHandler, type Response } from 'express';
import type { Tenant } from '../access/scope.ts';
import { FhirError } from '../fhir/outcome.ts';
import { OAuthError } from './oauth-error.ts';

/** Body bytes that these endpoints read at most. */
export const MAX_BODY = 65_536;

/** The tenant that the router has found for the request. */
export const tenantOf = (response: Response): Tenant => response.locals['tenant'] as Tenant;

/** Answers carry secrets or tell what is true now only (RFC 6749, section 5.1). */
export function noStore(response: Response): void {
  response.set('Cache-Control', 'no-store').set('Pragma', 'no-cache');
}

/**
 * An endpoint that answers JSON: what `work` returns with 200, what it throws as RFC 6749 words errors. Answers are not
 * to be stored.
 * @param onError told of errors that are not the client's
 */
export function jsonEndpoint(
  work: (request: Request, response: Response) => Promise<object | undefined>,
  onError: (error: unknown) => void,
): RequestHandler {
  return async (request, response) => {
    noStore(response);
    try {
      const body = await work(request, response);
      if (body === undefined) response.end();
      else response.json(body);
    } catch (error) {
      sendError(response, error, onError);
    }
  };
}

/** Answers with an error as RFC 6749, section 5.2 has it. */
export function sendError(response: Response, error: unknown, onError: (error: unknown) => void): void {
  const known = error instanceof OAuthError ? error : translated(error);
  if (known === undefined) onError(error);
  const { status, headers } = known ?? { status: 500, headers: {} };
  response.status(status).set(headers);
  response.json(known ?? new OAuthError('server_error', 'The request could not be carried out'));
}

function translated(error: unknown): OAuthError | undefined {
  if (error instanceof FhirError && error.status === 503) {
    return new OAuthError('temporarily_unavailable', 'The database is not available at the moment', 503, {
      'Retry-After': '2',
    });
  }
  // What express's body parsers throw: too large, a wrong charset, an aborted or malformed body.
  const { status, type } = error as { status?: unknown; type?: unknown };
  if (typeof status === 'number' && status >= 400 && status < 500 && typeof type === 'string') {
    return new OAuthError('invalid_request', 'The body cannot be read', status === 413 ? 413 : 400);
  }
  return undefined;
}

/** Reads `application/x-www-form-urlencoded` bodies; other content leaves the request without a form. */
export const readForm: RequestHandler = express.urlencoded({
  extended: false,
  limit: MAX_BODY,
  parameterLimit: 100,
});

/** Reads JSON bodies. */
export const readJson: RequestHandler = express.json({ limit: MAX_BODY });

/** The parameters of a form: each at most once, those without a value left out (RFC 6749, section 3.2). */
export class Form {
  readonly #values: ReadonlyMap<string, string>;

  /** @throws OAuthError invalid_request when there is no form, or a parameter is given twice */
  constructor(request: Pick<Request, 'body'>) {
    if (typeof request.body !== 'object' || request.body === null) {
      throw new OAuthError('invalid_request', 'The body must be application/x-www-form-urlencoded');
    }
    const values = new Map<string, string>();
    for (const [name, value] of Object.entries(request.body as Record<string, unknown>)) {
      if (typeof value !== 'string') {
        throw new OAuthError('invalid_request', `The parameter ${name} is given more than once`);
      }
      if (value !== '') values.set(name, value);
    }
    this.#values = values;
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** @throws OAuthError invalid_request when it is missing */
  require(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined) throw new OAuthError('invalid_request', `The parameter ${name} is missing`);
    return value;
  }
}

/** The token of `Authorization: Bearer` (RFC 6750, section 2.1); undefined for another scheme or none. */
export function bearerOf(request: Pick<Request, 'headers'>): string | undefined {
  return /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1];
}

/** Apps in browsers call these from their own origins; no cookie is looked at, so any origin may (Fetch, CORS protocol). */
export function cors(methods: readonly string[]): RequestHandler {
  return (request, response, next) => {
    response.set('Access-Control-Allow-Origin', '*');
    response.set(
      'Access-Control-Expose-Headers',
      'WWW-Authenticate, Retry-After, X-CDS-Degraded, X-Request-Id',
    );
    if (request.method !== 'OPTIONS') return next();
    response
      .set('Access-Control-Allow-Methods', [...methods, 'OPTIONS'].join(', '))
      .set('Access-Control-Allow-Headers', 'Authorization, Content-Type, Accept, Prefer')
      .set('Access-Control-Max-Age', '86400')
      .status(204)
      .end();
  };
}
