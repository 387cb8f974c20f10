/**
 * Dates, dateTimes and times of FHIRPath with their precision: what is not given is not there (FHIRPath 4.1.5 to 4.1.7).
 */
export interface Temporal {
  readonly type: 'Date' | 'DateTime' | 'Time';
  /** Year, month, day, hour, minute, second as far as they are given; of a Time hour, minute, second. */
  readonly parts: readonly number[];
  /** Digits of the second's fraction; '' where there is none. */
  readonly fraction: string;
  /** Minutes east of UTC; undefined where the offset is not given. */
  readonly offset: number | undefined;
  /** How the offset was written, if it was: UTC is `Z` or `+00:00`. */
  readonly zone?: string;
}

const DATE = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/;
const TIME = /^(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?$/;
const DATE_TIME =
  /^(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:T(?:(\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)(Z|[+-]\d\d:\d\d)?)?)?$/;

/** Minutes by which the local time of a place may be ahead of or behind UTC. */
const MOST_AHEAD = 14 * 60;
const MOST_BEHIND = -12 * 60;

export function parseDate(text: string): Temporal | undefined {
  const match = DATE.exec(text);
  return match === null
    ? undefined
    : checked({ type: 'Date', parts: numbers(match.slice(1, 4)), fraction: '', offset: undefined });
}

export function parseTime(text: string): Temporal | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  return checked({
    type: 'Time',
    parts: numbers(match.slice(1, 4)),
    fraction: match[4] ?? '',
    offset: undefined,
  });
}

/** A dateTime, also one that is only a date, with or without the `T` at its end. */
export function parseDateTime(text: string): Temporal | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const date = DATE.exec(match[1] as string) as RegExpExecArray;
  const time = match[2] === undefined ? null : TIME.exec(match[2]);
  if (time !== null && date[3] === undefined) return undefined;
  return checked({
    type: 'DateTime',
    parts: numbers([...date.slice(1, 4), ...(time?.slice(1, 4) ?? [])]),
    fraction: time?.[4] ?? '',
    offset: offsetOf(match[3]),
    ...(match[3] === undefined ? {} : { zone: match[3] }),
  });
}

function numbers(texts: readonly (string | undefined)[]): number[] {
  return texts.filter((text) => text !== undefined).map(Number);
}

function offsetOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === 'Z') return 0;
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6));
  return text.startsWith('-') ? -minutes : minutes;
}

function checked(value: Temporal): Temporal | undefined {
  const [hour, minute, second] = value.type === 'Time' ? value.parts : value.parts.slice(3);
  if ((hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) return undefined;
  if (Math.abs(value.offset ?? 0) > 18 * 60) return undefined;
  if (value.type === 'Time') return value;
  const [year = 0, month = 1, day = 1] = value.parts;
  return year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ? undefined : value;
}

/** Days of a month of the Gregorian calendar. */
export function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** As FHIR writes it: `2012-01-01T10:30:00.5+10:00`; a time without its `T`. */
export function temporalText({ type, parts, fraction, offset, zone }: Temporal): string {
  const date = type === 'Time' ? [] : parts.slice(0, 3);
  const time = (type === 'Time' ? parts : parts.slice(3)).map(two).join(':');
  const dateText = date.map((part, i) => (i === 0 ? String(part).padStart(4, '0') : two(part))).join('-');
  const timeText = fraction === '' ? time : `${time}.${fraction}`;
  if (dateText === '') return timeText;
  return timeText === ''
    ? dateText
    : `${dateText}T${timeText}${offset === undefined ? '' : (zone ?? offsetText(offset))}`;
}

function offsetText(offset: number): string {
  if (offset === 0) return 'Z';
  const size = Math.abs(offset);
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Digits in which a value is given: 4 for a year, 17 for a dateTime with milliseconds (FHIRPath precision()). */
export function precisionOf({ type, parts, fraction }: Temporal): number {
  return parts.length * 2 + (type === 'Time' ? 0 : 2) + fraction.length;
}

/**
 * The order of two values: negative, zero or positive; undefined where it depends on what is not given, be it a part
 * (FHIRPath 6.2) or the offset of one of them: that of this machine says nothing about the data.
 */
export function compareTemporals(a: Temporal, b: Temporal): number | undefined {
  if ((a.offset === undefined) === (b.offset === undefined)) {
    return a.offset === undefined ? compareParts(a, b) : compareParts(inOffset(a, 0), inOffset(b, 0));
  }
  const [early, late] = [MOST_BEHIND, MOST_AHEAD].map((offset) =>
    a.offset === undefined ? compareParts(a, inOffset(b, offset)) : compareParts(inOffset(a, offset), b),
  );
  return early === late ? early : undefined;
}

function compareParts(a: Temporal, b: Temporal): number | undefined {
  const length = Math.max(a.parts.length, b.parts.length);
  for (let i = 0; i < length; i++) {
    const left = a.parts[i];
    const right = b.parts[i];
    if (left === undefined || right === undefined) return undefined;
    if (left !== right) return left < right ? -1 : 1;
  }
  const digits = Math.max(a.fraction.length, b.fraction.length);
  const left = a.fraction.padEnd(digits, '0');
  const right = b.fraction.padEnd(digits, '0');
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A dateTime that has an offset, as the clocks at another offset show it. */
function inOffset(value: Temporal, offset: number): Temporal {
  const from = value.offset ?? 0;
  if (from === offset) return value;
  const [year = 1, month = 1, day = 1, hour = 0, minute = 0] = value.parts;
  const moved = dateParts(dayNumber(year, month, day) * 1440 + hour * 60 + minute + offset - from);
  return {
    ...value,
    offset,
    parts: [...moved.slice(0, Math.min(5, value.parts.length)), ...value.parts.slice(5)],
  };
}

/** A text that values of the same type have in common if and only if they are equal. */
export function temporalKey(value: Temporal): string {
  const utc = value.offset === undefined ? value : inOffset(value, 0);
  const fraction = utc.fraction.replace(/0+$/, '');
  return `${utc.parts.join('.')}/${fraction}/${value.offset === undefined ? '' : 'Z'}`;
}

/** Days since 1970-01-01. */
export function dayNumber(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return Math.round(date.getTime() / 86_400_000);
}

/** Year, month, day, hour, minute of a number of minutes since 1970. */
function dateParts(minutes: number): number[] {
  const date = new Date(minutes * 60_000);
  return [
    date.getUTCFullYear(),
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
  ];
}

/** The dateTime of a moment at an offset, to the millisecond. */
export function momentAt(milliseconds: number, offset: number): Temporal {
  const date = new Date(milliseconds + offset * 60_000);
  return {
    type: 'DateTime',
    parts: [...dateParts(Math.floor(date.getTime() / 60_000)), date.getUTCSeconds()],
    fraction: String(date.getUTCMilliseconds()).padStart(3, '0'),
    offset,
  };
}

/** The date of a dateTime, as far as it is given. */
export function dateOf(value: Temporal): Temporal {
  return { type: 'Date', parts: value.parts.slice(0, 3), fraction: '', offset: undefined };
}

/** The time of a dateTime; undefined where none is given. */
export function timeOf(value: Temporal): Temporal | undefined {
  if (value.parts.length < 4) return undefined;
  return { type: 'Time', parts: value.parts.slice(3), fraction: value.fraction, offset: undefined };
}

/** The least or greatest values of each part; the day's depends on the month. */
const LEAST = [1, 1, 1, 0, 0, 0];
const GREATEST = [9999, 12, 31, 23, 59, 59];

/**
 * The earliest or latest value that a value given less precisely may stand for, to `digits` (see {@link precisionOf});
 * undefined if the type has no such precision.
 */
export function boundary(value: Temporal, digits: number, latest: boolean): Temporal | undefined {
  const years = value.type === 'Time' ? 0 : 2;
  const most = value.type === 'Date' ? 8 : value.type === 'Time' ? 9 : 17;
  if (digits > most || digits < 2 + years) return undefined;
  const whole = most === 8 ? digits : Math.min(digits, most - 3);
  if ((whole - years) % 2 !== 0) return undefined;
  const count = (whole - years) / 2;
  const defaults = latest ? GREATEST : LEAST;
  const shift = value.type === 'Time' ? 3 : 0;
  const parts = Array.from({ length: count }, (_, i) => {
    const given = value.parts[i];
    if (given !== undefined) return given;
    return defaults[i + shift] as number;
  });
  if (latest && value.type !== 'Time' && value.parts.length < 3 && count > 2) {
    parts[2] = daysIn(parts[0] as number, parts[1] as number);
  }
  const fractionDigits = digits - whole;
  const fraction = value.fraction.slice(0, fractionDigits).padEnd(fractionDigits, latest ? '9' : '0');
  return { ...value, parts, fraction, offset: count > 3 ? value.offset : undefined };
}
