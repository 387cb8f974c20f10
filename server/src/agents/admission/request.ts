import { fhirError } from '../../fhir/outcome.ts';
import { isObject, isResource, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { stepInput } from '../../workflows/step.ts';

/** What admission is asked to do. */
export interface AdmissionRequest {
  /** A step of a workflow answers with outputs, the operation with Parameters. */
  readonly asker: 'step' | 'operation';
  /** `Patient/id` of the visit by now: temporary, or known. */
  readonly subject: string | undefined;
  readonly encounter: string | undefined;
  /** Demographics as they were given. */
  readonly demographics: Resource | undefined;
  readonly coverage: Resource | undefined;
  readonly document: Resource | undefined;
  /** `Task/id` of the step. */
  readonly task: string | undefined;
}

/** @throws FhirError 400 naming the element that is wrong */
export function admissionRequest(value: JsonValue): AdmissionRequest {
  if (isObject(value) && isObject(value['operation'])) return ofOperation(value);
  const { subject, encounter, intake, task } = stepInput(value);
  return {
    asker: 'step',
    subject,
    encounter,
    demographics: intake?.patient,
    coverage: undefined,
    document: undefined,
    task: typeof task['id'] === 'string' ? `Task/${task['id']}` : undefined,
  };
}

function ofOperation({ operation, parameters }: JsonObject): AdmissionRequest {
  const given = objectsOf(isObject(parameters) ? parameters['parameter'] : undefined);
  const resource = (name: string, type: string): Resource | undefined => {
    const part = given.find((one) => one['name'] === name);
    if (part === undefined) return undefined;
    const found = part['resource'];
    if (isResource(found) && found.resourceType === type) return found;
    throw fhirError(400, 'value', `${name} must be a ${type}`, `Parameters.parameter.where(name='${name}')`);
  };
  const { id } = isObject(operation) ? operation : {};
  const request: AdmissionRequest = {
    asker: 'operation',
    subject: undefined,
    encounter: typeof id === 'string' ? `Encounter/${id}` : undefined,
    demographics: resource('patient', 'Patient'),
    coverage: resource('coverage', 'Coverage'),
    document: resource('document', 'DocumentReference'),
    task: undefined,
  };
  if (request.encounter === undefined && request.demographics === undefined)
    throw fhirError(
      400,
      'required',
      '$admit needs an Encounter, or the patient',
      "Parameters.parameter.where(name='patient')",
    );
  return request;
}
