import { FhirError, type Issue } from '../fhir/outcome.ts';
import { isObject } from '../json/objects.ts';
import type { JsonObject } from '../json/types.ts';
import type { Desk } from './desk.ts';

/**
 * Writes what belongs to a visit in one transaction, or nothing.
 * @returns the response Bundle
 * @throws FhirError what the transaction is refused for; it names elements of the Appointment and not entries, which the
 *   caller has not made
 */
export async function writeVisit(desk: Desk, entry: readonly JsonObject[]): Promise<JsonObject> {
  try {
    return await desk.writer.transaction({ resourceType: 'Bundle', type: 'transaction', entry: [...entry] });
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    throw new FhirError(error.status, named(error.issues, entry), { ...error.headers });
  }
}

function named(issues: readonly Issue[], entry: readonly JsonObject[]): Issue[] {
  const all = issues.map((issue): Issue => {
    const [, index, rest] = /^Bundle\.entry\[(\d+)\](.*)$/.exec(issue.expression ?? '') ?? [];
    if (index === undefined) return issue;
    const path = rest?.startsWith('.resource') ? rest.slice('.resource'.length) : '';
    const diagnostics = issue.diagnostics.replace(/^Bundle\.entry\[\d+\]: /, '');
    return { ...issue, diagnostics, expression: `${typeOf(entry[Number(index)])}${path}` };
  });
  // What the Slots and messages refer to is the Appointment's, and is told of once.
  const own = all.filter(({ expression }) => expression?.startsWith('Appointment'));
  const told = new Set(own.map(({ diagnostics }) => diagnostics));
  return [...own, ...all.filter((one) => !own.includes(one) && !told.has(one.diagnostics))];
}

/** The type that an entry writes. */
function typeOf(entry: JsonObject | undefined): string {
  const request = entry?.['request'];
  return isObject(request) ? (String(request['url']).split('/')[0] as string) : 'Appointment';
}
