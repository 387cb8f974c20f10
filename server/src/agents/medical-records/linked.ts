import { batches } from '../../collections/batches.ts';
import { FhirError } from '../../fhir/outcome.ts';
import { localReference, referenceTo } from '../../fhir/references/literal.ts';
import { referencesIn } from '../../fhir/references/references-in.ts';
import type { Resource } from '../../json/types.ts';
import type { AgentTools } from '../agent.ts';

/** Asked for in one search: the addresses of requests have a limit. */
const AT_ONCE = 100;

/**
 * What resources refer to, by `Type/id`, as far as it is open: without what is not there, not open, or known already.
 * @param types of these alone
 */
export async function linkedOf(
  fhir: Pick<AgentTools, 'searchAll'>,
  resources: readonly Resource[],
  types: ReadonlySet<string>,
  known: ReadonlySet<string> = new Set(),
): Promise<Map<string, Resource>> {
  const wanted = new Map<string, Set<string>>();
  for (const { reference } of resources.flatMap((one) => [...referencesIn(one)])) {
    const local = localReference({ reference });
    if (local === undefined || known.has(local)) continue;
    const [type = '', id = ''] = local.split('/');
    if (types.has(type)) wanted.set(type, (wanted.get(type) ?? new Set()).add(id));
  }
  const found = await Promise.all(
    [...wanted].flatMap(([type, ids]) => batches([...ids], AT_ONCE).map((part) => byIds(fhir, type, part))),
  );
  return new Map(found.flat().map((one) => [referenceTo(one), one]));
}

async function byIds(
  fhir: Pick<AgentTools, 'searchAll'>,
  type: string,
  ids: readonly string[],
): Promise<Resource[]> {
  try {
    return await fhir.searchAll(
      type,
      [
        ['_id', ids.join(',')],
        ['_count', String(AT_ONCE)],
      ],
      ids.length,
    );
  } catch (error) {
    if (error instanceof FhirError && error.status === 403) return [];
    throw error;
  }
}
