import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Tenant } from '../access/scope.ts';
import type { AuditActor } from '../audit/request-event.ts';
import { type AuditTrail, refusal } from '../audit/trail.ts';
import type { DefinitionsModel } from '../conformance/model.ts';
import type { FhirServer } from '../fhir/fhir-server.ts';
import { FhirError, fhirError, operationOutcome } from '../fhir/outcome.ts';
import type { FhirRequest, FhirResponse } from '../fhir/request.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonValue } from '../json/types.ts';
import { startTrace, type Trace } from '../observability/trace.ts';
import type { TrustedProxies } from '../security/limits/client-address.ts';
import { rateLimitHeaders } from '../security/limits/headers.ts';
import type { RateVerdict } from '../security/limits/limiter.ts';
import type { FileLinks } from '../security/links/file-links.ts';
import { isSignedLink } from '../security/links/signed-url.ts';
import { toFhirError } from '../storage/connections.ts';
import { parseXml } from '../xml/index.ts';
import type { RequestAccess } from './access.ts';
import { type AnswerHeaders, LINKED_ANSWER, PUBLIC_ANSWER, preflight } from './answer-headers.ts';
import { requestActor } from './audit-actor.ts';
import { type BodyBudget, bodyText, expectedBytes, readBody } from './body.ts';
import {
  contentCoding,
  FHIR_XML,
  type Format,
  mediaType,
  preferences,
  resourceFormat,
  wantedFormat,
} from './negotiation.ts';
import { RepeatedRefusal, type RequestLimits, tighter } from './rate-limits.ts';
import { type Reply, reply, XML_CONTENT_TYPE } from './respond.ts';
import { written } from './written.ts';

export interface HandlerOptions {
  readonly maxBodyBytes: number;
  readonly maxUrlLength: number;
  readonly budget: BodyBudget;
  /** Who may do what. */
  readonly access: RequestAccess;
  /** The proxies that are believed when they say where a request comes from. */
  readonly proxies: TrustedProxies;
  readonly headers: AnswerHeaders;
  /** How much may be asked; undefined for no limit. */
  readonly limits?: RequestLimits | undefined;
  /** Opens links that need no token, where access is controlled. */
  readonly links?: FileLinks | undefined;
  /** Records every answer before it is sent. */
  readonly audit?: AuditTrail;
  /** Called when a large body has been worked on, with its bytes. */
  readonly onLargeBody: (bytes: number) => void;
  /** Called once for each finished request: for metrics and logs. */
  readonly observe: (request: IncomingMessage, outcome: RequestOutcome) => void;
}

export interface RequestOutcome {
  readonly status: number;
  readonly milliseconds: number;
  readonly tenant: string;
  readonly response?: FhirResponse | undefined;
  /** The ids by which the log, the audit log and the answer name the request. */
  readonly trace: Trace;
  /** An error that is not the client's. */
  readonly error?: unknown;
}

const NO_QUERY: readonly (readonly [string, string])[] = [];

/**
 * The HTTP face of FhirServer for URLs below `/fhir/`: reads the request, negotiates, and turns what comes back, errors
 * included, into bytes. It stands beside the Express app rather than in it: routing is FHIR's own, and a read is fast
 * enough for the framework's cost per request to show.
 */
export function fhirHandler(server: FhirServer, options: HandlerOptions) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const started = performance.now();
    let tenantName = '';
    let answer: FhirResponse | undefined;
    let status = 500;
    let failure: unknown;
    let pretty = false;
    let format: Format = 'json';
    let definitions: DefinitionsModel | undefined;
    const { access, audit, limits } = options;
    const trace = startTrace(request.headers);
    let verdict: RateVerdict | undefined;
    const answerWith = (parts: Omit<Reply, 'base' | 'coding'>): Promise<void> =>
      reply(response, {
        ...parts,
        coding,
        base: options.headers(request),
        headers: {
          'X-Request-Id': trace.requestId,
          ...(verdict === undefined ? {} : rateLimitHeaders(verdict)),
          ...parts.headers,
        },
      });
    /** What is asked, once it is known whose it is. */
    let asked: Asked | undefined;
    const actorOf = (known: AuditActor | undefined) =>
      requestActor(request, trace.requestId, options.proxies, known);
    const coding = contentCoding(request.headers['accept-encoding'] as string | undefined);
    try {
      const url = request.url as string;
      if (url.length > options.maxUrlLength)
        throw fhirError(414, 'too-long', 'The URL is too long', 'http.url');
      const mark = url.indexOf('?');
      const segments = splitPath(mark < 0 ? url : url.slice(0, mark));
      const name = segments[0] ?? '';
      const method = request.method as string;
      if (method === 'OPTIONS') {
        status = 204;
        await answerWith({ status, headers: preflight(request) });
        return;
      }
      if (!METHODS.has(method))
        throw fhirError(405, 'not-supported', `${method} is not a method of FHIR`, 'http.method');
      const context = await server.tenants.byName(name);
      if (context === undefined)
        throw fhirError(404, 'not-found', `There is no tenant '${name}'`, 'http.path');
      // Told to the log only when it is one: anything else is what a client has made up.
      tenantName = name;
      definitions = context.definitions;
      let query = mark < 0 ? NO_QUERY : parseQuery(url.slice(mark + 1));
      pretty = wantsPretty(query);
      const contentType = mediaType(request.headers['content-type']);
      const path = segments.slice(1);
      verdict = limits?.arrived(request);
      if (isSmartConfiguration(path) && access.smartConfiguration !== undefined) {
        status = 200;
        await answerWith({
          status,
          body: JSON.stringify(access.smartConfiguration(context)),
          contentType: 'application/json',
          headers: PUBLIC_ANSWER,
          withoutBody: method === 'HEAD',
        });
        return;
      }
      if (audit !== undefined)
        asked = {
          method: method as FhirRequest['method'],
          path,
          query,
          tenant: context.tenant,
          actor: undefined,
        };
      // Before the body is read: a stranger's is not worth the memory.
      const linked = isLinked(request) ? await options.links?.open(context.tenant, method, url) : undefined;
      if (linked !== undefined) {
        query = NO_QUERY;
        if (asked !== undefined) asked.query = query;
      }
      const decided = linked?.scope ?? access.scopeOf(request, context, path);
      const scope = decided instanceof Promise ? await decided : decided;
      if (asked !== undefined) asked.actor = actorOf(access.actorOf?.(scope));
      if (limits !== undefined) verdict = tighter(verdict, limits.known(scope));
      let body: string | Buffer | undefined;
      let json: JsonValue | undefined;
      let release: (() => void) | undefined;
      let expected = 0;
      try {
        if (hasBody(request)) {
          expected = expectedBytes(request, options.maxBodyBytes);
          if (expected > 0) release = await options.budget.take(expected);
          ({ json, body } = await readContent(request, path, contentType, options.maxBodyBytes, definitions));
        }
        if (
          contentType === 'application/x-www-form-urlencoded' &&
          typeof body === 'string' &&
          path.at(-1) === '_search'
        ) {
          query = [...query, ...parseQuery(body)];
          body = undefined;
          pretty = wantsPretty(query);
          if (asked !== undefined) asked.query = query;
        }
        const wanted = query.find(([name]) => name === '_format')?.[1];
        // What a Binary or a file of an export is served as is for its own content type to say.
        if (path[0] === 'Binary' || (path[0] === '_async' && path.length === 3))
          format = binaryFormat(wanted, request.headers.accept);
        else format = wantedFormat(wanted, request.headers.accept);
        const fhirRequest: FhirRequest = {
          scope,
          context,
          method: method as FhirRequest['method'],
          path,
          query,
          header: (name) => {
            // No Accept header means that anything is accepted (RFC 9110 12.5.1).
            const value = request.headers[name] ?? (name === 'accept' ? '*/*' : undefined);
            return Array.isArray(value) ? value.join(', ') : value;
          },
          contentType,
          body,
          ...(json === undefined ? {} : { json }),
          prefer: preferences(request.headers.prefer as string | undefined),
          ...(asked?.actor === undefined ? {} : { actor: asked.actor }),
        };
        answer = await server.handle(fhirRequest);
        if (audit !== undefined) await audit.answered(fhirRequest, answer);
      } finally {
        release?.();
        if (expected > 0) options.onLargeBody(expected);
      }
      status = answer.status;
      const text = answer.text === undefined ? undefined : written(answer.text, format, pretty, definitions);
      await answerWith({
        status,
        withoutBody: method === 'HEAD',
        ...(answer.bytes !== undefined ? { body: answer.bytes } : text !== undefined ? { body: text } : {}),
        ...contentTypeOf(answer, format),
        headers: {
          ...answer.headers,
          ...(answer.interaction === 'capabilities' ? PUBLIC_ANSWER : linked ? LINKED_ANSWER : undefined),
        },
      });
    } catch (thrown) {
      const error = toFhirError(thrown);
      let known =
        error instanceof FhirError
          ? error
          : fhirError(500, 'exception', 'The server failed at this request. The failure has been logged.');
      if (audit !== undefined && asked !== undefined && !(error instanceof RepeatedRefusal))
        known = await recorded(audit, asked, known, actorOf);
      if (!(error instanceof FhirError) || error.status >= 500) failure = thrown;
      status = known.status;
      const json = JSON.stringify(operationOutcome(known.issues));
      const text = refusalText(json, format, pretty, definitions);
      // What is left of a refused body is not read: the connection ends after the answer.
      const close = request.complete ? {} : { Connection: 'close' };
      await answerWith({
        status,
        body: text ?? json,
        ...(format === 'xml' && text !== undefined ? { contentType: XML_CONTENT_TYPE } : {}),
        headers: { ...known.headers, ...close },
        withoutBody: request.method === 'HEAD',
      }).catch(() => {});
    } finally {
      options.observe(request, {
        status,
        milliseconds: performance.now() - started,
        tenant: tenantName,
        response: answer,
        trace,
        error: failure,
      });
    }
  };
}

/** An OperationOutcome as {@link written}; undefined where it cannot be said so: there must be an answer in any case. */
function refusalText(...parts: Parameters<typeof written>): string | undefined {
  try {
    return written(...parts);
  } catch {
    return undefined;
  }
}

/** A request as the audit log is told of it. */
interface Asked extends Pick<FhirRequest, 'method' | 'path'> {
  readonly tenant: Tenant;
  query: FhirRequest['query'];
  /** Undefined until it is known that a token counts. */
  actor: AuditActor | undefined;
}

/** Whether a request may have its permission in its URL: a token goes before. */
function isLinked({ url, headers }: IncomingMessage): boolean {
  return headers.authorization === undefined && isSignedLink(url as string);
}

/** Records a refusal. @returns what is answered: another error when it cannot be recorded */
async function recorded(
  audit: AuditTrail,
  asked: Asked,
  error: FhirError,
  actorOf: (known: AuditActor | undefined) => AuditActor,
): Promise<FhirError> {
  try {
    await audit.record(asked.tenant, asked, refusal(error), asked.actor ?? actorOf(undefined));
    return error;
  } catch (thrown) {
    const failure = toFhirError(thrown);
    return failure instanceof FhirError ? failure : error;
  }
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * The body of a request: parsed if it is a resource, as bytes for a raw Binary or a package, else as text. Neither
 * the bytes nor the text of a resource are kept: a large bundle would be in memory several times.
 */
async function readContent(
  request: IncomingMessage,
  path: readonly string[],
  contentType: string | undefined,
  limit: number,
  definitions: DefinitionsModel,
): Promise<{ json: JsonValue | undefined; body: string | Buffer | undefined }> {
  const bytes = await readBody(request, limit);
  if (bytes.length === 0) return { json: undefined, body: undefined };
  const { method } = request;
  const isBinary = path[0] === 'Binary';
  const rawBinary =
    isBinary &&
    path.length < 3 &&
    (method === 'POST' || method === 'PUT') &&
    contentType !== FHIR_XML &&
    resourceFormat(contentType) !== 'json';
  if (rawBinary || isArchive(path, contentType)) return { json: undefined, body: bytes };
  if (resourceFormat(contentType) === 'xml')
    return { json: parseXml(bodyText(bytes), definitions), body: undefined };
  const isJson = contentType === undefined || contentType.endsWith('json');
  if (isJson) return { json: parseJson(bodyText(bytes)), body: undefined };
  return { json: undefined, body: isBinary ? bytes : bodyText(bytes) };
}

/** SMART App Launch 2.2, "Using Well-Known": below the FHIR base. */
function isSmartConfiguration(path: readonly string[]): boolean {
  return path.length === 2 && path[0] === '.well-known' && path[1] === 'smart-configuration';
}

/** A FHIR package as the body of $install-package. */
function isArchive(path: readonly string[], contentType: string | undefined): boolean {
  return (
    path[0] === '$install-package' && contentType !== undefined && resourceFormat(contentType) === undefined
  );
}

/** The format of an answer about a Binary, which may be neither: then errors are JSON. */
function binaryFormat(format: string | undefined, accept: string | undefined): Format {
  try {
    return wantedFormat(format, accept);
  } catch (error) {
    if (format !== undefined) throw error;
    return 'json';
  }
}

function contentTypeOf(answer: FhirResponse, format: Format): { contentType?: string } {
  if (answer.contentType !== undefined) return { contentType: answer.contentType };
  return format === 'xml' && answer.text !== undefined ? { contentType: XML_CONTENT_TYPE } : {};
}

/** Whether a request carries a body, by its framing (RFC 9112 6.3). */
function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Path segments below `/fhir/`, decoded; an empty trailing segment is dropped. */
function splitPath(pathname: string): string[] {
  const segments = pathname.slice('/fhir/'.length).split('/');
  if (segments.at(-1) === '') segments.pop();
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i] as string;
    if (segment.includes('%')) segments[i] = decode(segment, 'http.path');
    if (segments[i] === '' || (segments[i] as string).includes('\0')) {
      throw fhirError(404, 'not-found', 'The path has an empty or malformed segment', 'http.path');
    }
  }
  return segments;
}

function decode(text: string, expression: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fhirError(400, 'invalid', `'${text.slice(0, 80)}' is not percent-encoded UTF-8`, expression);
  }
}

/**
 * Query or form parameters in order, decoded (`+` is a space).
 * @throws FhirError 400 for broken percent-encoding or U+0000
 */
export function parseQuery(text: string): [string, string][] {
  const result: [string, string][] = [];
  if (text === '') return result;
  for (const part of text.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode((equals < 0 ? part : part.slice(0, equals)).replaceAll('+', ' '), 'http.query');
    const value = equals < 0 ? '' : decode(part.slice(equals + 1).replaceAll('+', ' '), `http.query.${name}`);
    if (name.includes('\0') || value.includes('\0')) {
      throw fhirError(400, 'invalid', 'A parameter contains the character U+0000', 'http.query');
    }
    result.push([name, value]);
  }
  return result;
}

function wantsPretty(query: readonly (readonly [string, string])[]): boolean {
  return query.some(([name, value]) => name === '_pretty' && value === 'true');
}
