import { DAYS_OF_WEEK, type DayOfWeek } from '../../../scheduling/zone.ts';
import type { PartOfDay, When } from '../language/types.ts';
import type { State } from './state.ts';
import { dateOf } from './turn.ts';

/** The visit that is wished for, as the state of a conversation holds it. */
export type Wish = Pick<
  State,
  | 'specialty'
  | 'service'
  | 'practitioner'
  | 'visitType'
  | 'from'
  | 'to'
  | 'days'
  | 'part'
  | 'at'
  | 'after'
  | 'before'
>;

const WHO = ['specialty', 'service', 'practitioner', 'visitType'] as const;
const WHEN = ['from', 'to', 'days', 'part', 'at', 'after', 'before'] as const;

/** The wish in a state. */
export function wishIn(state: State): Wish {
  return pick(state, [...WHO, ...WHEN]);
}

/** With whom and what kind of visit a wish is for. */
export const whoIn = (wish: Wish): Wish => pick(wish, WHO);

export const namesWho = (wish: Wish): boolean => WHO.some((name) => wish[name] !== undefined);

/** A wish with the days and times that were named last; named days replace days, named times times. */
export function changedBy(wish: Wish, when: When | undefined): Wish {
  if (when === undefined) return wish;
  const { from, to, days, part, at, after, before, soonest } = when;
  const namesDays = from !== undefined || days !== undefined || soonest === true;
  const namesTimes = part !== undefined || at !== undefined || after !== undefined || before !== undefined;
  const number = (value: number | undefined) => (value === undefined ? undefined : String(value));
  const named = {
    from: from === undefined ? undefined : dateOf(from),
    to: to === undefined ? undefined : dateOf(to),
    days: days?.join(','),
    part,
    at: number(at),
    after: number(after),
    before: number(before),
  };
  return {
    ...pick(wish, WHO),
    ...(namesDays ? {} : pick(wish, ['from', 'to', 'days'])),
    ...(namesTimes || soonest === true ? {} : pick(wish, ['part', 'at', 'after', 'before'])),
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
  };
}

/** The days of the week of a wish. */
export function daysOf({ days }: Wish): DayOfWeek[] | undefined {
  const named = (days ?? '').split(',');
  const found = DAYS_OF_WEEK.filter((day) => named.includes(day));
  return found.length === 0 ? undefined : found;
}

/** The part of the day in which a wish looks for times. */
export function partIn({ part, at }: Wish): PartOfDay | undefined {
  if (part === 'morning' || part === 'afternoon' || part === 'evening') return part;
  if (at === undefined) return undefined;
  const minutes = Number(at);
  return minutes < 12 * 60 ? 'morning' : minutes < 17 * 60 ? 'afternoon' : 'evening';
}

function pick(state: State, names: readonly (keyof Wish)[]): Wish {
  return Object.fromEntries(
    names.flatMap((name) => (state[name] === undefined ? [] : [[name, state[name]]])),
  );
}
