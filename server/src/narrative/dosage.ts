import { numberOf, textOf } from '../json/exact-number.ts';
import type { JsonObject } from '../json/types.ts';
import { concept } from './codes.ts';
import { dateTime, period, time } from './dates.ts';
import { asObject, asObjects, asText, type Context, type Format, read } from './element.ts';
import { amountOf, quantity, range, ratio, timeUnit } from './quantities.ts';
import { join, wrap } from './text.ts';

/** R4 event-timing codes in words. */
const EVENTS: Readonly<Record<string, string>> = {
  MORN: 'in the morning',
  'MORN.early': 'early in the morning',
  'MORN.late': 'late in the morning',
  NOON: 'around noon',
  AFT: 'in the afternoon',
  'AFT.early': 'early in the afternoon',
  'AFT.late': 'late in the afternoon',
  EVE: 'in the evening',
  'EVE.early': 'early in the evening',
  'EVE.late': 'late in the evening',
  NIGHT: 'at night',
  PHS: 'after sleep',
  HS: 'before sleep',
  WAKE: 'on waking',
  C: 'at a meal',
  CM: 'at breakfast',
  CD: 'at lunch',
  CV: 'at dinner',
  AC: 'before a meal',
  ACM: 'before breakfast',
  ACD: 'before lunch',
  ACV: 'before dinner',
  PC: 'after a meal',
  PCM: 'after breakfast',
  PCD: 'after lunch',
  PCV: 'after dinner',
};

const DAYS: Readonly<Record<string, string>> = {
  mon: 'Monday',
  tue: 'Tuesday',
  wed: 'Wednesday',
  thu: 'Thursday',
  fri: 'Friday',
  sat: 'Saturday',
  sun: 'Sunday',
};

const namedIn =
  (names: Readonly<Record<string, string>>): Format =>
  (value) => {
    const text = asText(value);
    return text !== undefined && Object.hasOwn(names, text) ? names[text] : text;
  };

const event = namedIn(EVENTS);
/** A day of the week by its name. */
const dayOfWeek = namedIn(DAYS);

/** `3 times every 8 hours, before a meal, for 10 days`. */
export const timing: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const repeat = asObject(element['repeat']);
  return join(
    ', ',
    read(element, 'code', concept, context),
    repeat === undefined ? undefined : repeated(repeat, context),
    wrap(read(element, 'event', dateTime, context), 'on ', ''),
  );
};

function repeated(repeat: JsonObject, context: Context): string | undefined {
  const offset = textOf(repeat['offset']);
  const when = read(repeat, 'when', event, context, ' and ');
  return join(
    ', ',
    frequency(repeat),
    wrap(span(repeat, 'duration', 'durationMax', 'durationUnit'), 'each lasting ', ''),
    when === undefined || offset === undefined || offset === '0' ? when : `${offset} minutes ${when}`,
    wrap(read(repeat, 'dayOfWeek', dayOfWeek, context, ', '), 'on ', ''),
    wrap(read(repeat, 'timeOfDay', time, context, ', '), 'at ', ''),
    wrap(counted(repeat, 'count', 'countMax'), '', ' times in all'),
    wrap(read(repeat, 'boundsDuration', quantity, context), 'for ', ''),
    wrap(read(repeat, 'boundsRange', range, context), 'for ', ''),
    read(repeat, 'boundsPeriod', period, context),
  );
}

function frequency(repeat: JsonObject): string | undefined {
  const often = counted(repeat, 'frequency', 'frequencyMax');
  const each = span(repeat, 'period', 'periodMax', 'periodUnit');
  if (often === undefined && each === undefined) return undefined;
  const isOnce = numberOf(repeat['frequency']) === 1 && repeat['frequencyMax'] === undefined;
  const times = often === undefined ? undefined : isOnce ? 'once' : `${often} times`;
  if (each === undefined) return times;
  const single = numberOf(repeat['period']) === 1 && textOf(repeat['periodMax']) === undefined;
  const unit = asText(repeat['periodUnit']);
  const every = single && unit !== undefined ? `every ${timeUnit(unit)}` : `every ${each}`;
  return join(' ', times, every);
}

function counted(element: JsonObject, low: string, high: string): string | undefined {
  return join(' to ', textOf(element[low]), textOf(element[high]));
}

function span(element: JsonObject, low: string, high: string, unit: string): string | undefined {
  const amount = counted(element, low, high);
  return amount === undefined ? undefined : amountOf(amount, asText(element[unit]));
}

/** Column heads of {@link dosageRow}. */
export const DOSAGE_HEADS = ['Instruction', 'Dose', 'Route and site', 'When', 'As needed', 'Most', 'Also'];

/** A Dosage as the cells of a table. */
export function dosageRow(dosage: JsonObject, context: Context): (string | undefined)[] {
  const needed = dosage['asNeededBoolean'];
  return [
    join(
      '; ',
      wrap(textOf(dosage['sequence']), '', '.'),
      read(dosage, 'text', asText, context),
      read(dosage, 'patientInstruction', asText, context),
    ),
    asObjects(dosage['doseAndRate'])
      .map((one) => dose(one, context))
      .filter((text) => text !== undefined)
      .join('; '),
    join(
      ', ',
      read(dosage, 'route', concept, context),
      read(dosage, 'site', concept, context),
      read(dosage, 'method', concept, context),
    ),
    read(dosage, 'timing', timing, context),
    wrap(read(dosage, 'asNeededCodeableConcept', concept, context), 'for ', '') ??
      (needed === true ? 'yes' : needed === false ? 'no' : undefined),
    join(
      '; ',
      read(dosage, 'maxDosePerPeriod', ratio, context),
      wrap(read(dosage, 'maxDosePerAdministration', quantity, context), '', ' each time'),
      wrap(read(dosage, 'maxDosePerLifetime', quantity, context), '', ' in a lifetime'),
    ),
    read(dosage, 'additionalInstruction', concept, context),
  ];
}

function dose(element: JsonObject, context: Context): string | undefined {
  const kind = read(element, 'type', concept, context);
  const rate =
    read(element, 'rateRatio', ratio, context) ??
    read(element, 'rateRange', range, context) ??
    read(element, 'rateQuantity', quantity, context);
  const amount =
    read(element, 'doseQuantity', quantity, context) ?? read(element, 'doseRange', range, context);
  return join(' ', join(', ', amount, wrap(rate, 'at ', '')), wrap(kind));
}

/** A Dosage in one line. */
export const dosage: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const [instruction, amount, route, when, needed, most, also] = dosageRow(element, context);
  const asNeeded =
    needed === 'no' ? undefined : needed === 'yes' ? 'as needed' : wrap(needed, 'as needed ', '');
  return join('; ', instruction, amount, route, when, asNeeded, wrap(most, 'at most ', ''), also);
};
