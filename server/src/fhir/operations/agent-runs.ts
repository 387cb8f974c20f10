import { type AccessScope, grantsFor } from '../../access/scope.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject } from '../../json/types.ts';
import { escapeValue } from '../../search/query/escape.ts';
import { uuidV7 } from '../../storage/row-id.ts';
import { FhirError, fhirError } from '../outcome.ts';
import { encodeQuery } from '../query-text.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Services } from '../services.ts';
import { OperationParameters } from './parameters.ts';

type Query = [string, string][];

const KINDS = ['agent-run', 'agent-step'].map(
  (code) => `https://vesta.health/fhir/CodeSystem/audit-event|${code}`,
);
const DEFAULT_RUNS = 20;
const MOST_RUNS = 100;
/** Events of the runs of an answer, at most. */
const MOST_EVENTS = 2000;
/** How many runs lie within one another; see AgentContext.delegate. */
const DEEPEST = 5;

/** Who reads all of these without hidden elements treats people: what runs have read and written is in the record. */
const TREATING = ['Encounter', 'RiskAssessment', 'Communication', 'DocumentReference', 'Task'];

/**
 * $agent-runs: the AuditEvents of runs of agents and of their steps, in order. Who may search AuditEvents is shown what
 * such a search shows. Who treats people but does not read the audit log is shown runs about what they may read, and of
 * these the events that name only patients whose record is open to them.
 * @throws FhirError 400 where no parameter, or a wrong one, says which runs; 403 for anybody else; what reading the
 *   resource that runs are about answers
 */
export async function agentRuns(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const parameters = new OperationParameters(request);
  const count = countOf(parameters.text('_count'));
  const run = parameters.text('run');
  const about = aboutOf(parameters);
  if (run === undefined && about.length === 0)
    throw fhirError(
      400,
      'required',
      '$agent-runs needs one of the parameters task, encounter, patient, group and run',
      'http.query',
    );
  const isReader = grantsFor(request.scope, 'AuditEvent', 'search-type').length > 0;
  if (!isReader) await assertTreats(services, request, about);
  const asking = isReader ? request : { ...request, scope: logScope(request.scope) };
  const runs = run === undefined ? await runsAbout(services, asking, about, count) : [run];
  const found = await eventsOf(services, asking, runs);
  const events = isReader ? found : await openTo(services, request, found);
  const { baseUrl } = request.context;
  const pairs = parameters.pairs();
  const bundle: JsonObject = {
    resourceType: 'Bundle',
    id: uuidV7(),
    type: 'searchset',
    total: events.length,
    link: [{ relation: 'self', url: `${baseUrl}/$agent-runs?${encodeQuery(pairs)}` }],
    ...(events.length === 0
      ? {}
      : {
          entry: events.map((resource) => ({
            fullUrl: `${baseUrl}/AuditEvent/${String(resource['id'])}`,
            resource,
            search: { mode: 'match' },
          })),
        }),
  };
  return { status: 200, text: JSON.stringify(bundle), interaction: 'operation', type: 'AuditEvent' };
}

function countOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_RUNS;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw fhirError(400, 'value', `_count must be a whole number from 1, not '${text}'`, 'http.query._count');
  return Math.min(MOST_RUNS, Number(text));
}

/** `Type/id` of what the runs are to be about. */
function aboutOf(parameters: OperationParameters): string[] {
  const names = { task: 'Task', encounter: 'Encounter', group: 'RequestGroup', patient: 'Patient' } as const;
  return Object.entries(names).flatMap(([name, type]) => {
    const value = parameters.text(name);
    if (value === undefined) return [];
    const id = value.startsWith(`${type}/`) ? value.slice(type.length + 1) : value;
    if (!/^[A-Za-z0-9\-.]{1,64}$/.test(id))
      throw fhirError(400, 'value', `${name} must be the id of a ${type}`, `http.query.${name}`);
    return [`${type}/${id}`];
  });
}

/** @throws FhirError 403, or as reading what the runs are about does */
async function assertTreats(
  services: Services,
  request: FhirRequest,
  about: readonly string[],
): Promise<void> {
  const { scope } = request;
  const treats = TREATING.every((type) => grantsFor(scope, type, 'read').length > 0);
  if (!treats || scope.hidden !== undefined)
    throw fhirError(403, 'forbidden', 'Runs of agents are not for you to see', 'http.path');
  for (const reference of about) await services.handle(internalGet(request, reference.split('/'), []));
}

/** The server's own access to the record of runs. */
function logScope({ tenant }: AccessScope): AccessScope {
  const search = `subtype=${KINDS.join(',')}`;
  const grants: AccessScope['grants'] = [{ types: ['AuditEvent'], interactions: ['search-type'], search }];
  return { tenant, subject: 'vesta', client: 'vesta', grants };
}

/** The events that name no patient whose record is closed to the caller. */
async function openTo(
  services: Services,
  request: FhirRequest,
  events: readonly JsonObject[],
): Promise<JsonObject[]> {
  const patientsOf = (event: JsonObject) =>
    [...JSON.stringify(event['entity'] ?? []).matchAll(/"reference":"(Patient\/[A-Za-z0-9\-.]{1,64})"/g)].map(
      ([, reference]) => reference as string,
    );
  const open = new Map<string, boolean>();
  for (const reference of new Set(events.flatMap(patientsOf))) {
    const shown = await services.handle(internalGet(request, reference.split('/'), [])).then(
      () => true,
      (error: unknown) => {
        if (error instanceof FhirError && error.status < 500) return false;
        throw error;
      },
    );
    open.set(reference, shown);
  }
  return events.filter((event) => patientsOf(event).every((reference) => open.get(reference)));
}

/** Ids of the newest runs that are about all of these. */
async function runsAbout(
  services: Services,
  request: FhirRequest,
  about: readonly string[],
  count: number,
): Promise<string[]> {
  const query: Query = [
    ...about.map((one): [string, string] => [one.startsWith('Patient/') ? 'patient' : 'entity', one]),
    ['subtype', KINDS[0] as string],
    ['_sort', '-date'],
    ['_count', String(count)],
  ];
  const found = await search(services, request, query);
  return [...new Set(found.flatMap((event) => runOf(event) ?? []))];
}

/** The events of runs, and of those within them. */
async function eventsOf(
  services: Services,
  request: FhirRequest,
  runs: readonly string[],
): Promise<JsonObject[]> {
  const events = new Map<string, JsonObject>();
  const known = new Set<string>();
  let wanted = [...runs];
  for (let depth = 0; wanted.length > 0 && depth < DEEPEST; depth++) {
    for (const run of wanted) known.add(run);
    const found = await search(services, request, [
      ['entity:identifier', wanted.map(escapeValue).join(',')],
      ['subtype', KINDS.join(',')],
      ['_sort', 'date'],
      ['_count', String(Math.min(services.settings.maxPage, MOST_EVENTS))],
    ]);
    for (const event of found) events.set(String(event['id']), event);
    wanted = [...new Set(found.flatMap(runsWithin))].filter((run) => !known.has(run));
  }
  return [...events.values()].sort(byBegin);
}

/** By when they began; what began in the same millisecond: the run before its steps. */
function byBegin(a: JsonObject, b: JsonObject): number {
  const [left, right] = [a, b].map((event) => String(event['recorded'])) as [string, string];
  if (left !== right) return left < right ? -1 : 1;
  const isRun = (event: JsonObject) => (detailsOf(event)['step'] === undefined ? 0 : 1);
  return isRun(a) - isRun(b);
}

function detailsOf(event: JsonObject): Record<string, string> {
  const details = objectsOf(event['entity']).flatMap(({ detail }) => objectsOf(detail));
  return Object.fromEntries(details.map(({ type, valueString }) => [String(type), String(valueString)]));
}

const runOf = (event: JsonObject): string | undefined => detailsOf(event)['run'];

/** The run that a step has handed on to another agent. */
function runsWithin(event: JsonObject): string[] {
  const { name, input } = detailsOf(event);
  if (name?.startsWith('delegate: ') !== true || input === undefined) return [];
  const run = /"run":"([0-9a-f-]{36})"/.exec(input)?.[1];
  return run === undefined ? [] : [run];
}

async function search(services: Services, request: FhirRequest, query: Query): Promise<JsonObject[]> {
  const response = await services.handle(internalGet(request, ['AuditEvent'], query));
  const bundle = parseJson(response.text ?? '{}') as JsonObject;
  return objectsOf(bundle['entry']).flatMap(({ resource, search: found }) =>
    isObject(resource) && (!isObject(found) || found['mode'] !== 'outcome') ? [resource] : [],
  );
}

/** A GET for who makes a request. */
function internalGet(
  { json: _, ...request }: FhirRequest,
  path: readonly string[],
  query: Query,
): FhirRequest {
  return {
    ...request,
    method: 'GET',
    path,
    query,
    header: () => undefined,
    contentType: undefined,
    body: undefined,
    prefer: { return: undefined, handling: 'strict', respondAsync: false },
  };
}
