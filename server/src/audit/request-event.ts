import type { Interaction } from '../access/scope.ts';
import { encodeQuery } from '../fhir/query-text.ts';
import type { FhirRequest, FhirResponse } from '../fhir/request.ts';
import type { WriteOutcome, WriteRequest } from '../fhir/write/write-request.ts';
import type { AuditInput } from './entry.ts';
import type { KindName } from './kinds.ts';
import { patientsIn } from './patients.ts';
import { isLogId } from './resource.ts';

/** Who makes a request and from where: the part of its events that is the same for all of them. */
export type AuditActor = Pick<
  AuditInput,
  'agent' | 'client' | 'role' | 'purpose' | 'request' | 'address' | 'token' | 'login'
> & {
  /** Patients whose records are open to the actor in an emergency, with the v3 ActReason code of each. */
  readonly emergencies?: Readonly<Record<string, string>>;
};

/** The actor as the event that concerns these patients has it: an emergency access is its purpose. */
function actorFor(actor: AuditActor, patients: readonly string[]): Omit<AuditActor, 'emergencies'> {
  if (actor.emergencies === undefined) return actor;
  const { emergencies, ...known } = actor;
  const purpose = patients.map((id) => emergencies[id]).find((one) => one !== undefined);
  return purpose === undefined ? known : { ...known, purpose };
}

/** How a request ended. */
export interface RequestEnd {
  readonly status: number;
  /** What was answered; absent after an error. */
  readonly response?: FhirResponse | undefined;
  /** The interaction where there is no response that tells it. */
  readonly interaction?: Interaction;
  /** First diagnostics of an error. */
  readonly reason?: string;
  /** Patients concerned, where the caller knows them better than the answer's text shows (`_elements`, raw Binary). */
  readonly patients?: readonly string[];
}

/** Failures that say something about security: whoever probes what is there, or may not come in. */
const SECURITY = new Set([401, 403, 404, 410, 429]);
const WRITES = new Set<Interaction>(['create', 'update', 'patch', 'delete', 'batch', 'transaction']);

/**
 * The event of a request that was answered: reads, searches, histories and operations that succeeded, and every refusal
 * that has to do with security. Writes that succeeded are told by {@link writeEvents} in their transaction.
 * @returns undefined where there is nothing to record: /metadata, writes, malformed requests
 */
export function requestEvent(
  request: Pick<FhirRequest, 'method' | 'path' | 'query'>,
  end: RequestEnd,
  actor: AuditActor,
): AuditInput | undefined {
  const { status, response } = end;
  const interaction = response?.interaction ?? end.interaction ?? guessed(request);
  const failed = status >= 400;
  // A conditional create that found its resource has read it.
  const found = interaction === 'create' && status === 200;
  if (
    interaction === 'capabilities' ||
    (failed ? !SECURITY.has(status) && status < 500 : WRITES.has(interaction) && !found)
  )
    return undefined;
  const { path, query } = request;
  const [type, id] = path;
  const isInstance = type !== undefined && /^[A-Z]/.test(type) && id !== undefined && !/^[_$]/.test(id);
  const isQuery = failed || query.length > 0 || !(interaction === 'read' || interaction === 'vread');
  const text = response?.text;
  const isLog = isInstance && type === 'AuditEvent' && isLogId(id);
  const patients = failed
    ? isInstance && type === 'Patient'
      ? [id]
      : []
    : (end.patients ?? response?.patients ?? (text === undefined || isLog ? [] : patientsIn(text)));
  const version = path[2] === '_history' && path[3] !== undefined ? Number(path[3]) : versionOf(response);
  return {
    ...actorFor(actor, patients),
    kind: found ? 'search-type' : (interaction as KindName),
    status,
    ...(isInstance ? { what: `${type}/${id}` } : {}),
    ...(version === undefined || !Number.isInteger(version) || !isInstance ? {} : { version }),
    ...(isQuery ? { query: requestLine(request) } : {}),
    ...(patients.length === 0 ? {} : { patients }),
    ...(end.reason === undefined ? {} : { detail: { reason: end.reason } }),
  };
}

/** A resource that a request has written. */
export interface WrittenResource {
  readonly request: WriteRequest;
  readonly outcome: Pick<WriteOutcome, 'type' | 'id' | 'version' | 'status'>;
  /** JSON text of the version, or of the one before a deletion: it tells whom the write concerns. */
  readonly content: string;
}

/**
 * The events of a transaction's writes, for `AuditLog.statements`. What was not written (a conditional create that found
 * its resource, a delete of nothing) makes none.
 * @param actorOf who has made a request
 */
export function writeEvents(
  written: readonly WrittenResource[],
  actorOf: (request: WriteRequest) => AuditActor,
): AuditInput[] {
  return written.flatMap(({ request, outcome, content }) => {
    const { type, id, version, status } = outcome;
    if (id === '' || version === 0) return [];
    if (request.kind === 'create' && status === 200) return [];
    const patients = type === 'Patient' ? [id] : patientsIn(content);
    return [
      {
        ...actorFor(actorOf(request), patients),
        kind: request.kind,
        status,
        what: `${type}/${id}`,
        version,
        ...(request.criteria === undefined ? {} : { query: `${type}?${request.criteria}` }),
        ...(patients.length === 0 ? {} : { patients }),
      },
    ];
  });
}

/** The request as it was made: method, path below the base, and query. */
export function requestLine({ method, path, query }: Pick<FhirRequest, 'method' | 'path' | 'query'>): string {
  const where = path.join('/');
  return `${method} ${where}${query.length === 0 ? '' : `?${encodeQuery(query)}`}`;
}

/** What was asked for, when the request failed before that was found out. */
function guessed({ method, path }: Pick<FhirRequest, 'method' | 'path'>): Interaction {
  if (path.some((segment) => segment.startsWith('$'))) return 'operation';
  if (method === 'PUT') return 'update';
  if (method === 'PATCH') return 'patch';
  if (method === 'DELETE') return 'delete';
  const last = path.at(-1);
  if (path.includes('_history')) {
    if (last !== '_history') return 'vread';
    return path.length === 1 ? 'history-system' : path.length === 2 ? 'history-type' : 'history-instance';
  }
  if (method === 'POST' && last !== '_search') return path.length === 0 ? 'batch' : 'create';
  if (path.length === 2 && last !== '_search') return 'read';
  return path.length === 0 ? 'search-system' : 'search-type';
}

function versionOf(response: FhirResponse | undefined): number | undefined {
  const version = /^W\/"(\d+)"$/.exec(response?.headers?.['ETag'] ?? '')?.[1];
  return version === undefined ? undefined : Number(version);
}
