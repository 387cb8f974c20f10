import { isNumber, numberOf } from '../../../json/exact-number.ts';
import { isObject } from '../../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../../json/types.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import type { Facts, Sex, Vitals } from '../facts.ts';
import { COMPLAINT_CODES, COMPLAINTS, type ComplaintCode } from '../rules/complaints.ts';
import { isPlausible, type MeasuredVital } from './vitals.ts';

const SEXES = ['female', 'male', 'other'] as const;
const NUMBERS = [
  'heartRate',
  'respiratoryRate',
  'systolic',
  'diastolic',
  'temperature',
  'oxygenSaturation',
  'gcs',
  'pain',
] as const satisfies readonly MeasuredVital[];

const SYSTEM = `You read what a patient or a nurse has said or written in an emergency department, in any language, and \
name what it says. You do not judge how urgent it is. List the complaints that the patient has now, with codes of this \
list only: ${Object.entries(COMPLAINTS)
  .map(([code, { display }]) => `${code} (${display})`)
  .join(
    ', ',
  )}. Leave out what is denied and what is history only. Give vital signs only where the text has the number: \
temperature in degrees Celsius as it was written if it is Celsius, blood pressure in mmHg.`;

const nullable = (type: string, more: JsonObject = {}): JsonObject => ({ type: [type, 'null'], ...more });

const SCHEMA: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['complaints', 'age', 'sex', 'pregnant', ...NUMBERS],
  properties: {
    complaints: { type: 'array', items: { type: 'string', enum: [...COMPLAINT_CODES] } },
    age: nullable('number'),
    sex: { type: ['string', 'null'], enum: [...SEXES, null] },
    pregnant: nullable('boolean'),
    ...Object.fromEntries(NUMBERS.map((name) => [name, nullable('number')])),
  },
};

/**
 * What a language model finds in a text that the rules have not found: complaints of the closed vocabulary, and numbers
 * that stand in the text. What the rules have read, and what the text denies, stays as it is.
 * @returns undefined where there is no model, or no use in its answer
 */
export async function understood(
  model: LanguageModel | undefined,
  text: string,
  known: Facts,
): Promise<{ readonly facts: Facts; readonly model: string } | undefined> {
  if (model === undefined || text.trim() === '') return undefined;
  const answer = await model.complete({
    purpose: 'triage: complaints and vital signs of a text',
    system: SYSTEM,
    input: text,
    schema: SCHEMA,
    check: (value) => readAnswer(value, text, known),
  });
  return answer && { facts: answer.value, model: answer.model };
}

function readAnswer(value: JsonValue, text: string, known: Facts): Facts {
  if (!isObject(value)) throw new Error('it must be an object');
  const numbers = new Set(
    [...text.normalize('NFKC').matchAll(/\d+(?:[.,]\d+)?/g)].map(([one]) => Number(one.replace(',', '.'))),
  );
  const vitals: Record<string, number> = {};
  for (const name of NUMBERS) {
    const given = value[name];
    if (!isNumber(given) || known.vitals[name] !== undefined) continue;
    const number = numberOf(given);
    // A number that nobody has written is made up.
    if (numbers.has(number) && isPlausible(name, number)) vitals[name] = number;
  }
  const complaints = (Array.isArray(value['complaints']) ? value['complaints'] : []).filter(
    (code): code is ComplaintCode =>
      typeof code === 'string' && Object.hasOwn(COMPLAINTS, code) && !known.denied.has(code as ComplaintCode),
  );
  const age = isNumber(value['age']) ? numberOf(value['age']) : undefined;
  const sex = SEXES.find((one) => one === value['sex']) as Sex | undefined;
  const pregnant = value['pregnant'];
  return {
    ...(age !== undefined && age >= 0 && age <= 125 && numbers.has(age) ? { age } : {}),
    ...(sex === undefined ? {} : { sex }),
    ...(pregnant === true ? { pregnant } : {}),
    complaints: new Set(complaints),
    denied: new Set(),
    vitals: vitals as Vitals,
  };
}
