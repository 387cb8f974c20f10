import { batches } from '../../../collections/batches.ts';
import { isObject, objectsOf } from '../../../json/objects.ts';
import { parseJson } from '../../../json/parse.ts';
import type { JsonObject } from '../../../json/types.ts';
import { internalRequest } from '../../internal-request.ts';
import { type Asker, BATCH, pages } from './asking.ts';
import type { ExportLevel, ExportParameters } from './request.ts';

/**
 * Ids of the patients whose records an export holds.
 * @throws FhirError 403, 404 or 410 for a group that cannot be read
 */
export async function patientIds(
  asker: Asker,
  level: ExportLevel,
  { patients }: ExportParameters,
): Promise<readonly string[]> {
  if (level.kind === 'group') {
    const members = await groupPatients(asker, level.id);
    return patients === undefined ? members : members.filter((id) => patients.includes(id));
  }
  if (patients !== undefined) return patients;
  const ids: string[] = [];
  for await (const page of pages(asker, ['Patient'], [['_elements', 'id']]))
    ids.push(...page.map(({ id }) => id));
  return ids;
}

/**
 * Ids of the patients that are members of a Group now, each once, in their order.
 * @throws FhirError 403, 404 or 410 for a group that cannot be read
 */
export async function groupPatients({ services, context, scope }: Asker, id: string): Promise<string[]> {
  const { text = '{}' } = await services.handle(internalRequest(context, scope, ['Group', id]));
  const patients = objectsOf((parseJson(text) as JsonObject)['member']).flatMap(({ entity, inactive }) => {
    const reference = isObject(entity) ? entity['reference'] : undefined;
    if (inactive === true || typeof reference !== 'string') return [];
    return /^Patient\/([A-Za-z0-9\-.]{1,64})/.exec(reference.replace(`${context.baseUrl}/`, ''))?.[1] ?? [];
  });
  return [...new Set(patients)];
}

/** Those of some patients that are there for who asks. */
export async function existing(asker: Asker, ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const some of batches(ids, BATCH)) {
    for await (const page of pages(
      asker,
      ['Patient'],
      [
        ['_id', some.join(',')],
        ['_elements', 'id'],
      ],
    ))
      found.push(...page.map(({ id }) => id));
  }
  return found;
}
