import { grantsFor } from '../../access/scope.ts';
import { isObject } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { dateRange } from '../../search/dates.ts';
import { escapeValue } from '../../search/query/escape.ts';
import { uuidV7 } from '../../storage/row-id.ts';
import { fhirError } from '../outcome.ts';
import { encodeQuery } from '../query-text.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { OperationParameters } from './parameters.ts';

/** The document type that is meant when none is asked for: LOINC's code of the C-CDA CCD. */
const CCD = 'http://loinc.org|34133-9';

/** Pages of a search that are followed where the answer must be put together of several searches. */
const MOST_PAGES = 5;

type Query = [string, string][];

/**
 * DocumentReference/$docref (US Core, http://hl7.org/fhir/us/core/OperationDefinition/docref, 3.1.1 to 8.0.0): the
 * DocumentReferences of a patient, found by the server's own search with what the caller may see.
 *
 * With `start` or `end` all documents of care in that time (context.period), none that was entered in error; without
 * either, of each `type` the most recent current one, the CCD where no type is named. `profile` is the format of a
 * document's content, or a profile that the DocumentReference declares. Several values of `type` and `profile` are
 * alternatives. No document is generated: with `on-demand` true the answer is empty, as the definition says for a server
 * that cannot generate what is asked for.
 *
 * @throws FhirError 400 for a parameter that is missing or malformed, 403 where DocumentReference may not be searched
 */
export async function docref(services: Services, request: FhirRequest, _route: Route): Promise<FhirResponse> {
  if (grantsFor(request.scope, 'DocumentReference', 'search-type').length === 0)
    throw fhirError(403, 'forbidden', 'Searching DocumentReference is not allowed', 'http.path');
  const parameters = new OperationParameters(request);
  const base: Query = [['patient', `Patient/${patientId(parameters, request)}`]];
  const care = careDates(parameters);
  const types = typeTokens(parameters);
  const profiles = parameters.texts('profile').filter((profile) => profile !== '');
  const count = parameters.text('_count');
  const isOnDemandOnly = onDemand(parameters);

  const searches: Query[] = [];
  if (isOnDemandOnly) {
    // Nothing here is made on demand.
  } else if (care.length > 0) {
    const range: Query = [...base, ['status:not', 'entered-in-error'], ...care];
    if (types.length > 0) range.push(['type', types.join(',')]);
    range.push(['_sort', '-date']);
    searches.push(...byProfile(range, profiles));
  } else {
    for (const type of types.length > 0 ? types : [CCD]) {
      const newest: Query = [
        ...base,
        ['status', 'current'],
        ['type', type],
        ['_sort', '-date'],
        ['_count', '1'],
      ];
      searches.push(...byProfile(newest, profiles));
    }
  }
  const only = searches.length === 1 ? searches[0] : undefined;
  const bundle =
    only !== undefined && care.length > 0
      ? await page(services, request, count === undefined ? only : [...only, ['_count', count]])
      : await merged(services, request, searches, care.length === 0);
  return {
    status: 200,
    text: JSON.stringify(withSelf(bundle, request, parameters)),
    interaction: 'operation',
    type: 'DocumentReference',
  };
}

function patientId(parameters: OperationParameters, request: FhirRequest): string {
  const value = parameters.get('patient');
  const text = isObject(value) ? value['reference'] : parameters.text('patient');
  if (typeof text !== 'string' || text === '')
    throw fhirError(400, 'required', '$docref needs a parameter patient', 'http.query.patient');
  const { baseUrl } = request.context;
  const local = text.startsWith(`${baseUrl}/`) ? text.slice(baseUrl.length + 1) : text;
  const id = local.startsWith('Patient/') ? local.slice('Patient/'.length) : local;
  if (!/^[A-Za-z0-9\-.]{1,64}$/.test(id))
    throw fhirError(400, 'value', `patient must be the id of a Patient, not '${text}'`, 'http.query.patient');
  return id;
}

/** `start` and `end` as criteria of the care period; empty when neither is given. */
function careDates(parameters: OperationParameters): Query {
  const bounds = [
    ['start', 'ge'],
    ['end', 'le'],
  ] as const;
  return bounds.flatMap(([name, prefix]): Query => {
    // An offset's plus sign that was not encoded has become a space.
    const text = parameters.text(name)?.replace(/ (?=\d\d:\d\d$)/, '+');
    if (text === undefined) return [];
    if (dateRange(text) === undefined)
      throw fhirError(400, 'value', `${name} must be a dateTime, not '${text}'`, `http.query.${name}`);
    return [['period', prefix + text]];
  });
}

/** The types as search tokens: of tokens in the URL, Codings (US Core 6 and later) and CodeableConcepts (before). */
function typeTokens(parameters: OperationParameters): string[] {
  return parameters.all('type').flatMap((value) => {
    if (typeof value === 'string') {
      const tokens = value.split(',').filter((token) => token !== '');
      if (tokens.length === 0)
        throw fhirError(400, 'value', 'type must be a code, or system|code', 'http.query.type');
      return tokens;
    }
    const tokens = codings(value).flatMap(tokenOf);
    if (tokens.length === 0)
      throw fhirError(
        400,
        'value',
        'type must be a Coding or CodeableConcept with a code',
        'Parameters.parameter',
      );
    return tokens;
  });
}

function codings(value: JsonValue): JsonObject[] {
  if (!isObject(value)) return [];
  const list = value['coding'];
  return Array.isArray(list) ? list.filter(isObject) : [value];
}

function tokenOf({ system, code }: JsonObject): string[] {
  if (typeof code !== 'string') return [];
  return [typeof system === 'string' ? `${escapeValue(system)}|${escapeValue(code)}` : escapeValue(code)];
}

/** The searches that together find what has one of the profiles; the search itself when none is asked for. */
function byProfile(search: Query, profiles: readonly string[]): Query[] {
  if (profiles.length === 0) return [search];
  const format = profiles.map((profile) => escapeValue(profile.split('|')[0] as string)).join(',');
  const declared = profiles.map((profile) => profile.replace(/[\\$,]/g, '\\$&')).join(',');
  return [
    [...search, ['format', format]],
    [...search, ['_profile', declared]],
  ];
}

function onDemand(parameters: OperationParameters): boolean {
  const text = parameters.text('on-demand');
  if (text !== undefined && text !== 'true' && text !== 'false')
    throw fhirError(400, 'value', `on-demand must be true or false, not '${text}'`, 'http.query.on-demand');
  return text === 'true';
}

/** A page of a search of DocumentReference. */
async function page(services: Services, request: FhirRequest, query: Query): Promise<JsonObject> {
  const { json: _json, ...rest } = request;
  const response = await services.handle({
    ...rest,
    method: 'GET',
    path: ['DocumentReference'],
    query,
    header: () => undefined,
    contentType: undefined,
    body: undefined,
    // What the operation asks is the server's own: a parameter that is not understood is its mistake.
    prefer: { return: undefined, handling: 'strict', respondAsync: false },
  });
  return parseJson(response.text ?? '{}') as JsonObject;
}

/**
 * What several searches find, each document once.
 * @param isNewestOnly keep only the newest document of each type that the searches name
 */
async function merged(
  services: Services,
  request: FhirRequest,
  searches: readonly Query[],
  isNewestOnly: boolean,
): Promise<JsonObject> {
  const newest = new Map<string, JsonObject>();
  const found: JsonObject[] = [];
  for (const search of searches) {
    const entries = await all(services, request, search, isNewestOnly);
    const [first] = entries;
    if (!isNewestOnly) found.push(...entries);
    else if (first !== undefined) {
      const type = search.find(([name]) => name === 'type')?.[1] ?? '';
      const known = newest.get(type);
      if (known === undefined || dateOf(first) > dateOf(known)) newest.set(type, first);
    }
  }
  found.push(...newest.values());
  const distinct = [...new Map(found.map((entry) => [String(entry['fullUrl']), entry])).values()];
  distinct.sort((a, b) => dateOf(b) - dateOf(a));
  return {
    resourceType: 'Bundle',
    id: uuidV7(),
    type: 'searchset',
    total: distinct.length,
    ...(distinct.length === 0 ? {} : { entry: distinct }),
  };
}

/** The entries of a search, all pages of it. @throws FhirError 400 for more than can be put together */
async function all(
  services: Services,
  request: FhirRequest,
  search: Query,
  isFirstPageOnly: boolean,
): Promise<JsonObject[]> {
  const { maxPage } = services.settings;
  let query: Query = isFirstPageOnly ? search : [...search, ['_count', String(maxPage)]];
  const entries: JsonObject[] = [];
  for (let pages = 1; ; pages++) {
    const bundle = await page(services, request, query);
    for (const entry of Array.isArray(bundle['entry']) ? bundle['entry'] : []) {
      if (isObject(entry)) entries.push(entry);
    }
    const next = linksOf(bundle).find((link) => link['relation'] === 'next')?.['url'];
    if (isFirstPageOnly || typeof next !== 'string') return entries;
    if (pages === MOST_PAGES)
      throw fhirError(400, 'too-costly', 'Too many documents: name a shorter time', 'http.query.start');
    query = [...new URL(next).searchParams];
  }
}

const linksOf = (bundle: JsonObject): JsonObject[] =>
  Array.isArray(bundle['link']) ? bundle['link'].filter(isObject) : [];

/** When the document was made, in milliseconds; before all others when that is not said. */
function dateOf(entry: JsonObject): number {
  const { resource } = entry;
  const date = isObject(resource) ? resource['date'] : undefined;
  return typeof date === 'string' ? (dateRange(date)?.low ?? -Infinity) : -Infinity;
}

/** The Bundle with the operation's own self link; `next` stays the search's. */
function withSelf(bundle: JsonObject, request: FhirRequest, parameters: OperationParameters): JsonObject {
  const shown = parameters.pairs();
  const url = `${request.context.baseUrl}/DocumentReference/$docref`;
  const self = { relation: 'self', url: shown.length === 0 ? url : `${url}?${encodeQuery(shown)}` };
  const others = linksOf(bundle).filter((link) => link['relation'] !== 'self');
  const { entry, link: _link, ...rest } = bundle;
  return { ...rest, link: [self, ...others], ...(entry === undefined ? {} : { entry }) };
}
