import { fhirError } from '../fhir/outcome.ts';
import { isObject, isResource, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';

/** What a workflow was started with. */
export interface Intake {
  /** As it was typed or said. */
  readonly text?: string;
  /** A QuestionnaireResponse. */
  readonly response?: Resource;
  /** A Patient that is not stored: demographics as they were given. */
  readonly patient?: Resource;
  /** BCP 47. */
  readonly language?: string;
}

/** Input of an agent that a step of a workflow wakes (wake kind 'step'). */
export interface StepInput {
  /** The step itself. */
  readonly task: Resource;
  /** The workflow: a RequestGroup. */
  readonly group: Resource;
  /** `Patient/id`, where it is known by now. */
  readonly subject?: string;
  /** `Encounter/id`, where there is one by now. */
  readonly encounter?: string;
  readonly intake?: Intake;
  /** What the steps that have ended came to: step code -> Task.output. */
  readonly earlier: Readonly<Record<string, readonly JsonObject[]>>;
}

/** What an agent's step comes to. */
export interface StepOutput {
  /** For Task.output: type (CodeableConcept) and value[x]. */
  readonly outputs: readonly JsonObject[];
  /** `Patient/id` that the workflow is about from now on. */
  readonly subject?: string;
  /** `Encounter/id` that the workflow belongs to from now on. */
  readonly encounter?: string;
  /** `Task/id` that a person must settle before the step counts as done; the step then runs again. */
  readonly waits?: string;
}

/**
 * Reads what an agent's run was given, for AgentDefinition.input.
 * @throws FhirError 400 naming the member that is wrong
 */
export function stepInput(value: JsonValue): StepInput {
  if (!isObject(value)) throw wrong('step', 'an object');
  const { task, group, subject, encounter, intake, earlier } = value;
  if (!isResource(task) || task.resourceType !== 'Task') throw wrong('task', 'a Task');
  if (!isResource(group) || group.resourceType !== 'RequestGroup') throw wrong('group', 'a RequestGroup');
  return {
    task,
    group,
    ...(subject === undefined ? {} : { subject: reference(subject, 'subject') }),
    ...(encounter === undefined ? {} : { encounter: reference(encounter, 'encounter') }),
    ...(intake === undefined ? {} : { intake: intakeOf(intake) }),
    earlier: isObject(earlier)
      ? Object.fromEntries(Object.entries(earlier).map(([code, outputs]) => [code, objectsOf(outputs)]))
      : {},
  };
}

function intakeOf(value: JsonValue): Intake {
  if (!isObject(value)) throw wrong('intake', 'an object');
  const { text, response, patient, language } = value;
  if (text !== undefined && typeof text !== 'string') throw wrong('intake.text', 'a string');
  if (language !== undefined && typeof language !== 'string') throw wrong('intake.language', 'a string');
  if (response !== undefined && (!isResource(response) || response.resourceType !== 'QuestionnaireResponse'))
    throw wrong('intake.response', 'a QuestionnaireResponse');
  if (patient !== undefined && (!isResource(patient) || patient.resourceType !== 'Patient'))
    throw wrong('intake.patient', 'a Patient');
  return {
    ...(text === undefined ? {} : { text }),
    ...(response === undefined ? {} : { response }),
    ...(patient === undefined ? {} : { patient }),
    ...(language === undefined ? {} : { language }),
  };
}

function reference(value: JsonValue, member: string): string {
  if (typeof value !== 'string' || !/^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.test(value))
    throw wrong(member, 'a reference such as Patient/1');
  return value;
}

function wrong(member: string, wanted: string): Error {
  return fhirError(400, 'invalid', `${member} must be ${wanted}`, member);
}
