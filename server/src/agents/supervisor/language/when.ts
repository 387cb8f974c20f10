import {
  addDays,
  type CalendarDay,
  compareDays,
  DAYS_OF_WEEK,
  type DayOfWeek,
  dayOfWeek,
} from '../../../scheduling/zone.ts';
import { type DatePatterns, datePatterns } from './date-patterns.ts';
import type { Language, PartOfDay, When } from './types.ts';
import { WORDS } from './words/index.ts';
import type { Phrases } from './words/words.ts';

/** What can be changed while a text is read. */
type Draft = { -readonly [K in keyof When]: When[K] };

const known = new Map<Language, Reader>();

/**
 * The days and times that a text names.
 * @param words of wordsOf()
 * @param today where the person is
 * @returns undefined where it names none; days may lie in the past
 */
export function whenOf(words: string, language: Language, today: CalendarDay): When | undefined {
  let reader = known.get(language);
  if (reader === undefined) {
    reader = new Reader(datePatterns(WORDS[language].dates));
    known.set(language, reader);
  }
  return reader.read(words, today);
}

/** How many days after Monday; weeks begin with it. */
const sinceMonday = (day: DayOfWeek) => (DAYS_OF_WEEK.indexOf(day) + 6) % 7;

class Reader {
  readonly #patterns: DatePatterns;
  readonly #compiled = new Map<Phrases, RegExp | undefined>();
  #rest = '';
  #draft: Draft = {};
  #today: CalendarDay = { year: 1970, month: 1, day: 1 };

  constructor(patterns: DatePatterns) {
    this.#patterns = patterns;
  }

  read(words: string, today: CalendarDay): When | undefined {
    this.#rest = words;
    this.#draft = {};
    this.#today = today;
    const unwanted = this.#unwanted();
    this.#writtenDates();
    this.#spans();
    const time = this.#times();
    const isNamed = this.#partsAndDays();
    const draft = this.#draft;
    if (unwanted.length > 0 && !isNamed)
      draft.days = (draft.days ?? DAYS_OF_WEEK).filter((day) => !unwanted.includes(day));
    // An hour without a half of the day is the one of it that people are awake and seen in.
    if (time !== undefined) draft.at = awake(time, draft.part);
    return Object.keys(draft).length === 0 ? undefined : draft;
  }

  /** Takes what an expression finds out of the text, so that nothing is read twice. */
  #take(expression: RegExp | undefined): RegExpExecArray | undefined {
    const match = expression?.exec(this.#rest) ?? undefined;
    if (match === undefined) return undefined;
    const end = match.index + match[0].length;
    this.#rest = `${this.#rest.slice(0, match.index)}| ${this.#rest.slice(end).trimStart()}`;
    return match;
  }

  #takeAny(list: Phrases): RegExpExecArray | undefined {
    if (!this.#compiled.has(list)) this.#compiled.set(list, this.#patterns.of(list));
    return this.#take(this.#compiled.get(list));
  }

  #writtenDates(): void {
    const iso = this.#take(/(?<=\s)(\d{4})-(\d{1,2})-(\d{1,2})(?=\s)/);
    if (iso !== undefined) this.#oneDay(dayAt(Number(iso[1]), Number(iso[2]), Number(iso[3])));
    const short = this.#take(
      /(?<=\s)(\d{1,2})(?:\/(\d{1,2})(?:\/(\d{4}|\d\d))?|[.-](\d{1,2})[.-](\d{4}))(?=\s)/,
    );
    if (short !== undefined) {
      const first = Number(short[1]);
      const second = Number(short[2] ?? short[4]);
      const isMonthFirst = this.#patterns.words.monthFirst ? first <= 12 : second > 12;
      const [month, day] = isMonthFirst ? [first, second] : [second, first];
      const year = short[3] ?? short[5];
      this.#oneDay(
        year === undefined
          ? this.#upcoming(month, day)
          : dayAt(Number(year) + (year.length === 2 ? 2000 : 0), month, day),
      );
    }
    const named = this.#takeAny(this.#patterns.words.dayOfMonth);
    if (named !== undefined) {
      const parts = named.slice(1).filter((one) => one !== undefined);
      const month = parts.map((one) => this.#patterns.monthNamed(one)).find((one) => one !== undefined);
      const number = parts.map((one) => this.#numberOf(one)).find((one) => one !== undefined);
      const year = this.#take(/(?<=\|\s(?:de )?)(20\d\d)(?=\s)/)?.[1];
      if (month !== undefined && number !== undefined)
        this.#oneDay(year === undefined ? this.#upcoming(month, number) : dayAt(Number(year), month, number));
    }
  }

  /** Days, weeks and months counted from today. */
  #spans(): void {
    const { words } = this.#patterns;
    const count = (list: Phrases) => this.#numberIn(this.#takeAny(list));
    const today = this.#today;
    const monday = addDays(today, -sinceMonday(dayOfWeek(today)));
    const within = count(words.withinDays) ?? weeks(count(words.withinWeeks));
    if (within !== undefined) this.#span(today, addDays(today, within));
    const ahead = count(words.inDays);
    if (ahead !== undefined) this.#oneDay(addDays(today, ahead));
    if (this.#takeAny(words.weekAfterNext)) this.#span(addDays(monday, 14), addDays(monday, 20));
    const weeksAhead = count(words.inWeeks);
    if (weeksAhead !== undefined)
      this.#span(addDays(monday, weeksAhead * 7), addDays(monday, weeksAhead * 7 + 6));
    if (this.#takeAny(words.nextWeekend)) this.#span(addDays(monday, 12), addDays(monday, 13));
    if (this.#takeAny(words.thisWeekend)) {
      const saturday = addDays(monday, 5);
      this.#span(compareDays(saturday, today) < 0 ? today : saturday, addDays(monday, 6));
    }
    if (this.#takeAny(words.nextWeek)) this.#span(addDays(monday, 7), addDays(monday, 13));
    if (this.#takeAny(words.thisWeek)) this.#span(today, addDays(monday, 6));
    const month = { ...today, day: 1 };
    if (this.#takeAny(words.nextMonth)) this.#span(monthAfter(month, 1), addDays(monthAfter(month, 2), -1));
    if (this.#takeAny(words.thisMonth)) this.#span(today, addDays(monthAfter(month, 1), -1));
    if (this.#takeAny(words.soonest)) this.#draft.soonest = true;
    if (this.#takeAny(words.weekdays)) this.#draft.days = ['mon', 'tue', 'wed', 'thu', 'fri'];
  }

  /** @returns minutes of a time that may still be in either half of the day */
  #times(): Time | undefined {
    const { words } = this.#patterns;
    const between = this.#takeAny(words.between)
      ?.slice(1)
      .filter((one) => one !== undefined);
    const [from, to] = (between ?? []).map((one) => this.#timeOf(one));
    if (from !== undefined && to !== undefined) {
      const last = awake(to);
      let first = awake(from);
      // "From 2 to 4 pm": the half of the day of the end is that of the beginning.
      if (
        to.isSure &&
        !from.isSure &&
        from.minutes < 12 * 60 &&
        last >= 12 * 60 &&
        from.minutes + 12 * 60 < last
      )
        first = from.minutes + 12 * 60;
      if (first < last) Object.assign(this.#draft, { after: first, before: last });
    }
    const after = this.#timeIn(this.#takeAny(words.after));
    if (after !== undefined) this.#draft.after = awake(after);
    const before = this.#timeIn(this.#takeAny(words.before));
    if (before !== undefined) this.#draft.before = awake(before);
    if (this.#takeAny(words.noon)) return { minutes: 12 * 60, isSure: true };
    return this.#timeIn(this.#take(this.#patterns.clock));
  }

  /** Takes out days that are over, and those that are not wanted: `not Monday`. */
  #unwanted(): DayOfWeek[] {
    const { lastDay, exceptDays } = this.#patterns;
    while (this.#take(lastDay) !== undefined);
    const found = this.#take(exceptDays)
      ?.slice(1)
      .find((one) => one !== undefined);
    return found === undefined ? [] : this.#daysIn(` ${found} `);
  }

  /** @returns whether a day of the week was named */
  #partsAndDays(): boolean {
    const { relative, parts, nextDay, weekLater, words } = this.#patterns;
    const draft = this.#draft;
    for (const [offset, expression] of relative) {
      // "This afternoon" names today and a part of it.
      if (offset === 0 && expression.test(this.#rest)) this.#oneDay(this.#today);
    }
    for (const [part, expression] of parts) if (this.#take(expression)) draft.part ??= part;
    for (const [offset, expression] of relative) {
      if (offset !== 0 && draft.from === undefined && this.#take(expression))
        this.#oneDay(addDays(this.#today, offset));
    }
    const monday = addDays(this.#today, 7 - sinceMonday(dayOfWeek(this.#today)));
    const later = this.#take(weekLater)
      ?.slice(1)
      .find((one) => one !== undefined);
    const [laterNamed] = later === undefined ? [] : this.#daysIn(` ${later} `);
    if (laterNamed !== undefined) this.#oneDay(addDays(this.#following(laterNamed), 7));
    const next = this.#take(nextDay)?.[1];
    const nextNamed = next === undefined ? undefined : this.#patterns.dayNamed(next);
    const named = this.#daysIn(this.#rest);
    if (nextNamed !== undefined && named.length > 0) {
      // "Next Tuesday or Wednesday": both of them of that week.
      this.#span(monday, addDays(monday, 6));
      named.unshift(nextNamed);
    } else if (nextNamed !== undefined) this.#oneDay(addDays(monday, sinceMonday(nextNamed)));
    this.#days([...new Set(named)]);
    const alone = this.#numberIn(this.#takeAny(words.dayAlone));
    if (alone !== undefined && alone <= 31 && draft.from === undefined) this.#oneDay(this.#dayOfMonth(alone));
    return named.length > 0 || nextNamed !== undefined;
  }

  /** Days of the week that were named, in the span that was. */
  #days(named: readonly DayOfWeek[]): void {
    const draft = this.#draft;
    const [only] = named;
    if (only === undefined) return;
    if (draft.from !== undefined) {
      // A day and its date: "Tuesday, December 1st".
      if (draft.to !== undefined && compareDays(draft.from, draft.to) < 0) draft.days = named;
      return;
    }
    if (named.length > 1) {
      this.#span(addDays(this.#today, 1), addDays(this.#today, 7));
      draft.days = named;
      return;
    }
    this.#oneDay(this.#following(only));
  }

  /** The next day of this name, not today. */
  #following(day: DayOfWeek): CalendarDay {
    const ahead = (sinceMonday(day) - sinceMonday(dayOfWeek(this.#today)) + 7) % 7;
    return addDays(this.#today, ahead === 0 ? 7 : ahead);
  }

  /** The days of the week that words name, in their order. */
  #daysIn(words: string): DayOfWeek[] {
    return [...words.matchAll(this.#patterns.day)].flatMap(([text]) => this.#patterns.dayNamed(text) ?? []);
  }

  #oneDay(day: CalendarDay | undefined): void {
    if (day !== undefined) this.#span(day, day);
  }

  #span(from: CalendarDay, to: CalendarDay): void {
    if (this.#draft.from !== undefined) return;
    this.#draft.from = from;
    this.#draft.to = to;
  }

  /** The day of a month that is next, today counted. */
  #upcoming(month: number, day: number): CalendarDay | undefined {
    const { year } = this.#today;
    const found = dayAt(year, month, day);
    return found !== undefined && compareDays(found, this.#today) < 0 ? dayAt(year + 1, month, day) : found;
  }

  #dayOfMonth(day: number): CalendarDay | undefined {
    for (let ahead = 0; ahead < 12; ahead++) {
      const { year, month } = monthAfter({ ...this.#today, day: 1 }, ahead);
      const found = dayAt(year, month, day);
      if (found !== undefined && compareDays(found, this.#today) >= 0) return found;
    }
    return undefined;
  }

  #numberIn(match: RegExpExecArray | undefined): number | undefined {
    return match
      ?.slice(1)
      .map((one) => (one === undefined ? undefined : this.#numberOf(one)))
      .find((one) => one !== undefined);
  }

  #numberOf(text: string): number | undefined {
    return /^\d+$/.test(text) ? Number(text) : this.#patterns.numbers.get(text);
  }

  #timeIn(match: RegExpExecArray | undefined): Time | undefined {
    if (match === undefined) return undefined;
    return this.#timeOf(match.slice(1).find((one) => one !== undefined) ?? match[0]);
  }

  #timeOf(text: string): Time | undefined {
    const groups = this.#patterns.time.exec(text)?.groups;
    const hour = groups === undefined ? undefined : this.#numberOf(groups['hour'] as string);
    if (groups === undefined || hour === undefined || hour > 23) return undefined;
    const { ahead, behind, minute: written } = groups;
    const { minutesOf } = this.#patterns;
    const minute =
      (ahead === undefined ? 0 : minutesOf(ahead)) +
      (behind === undefined ? Number(written ?? 0) : minutesOf(behind));
    const said = groups['after'] ?? groups['before'];
    if (said === undefined || hour > 12) return { minutes: hour * 60 + minute, isSure: hour > 12 };
    const isPm = this.#patterns.pm.test(` ${said} `);
    return { minutes: ((hour % 12) + (isPm ? 12 : 0)) * 60 + minute, isSure: true };
  }
}

/** A time, and whether it is known which half of the day it is in. */
interface Time {
  readonly minutes: number;
  readonly isSure: boolean;
}

function awake({ minutes, isSure }: Time, part?: PartOfDay): number {
  if (isSure || minutes >= 12 * 60) return minutes;
  if (part === 'morning') return minutes;
  return part !== undefined || minutes < 7 * 60 ? minutes + 12 * 60 : minutes;
}

const weeks = (count: number | undefined) => (count === undefined ? undefined : count * 7);

function monthAfter({ year, month }: CalendarDay, months: number): CalendarDay {
  const index = year * 12 + (month - 1) + months;
  return { year: Math.floor(index / 12), month: (index % 12) + 1, day: 1 };
}

/** Undefined where there is no such day. */
function dayAt(year: number, month: number, day: number): CalendarDay | undefined {
  const date = new Date(Date.UTC(year, month - 1, day));
  const isThere = date.getUTCMonth() + 1 === month && date.getUTCDate() === day && year >= 1900;
  return isThere ? { year, month, day } : undefined;
}
