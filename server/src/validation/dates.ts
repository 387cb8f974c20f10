/**
 * The date and time formats of R4 datatypes.html#primitive, checked by character, without regular expressions, because
 * nearly every resource has several. Each function says whether the text is right.
 */

/** Digits at a place as a number; -1 if one of them is no digit. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Length of the date at the start (4, 7 or 10); 0 if there is none that exists in the calendar. */
function dateLength(text: string): number {
  const year = digits(text, 0, 4);
  if (year < 1) return 0;
  if (text.charCodeAt(4) !== 0x2d) return 4;
  const month = digits(text, 5, 2);
  if (month < 1 || month > 12) return 0;
  if (text.charCodeAt(7) !== 0x2d) return 7;
  const day = digits(text, 8, 2);
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day < 1 || day > (DAYS[month - 1] as number) + (leap ? 1 : 0)) return 0;
  return 10;
}

/** End of the time `hh:mm:ss` with an optional fraction that starts at a place; 0 if there is none. */
function timeEnd(text: string, at: number): number {
  const hour = digits(text, at, 2);
  const minute = digits(text, at + 3, 2);
  const second = digits(text, at + 6, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return 0;
  if (text.charCodeAt(at + 2) !== 0x3a || text.charCodeAt(at + 5) !== 0x3a) return 0;
  let end = at + 8;
  if (text.charCodeAt(end) === 0x2e) {
    const start = ++end;
    while (digits(text, end, 1) >= 0) end++;
    if (end === start) return 0;
  }
  return end;
}

/** Whether the rest of the text is `Z` or an offset up to 14:00. */
function isZone(text: string, at: number): boolean {
  const sign = text.charCodeAt(at);
  if (sign === 0x5a) return text.length === at + 1;
  if ((sign !== 0x2b && sign !== 0x2d) || text.length !== at + 6 || text.charCodeAt(at + 3) !== 0x3a)
    return false;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (hours < 0 || minutes < 0) return false;
  return hours < 14 ? minutes <= 59 : hours === 14 && minutes === 0;
}

/** R4 date: `2018`, `1973-06`, `1905-08-23`. */
export function isDate(text: string): boolean {
  const length = dateLength(text);
  return length > 0 && length === text.length;
}

/** R4 dateTime: a date, or a full date with a time to the second and a zone. */
export function isDateTime(text: string): boolean {
  const length = dateLength(text);
  if (length === 0) return false;
  return length === text.length || (length === 10 && isTimeAndZone(text));
}

/** R4 instant: a full date with a time to the second and a zone. */
export function isInstant(text: string): boolean {
  return dateLength(text) === 10 && isTimeAndZone(text);
}

function isTimeAndZone(text: string): boolean {
  if (text.charCodeAt(10) !== 0x54) return false;
  const end = timeEnd(text, 11);
  return end > 0 && isZone(text, end);
}

/** R4 time: `hh:mm:ss`, without a zone. */
export function isTime(text: string): boolean {
  const end = timeEnd(text, 0);
  return end > 0 && end === text.length;
}
