import type { JsonValue, Resource } from '../../../json/types.ts';
import { type Facts, joined, NO_FACTS, type Sex } from '../facts.ts';
import { readComplaints } from './complaints.ts';
import { normalize } from './normalize.ts';
import { readPerson } from './person.ts';
import { readResponse } from './questionnaire.ts';
import { readVitals } from './vitals.ts';

/** Most characters of a text: nobody says more in an emergency. */
export const LONGEST_TEXT = 20_000;

/** What somebody comes with, as it was taken down. */
export interface Taken {
  readonly text?: string | undefined;
  /** A QuestionnaireResponse. */
  readonly response?: Resource | undefined;
  /** A Patient: stored, or demographics as they were given. */
  readonly patient?: Resource | undefined;
}

export interface Reading {
  readonly facts: Facts;
  /** All that is text, for a language model. */
  readonly text: string;
}

/** Reads an intake by rules. What a form says by its linkIds counts before text, demographics before both. */
export function readIntake({ text, response, patient }: Taken, now: Date): Reading {
  const form = response === undefined ? { facts: NO_FACTS, text: '' } : readResponse(response);
  const whole = [text ?? '', form.text].filter((one) => one.trim() !== '').join('\n');
  const facts = joined(form.facts, readText(whole));
  return { facts: joined(patient === undefined ? NO_FACTS : personOf(patient, now), facts), text: whole };
}

/** The facts of a text. */
export function readText(text: string): Facts {
  const plain = normalize(text.slice(0, LONGEST_TEXT));
  const { present, denied } = readComplaints(plain);
  const { vitals, doubtful } = readVitals(plain);
  const doubts = doubtful.length === 0 ? {} : { doubtful };
  return { ...readPerson(plain), complaints: present, denied, vitals, ...doubts };
}

function personOf({ birthDate, gender }: Resource, now: Date): Facts {
  const age = ageOf(birthDate, now);
  const sex = gender === 'female' || gender === 'male' || gender === 'other' ? (gender as Sex) : undefined;
  return { ...NO_FACTS, ...(age === undefined ? {} : { age }), ...(sex === undefined ? {} : { sex }) };
}

/** Years with fractions, of a date of any precision; undefined for what is none or lies ahead. */
function ageOf(birthDate: JsonValue | undefined, now: Date): number | undefined {
  const match = typeof birthDate === 'string' ? /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/.exec(birthDate) : null;
  if (match === null) return undefined;
  const [year, month = 1, day = 1] = match
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part))) as [number, number?, number?];
  const years = (now.getTime() - Date.UTC(year, month - 1, day)) / (365.25 * 86_400_000);
  return years >= 0 && years <= 130 ? years : undefined;
}
