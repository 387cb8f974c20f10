import { isNumber, numberOf } from '../../../json/exact-number.ts';
import { isObject, objectsOf } from '../../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../../json/types.ts';
import type { Consciousness, Facts, Sex } from '../facts.ts';
import { type ComplaintCode, isComplaint } from '../rules/complaints.ts';
import { COMPLAINT_SYSTEM } from '../terms.ts';
import { celsius, doubtOf, isPlausible, type MeasuredVital, mercury, milligrams } from './vitals.ts';

/** linkIds of the form `emergency-intake`; a form of somebody else's may use them too. */
const NUMBERS: Readonly<Record<string, MeasuredVital>> = {
  'heart-rate': 'heartRate',
  'respiratory-rate': 'respiratoryRate',
  systolic: 'systolic',
  diastolic: 'diastolic',
  temperature: 'temperature',
  'oxygen-saturation': 'oxygenSaturation',
  'oxygen-flow': 'oxygenFlow',
  gcs: 'gcs',
  glucose: 'glucose',
  pain: 'pain',
};
/** ACVPU, or the SNOMED CT codes that the form has for it. */
const CONSCIOUSNESS: Readonly<Record<string, Consciousness>> = {
  ...{ A: 'A', C: 'C', V: 'V', P: 'P', U: 'U' },
  '248234008': 'A',
  '130987000': 'C',
  '300202002': 'V',
  '450847001': 'P',
  '422768004': 'U',
};
/** Years that nobody has lived longer than. */
const OLDEST = 125;
const SEXES = new Set(['female', 'male', 'other']);

export interface Answers {
  /** What the form says by its linkIds. */
  readonly facts: Facts;
  /** All other answers, with their questions: to be read as text. */
  readonly text: string;
}

/** The facts of a QuestionnaireResponse (R4 questionnaireresponse.html). */
export function readResponse(response: Resource): Answers {
  const complaints = new Set<ComplaintCode>();
  const denied = new Set<ComplaintCode>();
  const vitals: Record<string, JsonValue> = {};
  const person: { age?: number; sex?: Sex; pregnant?: boolean; hypercapnic?: boolean } = {};
  const doubtful: string[] = [];
  const texts: string[] = [];
  for (const { linkId, question, answer } of answersOf(response)) {
    const vital = NUMBERS[linkId];
    if (vital !== undefined) {
      const number = measured(vital, answer);
      if (number !== undefined && isPlausible(vital, number)) vitals[vital] = number;
      else if (number !== undefined) doubtful.push(doubtOf(vital, number));
      // A number that was typed as a text is read as it would be in one.
      else texts.push(`${linkId.replace(/-/g, ' ')}: ${codeOf(answer) ?? ''}`);
      continue;
    }
    const code = codeOf(answer);
    if (linkId === 'age' && quantityOf(answer) !== undefined) {
      const age = yearsOf(answer);
      if (age >= 0 && age <= OLDEST) person.age = age;
      else doubtful.push(`age ${age}`);
    } else if (linkId === 'sex' && SEXES.has(code ?? '')) person.sex = code as Sex;
    else if (linkId === 'pregnant' && answer['valueBoolean'] !== undefined)
      person.pregnant = answer['valueBoolean'] === true;
    else if (linkId === 'hypercapnic' && answer['valueBoolean'] !== undefined)
      person.hypercapnic = answer['valueBoolean'] === true;
    else if (linkId === 'oxygen' && answer['valueBoolean'] !== undefined)
      vitals['onOxygen'] = answer['valueBoolean'] === true;
    else if (linkId === 'consciousness' && Object.hasOwn(CONSCIOUSNESS, code ?? ''))
      vitals['consciousness'] = CONSCIOUSNESS[code as string] as Consciousness;
    else if (isComplaint(code ?? '') && isOfComplaints(answer)) complaints.add(code as ComplaintCode);
    else if (isComplaint(linkId) && typeof answer['valueBoolean'] === 'boolean')
      (answer['valueBoolean'] ? complaints : denied).add(linkId);
    else texts.push(sentence(linkId, question, answer));
  }
  const doubts = doubtful.length === 0 ? {} : { doubtful };
  return {
    facts: { ...person, complaints, denied, vitals, ...doubts },
    text: texts.filter(Boolean).join('\n'),
  };
}

interface Answered {
  readonly linkId: string;
  readonly question: string | undefined;
  readonly answer: JsonObject;
}

/** All answers, of items within items and answers too. */
function answersOf(within: JsonObject): Answered[] {
  return objectsOf(within['item']).flatMap((item) => [
    ...objectsOf(item['answer']).flatMap((answer) => [
      {
        linkId: String(item['linkId']),
        question: typeof item['text'] === 'string' ? item['text'] : undefined,
        answer,
      },
      ...answersOf(answer),
    ]),
    ...answersOf(item),
  ]);
}

function measured(vital: MeasuredVital, answer: JsonObject): number | undefined {
  const { value, unit } = quantityOf(answer) ?? {};
  if (value === undefined) return undefined;
  if (vital === 'temperature')
    return celsius(
      value,
      unit?.replace(/^\[?deg|^cel$/i, (text) => (/^cel$/i.test(text) ? 'c' : '')),
    );
  if (vital === 'systolic' || vital === 'diastolic') return mercury(value, unit);
  // A share of one is a percentage too (UCUM `1`): nobody has a saturation of one per cent.
  if (vital === 'oxygenSaturation' && value <= 1) return Math.round(value * 100);
  return vital === 'glucose' ? milligrams(value, unit) : value;
}

function quantityOf(answer: JsonObject): { value: number; unit: string | undefined } | undefined {
  for (const name of ['valueInteger', 'valueDecimal']) {
    const value = answer[name];
    if (isNumber(value)) return { value: numberOf(value), unit: undefined };
  }
  const quantity = answer['valueQuantity'];
  if (!isObject(quantity) || !isNumber(quantity['value'])) return undefined;
  const unit = quantity['code'] ?? quantity['unit'];
  return { value: numberOf(quantity['value']), unit: typeof unit === 'string' ? unit : undefined };
}

const PER_YEAR: Readonly<Record<string, number>> = { mo: 12, wk: 365.25 / 7, d: 365.25 };

function yearsOf(answer: JsonObject): number {
  const { value, unit } = quantityOf(answer) as { value: number; unit: string | undefined };
  return value / (PER_YEAR[unit ?? ''] ?? 1);
}

function codeOf({ valueCoding, valueString }: JsonObject): string | undefined {
  if (isObject(valueCoding) && typeof valueCoding['code'] === 'string') return valueCoding['code'];
  return typeof valueString === 'string' ? valueString : undefined;
}

function isOfComplaints({ valueCoding }: JsonObject): boolean {
  return isObject(valueCoding) && valueCoding['system'] === COMPLAINT_SYSTEM;
}

/** `Chest pain: no`, so that it is read as a person would. */
function sentence(linkId: string, question: string | undefined, answer: JsonObject): string {
  const label = question ?? linkId.replace(/[-_.]/g, ' ');
  const { valueBoolean, valueString, valueCoding } = answer;
  if (valueBoolean === false) return `${label}: no`;
  if (valueBoolean === true) return label;
  const quantity = quantityOf(answer);
  if (quantity !== undefined) return `${label}: ${quantity.value} ${quantity.unit ?? ''}`;
  if (isObject(valueCoding))
    return `${label}: ${String(valueCoding['display'] ?? valueCoding['code'] ?? '')}`;
  if (typeof valueString !== 'string') return '';
  // Free text is read by itself: the question is no part of what was said.
  return valueString;
}
