import type { DayOfWeek } from '../../../../scheduling/zone.ts';
import type { Emergency, Intent, PartOfDay, Topic } from '../types.ts';

/** Phrases as phrases.ts takes them. */
export type Phrases = readonly string[];

/** Phrases for so many minutes. */
export type Minutes = readonly (readonly [minutes: number, phrases: Phrases])[];

/**
 * Words for days and times. In patterns `NUM` is a number in digits or words, `DAY` a day of the week, `MONTH` a month,
 * `TIME` a time of day as `clock` has it.
 */
export interface DateWords {
  readonly numbers: Readonly<Record<string, number>>;
  readonly days: Readonly<Record<DayOfWeek, Phrases>>;
  /** January first. */
  readonly months: readonly Phrases[];
  /** Phrases of a day that is so many days from today. */
  readonly relative: readonly (readonly [days: number, phrases: Phrases])[];
  readonly inDays: Phrases;
  readonly inWeeks: Phrases;
  /** Within so many days or weeks from today. */
  readonly withinDays: Phrases;
  readonly withinWeeks: Phrases;
  readonly thisWeek: Phrases;
  readonly nextWeek: Phrases;
  readonly weekAfterNext: Phrases;
  readonly thisMonth: Phrases;
  readonly nextMonth: Phrases;
  readonly thisWeekend: Phrases;
  readonly nextWeekend: Phrases;
  readonly weekdays: Phrases;
  /** Before the name of a day: that of the week after this one. Empty where people mean the next such day. */
  readonly nextDay: Phrases;
  /** Before, and after, the name of a day: a week later than the next such day. */
  readonly weekBefore: Phrases;
  readonly weekAfter: Phrases;
  /** Before, and after, the name of a day: any but that one. */
  readonly exceptBefore: Phrases;
  readonly exceptAfter: Phrases;
  /** Before these it is a proposal: `why not Monday`. */
  readonly exceptUnless: Phrases;
  /** Before the name of a day: one that is over, of which somebody tells. */
  readonly lastDay: Phrases;
  /** A day of a month: patterns with NUM and MONTH. */
  readonly dayOfMonth: Phrases;
  /** The so-manieth, without a month: patterns with NUM. */
  readonly dayAlone: Phrases;
  /** Whether 3/4 is March 4th rather than April 3rd. */
  readonly monthFirst: boolean;
  readonly parts: Readonly<Record<PartOfDay, Phrases>>;
  readonly noon: Phrases;
  /** Words that make an hour one of the second, or first, half of the day. */
  readonly pm: Phrases;
  readonly am: Phrases;
  /** Before and after an hour that stands alone, to tell it from other numbers. */
  readonly at: Phrases;
  readonly oClock: Phrases;
  /** Before an hour, and after it: minutes later, or earlier where they are below 0. */
  readonly minutesBefore: Minutes;
  readonly minutesAfter: Minutes;
  /** Patterns with TIME. */
  readonly after: Phrases;
  readonly before: Phrases;
  readonly between: Phrases;
  readonly soonest: Phrases;
}

/** The words of a language. */
export interface Words {
  readonly dates: DateWords;
  /** In order: the first that is found counts. */
  readonly intents: readonly (readonly [Intent, Phrases])[];
  readonly topics: Readonly<Record<Topic, Phrases>>;
  /** Words by which somebody means the own record. */
  readonly mine: Phrases;
  /** What only a person can do: prescribe again, hear a complaint. */
  readonly forPeople: Phrases;
  /** Words by which something is wished for, or asked about, somebody else. */
  readonly others: Phrases;
  readonly emergencies: Readonly<Record<Emergency, Phrases>>;
  readonly yes: Phrases;
  readonly no: Phrases;
  /** Numbers of a choice, -1 for the last. */
  readonly ordinals: readonly (readonly [number, Phrases])[];
  /** Before a number: a choice. */
  readonly option: Phrases;
  /** Before a family name. */
  readonly doctor: Phrases;
  /** Between the visit that is moved and the new time. */
  readonly to: Phrases;
  /** By keys of specialties.ts. */
  readonly specialties: Readonly<Record<string, Phrases>>;
}
