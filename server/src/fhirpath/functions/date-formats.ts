import { parseDateTime, type Temporal } from '../temporal.ts';

/** Patterns of the format codes of toDate() and toDateTime() (FHIRPath 5.5, format codes), without those of other languages. */
const CODES: Readonly<Record<string, string>> = {
  yyyy: String.raw`(?<year>\d{4})`,
  yy: String.raw`(?<shortYear>\d{2})`,
  MM: String.raw`(?<month>\d{2})`,
  M: String.raw`(?<month>\d{1,2})`,
  dd: String.raw`(?<day>\d{2})`,
  d: String.raw`(?<day>\d{1,2})`,
  HH: String.raw`(?<hour>\d{2})`,
  H: String.raw`(?<hour>\d{1,2})`,
  hh: String.raw`(?<half>\d{2})`,
  h: String.raw`(?<half>\d{1,2})`,
  mm: String.raw`(?<minute>\d{2})`,
  m: String.raw`(?<minute>\d{1,2})`,
  ss: String.raw`(?<second>\d{2})`,
  s: String.raw`(?<second>\d{1,2})`,
  a: '(?<noon>[AaPp][Mm]?)',
  Z: String.raw`(?<offset>Z|[+-]\d\d:?\d\d)`,
};
const CODE = /yyyy|yy|MM|M|dd|d|HH|H|hh|h|mm|m|ss|s|S+|a|Z|[\s\S]/g;

/** A dateTime from a text in a format; undefined if it is not in it. Two digits of a year are those of 1950 to 2049. */
export function parseFormatted(text: string, format: string): Temporal | undefined {
  let pattern: RegExp;
  try {
    const source = format.replace(CODE, (code) => {
      if (/^S+$/.test(code)) return `(?<fraction>\\d{${code.length}})`;
      return CODES[code] ?? code.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    });
    pattern = new RegExp(`^${source}$`);
  } catch {
    // A code that is there twice.
    return undefined;
  }
  const groups = pattern.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const { shortYear, month, day, half, noon, minute, second, fraction, offset } = groups;
  const year =
    groups['year'] ??
    (shortYear === undefined ? undefined : `${Number(shortYear) < 50 ? 20 : 19}${shortYear}`);
  if (year === undefined) return undefined;
  const hour = groups['hour'] ?? (half === undefined ? undefined : hourOf(Number(half), noon));
  const date = [year, month, day].filter((part) => part !== undefined).map(pad);
  const time = [hour, minute, second].filter((part) => part !== undefined).map(pad);
  const zone = offset === undefined ? '' : offset.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2');
  const clock = time.join(':') + (fraction === undefined ? '' : `.${fraction}`);
  return parseDateTime(clock === '' ? date.join('-') : `${date.join('-')}T${clock}${zone}`);
}

function pad(part: string): string {
  return part.padStart(2, '0');
}

function hourOf(hour: number, noon: string | undefined): string {
  const base = hour % 12;
  return String(noon === undefined ? hour : /^p/i.test(noon) ? base + 12 : base);
}
