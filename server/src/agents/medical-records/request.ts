import { fhirError } from '../../fhir/outcome.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { escapeValue } from '../../search/query/escape.ts';
import { stepInput } from '../../workflows/step.ts';

/** Input of the agent `medical-records`. */
export type RecordsRequest =
  | { readonly kind: 'summary'; readonly patient: string }
  /** By an identifier, as a search token. */
  | { readonly kind: 'summary-of'; readonly identifier: string }
  | { readonly kind: 'step'; readonly patient: string | undefined; readonly encounter: string | undefined }
  | { readonly kind: 'hook'; readonly patient: string };

const PATIENT = /^(?:Patient\/)?([A-Za-z0-9\-.]{1,64})$/;

/**
 * Reads an OperationInput, a StepInput, the call of a hook, or `{ patient: 'Patient/id' }` of another agent.
 * @throws FhirError 400 naming the element
 */
export function recordsRequest(value: JsonValue): RecordsRequest {
  if (!isObject(value))
    throw fhirError(400, 'structure', 'medical-records takes an object', 'medical-records');
  const { operation, hook, context, task } = value;
  if (task !== undefined) {
    const { subject, encounter } = stepInput(value);
    return { kind: 'step', patient: subject, encounter };
  }
  if (isObject(operation)) return ofOperation(operation, value['parameters']);
  if (hook !== undefined) {
    const id = isObject(context) ? context['patientId'] : undefined;
    return { kind: 'hook', patient: patientOf(id, 'context.patientId') };
  }
  return { kind: 'summary', patient: patientOf(value['patient'], 'medical-records.patient') };
}

/** Bundle-uv-ips as IPS 1 names it, Composition-uv-ips as IPS 2 does. */
const PROFILE =
  /^http:\/\/hl7\.org\/fhir\/uv\/ips\/StructureDefinition\/(?:Bundle|Composition)-uv-ips(?:\|[12]\.\d+\.\d+)?$/;

/** The parameters of http://hl7.org/fhir/uv/ips/OperationDefinition/summary, 1.1.0 and 2.0.0. */
function ofOperation({ id }: JsonObject, parameters: JsonValue | undefined): RecordsRequest {
  const parts = isObject(parameters) ? objectsOf(parameters['parameter']) : [];
  const value = (name: string): JsonValue | undefined => {
    const part = parts.find((one) => one['name'] === name);
    const key = part && Object.keys(part).find((one) => one.startsWith('value'));
    return key === undefined ? undefined : part?.[key];
  };
  const profile = value('profile');
  if (profile !== undefined && !(typeof profile === 'string' && PROFILE.test(profile)))
    throw fhirError(
      400,
      'not-supported',
      `There are no summaries by ${typeof profile === 'string' ? profile : 'this profile'}`,
      'Parameters.parameter:profile',
    );
  if (value('graph') !== undefined)
    throw fhirError(
      400,
      'not-supported',
      'There are no summaries by a GraphDefinition',
      'Parameters.parameter:graph',
    );
  if (typeof id === 'string') return { kind: 'summary', patient: `Patient/${id}` };
  const identifier = value('identifier');
  const token = isObject(identifier) ? tokenOf(identifier) : identifier;
  if (typeof token !== 'string' || token === '')
    throw fhirError(
      400,
      'required',
      '$summary needs a Patient or its identifier',
      'Parameters.parameter:identifier',
    );
  return { kind: 'summary-of', identifier: token };
}

/** The search token of an Identifier. */
function tokenOf({ system, value }: JsonObject): string | undefined {
  if (typeof value !== 'string') return undefined;
  return typeof system === 'string' ? `${escapeValue(system)}|${escapeValue(value)}` : escapeValue(value);
}

function patientOf(value: JsonValue | undefined, at: string): string {
  const id = typeof value === 'string' ? PATIENT.exec(value)?.[1] : undefined;
  if (id === undefined) throw fhirError(400, 'value', `${at} must be the id of a Patient`, at);
  return `Patient/${id}`;
}
