import { DAYS_OF_WEEK, type DayOfWeek } from '../../../scheduling/zone.ts';
import { fold } from './normalize.ts';
import { sourceOf } from './phrases.ts';
import type { PartOfDay } from './types.ts';
import type { DateWords, Phrases } from './words/words.ts';

/** The words for days and times of a language as expressions over what wordsOf() gives. */
export interface DatePatterns {
  readonly words: DateWords;
  /** Numbers by their words, folded. */
  readonly numbers: ReadonlyMap<string, number>;
  readonly relative: readonly (readonly [days: number, expression: RegExp])[];
  /** A time that tells by itself that it is one. */
  readonly clock: RegExp;
  /** The parts of a time; all of the text. */
  readonly time: RegExp;
  /** Words of the second half of the day. */
  readonly pm: RegExp;
  /** Of one day's name, global. */
  readonly day: RegExp;
  readonly nextDay: RegExp | undefined;
  /** A day a week later than the next such day: its name. */
  readonly weekLater: RegExp;
  /** Days that are not wanted. */
  readonly exceptDays: RegExp;
  /** A day that is over. */
  readonly lastDay: RegExp;
  /** Minutes that a phrase beside an hour says. */
  minutesOf(text: string): number;
  readonly parts: ReadonlyMap<PartOfDay, RegExp>;
  dayNamed(text: string): DayOfWeek | undefined;
  monthNamed(text: string): number | undefined;
  /** An expression for phrases with NUM, MONTH and TIME: a group for each. */
  of(list: Phrases): RegExp | undefined;
}

const alternatives = (list: Phrases) => `(?:${list.map(sourceOf).join('|') || '(?!)'})`;
const whole = (source: string, flags = 'u') => new RegExp(String.raw`(?<=\s)(?:${source})(?=\s)`, flags);

export function datePatterns(words: DateWords): DatePatterns {
  const numbers = new Map(Object.entries(words.numbers).map(([word, value]) => [fold(word), value]));
  const number = String.raw`(?:\d{1,2}|${[...numbers.keys()].join('|')})`;
  const month = alternatives(words.months.flat());
  const minutes = [...words.minutesBefore, ...words.minutesAfter].map(
    ([count, list]) => [count, new RegExp(`^${alternatives(list)}$`, 'u')] as const,
  );
  const minutesBefore = alternatives(words.minutesBefore.flatMap(([, list]) => list));
  const minutesAfter = alternatives(words.minutesAfter.flatMap(([, list]) => list));
  const meridiem = alternatives([...words.pm, ...words.am]);
  const hour = String.raw`(?:${minutesBefore} )?${number}(?:[:.][0-5]\d)?(?: ${minutesAfter})?`;
  const o = alternatives(words.oClock);
  const at = alternatives(words.at);
  const time = `(?:${at} )?(?:${meridiem} )?${hour}(?: ?${o})?(?: ?${meridiem})?`;
  const of = (list: Phrases) =>
    list.length === 0
      ? undefined
      : whole(
          list
            .map((one) =>
              // Names of what stands for something are no words: they are put in when the rest is an expression.
              sourceOf(
                one.replaceAll('NUM', '\u0001').replaceAll('MONTH', '\u0002').replaceAll('TIME', '\u0003'),
              )
                .replaceAll('\u0001', `(${number})`)
                .replaceAll('\u0002', `(${month})`)
                .replaceAll('\u0003', `(${time})`),
            )
            .join('|'),
        );
  const days = DAYS_OF_WEEK.map(
    (day) => [day, new RegExp(`^${alternatives(words.days[day])}$`, 'u')] as const,
  );
  const months = words.months.map((list) => new RegExp(`^${alternatives(list)}$`, 'u'));
  const anyDay = alternatives(Object.values(words.days).flat());
  const besideDay = (before: Phrases, after: Phrases, day = `(${anyDay})`, unless: Phrases = []) =>
    whole(`(?<!\\s${alternatives(unless)} )${alternatives(before)} ${day}|${day} ${alternatives(after)}`);
  // `Monday or Tuesday`: what joins the names of days is short.
  const someDays = `(${anyDay}(?: (?:or|and|nor|o|u|y|ni|aur|ya|یا|اور) ${anyDay})*)`;
  return {
    words,
    numbers,
    relative: words.relative.map(([offset, list]) => [offset, whole(alternatives(list))] as const),
    clock: whole(
      [
        `(?:${at} )?(?:${meridiem} )?${hour} ?${o}(?: ?${meridiem})?`,
        `(?:${at} )?${hour} ?${meridiem}`,
        `(?:${at} )?${meridiem} ${hour}(?: ${o})?`,
        String.raw`(?:${at} )?\d{1,2}:[0-5]\d`,
        `${at} ${hour}`,
        `${minutesBefore} ${number}`,
        `${number} ${minutesAfter}`,
      ].join('|'),
    ),
    time: new RegExp(
      String.raw`^(?:${at} )?(?:(?<before>${meridiem}) )?(?:(?<ahead>${minutesBefore}) )?(?<hour>${number})(?:[:.](?<minute>[0-5]\d))?(?: (?<behind>${minutesAfter}))?(?: ?${o})?(?: ?(?<after>${meridiem}))?$`,
      'u',
    ),
    pm: whole(alternatives(words.pm)),
    day: whole(anyDay, 'gu'),
    nextDay: words.nextDay.length === 0 ? undefined : whole(`${alternatives(words.nextDay)} (${anyDay})`),
    weekLater: besideDay(words.weekBefore, words.weekAfter),
    exceptDays: besideDay(words.exceptBefore, words.exceptAfter, someDays, words.exceptUnless),
    lastDay: besideDay(words.lastDay, []),
    minutesOf: (text) => minutes.find(([, expression]) => expression.test(text))?.[0] ?? 0,
    parts: new Map(
      (['morning', 'afternoon', 'evening'] as const).map((part) => [
        part,
        whole(alternatives(words.parts[part])),
      ]),
    ),
    dayNamed: (text) => days.find(([, expression]) => expression.test(text))?.[0],
    monthNamed: (text) => {
      const index = months.findIndex((expression) => expression.test(text));
      return index < 0 ? undefined : index + 1;
    },
    of,
  };
}
