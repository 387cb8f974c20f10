import { shownText } from '../../access/hidden-elements.ts';
import { grantsFor, type Interaction } from '../../access/scope.ts';
import { authorsProvenance, provenanceOfHeader, provenanceRequest } from '../../audit/provenance.ts';
import { shownValue } from '../../json/shown.ts';
import type { Resource } from '../../json/types.ts';
import { binaryOfBody } from '../binary.ts';
import { etag, httpDate, ifMatchVersion } from '../entity-tags.ts';
import { fhirError, operationOutcome } from '../outcome.ts';
import { patchOf } from '../patch-body.ts';
import { queryText } from '../query-text.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import { resourceBody } from '../resource-body.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { guardedPatch } from '../write/scope-check.ts';
import type { WriteOutcome, WriteRequest } from '../write/write-request.ts';

/** create, with If-None-Exist for conditional create (R4 http.html#create, #ccreate). */
export async function create(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  const type = route.type as string;
  const resource = bodyOf(request, type);
  const criteria = request.header('if-none-exist');
  const { scope, context } = request;
  const outcome = await services.writes.write(
    scope,
    context,
    {
      kind: 'create',
      type,
      resource,
      at: '',
      ...actorOf(request),
      ...(criteria === undefined ? {} : { criteria: criteria.replace(/^.*\?/, '') }),
    },
    provenancesOf(request),
  );
  return written(request, outcome, 'create');
}

/** update, update-as-create and conditional update (R4 http.html#update, #upsert, #cond-update). */
export async function update(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  const type = route.type as string;
  const resource = bodyOf(request, type);
  const ifMatch = ifMatchVersion(request.header('if-match'));
  // Raw bytes carry no id: it is the URL's.
  if (!route.conditional && request.json === undefined) resource['id'] = route.id as string;
  if (!route.conditional && resource['id'] !== route.id) {
    throw fhirError(
      400,
      'value',
      resource['id'] === undefined
        ? `The body needs the id of the URL, '${route.id}'`
        : `The body's id ${shownValue(resource['id'])} is not the id of the URL, '${route.id}'`,
      `${type}.id`,
    );
  }
  const outcome = await services.writes.write(
    request.scope,
    request.context,
    {
      kind: 'update',
      type,
      resource,
      at: '',
      ...actorOf(request),
      ...targetOf(request, route),
      ...(ifMatch === undefined ? {} : { ifMatch }),
    },
    provenancesOf(request),
  );
  return written(request, outcome, 'update');
}

/** patch by JSON Patch or FHIRPath Patch, by id or by criteria (R4 http.html#patch). */
export async function patch(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  const type = route.type as string;
  const ifMatch = ifMatchVersion(request.header('if-match'));
  const outcome = await services.writes.write(
    request.scope,
    request.context,
    {
      kind: 'patch',
      type,
      patch: guardedPatch(request.scope, patchOf(request)),
      at: '',
      ...actorOf(request),
      ...targetOf(request, route),
      ...(ifMatch === undefined ? {} : { ifMatch }),
    },
    provenancesOf(request),
  );
  return written(request, outcome, 'patch');
}

/** delete and conditional delete, single or multiple (R4 http.html#delete, #3.1.0.7.1). */
export async function remove(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  const type = route.type as string;
  const ifMatch = ifMatchVersion(request.header('if-match'));
  const outcome = await services.writes.write(
    request.scope,
    request.context,
    {
      kind: 'delete',
      type,
      at: '',
      ...actorOf(request),
      ...targetOf(request, route),
      ...(ifMatch === undefined ? {} : { ifMatch }),
    },
    provenancesOf(request),
  );
  return deleted(request, outcome);
}

function bodyOf(request: FhirRequest, type: string): Resource {
  const raw = type === 'Binary' && request.json === undefined && request.contentType !== undefined;
  return raw ? binaryOfBody(request) : resourceBody(request, type);
}

/** Who has made a request, as the writes that it consists of carry it. */
export function actorOf({ actor }: FhirRequest): Pick<WriteRequest, 'actor'> {
  return actor === undefined ? {} : { actor };
}

/**
 * The write of the Provenance that a request's X-Provenance gives for what the request writes, or that the server makes in
 * its place (`attributed`); that of an agent's writes is the write engine's.
 * @throws FhirError 400 for what is no such Provenance
 */
export function provenancesOf(request: FhirRequest): WriteRequest[] {
  const { scope, attributed } = request;
  const provenance = provenanceOfHeader(request.header('x-provenance'), request.context);
  if (provenance !== undefined) return [{ ...provenanceRequest(provenance), ...actorOf(request) }];
  if (attributed === undefined || scope.agent === true) return [];
  return [{ ...authorsProvenance(scope, attributed), ...actorOf(request) }];
}

function targetOf(request: FhirRequest, route: Route): Pick<WriteRequest, 'id' | 'criteria'> {
  if (!route.conditional) return { id: route.id as string };
  const criteria = queryText(request.query);
  if (criteria === '') {
    throw fhirError(412, 'required', 'Without an id the URL needs search criteria', 'http.query');
  }
  return { criteria };
}

/** The answer to a write: by default the resource, or as `Prefer: return` says (R4 http.html#ops). */
export function written(request: FhirRequest, outcome: WriteOutcome, interaction: Interaction): FhirResponse {
  const location = `${request.context.baseUrl}/${outcome.type}/${outcome.id}/_history/${outcome.version}`;
  const headers: Record<string, string> = {
    ETag: etag(outcome.version),
    'Last-Modified': httpDate(outcome.lastUpdated),
    'Content-Location': location,
    ...(outcome.status === 201 || interaction === 'create' ? { Location: location } : {}),
  };
  const common = { status: outcome.status, headers, interaction, type: outcome.type };
  switch (answerForm(request, outcome)) {
    case 'minimal':
      return common;
    case 'OperationOutcome':
      return { ...common, text: JSON.stringify(successOutcome(outcome)) };
    default:
      return { ...common, text: shownText(outcome.content, request.scope.hidden) };
  }
}

/** What is answered to a write: of what the client may not read it gets no representation. */
export function answerForm(
  { scope, prefer }: Pick<FhirRequest, 'scope' | 'prefer'>,
  { type }: Pick<WriteOutcome, 'type'>,
): FhirRequest['prefer']['return'] {
  if (prefer.return === 'OperationOutcome' || grantsFor(scope, type, 'read').length > 0) return prefer.return;
  return 'minimal';
}

/** The answer to a delete: 204, or 200 with an OperationOutcome when asked for one. */
export function deleted(request: FhirRequest, outcome: WriteOutcome): FhirResponse {
  const headers: Record<string, string> = outcome.version > 0 ? { ETag: etag(outcome.version) } : {};
  const common = { headers, interaction: 'delete' as const, type: outcome.type };
  if (request.prefer.return === 'OperationOutcome' || outcome.deletedCount !== undefined) {
    return { ...common, status: 200, text: JSON.stringify(successOutcome(outcome)) };
  }
  return { ...common, status: 204 };
}

/** An OperationOutcome that says what a write did. */
export function successOutcome(outcome: WriteOutcome): ReturnType<typeof operationOutcome> {
  const what =
    outcome.deletedCount !== undefined
      ? `${outcome.deletedCount} ${outcome.type} deleted`
      : outcome.status === 204
        ? `${outcome.type}/${outcome.id} deleted`
        : `${outcome.type}/${outcome.id} is stored as version ${outcome.version}`;
  return operationOutcome([
    { severity: 'information', code: 'informational', diagnostics: what },
    ...outcome.issues,
  ]);
}
