import { localReference } from '../../fhir/references/literal.ts';
import { textOf } from '../../json/exact-number.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';

/** What rows refer to, by `Type/id`. */
export type Linked = ReadonlyMap<string, Resource>;

const CLINICAL = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const LOINC = 'http://loinc.org';

/** What a code is called: its text, or the display or code of its first coding. */
export function nameOf(concept: JsonValue | undefined): string | undefined {
  if (!isObject(concept)) return undefined;
  if (typeof concept['text'] === 'string' && concept['text'] !== '') return concept['text'];
  return codingName(objectsOf(concept['coding'])[0]);
}

/** What the first of several codes is called; empty where there is none. */
export const firstName = (concepts: JsonValue | undefined): string =>
  objectsOf(concepts).flatMap((each) => nameOf(each) ?? [])[0] ?? '';

export function codingName(coding: JsonValue | undefined): string | undefined {
  if (!isObject(coding)) return undefined;
  const name = coding['display'] ?? coding['code'];
  return typeof name === 'string' ? name : undefined;
}

/** What a Medication or Device is called that a row refers to: contained or linked, else as the reference says. */
export function referredName(reference: JsonValue | undefined, one: Resource, linked: Linked): string {
  if (!isObject(reference)) return '';
  const { display, reference: text } = reference;
  if (typeof display === 'string') return display;
  const target =
    typeof text === 'string' && text.startsWith('#')
      ? objectsOf(one['contained']).find(({ id }) => id === text.slice(1))
      : linked.get(localReference(reference) ?? '');
  const name = target && (nameOf(target['code']) ?? deviceName(target));
  if (name !== undefined) return name;
  return typeof text === 'string' && !text.startsWith('#') ? text : '';
}

/** What a Device is called. */
export function deviceName({ deviceName: names, type, modelNumber }: JsonObject): string | undefined {
  const [named] = objectsOf(names).flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
  return named ?? nameOf(type) ?? (typeof modelNumber === 'string' ? modelNumber : undefined);
}

/** What tells codes apart, where only the newest of each is shown: LOINC's where there is one. */
export function codeKey({ resourceType, code }: Resource): string {
  const codings = isObject(code) ? objectsOf(code['coding']) : [];
  const chosen = codings.find(({ system }) => system === LOINC) ?? codings[0];
  const key =
    chosen === undefined
      ? `text ${nameOf(code) ?? ''}`
      : `${String(chosen['system'])}|${String(chosen['code'])}`;
  return `${resourceType} ${key}`;
}

/** The first of each code: they come newest first. */
export function newestOfEach(resources: readonly Resource[]): Resource[] {
  const byCode = new Map<string, Resource>();
  for (const resource of resources) {
    const key = codeKey(resource);
    if (!byCode.has(key)) byCode.set(key, resource);
  }
  return [...byCode.values()];
}

export function clinicalStatus({ clinicalStatus: status }: Resource): string | undefined {
  const codings = isObject(status) ? objectsOf(status['coding']) : [];
  const known = codings.find(({ system }) => system === CLINICAL) ?? codings[0];
  return typeof known?.['code'] === 'string' ? known['code'] : undefined;
}

/** Whether it was never true: entered in error, or refuted. */
export function isWrong({ verificationStatus, status }: Resource): boolean {
  const codings = isObject(verificationStatus) ? objectsOf(verificationStatus['coding']) : [];
  return (
    status === 'entered-in-error' ||
    codings.some(({ code }) => code === 'entered-in-error' || code === 'refuted')
  );
}

export function problemCells(one: Resource): string[] {
  return [
    nameOf(one['code']) ?? '',
    clinicalStatus(one) ?? '',
    nameOf(one['severity']) ?? '',
    day(one['onsetDateTime'] ?? startOf(one['onsetPeriod']) ?? one['recordedDate']) ||
      String(one['onsetString'] ?? ''),
  ];
}

/** Of an Observation, or of a DiagnosticReport with its conclusion. */
export function resultCells(one: Resource): string[] {
  const parts = objectsOf(one['component']).map((each) =>
    `${nameOf(each['code']) ?? ''} ${valueText(each)}`.trim(),
  );
  const own = valueText(one) || String(one['conclusion'] ?? '') || firstName(one['conclusionCode']);
  return [
    nameOf(one['code']) ?? '',
    [...(own === '' ? [] : [own]), ...parts].join('; '),
    objectsOf(one['interpretation'])
      .flatMap((each) => nameOf(each) ?? [])
      .join(', '),
    day(one['effectiveDateTime'] ?? startOf(one['effectivePeriod']) ?? one['issued']),
  ];
}

export function dosageOf(one: Resource): string {
  return objectsOf(one['dosageInstruction'] ?? one['dosage'])
    .flatMap(({ text, patientInstruction, doseAndRate }) => {
      const told = text ?? patientInstruction;
      if (typeof told === 'string') return [told];
      return objectsOf(doseAndRate).map(({ doseQuantity }) => quantity(doseQuantity));
    })
    .filter((told) => told !== '')
    .join('; ');
}

function valueText(one: JsonObject): string {
  if (one['valueQuantity'] !== undefined) return quantity(one['valueQuantity']);
  const concept = nameOf(one['valueCodeableConcept']);
  if (concept !== undefined) return concept;
  for (const name of ['valueString', 'valueDateTime', 'valueBoolean', 'valueInteger', 'valueTime']) {
    const value = one[name];
    if (value !== undefined && value !== null) return textOf(value) ?? String(value);
  }
  const { valueRange: range, valueRatio: ratio } = one;
  if (isObject(range)) return pair(range['low'], ' to ', range['high']);
  if (isObject(ratio)) return pair(ratio['numerator'], ' : ', ratio['denominator']);
  return '';
}

const pair = (one: JsonValue | undefined, between: string, other: JsonValue | undefined): string =>
  `${quantity(one)}${between}${quantity(other)}`.trim();

function quantity(value: JsonValue | undefined): string {
  if (!isObject(value)) return '';
  const { comparator, unit, code } = value;
  const number = textOf(value['value']);
  if (number === undefined) return '';
  return `${typeof comparator === 'string' ? comparator : ''}${number} ${String(unit ?? code ?? '')}`.trim();
}

export const startOf = (period: JsonValue | undefined): JsonValue | undefined =>
  isObject(period) ? (period['start'] ?? period['end']) : undefined;

/** The day of a date or time. */
export const day = (value: JsonValue | undefined): string =>
  typeof value === 'string' ? value.slice(0, 10) : '';
