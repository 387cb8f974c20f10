import express, { type Request, type RequestHandler, type Response } from 'express';
import { cors } from '../auth/endpoint.ts';
import { FhirError, fhirError, operationOutcome } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonValue } from '../json/types.ts';
import { toFhirError } from '../storage/connections.ts';
import type { CdsEnvironment } from './environment.ts';

/** A request of CDS Hooks, with the tenant of its path. */
export interface CdsCall {
  readonly request: Request;
  readonly response: Response;
  readonly context: TenantContext;
  /** Reads the body as JSON. @throws FhirError 400, 413, 415 */
  body(): Promise<JsonValue>;
  /** A part of the path. */
  part(name: string): string;
}

/** Carries out a call. @returns the body of the answer; undefined when it has none */
export type CdsWork = (call: CdsCall) => Promise<object | undefined>;

/**
 * Adds an endpoint below `/{prefix}/:tenant` to a router: CORS, since CDS clients run in browsers (CDS Hooks 2.0,
 * Cross-Origin Resource Sharing), rate limits, the tenant, and errors as OperationOutcome.
 */
export function addEndpoint(
  router: express.Router,
  environment: CdsEnvironment,
  method: 'GET' | 'POST',
  path: string,
  work: CdsWork,
): void {
  const handle: RequestHandler = async (request, response) => {
    try {
      environment.arrived(request);
      const context = await environment.fhir.tenants.byName(request.params['tenant'] as string);
      if (context === undefined) throw fhirError(404, 'not-found', 'There is no such tenant', 'http.path');
      const body = await work({
        request,
        response,
        context,
        body: () => readJson(request, response, environment.settings.maxBodyBytes),
        part: (name) => request.params[name] as string,
      });
      if (body === undefined) response.end();
      else response.type('application/json').send(JSON.stringify(body));
    } catch (error) {
      sendFault(response, error, environment);
    }
  };
  const route = router.route(path).all(cors([method]));
  if (method === 'GET') route.get(handle);
  else route.post(handle);
  route.all((_request, response) => {
    response.set('Allow', method);
    sendFault(
      response,
      fhirError(405, 'not-supported', `Only ${method} is allowed here`, 'http.method'),
      environment,
    );
  });
}

function readJson(request: Request, response: Response, limit: number): Promise<JsonValue> {
  const read = express.text({ type: () => true, limit, defaultCharset: 'utf-8' });
  return new Promise((resolve, reject) => {
    read(request, response, (error?: unknown) => {
      if (error !== undefined && error !== null) return reject(bodyFault(error, limit));
      try {
        const { body } = request as { body?: unknown };
        resolve(parseJson(typeof body === 'string' ? body : ''));
      } catch (fault) {
        reject(fault);
      }
    });
  });
}

/** What express's body parsers throw. */
function bodyFault(error: unknown, limit: number): unknown {
  const { status, type } = error as { status?: unknown; type?: unknown };
  if (typeof status !== 'number' || status >= 500 || typeof type !== 'string') return error;
  if (status === 413)
    return fhirError(413, 'too-long', `The body is larger than ${limit} bytes`, 'http.body');
  return fhirError(status, 'invalid', 'The body cannot be read', 'http.body');
}

function sendFault(response: Response, thrown: unknown, { log }: CdsEnvironment): void {
  const error = toFhirError(thrown);
  if (!(error instanceof FhirError) || error.status === 500) log.error({ err: thrown }, 'CDS Hooks failure');
  const known =
    error instanceof FhirError
      ? error
      : fhirError(500, 'exception', 'The server failed at this request. The failure has been logged.');
  if (response.headersSent) return;
  response.status(known.status).set(known.headers as Record<string, string>);
  response.type('application/json').send(JSON.stringify(operationOutcome(known.issues)));
}
