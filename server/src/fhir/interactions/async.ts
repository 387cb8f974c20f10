import { type JobHandler, JobInterrupted, type JobResult, type RunningJob } from '../../jobs/job.ts';
import { parseJson } from '../../json/parse.ts';
import { isTransient, toFhirError } from '../../storage/connections.ts';
import { uuidV7 } from '../../storage/row-id.ts';
import { accepted } from '../async-response.ts';
import { bundleText } from '../bundle/bundle-text.ts';
import { responseEntry } from '../bundle/response-entry.ts';
import { isOwner, type KeptScope, keptScope, scopeOf } from '../kept-scope.ts';
import {
  EXPORT_FILE,
  EXPORT_JOB,
  exportAnswer,
  exportFile,
  giveUpExport,
} from '../operations/export/answers.ts';
import { findOperation, OPERATIONS } from '../operations/operations.ts';
import { FhirError, fhirError, operationOutcome } from '../outcome.ts';
import type { FhirRequest, FhirResponse, Preferences } from '../request.ts';
import { route } from '../route.ts';
import type { Services } from '../services.ts';

/*
 * The asynchronous request pattern (R4 async.html): `Prefer: respond-async` answers 202 at once, the interaction is
 * carried out as a job, and its outcome waits at `[base]/_async/{id}` as a Bundle of type batch-response with one entry.
 */

/** Kinds of jobs that carry out a request; a large one is heavy. */
export const REQUEST_JOB = 'request';
export const LARGE_REQUEST_JOB = 'large-request';

/** From this many characters of body on a request is large. */
const LARGE = 1_000_000;
/** How long results are kept after they are ready, in milliseconds; maintenance removes them then. */
const KEPT = 24 * 60 * 60 * 1000;
/** Headers that interactions look at. */
const HEADERS = ['if-match', 'if-none-match', 'if-modified-since', 'if-none-exist', 'x-provenance'] as const;

/** A request as store.job.request keeps it; its body lies beside it. */
interface StoredRequest extends KeptScope {
  method: string;
  path: string[];
  query: [string, string][];
  headers: { [name: string]: string };
  contentType: string | null;
  return: string | null;
  handling: string | null;
  /** How the body is kept. */
  body: 'none' | 'text' | 'base64' | 'json';
}

/**
 * Puts a request into the queue, to be carried out later with the same access rights.
 * @returns 202 with the status URL in Content-Location; what is asynchronous or instant by itself ($reindex, HEAD) is
 *   handed on to its own handler
 * @throws FhirError 404 or 405 when nothing could ever handle it, 429 when the tenant has too many open jobs
 */
export async function startAsync(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const routed = route(request.method, request.path);
  const operation = routed.interaction === 'operation' ? findOperation(routed, request.method) : undefined;
  if (routed.operation === '$reindex' || request.method === 'HEAD') {
    return services.handle({ ...request, prefer: { ...request.prefer, respondAsync: false } });
  }
  // Bulk Data is always asynchronous, and asks that it is said so.
  if (operation !== undefined && routed.operation === '$export') return operation(services, request, routed);
  const { form, text } = storedBody(request);
  if (text?.includes('\0'))
    throw fhirError(400, 'invalid', 'The body contains the character U+0000', 'http.body');
  const stored: StoredRequest = {
    ...keptScope(request.scope),
    method: request.method,
    path: [...request.path],
    query: request.query.map(([name, value]) => [name, value]),
    headers: Object.fromEntries(
      HEADERS.flatMap((name) => {
        const value = request.header(name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    contentType: request.contentType ?? null,
    return: request.prefer.return ?? null,
    handling: request.prefer.handling ?? null,
    body: form,
  };
  const kind = text !== undefined && text.length >= LARGE ? LARGE_REQUEST_JOB : REQUEST_JOB;
  return accepted(request.context, await services.jobs.enqueue(request.context.tenant, kind, stored, text));
}

/**
 * `[base]/_async/{id}`: GET tells how a job is going (202 with X-Progress and Retry-After) or gives its result, DELETE
 * cancels it or gives up its result (202). Of a Bulk Data export GET of `[base]/_async/{id}/{file}` gives a file.
 * @throws FhirError 404 for what is no job of this tenant and subject, 405 for other methods
 */
export async function asyncStatus(
  services: Services,
  request: FhirRequest,
  id: string,
): Promise<FhirResponse> {
  const { method, context, scope } = request;
  const [, , file, ...rest] = request.path;
  if (rest.length > 0) throw unknownJob(id);
  if (method !== 'GET' && method !== 'HEAD' && (method !== 'DELETE' || file !== undefined)) {
    throw fhirError(
      405,
      'not-supported',
      `${method} is not allowed on the status of a request`,
      'http.method',
    );
  }
  const job = await services.jobs.status(context.tenant, id);
  // Whoever did not start it is told nothing of it.
  if (job === undefined || job.state === 'cancelled' || !isOwner(scope, job.request)) throw unknownJob(id);
  // A file is had by way of its export only.
  if (job.kind === EXPORT_FILE) throw unknownJob(id);
  if (file !== undefined) return exportFile(services, context.tenant, job, file);
  if (method === 'DELETE') {
    await services.jobs.cancel(context.tenant, id);
    if (job.kind === EXPORT_JOB) await giveUpExport(services, context.tenant, job);
    const outcome = operationOutcome([
      { severity: 'information', code: 'informational', diagnostics: `The request ${id} is cancelled` },
    ]);
    return { status: 202, text: JSON.stringify(outcome), interaction: 'operation' };
  }
  if (job.state === 'waiting' || job.state === 'running') {
    const progress = job.progress.text ?? (job.state === 'waiting' ? 'waiting' : 'running');
    const age = job.now - job.created;
    return {
      status: 202,
      headers: {
        'X-Progress': progress.slice(0, 99),
        'Retry-After': String(age < 10_000 ? 1 : age < 60_000 ? 3 : 10),
      },
      interaction: 'operation',
    };
  }
  if (job.kind === EXPORT_JOB && job.state === 'done') return exportAnswer(job, KEPT);
  return {
    status: job.status ?? 500,
    ...(job.result === undefined ? {} : { text: job.result }),
    headers: { Expires: new Date(job.heartbeat + KEPT).toUTCString() },
    interaction: 'operation',
  };
}

/** Carries out stored requests. @param heavy whether it is for the large ones */
export function requestJob(services: Services, heavy: boolean): JobHandler {
  return { heavy, run: (job) => carryOut(services, job) };
}

async function carryOut(services: Services, job: RunningJob): Promise<JobResult> {
  const stored = job.request as StoredRequest;
  const safe = isSafe(stored);
  if (!safe) {
    // A write is begun once only. If its worker died, it may or may not have been committed: only the client can find out.
    if (job.progress['begun'] === true) {
      const message =
        'The server was interrupted while it carried out this request. It may have been carried out, or not at all or, for a batch, in part: look before you send it again.';
      throw fhirError(500, 'incomplete', message);
    }
    await job.save({ begun: true, text: 'running' });
  }
  const context = await services.tenants.current(job.tenant);
  const signal = safe ? job.signal : whenCancelled(job.signal);
  const request = requestOf(stored, job, context, signal);
  let response: FhirResponse;
  try {
    response = await services.handle(request);
  } catch (thrown) {
    // What can be done again is done again when it was interrupted or the database was away.
    if (safe) {
      job.signal.throwIfAborted();
      if (isTransient(thrown)) throw thrown;
    }
    const error = toFhirError(thrown);
    if (!(error instanceof FhirError)) throw error;
    response = {
      status: error.status,
      text: JSON.stringify(operationOutcome(error.issues)),
      interaction: 'operation',
    };
  }
  const result = bundleText({
    type: 'batch-response',
    id: uuidV7(),
    timestamp: new Date().toISOString(),
    links: [{ relation: 'self', url: `${context.baseUrl}/_async/${job.id}` }],
    entries: [responseEntry(response)],
  });
  return { status: 200, result };
}

function requestOf(
  stored: StoredRequest,
  job: RunningJob,
  context: FhirRequest['context'],
  signal: AbortSignal,
): FhirRequest {
  const { headers, body } = stored;
  return {
    scope: scopeOf(job.tenant, stored),
    context,
    method: stored.method as FhirRequest['method'],
    path: stored.path,
    query: stored.query,
    header: (name) => headers[name],
    contentType: stored.contentType ?? undefined,
    ...(body === 'json' ? { json: parseJson(job.body ?? '') } : {}),
    body: body === 'json' ? undefined : body === 'base64' ? Buffer.from(job.body ?? '', 'base64') : job.body,
    prefer: {
      return: (stored.return ?? undefined) as Preferences['return'],
      handling: (stored.handling ?? undefined) as Preferences['handling'],
      respondAsync: false,
    },
    signal,
  };
}

function storedBody({ json, body }: FhirRequest): { form: StoredRequest['body']; text: string | undefined } {
  if (json !== undefined) return { form: 'json', text: JSON.stringify(json) };
  if (body === undefined) return { form: 'none', text: undefined };
  if (typeof body === 'string') return { form: 'text', text: body };
  return { form: 'base64', text: body.toString('base64') };
}

/** Whether a request changes nothing (RFC 9110 9.2.1), so that it may be carried out again. */
function isSafe({ method, path }: StoredRequest): boolean {
  if (method === 'GET' || path.at(-1) === '_search') return true;
  const name = path.at(-1)?.slice(1);
  return path.at(-1)?.startsWith('$') === true && OPERATIONS.some((one) => one.name === name && one.safe);
}

/** A signal for work that is not to be torn: it ends when the client cancels, not when the process stops. */
function whenCancelled(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const pass = (): void => {
    const { reason } = signal as { reason?: unknown };
    if (reason instanceof JobInterrupted && reason.reason === 'cancelled') controller.abort(reason);
  };
  if (signal.aborted) pass();
  else signal.addEventListener('abort', pass, { once: true });
  return controller.signal;
}

function unknownJob(id: string): FhirError {
  return fhirError(404, 'not-found', `There is no asynchronous request '${id}'`, 'http.path');
}
