import { shownText } from '../../access/hidden-elements.ts';
import { shownValue } from '../../json/shown.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import { toFhirError } from '../../storage/connections.ts';
import { VersionReader } from '../../storage/read-versions.ts';
import { uuidV7 } from '../../storage/row-id.ts';
import type { Transaction } from '../../storage/transaction.ts';
import { type BundleEntryText, bundleText } from '../bundle/bundle-text.ts';
import { type BundleEntry, isWrite, jsonPatchOf, readEntry, writeOf } from '../bundle/entries.ts';
import { responseEntry, statusLine } from '../bundle/response-entry.ts';
import { etag } from '../entity-tags.ts';
import { findOperation, OPERATIONS } from '../operations/operations.ts';
import { FhirError, fhirError, operationOutcome } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import { resourceBody } from '../resource-body.ts';
import type { Services } from '../services.ts';
import { checkStructure, instant, placed } from '../write/prepare.ts';
import type { WriteOutcome } from '../write/write-request.ts';
import { actorOf, answerForm, provenancesOf, successOutcome } from './write.ts';

/** Entries of a batch that are worked on at the same time. */
const PARALLEL = 32;

/**
 * batch and transaction (R4 http.html#transaction).
 * @throws FhirError 400 for a body that is no such Bundle; for a transaction, the error of the entry that failed it
 */
export async function bundle(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const body = resourceBody(request);
  if (body.resourceType !== 'Bundle') {
    throw fhirError(
      400,
      'structure',
      `The base URL takes a Bundle, not a ${body.resourceType}`,
      body.resourceType,
    );
  }
  const type = body['type'];
  if (type !== 'transaction' && type !== 'batch') {
    const message = `Bundle.type must be batch or transaction, not ${shownValue(type)}`;
    throw fhirError(400, 'value', message, 'Bundle.type');
  }
  assertBundleShape(request, body);
  const entries = (body['entry'] ?? []) as readonly JsonValue[];
  if (entries.length > services.settings.maxBundleEntries) {
    const message = `A Bundle may have ${services.settings.maxBundleEntries} entries here, this one has ${entries.length}`;
    throw fhirError(413, 'too-long', message, 'Bundle.entry');
  }
  return type === 'transaction' ? transaction(services, request, entries) : batch(services, request, entries);
}

/** Checks the Bundle's own elements against the definitions; its entries are read one by one. */
function assertBundleShape({ context }: FhirRequest, body: Resource): void {
  const { entry, ...shell } = body;
  const filled = Array.isArray(entry) && entry.length > 0;
  checkStructure(context, (filled || entry === undefined ? shell : body) as Resource, '');
}

async function transaction(
  services: Services,
  request: FhirRequest,
  values: readonly JsonValue[],
): Promise<FhirResponse> {
  const { context, scope } = request;
  const entries = values.map((value, index) =>
    at(`Bundle.entry[${index}]`, () => readEntry(value, index, context)),
  );
  assertDistinctFullUrls(entries);
  const writing = entries.filter(isWrite);
  const reading = entries.filter((entry) => !isWrite(entry));
  for (const entry of reading) at(entry.at, () => assertReads(entry));
  const responses = new Map<BundleEntry, BundleEntryText>();
  const outcomes = await services.engine.all(
    scope,
    context,
    [
      ...writing.map((entry) => ({ ...at(entry.at, () => writeOf(entry, request)), ...actorOf(request) })),
      ...(writing.length === 0 ? [] : provenancesOf(request)),
    ],
    reading.length === 0
      ? undefined
      : async (transaction) => {
          const inside = await servicesWithin(services, transaction);
          for (const entry of reading) {
            try {
              responses.set(entry, answered(entry, await audited(inside, requestOf(entry, request))));
            } catch (error) {
              throw placed(error, entry.at);
            }
          }
        },
  );
  writing.forEach((entry, i) => {
    responses.set(entry, writeResponse(request, outcomes[i] as WriteOutcome));
  });
  const text = bundleText({
    type: 'transaction-response',
    id: uuidV7(),
    links: [{ relation: 'self', url: context.baseUrl }],
    entries: entries.map((entry) => responses.get(entry) as BundleEntryText),
  });
  return { status: 200, text, interaction: 'transaction' };
}

/** Longest statement in milliseconds of a read within a transaction, which holds its locks meanwhile. */
const READ_TIMEOUT = 30_000;

/** The services for reads within a transaction: they see what it has written, and fail with it. */
async function servicesWithin(services: Services, transaction: Transaction): Promise<Services> {
  const connections = await transaction.asConnections(READ_TIMEOUT);
  const inside: Services = {
    ...services,
    connections,
    reader: new VersionReader(connections),
    handle: (request, others = inside) => services.handle(request, others),
  };
  return inside;
}

/**
 * Makes sure that an entry of a transaction that is no write of its own changes nothing: an operation that does would
 * not be undone with the others.
 * @throws FhirError 400 for Bundles and operations that write, 404 or 405 for those that are not there
 */
function assertReads({ route, method }: BundleEntry): void {
  if (route.interaction === 'operation') {
    findOperation(route, method);
    const name = route.operation?.slice(1);
    if (OPERATIONS.some((operation) => operation.name === name && operation.safe)) return;
    throw fhirError(400, 'not-supported', `${route.operation} cannot be part of a transaction`, 'http.path');
  }
  if (route.interaction === 'batch') {
    throw fhirError(400, 'not-supported', 'A Bundle cannot be part of a transaction', 'http.path');
  }
}

/** Makes the errors of `work` name the entry that they come from. */
function at<T>(entry: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw placed(error, entry);
  }
}

async function batch(
  services: Services,
  request: FhirRequest,
  values: readonly JsonValue[],
): Promise<FhirResponse> {
  const responses: BundleEntryText[] = new Array(values.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < values.length) {
      const index = next++;
      responses[index] = await batchEntry(services, request, values[index] as JsonValue, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, values.length) }, work));
  const text = bundleText({
    type: 'batch-response',
    id: uuidV7(),
    links: [{ relation: 'self', url: request.context.baseUrl }],
    entries: responses,
  });
  return { status: 200, text, interaction: 'batch' };
}

/** What becomes of one entry of a batch: an error is the entry's own and stops nothing else. */
async function batchEntry(
  services: Services,
  request: FhirRequest,
  value: JsonValue,
  index: number,
): Promise<BundleEntryText> {
  try {
    const entry = readEntry(value, index, request.context);
    if (entry.route.interaction === 'batch') {
      throw fhirError(
        400,
        'not-supported',
        'A batch within a batch is not supported',
        `${entry.at}.request.url`,
      );
    }
    return answered(entry, await audited(services, requestOf(entry, request)));
  } catch (thrown) {
    const error = toFhirError(thrown);
    if (!(error instanceof FhirError)) throw thrown;
    return {
      response: { status: statusLine(error.status), outcome: JSON.stringify(operationOutcome(error.issues)) },
    };
  }
}

/** Carries out an entry, which makes an event of its own in the audit log. */
async function audited(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const { audit } = services;
  if (audit === undefined) return services.handle(request);
  let response: FhirResponse;
  try {
    response = await services.handle(request);
  } catch (thrown) {
    const error = toFhirError(thrown);
    if (error instanceof FhirError) await audit.refused(request, error);
    throw error;
  }
  await audit.answered(request, response);
  return response;
}

/** The answer to an entry; HEAD has none but its response element (R4 http.html#summary). */
function answered(entry: BundleEntry, response: FhirResponse): BundleEntryText {
  if (entry.method !== 'HEAD') return responseEntry(response);
  const { text: _text, bytes: _bytes, ...rest } = response;
  return responseEntry(rest);
}

/** The request that an entry stands for, with the headers that its request element carries. */
function requestOf(entry: BundleEntry, request: FhirRequest): FhirRequest {
  const headers: Record<string, string | undefined> = {
    'if-match': entry.ifMatch,
    'if-none-match': entry.ifNoneMatch,
    'if-none-exist': entry.ifNoneExist,
    'if-modified-since': entry.ifModifiedSince,
    // Of a batch each entry is written by itself, and told of by a Provenance of its own.
    'x-provenance': request.header('x-provenance'),
  };
  const isSearch = entry.method === 'POST' && entry.path.at(-1) === '_search';
  const { json: _json, ...rest } = request;
  return {
    ...rest,
    method: entry.method,
    path: entry.path,
    query: entry.query,
    header: (name) => headers[name],
    contentType: undefined,
    body: undefined,
    // Without a preference a write's answer carries no resource: the client has sent it.
    prefer: { ...request.prefer, return: request.prefer.return ?? 'minimal', respondAsync: false },
    ...(entry.resource === undefined || isSearch ? {} : { json: unwrapped(entry) }),
  };
}

/** The body that an entry's resource stands for: a Binary that carries a JSON Patch is opened. */
function unwrapped(entry: BundleEntry): JsonValue {
  const resource = entry.resource as Resource;
  if (entry.route.interaction !== 'patch' || resource.resourceType !== 'Binary') return resource;
  return jsonPatchOf(resource, entry.at);
}

function assertDistinctFullUrls(entries: readonly BundleEntry[]): void {
  const seen = new Map<string, string>();
  for (const entry of entries) {
    if (entry.fullUrl === undefined || !isWrite(entry)) continue;
    const other = seen.get(entry.fullUrl);
    if (other !== undefined) {
      throw fhirError(
        400,
        'duplicate',
        `${other} and ${entry.at} have the same fullUrl`,
        `${entry.at}.fullUrl`,
      );
    }
    seen.set(entry.fullUrl, entry.at);
  }
}

function writeResponse(request: FhirRequest, outcome: WriteOutcome): BundleEntryText {
  const deleted = outcome.content === '';
  return {
    ...(deleted ? {} : { fullUrl: `${request.context.baseUrl}/${outcome.type}/${outcome.id}` }),
    ...(answerForm(request, outcome) === 'representation' && !deleted
      ? { resource: shownText(outcome.content, request.scope.hidden) }
      : {}),
    response: {
      status: statusLine(outcome.status),
      ...(deleted ? {} : { location: `${outcome.type}/${outcome.id}/_history/${outcome.version}` }),
      ...(outcome.version > 0
        ? { etag: etag(outcome.version), lastModified: instant(outcome.lastUpdated) }
        : {}),
      ...(request.prefer.return === 'OperationOutcome'
        ? { outcome: JSON.stringify(successOutcome(outcome)) }
        : {}),
    },
  };
}
