import {
  type Bundle,
  type CodeableConcept,
  conceptText,
  hasCode,
  type Observation as KitObservation,
  type Task as KitTask,
  nameText,
  type Patient,
  type Quantity,
  quantityText,
  type Reference,
  type Resource,
  resourcesOf,
  valueText,
} from '@vesta/app-kit';

export type {
  AllergyIntolerance,
  Appointment,
  Bundle,
  BundleEntry,
  CodeableConcept,
  Coding,
  Condition,
  DocumentReference,
  Encounter,
  MedicationRequest,
  Parameters,
  ParametersParameter,
  Patient,
  Period,
  Quantity,
  Reference,
  Resource,
  RiskAssessment,
} from '@vesta/app-kit';

export interface ReferenceRange {
  low?: Quantity;
  high?: Quantity;
  text?: string;
}

/** With the ranges that components have of their own. */
export type Observation = KitObservation & { component?: { referenceRange?: ReferenceRange[] }[] };

/** A value of Task.input or Task.output. */
export type TaskPart = NonNullable<KitTask['input']>[number] & { valueBase64Binary?: string };
export interface Task extends KitTask {
  input?: TaskPart[];
  output?: TaskPart[];
}

/** The resources of a Bundle that are of a type. */
export const ofType = <T extends Resource>(bundle: Bundle | undefined, type: T['resourceType']): T[] =>
  resourcesOf<T>(bundle, type);

/** `Type/id` of what a reference points to, of this server, without its version; undefined for others. */
export function target(reference: Reference | undefined): string | undefined {
  const found = /([A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64})(?:\/_history\/[^/]+)?$/.exec(
    reference?.reference ?? '',
  );
  return found?.[1];
}

/** What a concept is called; empty when it says nothing. */
export const textOf = (concept: CodeableConcept | undefined): string => conceptText(concept) ?? '';

/** The code that a concept has in a system. */
export function codeIn(concept: CodeableConcept | undefined, system: string): string | undefined {
  return concept?.coding?.find((one) => one.system === system)?.code;
}

/** Whether a concept has one of the codes, whatever the system. */
export const hasAnyCode = (concept: CodeableConcept | undefined, ...codes: readonly string[]): boolean =>
  codes.some((code) => hasCode(concept, code));

/** A patient's name as it is shown. Empty when there is none. */
export const nameOf = (patient: Patient | undefined): string => nameText(patient?.name) ?? '';

/** When an observation was made; undefined when it does not say. */
export function observedAt(one: Observation): string | undefined {
  return one.effectiveDateTime ?? one.effectiveInstant ?? one.effectivePeriod?.start ?? one.issued;
}

/** What was observed, as text; blood pressure as systolic/diastolic. */
export function observedText(one: Observation, language: string): string {
  const text = valueText(one, language, { yes: '✓', no: '✗' });
  if (text !== undefined) return text;
  const parts = (one.component ?? []).filter(({ valueQuantity }) => valueQuantity?.value !== undefined);
  const units = new Set(parts.map(({ valueQuantity }) => valueQuantity?.unit ?? valueQuantity?.code));
  const [first] = parts;
  if (units.size !== 1 || first === undefined)
    return parts
      .map((part) => `${textOf(part.code)} ${quantityText(part.valueQuantity, language)}`)
      .join(', ');
  const number = new Intl.NumberFormat(language);
  const value = parts.map((part) => number.format(part.valueQuantity?.value as number)).join('/');
  return (
    quantityText({ ...first.valueQuantity, value: 0 }, language)?.replace(number.format(0), value) ?? value
  );
}
