import { divide, fromInteger } from '../decimal.ts';
import { between, type CalendarUnit } from '../duration.ts';
import { failure } from '../errors.ts';
import { calendarUnit } from '../quantity.ts';
import { dateOf, type Temporal, timeOf } from '../temporal.ts';
import { decimal, EMPTY, type Items, integer, temporal } from '../values.ts';
import type { Call, FunctionGroup } from './call.ts';

type Kind = Temporal['type'];

/** The input if it is of one of these types; undefined otherwise. @throws FhirPathError for several items */
function input(call: Call, kinds: readonly Kind[]): Temporal | undefined {
  const { item, value } = call;
  if (item === undefined || value === undefined || !kinds.includes(value.kind as Kind)) return undefined;
  return value.value as Temporal;
}

function part(kinds: readonly Kind[], take: (value: Temporal) => Items) {
  return (call: Call): Items => {
    const value = input(call, kinds);
    return value === undefined ? EMPTY : take(value);
  };
}

const whole = (value: number | undefined): Items => (value === undefined ? EMPTY : integer(value));
/** Hour, minute and second. */
const clock = (value: Temporal): readonly number[] =>
  value.type === 'Time' ? value.parts : value.parts.slice(3);
const DAYS: readonly Kind[] = ['Date', 'DateTime'];
const TIMES: readonly Kind[] = ['DateTime', 'Time'];

/** FHIRPath 5.9.2 and the functions of date and time components and intervals. */
export const DATES: FunctionGroup = {
  now: [0, 0, ({ environment: { now } }) => temporal(now)],
  today: [0, 0, ({ environment: { now } }) => temporal(dateOf(now))],
  timeOfDay: [0, 0, ({ environment: { now } }) => temporal(timeOf(now))],
  yearOf: [0, 0, part(DAYS, ({ parts }) => whole(parts[0]))],
  monthOf: [0, 0, part(DAYS, ({ parts }) => whole(parts[1]))],
  dayOf: [0, 0, part(DAYS, ({ parts }) => whole(parts[2]))],
  hourOf: [0, 0, part(TIMES, (value) => whole(clock(value)[0]))],
  minuteOf: [0, 0, part(TIMES, (value) => whole(clock(value)[1]))],
  secondOf: [0, 0, part(TIMES, (value) => whole(clock(value)[2]))],
  millisecondOf: [
    0,
    0,
    part(TIMES, ({ fraction }) =>
      fraction === '' ? EMPTY : integer(Number(fraction.slice(0, 3).padEnd(3, '0'))),
    ),
  ],
  timezoneOffsetOf: [
    0,
    0,
    part(['DateTime'], ({ offset }) =>
      decimal(offset === undefined ? undefined : divide(fromInteger(offset), fromInteger(60))),
    ),
  ],
  dateOf: [0, 0, part(DAYS, (value) => temporal(dateOf(value)))],
  timeOf: [0, 0, part(['DateTime'], (value) => temporal(timeOf(value)))],
  duration: [2, 2, (call) => interval(call, false)],
  difference: [2, 2, (call) => interval(call, true)],
};

const UNITS: Readonly<Record<Kind, readonly CalendarUnit[]>> = {
  Date: ['year', 'month', 'week', 'day'],
  DateTime: ['year', 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond'],
  Time: ['hour', 'minute', 'second', 'millisecond'],
};

function interval(call: Call, boundaries: boolean): Items {
  const { item, value } = call;
  const other = call.parameter(0);
  const name = call.textParameter(1);
  if (item === undefined || value === undefined || other === undefined || name === undefined) return EMPTY;
  if (!isTemporalKind(value.kind)) throw call.wrongInput();
  if (!isTemporalKind(other.kind) || (value.kind === 'Time') !== (other.kind === 'Time'))
    throw call.wrongParameter(0, `a ${value.kind}`, other);
  const unit = calendarUnit(name);
  if (unit === undefined || !UNITS[value.kind].includes(unit)) {
    throw failure(`${JSON.stringify(name)} is no precision of a ${value.kind}`);
  }
  return whole(between(value.value as Temporal, other.value as Temporal, unit, boundaries));
}

function isTemporalKind(kind: string): kind is Kind {
  return kind === 'Date' || kind === 'DateTime' || kind === 'Time';
}
