import { asObject, asText, type Format, read } from './element.ts';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DATE_TIME =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/**
 * A date, dateTime or instant to the second, with the precision and offset that it has: `4 March 2012, 09:30 UTC+01:00`.
 * What is no date is given as it stands.
 */
export const dateTime: Format = (value) => {
  const text = asText(value);
  if (text === undefined) return undefined;
  const match = text.length > 64 ? null : DATE_TIME.exec(text);
  if (match === null) return text;
  const [, year, month, day, minutes, seconds, zone] = match;
  if (month === undefined) return year;
  const name = MONTHS[Number(month) - 1];
  if (name === undefined) return text;
  if (day === undefined) return `${name} ${year}`;
  const date = `${Number(day)} ${name} ${year}`;
  if (minutes === undefined) return date;
  const time = seconds === undefined || seconds === '00' ? minutes : `${minutes}:${seconds}`;
  const offset = zone === undefined ? '' : /^(?:Z|[+-]00:00)$/.test(zone) ? ' UTC' : ` UTC${zone}`;
  return `${date}, ${time}${offset}`;
};

/** A time of day without the seconds where they are none. */
export const time: Format = (value) => asText(value)?.replace(/^(\d\d:\d\d):00(?:\.0+)?$/, '$1');

export const period: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const start = read(element, 'start', dateTime, context);
  const end = read(element, 'end', dateTime, context);
  if (start === undefined) return end === undefined ? undefined : `until ${end}`;
  return end === undefined ? `from ${start}` : start === end ? start : `${start} to ${end}`;
};
