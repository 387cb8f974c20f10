import type { AccessScope } from '../../../access/scope.ts';
import { isObject, isResource, objectsOf } from '../../../json/objects.ts';
import { parseJson } from '../../../json/parse.ts';
import type { JsonObject } from '../../../json/types.ts';
import { nextOf, type Query } from '../../internal-client.ts';
import { internalRequest } from '../../internal-request.ts';
import type { Services } from '../../services.ts';
import type { TenantContext } from '../../tenant-context.ts';

/** What an export asks the server with: as a client that has the rights of who asked for it. */
export interface Asker {
  readonly services: Services;
  readonly context: TenantContext;
  readonly scope: AccessScope;
  readonly signal?: AbortSignal;
}

/** A resource that was found. */
export interface Found {
  readonly type: string;
  readonly id: string;
  readonly text: string;
  /** Bundle.entry.search.mode */
  readonly mode: string;
}

/** Ids in one search. */
export const BATCH = 100;

/** The entries of the Bundles that a GET answers with, page by page. */
export async function* entryPages(
  { services, context, scope, signal }: Asker,
  path: readonly string[],
  criteria: Query,
): AsyncGenerator<JsonObject[]> {
  let query: Query = [...criteria, ['_count', String(services.settings.maxPage)]];
  for (;;) {
    signal?.throwIfAborted();
    const request = internalRequest(context, scope, path, query);
    const response = await services.handle(signal === undefined ? request : { ...request, signal });
    const bundle = parseJson(response.text ?? '{}') as JsonObject;
    yield objectsOf(bundle['entry']);
    const next = nextOf(bundle);
    if (next === undefined) return;
    query = next;
  }
}

/** The resources that a search or $everything finds, page by page. */
export async function* pages(
  asker: Asker,
  path: readonly string[],
  criteria: Query,
): AsyncGenerator<Found[]> {
  for await (const entries of entryPages(asker, path, criteria)) {
    yield entries.flatMap(({ resource, search }): Found[] => {
      if (!isResource(resource) || resource.resourceType === 'OperationOutcome') return [];
      const mode = isObject(search) ? String(search['mode']) : 'match';
      const { resourceType: type, id } = resource;
      return [{ type, id: String(id), text: JSON.stringify(resource), mode }];
    });
  }
}
