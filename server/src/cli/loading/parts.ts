import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createGunzip, gunzip } from 'node:zlib';
import { beginning, type InputFile, requestKind } from './files.ts';

/** One request's worth of a file. */
export interface Part {
  readonly index: number;
  /** Body of the request: a transaction or batch Bundle. */
  readonly body: Buffer | string;
  readonly encoding?: 'gzip';
  /** Bytes of the file that it stands for, for the progress bar. */
  readonly bytes: number;
  /** The same entries as a batch, to find out which of them a server refuses. */
  readonly asBatch?: string;
  /** Sending it twice does no harm. */
  readonly repeatable: boolean;
  /** A search that finds something if the part has been loaded: `Patient?identifier=system|value`. */
  readonly trace?: () => Promise<string | undefined>;
}

const LINES_PER_PART = 200;
const BYTES_PER_PART = 2_000_000;

const unzip = promisify(gunzip);

/**
 * The requests that load a file. Transaction and batch bundles are sent as they are; resources of other bundles,
 * single resources and NDJSON lines become transactions of updates (with an id) and creates (without).
 *
 * @param atomic send batches as transactions
 * @throws Error when the file is not what it seems
 */
export async function* partsOf(file: InputFile, atomic = false): AsyncGenerator<Part> {
  if (file.ndjson) {
    yield* partsOfNdjson(file);
    return;
  }
  const bytes = await readFile(file.path);
  const text = async () => (file.gzip ? await unzip(bytes) : bytes).toString('utf8');
  const kind = requestKind(beginning(file));
  // What can be sent as it is, is: that spares this machine's cores, on which the server may run too.
  if (kind !== undefined) {
    const common = {
      index: 0,
      bytes: file.bytes,
      repeatable: false,
      trace: async () => traceOf(await text()),
    };
    if (atomic && kind === 'batch') {
      yield { ...common, body: (await text()).replace(/"type"\s*:\s*"batch"/, '"type":"transaction"') };
    } else if (file.gzip) yield { ...common, body: bytes, encoding: 'gzip' };
    else yield { ...common, body: bytes };
    return;
  }
  const content = await text();
  const resource = parseResource(content);
  if (resource['resourceType'] !== 'Bundle') {
    yield part(0, [content.trim()], file.bytes);
    return;
  }
  if (resource['type'] === 'transaction' || resource['type'] === 'batch') {
    yield {
      index: 0,
      bytes: file.bytes,
      body: content,
      repeatable: false,
      trace: async () => traceOf(content),
    };
    return;
  }
  const entries = (resource['entry'] ?? []) as { fullUrl?: string; resource?: Resource }[];
  const transaction = entries.filter((entry) => entry.resource !== undefined);
  if (transaction.length === 0) throw new Error('The Bundle holds no resources');
  yield {
    index: 0,
    bytes: file.bytes,
    body: bundle(
      'transaction',
      transaction.map((entry) => entryText(JSON.stringify(entry.resource!), entry.resource!, entry.fullUrl)),
    ),
    repeatable: transaction.every((entry) => entry.resource?.['id'] !== undefined),
  };
}

async function* partsOfNdjson(file: InputFile): AsyncGenerator<Part> {
  const raw = createReadStream(file.path);
  let read = 0;
  raw.on('data', (chunk) => {
    read += chunk.length;
  });
  const lines = createInterface({
    input: file.gzip ? raw.pipe(createGunzip()) : raw,
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let collected: string[] = [];
  let size = 0;
  let index = 0;
  let reported = 0;
  for await (const line of lines) {
    if (line.trim() === '') continue;
    collected.push(line);
    size += line.length;
    if (collected.length === LINES_PER_PART || size >= BYTES_PER_PART) {
      yield part(index++, collected, read - reported);
      reported = read;
      collected = [];
      size = 0;
    }
  }
  if (collected.length > 0) yield part(index, collected, file.bytes - reported);
}

type Resource = Record<string, unknown>;

function part(index: number, texts: readonly string[], bytes: number): Part {
  const resources = texts.map(parseResource);
  const entries = texts.map((text, position) => entryText(text, resources[position]!));
  return {
    index,
    bytes,
    body: bundle('transaction', entries),
    ...(texts.length > 1 ? { asBatch: bundle('batch', entries) } : {}),
    repeatable: resources.every((resource) => resource['id'] !== undefined),
  };
}

function bundle(type: 'transaction' | 'batch', entries: readonly string[]): string {
  return `{"resourceType":"Bundle","type":"${type}","entry":[${entries.join(',')}]}`;
}

/** An entry that keeps the resource's own text, so that decimals keep their digits. */
function entryText(text: string, resource: Resource, fullUrl?: string): string {
  const type = String(resource['resourceType']);
  const id = resource['id'];
  const request =
    id === undefined
      ? { method: 'POST', url: type }
      : { method: 'PUT', url: `${type}/${encodeURIComponent(String(id))}` };
  const url = fullUrl === undefined ? '' : `"fullUrl":${JSON.stringify(fullUrl)},`;
  return `{${url}"resource":${text},"request":${JSON.stringify(request)}}`;
}

function parseResource(text: string): Resource {
  let value: unknown;
  try {
    value = JSON.parse(text, exact);
  } catch (error) {
    throw new Error(`It is not JSON: ${(error as Error).message}`);
  }
  if (
    typeof value !== 'object' ||
    value === null ||
    typeof (value as Resource)['resourceType'] !== 'string'
  ) {
    throw new Error('It is no FHIR resource: resourceType is missing');
  }
  return value as Resource;
}

/** Keeps the digits of numbers that JavaScript would write in another way (1.50). */
function exact(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value === 'number' && source !== undefined && String(value) !== source) {
    return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source);
  }
  return value;
}

/**
 * A search by the first identifier in the bundle that belongs to a Patient, or else to an Organization, Practitioner
 * or any other resource with one; undefined when nothing in it has one.
 */
function traceOf(text: string): string | undefined {
  const { entry } = JSON.parse(text) as { entry?: { resource?: Resource }[] };
  const resources = (entry ?? []).flatMap(({ resource }) => (resource === undefined ? [] : [resource]));
  const traced = (resource: Resource): string | undefined => {
    const identifiers = resource['identifier'];
    for (const identifier of Array.isArray(identifiers) ? identifiers : []) {
      const { system, value } = identifier as { system?: string; value?: string };
      if (typeof system === 'string' && typeof value === 'string') {
        const token = `${escapeValue(system)}|${escapeValue(value)}`;
        return `${resource['resourceType']}?identifier=${encodeURIComponent(token)}`;
      }
    }
    return undefined;
  };
  const patient = resources.find((resource) => resource['resourceType'] === 'Patient' && traced(resource));
  const chosen = patient ?? resources.find((resource) => traced(resource) !== undefined);
  return chosen && traced(chosen);
}

/** Escapes a search value (R4 search.html#escaping). */
function escapeValue(text: string): string {
  return text.replace(/[\\,$|]/g, (character) => `\\${character}`);
}
