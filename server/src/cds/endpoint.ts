import type { ErrorRequestHandler, Request, RequestHandler, Response, Router } from 'express';
import { cors } from '../auth/endpoint.ts';
import { FhirError, fhirError, operationOutcome } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import { bodyText, readBody } from '../http/body.ts';
import { mediaType } from '../http/negotiation.ts';
import { isObject } from '../json/objects.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject } from '../json/types.ts';
import { toFhirError } from '../storage/connections.ts';
import type { CdsEnvironment } from './environment.ts';

/** A request of CDS Hooks, with the tenant of its path. */
export interface CdsCall {
  readonly request: Request;
  readonly response: Response;
  readonly context: TenantContext;
  /** Reads the body, a JSON object (CDS Hooks 2.0, Use of JSON). @throws FhirError 400, 413, 415 */
  body(): Promise<JsonObject>;
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
  router: Router,
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
        body: () => readObject(request, environment.settings.maxBodyBytes),
        part: (name) => request.params[name] as string,
      });
      if (body === undefined) response.end();
      else response.type('application/json').send(JSON.stringify(body));
    } catch (error) {
      sendFault(request, response, error, environment);
    }
  };
  const route = router.route(path).all(cors([method]));
  if (method === 'GET') route.get(handle);
  else route.post(handle);
  route.all((request, response) => {
    response.set('Allow', method === 'GET' ? 'GET, HEAD' : method);
    sendFault(
      request,
      response,
      fhirError(405, 'not-supported', `Only ${method} is allowed here`, 'http.method'),
      environment,
    );
  });
}

/**
 * Adds the end of a router: what lies below its paths and is no endpoint, and paths that Express cannot read. A browser
 * that calls them learns as much as any other caller.
 */
export function addEnd(router: Router, environment: CdsEnvironment, paths: readonly string[]): void {
  const missing: RequestHandler = (request, response) => {
    const where = 'Discovery is at /cds-services/{tenant}, services at /cds-services/{tenant}/{id}';
    const error = fhirError(404, 'not-found', `There is no such endpoint. ${where}`, 'http.path');
    sendFault(request, response, error, environment);
  };
  const unreadable: ErrorRequestHandler = (thrown, request, response, next) => {
    if ((thrown as { status?: unknown }).status !== 400) return next(thrown);
    cors([])(request, response, () => {
      const error = fhirError(400, 'invalid', 'The path cannot be read', 'http.path');
      sendFault(request, response, error, environment);
    });
  };
  router.use([...paths], cors(['GET', 'POST']), missing);
  router.use([...paths], unreadable);
}

/** Media types that say JSON, such as application/fhir+json. */
const JSON_TYPE = /^[a-z]+\/([a-z0-9.-]+\+)?json(\+fhir)?$/;

async function readObject(request: Request, limit: number): Promise<JsonObject> {
  const type = mediaType(request.headers['content-type']) ?? '';
  if (type !== '' && !JSON_TYPE.test(type)) {
    const problem = `Content-Type '${type}' is not supported: send application/json`;
    throw fhirError(415, 'not-supported', problem, 'http.content-type');
  }
  const value = parseJson(bodyText(await readBody(request, limit)));
  if (isObject(value)) return value;
  throw fhirError(400, 'structure', 'The body must be a JSON object', 'http.body');
}

function sendFault(request: Request, response: Response, thrown: unknown, { log }: CdsEnvironment): void {
  const error = toFhirError(thrown);
  if (!(error instanceof FhirError) || error.status === 500) log.error({ err: thrown }, 'CDS Hooks failure');
  const known =
    error instanceof FhirError
      ? error
      : fhirError(500, 'exception', 'The server failed at this request. The failure has been logged.');
  if (response.headersSent) return;
  // Of a body that was begun nobody reads the rest; one that was never begun, Node passes over.
  if (request.readableDidRead && !request.complete) response.set('Connection', 'close');
  response.status(known.status).set(known.headers as Record<string, string>);
  response.type('application/json').send(JSON.stringify(operationOutcome(known.issues)));
}
