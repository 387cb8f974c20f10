import { isObject, objectsOf } from '../../../json/objects.ts';
import type { JsonObject, Resource } from '../../../json/types.ts';
import { actorsIn } from '../../../scheduling/proposal.ts';
import { TIME_ZONE } from '../../../scheduling/terms.ts';
import { timeInWords } from '../../../scheduling/time-in-words.ts';
import { addDays } from '../../../scheduling/zone.ts';
import type { AvailabilityAnswer, AvailabilityRequest } from '../../availability/request.ts';
import type { When } from '../language/types.ts';
import type { Strings } from '../strings/index.ts';
import type { Goal, Option, State } from './state.ts';
import { type Answer, dateOf, lasting, optionOf, said, type Turn } from './turn.ts';
import { daysOf, partIn, type Wish } from './wish.ts';

/** How many times are offered at once, and of one day where several days are looked at. */
const OFFERED = 5;
const OF_ONE_DAY = 2;
/** How many are looked at to choose from. */
const LOOKED_AT = 50;
/** Days that are looked through where none were named. */
const USUAL_DAYS = 60;
/** Starts that are remembered as offered. */
const MOST_SEEN = 40;

/** What times are offered for. */
export interface Asked {
  readonly goal: Extract<Goal, 'book' | 'move'>;
  readonly wish: Wish;
  /** `Appointment/id` of the visit that is moved. */
  readonly visit?: string | undefined;
  /** Starts that were offered before. */
  readonly seen?: readonly string[];
  /** Said in place of the usual sentence. */
  readonly lead?: keyof Strings;
}

/** Free times for a wish, as the availability agent finds them. */
export async function freeTimes(turn: Turn, wish: Wish, from: string, to: string): Promise<Resource[]> {
  const { specialty, service, practitioner, visitType } = wish;
  const days = daysOf(wish);
  const part = partIn(wish);
  const request: AvailabilityRequest = {
    patient: turn.patient,
    ...(specialty === undefined ? {} : { specialty }),
    ...(service === undefined ? {} : { service }),
    ...(practitioner === undefined ? {} : { practitioner }),
    ...(visitType === undefined ? {} : { visitType }),
    ...(days === undefined ? {} : { days }),
    ...(part === undefined ? {} : { timeOfDay: part }),
    from,
    to,
    most: LOOKED_AT,
    language: turn.language,
  };
  const answer = await turn.context.delegate('availability', request as unknown as JsonObject);
  return [...(answer as AvailabilityAnswer).proposals].filter((one) => isWithin(one, wish));
}

/** Minutes since midnight where the visit would be. */
function minutesOf({ start }: Resource): number {
  const [, hours, minutes] = /T(\d\d):(\d\d)/.exec(String(start)) ?? [];
  return Number(hours) * 60 + Number(minutes);
}

function isWithin(proposal: Resource, { after, before }: Wish): boolean {
  const minutes = minutesOf(proposal);
  return (
    (after === undefined || minutes >= Number(after)) && (before === undefined || minutes < Number(before))
  );
}

/** Offers free times for a wish; later ones where there are none, and the waiting list where there are none at all. */
export async function offerTimes(turn: Turn, asked: Asked): Promise<Answer> {
  const { wish, goal, visit, seen = [], lead } = asked;
  const { today } = turn;
  const first = dateOf(today);
  const state: State = {
    ...lasting(turn.before),
    ...wish,
    goal,
    ...(visit === undefined ? {} : { visit }),
  };
  if (wish.to !== undefined && wish.to < first)
    return { text: said(turn, 'past'), state: { ...state, step: 'choose-time' } };
  const from = wish.from === undefined || wish.from < first ? first : wish.from;
  const to = wish.to ?? dateOf(addDays(dayOf(from), USUAL_DAYS));
  const unseen = (found: readonly Resource[]) => found.filter(({ start }) => !seen.includes(String(start)));
  const found = unseen(await freeTimes(turn, wish, from, to));
  const exact = wish.at === undefined ? found : found.filter((one) => minutesOf(one) === Number(wish.at));
  const usual = lead ?? (goal === 'move' ? 'offerMove' : 'offer');
  if (exact.length > 0) return offered(turn, state, usual, spread(exact), seen);
  if (found.length > 0)
    return offered(turn, state, lead ?? 'offerNear', nearest(found, Number(wish.at)), seen);
  const { days: _days, at: _at, ...wider } = wish;
  const last = dateOf(addDays(dayOf(to), USUAL_DAYS));
  const later = unseen(await freeTimes(turn, wider, dateOf(addDays(dayOf(to), 1)), last));
  if (later.length > 0) return offered(turn, state, lead ?? 'offerOther', spread(later), seen);
  return {
    text: said(turn, 'noTimes'),
    options: [optionOf(turn, 'yes'), optionOf(turn, 'no'), optionOf(turn, 'person')],
    state: { ...state, step: 'offer-wait' },
  };
}

async function offered(
  turn: Turn,
  state: State,
  lead: keyof Strings,
  times: readonly Resource[],
  seen: readonly string[],
): Promise<Answer> {
  const shown = times.slice(0, OFFERED);
  const labels = await labelsOf(turn, shown);
  const options = shown.map((appointment, index): Option => {
    const label = labels[index] as string;
    return { label, value: label, appointment };
  });
  const starts = [...seen, ...shown.map(({ start }) => String(start))].slice(-MOST_SEEN);
  const lines = options.map(({ label }, index) => `${index + 1}. ${label}`);
  return {
    text: [said(turn, lead), ...lines].join('\n'),
    options: [...options, optionOf(turn, 'moreTimes'), optionOf(turn, 'waitingList')],
    state: { ...state, step: 'choose-time', seen: [...new Set(starts)].join(',') },
  };
}

/** A visit in words; its time as the clocks show it where it is. */
export async function labelOf(
  { language, context }: Pick<Turn, 'language' | 'context'>,
  visit: Resource,
): Promise<string> {
  const { description, start } = visit;
  if (typeof description === 'string' && visit['status'] === 'proposed') return description;
  const place = actorsIn(visit).find((one) => one.startsWith('Location/'));
  const location = await context.directory.follow(place);
  const zone = objectsOf(location?.['extension']).find(({ url }) => url === TIME_ZONE)?.['valueCode'];
  const name = typeof zone === 'string' ? zone : undefined;
  const time = typeof start === 'string' ? [timeInWords(start, name, language)] : [];
  return [...time, ...new Set(displaysOf(visit))].join(' · ');
}

/** Visits in words. */
export const labelsOf = (turn: Turn, visits: readonly Resource[]): Promise<string[]> =>
  Promise.all(visits.map((visit) => labelOf(turn, visit)));

function displaysOf(visit: Resource): string[] {
  return ['HealthcareService', 'Practitioner', 'Location'].flatMap((type) =>
    objectsOf(visit['participant']).flatMap(({ actor }) => {
      if (!isObject(actor) || typeof actor['display'] !== 'string') return [];
      return String(actor['reference']).startsWith(`${type}/`) ? [actor['display']] : [];
    }),
  );
}

/** Times of several days, so that not all are of the first morning. */
function spread(times: readonly Resource[]): Resource[] {
  const counts = new Map<string, number>();
  const chosen = times.filter(({ start }) => {
    const day = String(start).slice(0, 10);
    const count = counts.get(day) ?? 0;
    counts.set(day, count + 1);
    return count < OF_ONE_DAY;
  });
  const others = times.filter((one) => !chosen.includes(one));
  const all = [...chosen.slice(0, OFFERED), ...others].slice(0, OFFERED);
  return all.sort((a, b) => Date.parse(String(a['start'])) - Date.parse(String(b['start'])));
}

function nearest(times: readonly Resource[], at: number): Resource[] {
  const far = (one: Resource) => Math.abs(minutesOf(one) - at);
  const near = [...times].sort((a, b) => far(a) - far(b)).slice(0, OFFERED);
  return near.sort((a, b) => Date.parse(String(a['start'])) - Date.parse(String(b['start'])));
}

/** Those of the times that were offered that fit what was named. */
export function matching(options: readonly Option[], { from, to, at }: When): Option[] {
  return options.filter(({ appointment }) => {
    if (appointment === undefined) return false;
    const day = String(appointment['start']).slice(0, 10);
    if (from !== undefined && (day < dateOf(from) || day > dateOf(to ?? from))) return false;
    return at === undefined || minutesOf(appointment) === at;
  });
}

function dayOf(date: string) {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  return { year, month, day };
}
