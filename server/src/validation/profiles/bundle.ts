import { referencesIn } from '../../fhir/references/references-in.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject } from '../../json/types.ts';
import { type BundleScope, type Run, resolveInBundle } from './run.ts';

interface Entry {
  readonly index: number;
  readonly fullUrl: string | undefined;
  readonly resource: JsonObject | undefined;
  readonly entry: JsonObject;
}

/** Types whose entries need no fullUrl (R4 bundle.html#bundle-unique). */
const FULL_URL_OPTIONAL = new Set(['transaction', 'transaction-response', 'batch', 'batch-response']);

/**
 * The rules of R4 bundle.html, documents.html and messaging.html that its invariants do not say; and the scope in which
 * references of the entries are resolved, which stays in the run for the entries.
 */
export function checkBundle(bundle: JsonObject, run: Run): void {
  const type = typeof bundle['type'] === 'string' ? bundle['type'] : '';
  const list = Array.isArray(bundle['entry']) ? bundle['entry'] : [];
  const entries = list.flatMap((entry, index): Entry[] =>
    isObject(entry)
      ? [
          {
            index,
            entry,
            fullUrl: typeof entry['fullUrl'] === 'string' ? entry['fullUrl'] : undefined,
            resource: isObject(entry['resource']) ? entry['resource'] : undefined,
          },
        ]
      : [],
  );
  run.bundle = scopeOf(type, entries);
  run.fullUrl = undefined;
  if (entries.length === 0) {
    if (type === 'document' || type === 'message') {
      run.report('error', 'invalid', `A Bundle of type ${type} must have a first entry`);
    }
    return;
  }
  for (const entry of entries) checkEntry(entry, type, run);
  if (type === 'searchset') checkResults(bundle, entries, run);
  if (type === 'document' || type === 'message') checkLinked(entries, type, run);
  if (type === 'document') checkIncluded(entries, 'Composition', IN_DOCUMENT, run);
  else if (type === 'message') checkIncluded(entries, 'MessageHeader', IN_MESSAGE, run);
}

function scopeOf(type: string, entries: readonly Entry[]): BundleScope {
  const byUrl = new Map<string, JsonObject>();
  const byTypeAndId = new Map<string, JsonObject>();
  const repeated = new Set<JsonObject>();
  for (const { fullUrl, resource } of entries) {
    if (resource === undefined) continue;
    if (fullUrl !== undefined) {
      const first = byUrl.get(fullUrl);
      if (first === undefined) byUrl.set(fullUrl, resource);
      else repeated.add(first);
      const version = isObject(resource['meta']) ? resource['meta']['versionId'] : undefined;
      if (typeof version === 'string') byUrl.set(`${fullUrl}/_history/${version}`, resource);
    }
    const key = `${String(resource['resourceType'])}/${String(resource['id'])}`;
    if (!byTypeAndId.has(key)) byTypeAndId.set(key, resource);
  }
  return { type, byUrl, byTypeAndId, repeated };
}

function within(entry: Entry, run: Run, report: () => void): void {
  run.enter('entry', 'Bundle.entry', entry.index);
  report();
  run.leave();
}

function checkEntry(entry: Entry, type: string, run: Run): void {
  const { fullUrl, resource } = entry;
  if (fullUrl === undefined) {
    // A response or a deletion in a history is no resource.
    const needs = resource !== undefined || (type !== 'history' && type !== 'searchset');
    // R4 bundle.html: what has no identity, such as the OperationOutcome of a search, has no fullUrl.
    if (resource?.['resourceType'] === 'OperationOutcome' && resource['id'] === undefined) return;
    if (!FULL_URL_OPTIONAL.has(type) && needs && entry.entry['_fullUrl'] === undefined) {
      within(entry, run, () =>
        run.report('error', 'required', 'Except in transactions and batches each entry must have a fullUrl'),
      );
    }
    return;
  }
  within(entry, run, () => {
    if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(fullUrl)) {
      run.report(
        'error',
        'invalid',
        `The fullUrl must be an absolute URL, ${JSON.stringify(fullUrl)} is not`,
      );
      return;
    }
    const id = resource?.['id'];
    const resourceType = resource?.['resourceType'];
    if (typeof id !== 'string' || typeof resourceType !== 'string') return;
    // R4 bundle.html: a fullUrl that is a RESTful URL ends with the type and id of the resource.
    if (/^https?:/.test(fullUrl)) {
      const match = /\/([A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/.exec(fullUrl);
      const isRest = match !== null && run.validators.definitions.resourceTypes.includes(match[1] as string);
      if (
        isRest
          ? match[1] !== resourceType || match[2] !== id
          : resource?.['url'] !== fullUrl && !fullUrl.endsWith(`/${id}`)
      ) {
        run.report(
          'error',
          'invalid',
          `The fullUrl ${fullUrl} does not fit the resource ${resourceType}/${id}`,
        );
      }
    } else if (fullUrl.startsWith('urn:uuid:') && type !== 'transaction' && /^[0-9a-f-]{36}$/.test(id)) {
      if (fullUrl.slice(9) !== id) {
        run.report('warning', 'invalid', `The fullUrl ${fullUrl} and the id ${id} are different UUIDs`);
      }
    }
  });
}

/**
 * R4 bundle.html#Bundle.entry.search.mode, search.html#2.21.1.1: what is found has an id and is of the type that was searched,
 * what is told of the search is an OperationOutcome.
 */
function checkResults(bundle: JsonObject, entries: readonly Entry[], run: Run): void {
  const searched = searchedTypes(bundle, run.validators.definitions.resourceTypes);
  for (const entry of entries) {
    const { resource } = entry;
    const type = resource?.['resourceType'];
    const search = entry.entry['search'];
    const mode = isObject(search) ? search['mode'] : undefined;
    if (typeof type !== 'string' || mode === undefined) continue;
    const problems: string[] = [];
    if (mode === 'outcome') {
      if (type !== 'OperationOutcome')
        problems.push(`The outcome of a search is an OperationOutcome, no ${type}`);
    } else {
      if (resource?.['id'] === undefined) problems.push('What a search finds must have an id');
      if (mode === 'match' && searched !== undefined && !searched.includes(type)) {
        problems.push(`The search was for ${searched.join(', ')}, not for ${type}`);
      }
    }
    for (const problem of problems) {
      within(entry, run, () => {
        run.enter('resource', type);
        run.report('error', 'invalid', problem);
        run.leave();
      });
    }
  }
}

/** The types that a search was for, by its self link; undefined where that does not tell. */
function searchedTypes(bundle: JsonObject, types: readonly string[]): readonly string[] | undefined {
  const links = Array.isArray(bundle['link']) ? bundle['link'] : [];
  const self = links.find((link) => isObject(link) && link['relation'] === 'self');
  const url = isObject(self) ? self['url'] : undefined;
  if (typeof url !== 'string') return undefined;
  const [path = '', query = ''] = url.split('?');
  const named = new URLSearchParams(query).getAll('_type').flatMap((value) => value.split(','));
  if (named.length > 0) return named.every((type) => types.includes(type)) ? named : undefined;
  const last = path
    .replace(/\/_search$/, '')
    .split('/')
    .at(-1);
  // What a compartment or an operation gives back may be of several types.
  return last !== undefined && types.includes(last) ? [last] : undefined;
}

/**
 * Documents and messages: every entry is reached from the first one by references, forwards or backwards
 * (R4 documents.html#content, messaging.html); urn references lead to entries (bundle.html#references).
 */
function checkLinked(entries: readonly Entry[], type: string, run: Run): void {
  const { bundle } = run;
  if (bundle === undefined) return;
  const owner = new Map<JsonObject, number>();
  for (const [i, { resource }] of entries.entries()) if (resource !== undefined) owner.set(resource, i);
  const links = entries.map((): Set<number> => new Set());
  for (const [i, { resource, fullUrl }] of entries.entries()) {
    if (resource === undefined) continue;
    for (const { reference } of referencesIn(resource)) {
      if (reference.startsWith('#')) continue;
      const target = resolveInBundle(bundle, reference, fullUrl);
      const place = target === undefined ? undefined : owner.get(target);
      if (place === undefined) continue;
      links[i]?.add(place);
      links[place]?.add(i);
    }
  }
  const reached = new Set([0]);
  const open = [0];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const linked of links[next] ?? []) {
      if (reached.has(linked)) continue;
      reached.add(linked);
      open.push(linked);
    }
  }
  for (const [i, entry] of entries.entries()) {
    if (reached.has(i) || entry.resource === undefined) continue;
    within(entry, run, () =>
      run.report(
        type === 'document' ? 'error' : 'warning',
        type === 'document' ? 'invalid' : 'informational',
        `No references lead from the first entry to ${String(entry.resource?.['resourceType'])}`,
      ),
    );
  }
}

/** R4 documents.html#content: what the Composition refers to in these elements is in the document. */
const IN_DOCUMENT = ['subject', 'encounter', 'author', 'custodian', 'attester', 'event', 'section'];
/** R4 messaging.html: the content of the message that its header names is in the message. */
const IN_MESSAGE = ['focus'];

/** The first entry's references in some elements lead to entries. */
function checkIncluded(entries: readonly Entry[], type: string, elements: readonly string[], run: Run): void {
  const [first] = entries;
  const header = first?.resource;
  const { bundle } = run;
  if (first === undefined || bundle === undefined || header?.['resourceType'] !== type) return;
  for (const name of elements) {
    const value = header[name];
    if (value === undefined) continue;
    for (const { path, reference } of referencesIn(value)) {
      if (reference.startsWith('#')) continue;
      const target = resolveInBundle(bundle, reference, first.fullUrl, true);
      const isAmbiguous =
        target !== undefined && bundle.repeated.has(target) && !reference.includes('/_history/');
      if (target !== undefined && !isAmbiguous) continue;
      const below = [name, ...path].reduce<string>(
        (text, step) =>
          typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`,
        '',
      );
      within(first, run, () => {
        run.enter('resource', type);
        run.report(
          'error',
          isAmbiguous ? 'multiple-matches' : 'not-found',
          isAmbiguous
            ? `The ${bundle.type} has several entries for the reference ${reference}`
            : `The ${bundle.type} has no entry for the reference ${reference}`,
          undefined,
          below,
        );
        run.leave();
      });
    }
  }
}
