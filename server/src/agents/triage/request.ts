import { fhirError } from '../../fhir/outcome.ts';
import { isObject, isResource, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { stepInput } from '../../workflows/step.ts';
import { LONGEST_TEXT } from './reading/intake.ts';
import { readResponse } from './reading/questionnaire.ts';

/** Whom the agent answers: a step of a workflow, an operation, or another agent. */
export type Asker = 'step' | 'operation' | 'agent';

/** Input of the agent `triage`. */
export interface TriageRequest {
  readonly asker: Asker;
  readonly text: string | undefined;
  readonly response: Resource | undefined;
  /** Demographics as they were given. */
  readonly patient: Resource | undefined;
  /** `Patient/id` */
  readonly subject: string | undefined;
  /** `Encounter/id` */
  readonly encounter: string | undefined;
  /** The Encounter is that of the operation's path. */
  readonly isInstance?: boolean;
  /** Nothing is written. */
  readonly assessOnly: boolean;
}

/**
 * Reads a StepInput, an OperationInput, or `{ text?, response?, patient?, subject?, encounter?, assessOnly? }` of another
 * agent.
 * @throws FhirError 400 naming the element, also where there is nothing to go by
 */
export function triageRequest(value: JsonValue): TriageRequest {
  if (!isObject(value)) throw fhirError(400, 'structure', 'triage takes an object', 'triage');
  if (value['task'] !== undefined) return ofStep(value);
  const isOperation = value['operation'] !== undefined;
  const given = isOperation ? parametersOf(value) : value;
  const at = (name: string) => (isOperation ? `Parameters.parameter:${name}` : `triage.${name}`);
  const request: TriageRequest = {
    asker: isOperation ? 'operation' : 'agent',
    text: text(given['text'], at('text')),
    response: resource(given['response'], 'QuestionnaireResponse', at('response')),
    patient: resource(given['patient'], 'Patient', at('patient')),
    subject: reference(given['subject'], 'Patient', at('subject')),
    encounter: reference(given['encounter'], 'Encounter', at('encounter')),
    ...(isOperation && isObject(value['operation']) && value['operation']['id'] !== undefined
      ? { isInstance: true }
      : {}),
    assessOnly: flag(given['assessOnly'] ?? given['assess-only'], at('assess-only')),
  };
  if ((request.text ?? '').trim() === '' && request.response === undefined)
    throw fhirError(400, 'required', 'triage needs a text or a QuestionnaireResponse', at('text'));
  if (request.response !== undefined) assertReadable(request.response, at('response'));
  return request;
}

/** A workflow that was started without words still needs somebody on the board. */
function ofStep(value: JsonObject): TriageRequest {
  const { subject, encounter, intake } = stepInput(value);
  return {
    asker: 'step',
    text: intake?.text,
    response: intake?.response,
    patient: intake?.patient,
    subject,
    encounter,
    assessOnly: false,
  };
}

/** Parameters by name; of an instance-level call the Encounter of its path. */
function parametersOf({ operation, parameters }: JsonObject): JsonObject {
  const found: JsonObject = {};
  if (isObject(parameters)) {
    for (const part of objectsOf(parameters['parameter'])) {
      const name = String(part['name']);
      const key = Object.keys(part).find((one) => one.startsWith('value'));
      const value = part['resource'] ?? (key === undefined ? undefined : part[key]);
      if (value !== undefined && found[name] === undefined) found[name] = value;
    }
  }
  if (isObject(operation) && typeof operation['id'] === 'string')
    found['encounter'] = `Encounter/${operation['id']}`;
  return found;
}

function text(value: JsonValue | undefined, at: string): string | undefined {
  if (value !== undefined && typeof value !== 'string')
    throw fhirError(400, 'value', 'The text must be a string', at);
  // What would be read in part only might be read as harmless.
  if (value !== undefined && value.length > LONGEST_TEXT)
    throw fhirError(400, 'too-long', `The text has more than ${LONGEST_TEXT} characters`, at);
  return value;
}

/** A form that is withdrawn says nothing, and of one that is too long only a part would be read. */
function assertReadable(response: Resource, at: string): void {
  if (response['status'] === 'entered-in-error')
    throw fhirError(422, 'business-rule', 'The form was entered in error', at);
  if (readResponse(response).text.length > LONGEST_TEXT)
    throw fhirError(400, 'too-long', `The answers have more than ${LONGEST_TEXT} characters`, at);
}

function resource(value: JsonValue | undefined, type: string, at: string): Resource | undefined {
  if (value === undefined) return undefined;
  if (isResource(value) && value.resourceType === type) return value;
  throw fhirError(400, 'value', `It must be a ${type}`, at);
}

function reference(value: JsonValue | undefined, type: string, at: string): string | undefined {
  const found = isObject(value) ? value['reference'] : value;
  if (found === undefined) return undefined;
  if (typeof found === 'string' && new RegExp(`^${type}/[A-Za-z0-9\\-.]{1,64}$`).test(found)) return found;
  throw fhirError(400, 'value', `It must be a reference such as ${type}/1`, at);
}

function flag(value: JsonValue | undefined, at: string): boolean {
  if (value === undefined || value === false || value === 'false') return false;
  if (value === true || value === 'true') return true;
  throw fhirError(400, 'value', 'It must be true or false', at);
}
