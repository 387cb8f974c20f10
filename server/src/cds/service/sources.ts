import { FetchError, fetchPublic } from '../../auth/clients/public-fetch.ts';
import type { InternalClient } from '../../fhir/internal-client.ts';
import { FhirError } from '../../fhir/outcome.ts';
import { isObject, isResource, objectsOf } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { type PrefetchQuery, relativeUrl } from '../hooks/template.ts';
import type { PrefetchSource } from './prefetch.ts';

/** Pages of a search that are put together, and resources: what is more cannot be prefetched. */
const MAX_PAGES = 20;
const MAX_RESOURCES = 5000;
/** Resources of a page that is asked for. */
const PAGE = '500';

/** Prefetches from a tenant of this server, as whoever the client acts for. Each query is carried out once. */
export function tenantSource(client: InternalClient): PrefetchSource {
  const known = new Map<string, Promise<Resource | null | undefined>>();
  return (query) => {
    const key = relativeUrl(query);
    let found = known.get(key);
    if (found === undefined) {
      found = fromTenant(client, query);
      known.set(key, found);
    }
    return found;
  };
}

async function fromTenant(
  client: InternalClient,
  query: PrefetchQuery,
): Promise<Resource | null | undefined> {
  if (query.kind === 'read') return (await client.read(query.type, query.id)) ?? null;
  let next: readonly (readonly [string, string])[] = withPage(query.query);
  return await wholeSearch(query, async (url) => {
    if (url !== undefined) next = [...new URL(url).searchParams];
    return await client.bundle(query.type, next);
  });
}

export interface EhrSource {
  /** Base of the EHR's FHIR server, without trailing slash. */
  readonly fhirServer: string;
  readonly accessToken: string | undefined;
  readonly allowPrivate: boolean;
  /** Ends all that is fetched. */
  readonly limit: AbortSignal;
}

const MAX_BYTES = 10_000_000;

/** Prefetches from the FHIR server of the EHR that calls (CDS Hooks 2.0, FHIR Resource Access). */
export function ehrSource({ fhirServer, accessToken, allowPrivate, limit }: EhrSource): PrefetchSource {
  const get = async (url: string): Promise<JsonValue> => {
    const { text } = await fetchPublic(url, {
      allowPrivate,
      timeout: limit,
      maxBytes: MAX_BYTES,
      headers: {
        Accept: 'application/fhir+json',
        ...(accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` }),
      },
    });
    return parseJson(text);
  };
  return async (query) => {
    try {
      if (query.kind === 'read') {
        const resource = await get(`${fhirServer}/${relativeUrl(query)}`);
        return isResource(resource) && resource.resourceType === query.type ? resource : undefined;
      }
      return await wholeSearch(query, async (url) => {
        // The token goes nowhere but to the EHR.
        if (url !== undefined && !url.startsWith(`${fhirServer}/`) && !url.startsWith(`${fhirServer}?`))
          return undefined;
        const page = await get(url ?? `${fhirServer}/${relativeUrl(query)}`);
        return isObject(page) ? page : undefined;
      });
    } catch (error) {
      if (error instanceof FetchError || error instanceof FhirError) return undefined;
      throw error;
    }
  };
}

/**
 * A search as one Bundle without links to further pages: nobody who gets it could follow them.
 * @param page gives the first page, or the one at a URL
 * @returns null for a search that has found nothing; undefined when not all of it can be had
 */
async function wholeSearch(
  query: PrefetchQuery & { kind: 'search' },
  page: (url: string | undefined) => Promise<JsonObject | undefined>,
): Promise<Resource | null | undefined> {
  const limited = query.query.some(([name]) => name === '_count');
  const entry: JsonObject[] = [];
  let url: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const bundle = await page(url);
    if (!isResource(bundle) || bundle.resourceType !== 'Bundle' || hasErrors(bundle)) return undefined;
    entry.push(...objectsOf(bundle['entry']));
    if (entry.length > MAX_RESOURCES) return undefined;
    url = nextOf(bundle);
    // Prefetch Template: where there is no data, the key is null.
    if (url === undefined || limited) return entry.length === 0 ? null : bundleOf(entry);
  }
  return undefined;
}

const bundleOf = (entry: JsonObject[]): Resource => ({
  resourceType: 'Bundle',
  type: 'searchset',
  entry,
});

/** Whether a Bundle of a search tells of an error (R4 search.html#errors): then it is not all that there is. */
export function hasErrors(bundle: JsonObject): boolean {
  return objectsOf(bundle['entry']).some(
    ({ resource }) =>
      isResource(resource) &&
      resource.resourceType === 'OperationOutcome' &&
      objectsOf(resource['issue']).some(({ severity }) => severity === 'error' || severity === 'fatal'),
  );
}

/** Where the next page of a search is. */
export function nextOf(bundle: JsonObject): string | undefined {
  const url = objectsOf(bundle['link']).find(({ relation }) => relation === 'next')?.['url'];
  return typeof url === 'string' ? url : undefined;
}

function withPage(query: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  return query.some(([name]) => name === '_count') ? query : [...query, ['_count', PAGE]];
}
