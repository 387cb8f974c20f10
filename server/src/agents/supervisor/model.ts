import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import type { CalendarDay } from '../../scheduling/zone.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { wordsOf } from './language/normalize.ts';
import { isSpecialty, SPECIALTIES } from './language/specialties.ts';
import type { PartOfDay, Understanding } from './language/types.ts';
import { whenOf } from './language/when.ts';

/*
 * What a language model adds: it says which of the closed wishes a free text means. It chooses nothing that was offered,
 * confirms nothing and names nobody; what follows from its answer is what follows from the same words of the rules.
 */

/** What a model may say somebody wants. */
const WISHES = [
  'book',
  'availability',
  'move',
  'cancel',
  'wait',
  'visits',
  'person',
  'question',
  'emergency',
  'other',
] as const;
type Wish = (typeof WISHES)[number];

/** Days as the rules read them: a model says one of these, or a date. */
const PERIODS = [
  'today',
  'tomorrow',
  'this week',
  'next week',
  'the week after next',
  'this month',
  'next month',
] as const;
const PARTS = ['morning', 'afternoon', 'evening'] as const;

const SYSTEM = `You sort messages that patients write to a medical practice, in any language. Say which wish a message means:
book (wants a visit), availability (asks for free times), move (wants another time for a visit), cancel (wants to give a visit
up), wait (wants onto the waiting list), visits (asks about own booked visits), person (wants to talk to staff), question (asks
about the practice), emergency (tells of danger to life, of severe symptoms now, or of harming oneself), other. If a medical
specialty, a period or a part of the day is meant, say it; else null. A period is one of the listed ones or a date YYYY-MM-DD.`;

const nullable = (schema: JsonObject): JsonObject => ({ anyOf: [schema, { type: 'null' }] });

const SCHEMA: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['wish', 'specialty', 'period', 'part'],
  properties: {
    wish: { type: 'string', enum: [...WISHES] },
    specialty: nullable({ type: 'string', enum: [...SPECIALTIES] }),
    period: nullable({
      anyOf: [
        { type: 'string', enum: [...PERIODS] },
        { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' },
      ],
    }),
    part: nullable({ type: 'string', enum: [...PARTS] }),
  },
};

interface Sorted {
  readonly wish: Wish;
  readonly specialty?: string;
  readonly period?: string;
  readonly part?: PartOfDay;
}

/** @throws Error for what is not of the lists */
export function sorted(value: JsonValue): Sorted {
  if (!isObject(value)) throw new Error('it is no object');
  const { wish, specialty, period, part } = value;
  if (!WISHES.includes(wish as Wish)) throw new Error('there is no such wish');
  if (typeof specialty === 'string' && !isSpecialty(specialty)) throw new Error('there is no such specialty');
  const isPeriod =
    PERIODS.includes(period as (typeof PERIODS)[number]) || /^\d{4}-\d{2}-\d{2}$/.test(String(period));
  if (typeof period === 'string' && !isPeriod) throw new Error('there is no such period');
  if (typeof part === 'string' && !PARTS.includes(part as PartOfDay))
    throw new Error('there is no such part of the day');
  return {
    wish: wish as Wish,
    ...(typeof specialty === 'string' ? { specialty } : {}),
    ...(typeof period === 'string' ? { period } : {}),
    ...(typeof part === 'string' ? { part: part as PartOfDay } : {}),
  };
}

/** Whether the rules have made nothing of a message, so that a model may. */
export function isUnclear({
  intent,
  choice,
  agrees,
  when,
  specialty,
  emergency,
  doctor,
}: Understanding): boolean {
  return [intent, choice, agrees, when, specialty, emergency, doctor].every((one) => one === undefined);
}

/**
 * What a model makes of a message that the rules made nothing of. Days go through the rules' own reading; days that are over
 * and wishes that are none are left out.
 */
export async function understoodBy(
  model: LanguageModel,
  text: string,
  understood: Understanding,
  today: CalendarDay,
): Promise<Understanding> {
  const answer = await model.complete({
    purpose: 'sort a message',
    system: SYSTEM,
    input: text,
    schema: SCHEMA,
    check: sorted,
  });
  if (answer === undefined) return understood;
  const { wish, specialty, period, part } = answer.value;
  if (wish === 'emergency') return { ...understood, emergency: 'medical' };
  if (wish === 'other') return understood;
  const named = whenOf(wordsOf(`${period ?? ''} ${part ?? ''}`), 'en', today);
  return {
    ...understood,
    intent: wish,
    ...(specialty === undefined ? {} : { specialty }),
    ...(named === undefined ? {} : { when: named }),
  };
}
