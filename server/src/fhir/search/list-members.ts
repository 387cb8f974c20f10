import { parseJson } from '../../json/parse.ts';
import type { Resource } from '../../json/types.ts';
import type { Hash64 } from '../../search/hash.ts';
import { read } from '../interactions/read.ts';
import { fhirError } from '../outcome.ts';
import { literalTargets } from '../references/literal-targets.ts';
import type { FhirRequest } from '../request.ts';
import type { Services } from '../services.ts';

/**
 * Hashes of the resources that the items of a List refer to (R4 search.html#list).
 * @throws FhirError 400 for a functional list (`$...`), 404 when there is no such List
 */
export async function listMembers(services: Services, request: FhirRequest, id: string): Promise<Hash64[]> {
  if (id.startsWith('$')) {
    throw fhirError(400, 'not-supported', `The functional list '${id}' is not available`, 'http.query._list');
  }
  const route = { interaction: 'read', type: 'List', id } as const;
  const response = await read(services, { ...request, query: [], header: () => undefined }, route);
  const list = parseJson(response.text ?? '{}') as Resource;
  return literalTargets(list, request.context.definitions, request.context.baseUrl)
    .filter(({ expression }) => /^List\.entry\[\d+\]\.item/.test(expression))
    .map(({ target }) => request.context.keys.reference(target));
}
