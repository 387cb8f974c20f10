import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { AgentTools } from '../agent.ts';

/** What is moved with a visit, and by which element it names the patient. */
const MOVED: Readonly<Record<string, string>> = {
  AllergyIntolerance: 'patient',
  Communication: 'subject',
  CommunicationRequest: 'subject',
  Composition: 'subject',
  Condition: 'subject',
  Coverage: 'beneficiary',
  DiagnosticReport: 'subject',
  DocumentReference: 'subject',
  Encounter: 'subject',
  Observation: 'subject',
  Procedure: 'subject',
  QuestionnaireResponse: 'subject',
  RequestGroup: 'subject',
  RiskAssessment: 'subject',
  ServiceRequest: 'subject',
  Task: 'for',
};

export const MOVED_TYPES: readonly string[] = Object.keys(MOVED);

/** Resources of one type that are moved at most: a visit that is admitted has few. */
const MOST = 500;

/**
 * The transaction that makes one Patient out of two (R4 patient.html#links): everything that names the one that is given up
 * names the other from then on, and the one that is given up says by whom it was replaced.
 * @param tasks whether the Tasks and workflows are moved as well
 */
export async function moveTransaction(
  fhir: AgentTools,
  from: Resource,
  to: string,
  tasks: boolean,
): Promise<JsonObject> {
  const own = `Patient/${String(from['id'])}`;
  const types = MOVED_TYPES.filter((type) => tasks || (type !== 'Task' && type !== 'RequestGroup'));
  const moved: JsonObject[] = [];
  for (const type of types) {
    for (const resource of await fhir.searchAll(
      type,
      [
        [parameterOf(type), own],
        ['_count', '200'],
      ],
      MOST,
    )) {
      const element = MOVED[type] as string;
      const named = resource[element];
      if (!isObject(named) || named['reference'] !== own) continue;
      moved.push(patchEntry(type, String(resource['id']), element, to));
    }
  }
  const meta = isObject(from['meta']) ? from['meta'] : {};
  const replaced: Resource = {
    ...from,
    active: false,
    link: [...objectsOf(from['link']), { other: { reference: to }, type: 'replaced-by' }],
  };
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      ...moved,
      {
        resource: replaced,
        // Whoever has changed it meanwhile, or made it another one's, must decide anew.
        request: { method: 'PUT', url: own, ifMatch: `W/"${String(meta['versionId'])}"` },
      },
    ],
  };
}

/** The search parameter by which a type names the patient. */
function parameterOf(type: string): string {
  if (type === 'Coverage') return 'beneficiary';
  return type === 'RequestGroup' || type === 'Task' ? 'subject' : 'patient';
}

/** A FHIRPath Patch (R4 fhirpatch.html): other elements may change meanwhile. */
function patchEntry(type: string, id: string, element: string, to: string): JsonObject {
  return {
    resource: {
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'operation',
          part: [
            { name: 'type', valueCode: 'replace' },
            { name: 'path', valueString: `${type}.${element}` },
            { name: 'value', valueReference: { reference: to } },
          ],
        },
      ],
    },
    request: { method: 'PATCH', url: `${type}/${id}` },
  };
}

/** By whom a Patient was replaced: `Patient/id`. */
export function replacedBy(patient: Resource): string | undefined {
  const link = objectsOf(patient['link']).find(({ type }) => type === 'replaced-by');
  const other = link?.['other'];
  const reference = isObject(other) ? other['reference'] : undefined;
  return typeof reference === 'string' ? reference : undefined;
}
