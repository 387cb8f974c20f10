import { patientsIn } from '../../../audit/patients.ts';
import { isObject } from '../../../json/objects.ts';
import type { JsonObject } from '../../../json/types.ts';
import { uuidV7 } from '../../../storage/row-id.ts';
import { internalRequest } from '../../internal-request.ts';
import { FhirError } from '../../outcome.ts';
import { type Asker, entryPages } from './asking.ts';
import { patientIds } from './patients.ts';
import { type ExportRecord, wantedTypes } from './records.ts';
import type { ExportLevel, ExportParameters } from './request.ts';

/** Deletions that one Bundle tells. */
const MOST_ENTRIES = 500;

/** A resource that is gone. */
interface Deletion {
  /** `Type/id` */
  readonly key: string;
  /** The version that says so. */
  readonly version: number;
}

/**
 * What was deleted since the instant that the client names and belonged to what it asks for, as Bundles of type
 * transaction that would delete it ("Output Format of deleted"); none without `_since`. Of patients' records it is
 * what named a patient before; `_typeFilter` does not count, for there is nothing left to be filtered.
 */
export async function deletions(
  asker: Asker,
  level: ExportLevel,
  parameters: ExportParameters,
): Promise<ExportRecord[]> {
  if (parameters.since === undefined) return [];
  const types = wantedTypes(parameters);
  let gone: string[] = [];
  const wasWanted = await concerning(asker, level, parameters);
  for (const one of await newlyDeleted(asker, parameters.since)) {
    const type = one.key.slice(0, one.key.indexOf('/'));
    if (types !== undefined && !types.includes(type)) continue;
    if (await wasWanted(one)) gone.push(one.key);
  }
  const bundles: ExportRecord[] = [];
  for (; gone.length > 0; gone = gone.slice(MOST_ENTRIES)) {
    const id = uuidV7();
    const entry = gone.slice(0, MOST_ENTRIES).map((url) => ({ request: { method: 'DELETE', url } }));
    const text = JSON.stringify({ resourceType: 'Bundle', id, type: 'transaction', entry });
    bundles.push({ type: 'Bundle', id, text });
  }
  return bundles;
}

/** What the history since then ends with the deletion of. */
async function newlyDeleted(asker: Asker, since: string): Promise<Deletion[]> {
  const seen = new Set<string>();
  const found: Deletion[] = [];
  try {
    // Newest first: what was made again after its deletion is there.
    for await (const entries of entryPages(
      asker,
      ['_history'],
      [
        ['_since', since],
        ['_elements', 'id'],
      ],
    )) {
      for (const { fullUrl, request, response } of entries) {
        const key = String(fullUrl).slice(asker.context.baseUrl.length + 1);
        if (seen.has(key)) continue;
        seen.add(key);
        if (!isObject(request) || request['method'] !== 'DELETE') continue;
        const version = Number(/\d+/.exec(String((response as JsonObject)['etag']))?.[0]);
        found.push({ key, version });
      }
    }
  } catch (error) {
    // Who may not see the history is not told what it says.
    if (error instanceof FhirError && error.status === 403) return [];
    throw error;
  }
  return found;
}

/** Whether what was deleted was of those whose records are asked for. */
async function concerning(
  asker: Asker,
  level: ExportLevel,
  parameters: ExportParameters,
): Promise<(one: Deletion) => Promise<boolean>> {
  if (level.kind === 'system') return async () => true;
  // Of all patients also of those who are gone themselves.
  if (level.kind === 'patient' && parameters.patients === undefined)
    return async (one) => (await patientsBefore(asker, one)).length > 0;
  const wanted = new Set(await patientIds(asker, level, parameters));
  return async (one) => (await patientsBefore(asker, one)).some((id) => wanted.has(id));
}

/** The patients that the version before a deletion names, as far as it may be seen. */
async function patientsBefore(
  { services, context, scope }: Asker,
  { key, version }: Deletion,
): Promise<string[]> {
  try {
    const path = [...key.split('/'), '_history', String(version - 1)];
    const { text = '' } = await services.handle(internalRequest(context, scope, path));
    return patientsIn(text);
  } catch (error) {
    if (error instanceof FhirError && error.status < 500) return [];
    throw error;
  }
}
