/** A day of the calendar, wherever it is: `month` 1 to 12, `day` 1 to 31. */
export interface CalendarDay {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Days of the week as FHIR codes them (http://hl7.org/fhir/days-of-week), Sunday first as Date counts them. */
export const DAYS_OF_WEEK = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type DayOfWeek = (typeof DAYS_OF_WEEK)[number];

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Zones differ from UTC by less than this. */
const WIDEST = 26 * 60 * MINUTE;
/** Offsets that are kept for a zone: a year and more of quarter hours is not needed, hours are. */
const MOST_OFFSETS = 20_000;
const HOUR = 60 * MINUTE;

/** A time zone of the IANA database, with its changes of clocks. */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  /** Offsets from UTC in milliseconds by quarter hours since the epoch: no zone changes its clocks in between. */
  readonly #offsets = new Map<number, number>();

  /** @throws RangeError when there is no such zone */
  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** How far the zone's clocks are ahead of UTC at an instant, in milliseconds. */
  offsetAt(instant: number): number {
    const quarter = Math.floor(instant / (HOUR / 4));
    let offset = this.#offsets.get(quarter);
    if (offset === undefined) {
      offset = this.#readOffset(quarter * (HOUR / 4));
      if (this.#offsets.size >= MOST_OFFSETS) this.#offsets.clear();
      this.#offsets.set(quarter, offset);
    }
    return offset;
  }

  /** The day that the zone's calendars show at an instant. */
  dayAt(instant: number): CalendarDay {
    return dayOf(instant + this.offsetAt(instant));
  }

  /** Minutes since midnight that the zone's clocks show at an instant. */
  minutesAt(instant: number): number {
    const local = instant + this.offsetAt(instant);
    return Math.floor((local - Math.floor(local / DAY) * DAY) / MINUTE);
  }

  /**
   * The instant at which the zone's clocks show a time of a day. A time that clocks jump over is the instant of the jump,
   * so that opening hours begin and end with it; of a time that they show twice it is the first.
   * @param minutes since midnight, 0 to 1440
   */
  instantOf(day: CalendarDay, minutes: number): number {
    const local = Date.UTC(day.year, day.month - 1, day.day) + minutes * MINUTE;
    const before = this.offsetAt(local - WIDEST);
    const after = this.offsetAt(local + WIDEST);
    const early = local - Math.max(before, after);
    if (early + this.offsetAt(early) === local) return early;
    const late = local - Math.min(before, after);
    if (late + this.offsetAt(late) === local) return late;
    return this.#jumpBetween(early, late);
  }

  /** The first instant of the later offset, between two instants around the one change of clocks. */
  #jumpBetween(from: number, to: number): number {
    let low = Math.floor(from / MINUTE);
    let high = Math.ceil(to / MINUTE);
    const old = this.offsetAt(low * MINUTE);
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAt(middle * MINUTE) === old) low = middle;
      else high = middle;
    }
    return high * MINUTE;
  }

  #readOffset(instant: number): number {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(instant)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - instant;
  }
}

const zones = new Map<string, TimeZone>();

/** A time zone by its IANA name. @throws RangeError when there is no such zone */
export function timeZone(name: string): TimeZone {
  let zone = zones.get(name);
  if (zone === undefined) {
    zone = new TimeZone(name);
    zones.set(name, zone);
  }
  return zone;
}

/** The day after so many days. */
export function addDays({ year, month, day }: CalendarDay, days: number): CalendarDay {
  return dayOf(Date.UTC(year, month - 1, day) + days * DAY);
}

export function dayOfWeek({ year, month, day }: CalendarDay): DayOfWeek {
  return DAYS_OF_WEEK[new Date(Date.UTC(year, month - 1, day)).getUTCDay()] as DayOfWeek;
}

/** Negative, 0 or positive as `a` is before, the same as or after `b`. */
export function compareDays(a: CalendarDay, b: CalendarDay): number {
  return a.year - b.year || a.month - b.month || a.day - b.day;
}

function dayOf(local: number): CalendarDay {
  const date = new Date(local);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}
