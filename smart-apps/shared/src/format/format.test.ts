import { describe, expect, it } from 'vitest';
import { ageOf, agoText, dateText, periodText } from './dates.ts';
import {
  addressText,
  codingText,
  conceptText,
  dosageText,
  nameText,
  quantityText,
  rangeText,
  valueText,
} from './values.ts';

const WORDS = { yes: 'yes', no: 'no' };

describe('dates (R4 datatypes.html#dateTime)', () => {
  it('stay as exact as they are, and do not move with the time zone', () => {
    expect(dateText('2024', 'en')).toBe('2024');
    expect(dateText('2024-03', 'en')).toBe('March 2024');
    expect(dateText('2024-03-01', 'en')).toBe('Mar 1, 2024');
    expect(dateText('2024-03-01', 'es')).toBe('1 mar 2024');
    expect(dateText(undefined, 'en')).toBe('');
    expect(dateText('nonsense', 'en')).toBe('nonsense');
  });

  it('a period with one day is that day; open ends are left out', () => {
    expect(periodText({ start: '2024-03-01', end: '2024-03-01' }, 'en')).toBe('Mar 1, 2024');
    expect(periodText({ start: '2024-03-01', end: '2024-03-04' }, 'en')).toBe('Mar 1, 2024 – Mar 4, 2024');
    expect(periodText({ start: '2024-03-01' }, 'en')).toBe('Mar 1, 2024');
  });

  it('an age is in full years, from the birthday on', () => {
    expect(ageOf('2000-06-15', new Date(2024, 5, 14))).toBe(23);
    expect(ageOf('2000-06-15', new Date(2024, 5, 15))).toBe(24);
    expect(ageOf(undefined)).toBeUndefined();
    expect(ageOf('2030-01-01', new Date(2024, 0, 1))).toBeUndefined();
  });

  it('times ago are in the largest fitting unit', () => {
    const now = Date.UTC(2024, 0, 10);
    expect(agoText('2024-01-09T00:00:00Z', 'en', now)).toBe('yesterday');
    expect(agoText('2024-01-09T23:58:00Z', 'en', now)).toBe('2 minutes ago');
  });
});

describe('values', () => {
  it('the usual name counts before the official one, a temporary one only when there is no other', () => {
    const temp = { use: 'temp', text: 'Unknown patient' };
    const official = { use: 'official', family: 'Ito', given: ['Aki', 'B'] };
    expect(nameText([temp, official])).toBe('Aki B Ito');
    expect(nameText([official, { use: 'usual', text: 'Kiki' }])).toBe('Kiki');
    expect(nameText([temp])).toBe('Unknown patient');
    expect(nameText([])).toBeUndefined();
  });

  it('concepts are told by their text, else by a display without the signs of coders', () => {
    expect(conceptText({ text: 'High blood pressure', coding: [{ display: 'x' }] })).toBe(
      'High blood pressure',
    );
    const snomed = 'http://snomed.info/sct';
    expect(conceptText({ coding: [{ code: '1' }, { system: snomed, display: 'Stress (finding)' }] })).toBe(
      'Stress',
    );
    expect(
      codingText({ system: 'http://loinc.org', display: 'Potassium [Moles/volume] in Serum or Plasma' }),
    ).toBe('Potassium in Serum or Plasma');
    expect(codingText({ system: 'urn:x', display: 'Stress (finding)' })).toBe('Stress (finding)');
    expect(conceptText({ coding: [{ code: 'only' }] })).toBe('only');
  });

  it('quantities have their comparator, the number of the language and a unit that people know', () => {
    expect(quantityText({ value: 1234.5, unit: 'mg' }, 'es')).toBe('1234,5 mg');
    expect(quantityText({ value: 5, comparator: '<', code: 'mm[Hg]' }, 'en')).toBe('<5 mmHg');
    expect(quantityText({ value: 97, unit: '%' }, 'en')).toBe('97%');
    expect(quantityText({ value: 0, unit: '{score}' }, 'en')).toBe('0');
    expect(quantityText({ unit: 'mg' }, 'en')).toBeUndefined();
  });

  it('ranges may be open', () => {
    expect(rangeText({ low: { value: 1 }, high: { value: 2 } }, 'en')).toBe('1 – 2');
    expect(rangeText({ high: { value: 2 } }, 'en')).toBe('≤ 2');
    expect(rangeText({ low: { value: 0 } }, 'en')).toBe('≥ 0');
  });

  it('value[x] of each type; false and 0 are values', () => {
    expect(valueText({ valueBoolean: false }, 'en', WORDS)).toBe('no');
    expect(valueText({ valueInteger: 0 }, 'en', WORDS)).toBe('0');
    expect(
      valueText({ valueRatio: { numerator: { value: 1 }, denominator: { value: 8 } } }, 'en', WORDS),
    ).toBe('1 / 8');
    expect(valueText({ valueString: 'pink' }, 'en', WORDS)).toBe('pink');
    expect(valueText({}, 'en', WORDS)).toBeUndefined();
  });

  it('a dosage in the prescriber’s words, else put together', () => {
    expect(dosageText([{ text: 'one a day' }, { patientInstruction: 'with food', text: 'x' }], 'en')).toBe(
      'one a day; with food',
    );
    expect(
      dosageText(
        [
          {
            doseAndRate: [{ doseQuantity: { value: 2, unit: 'tablets' } }],
            route: { text: 'by mouth' },
            timing: { repeat: { frequency: 3, period: 1, periodUnit: 'd' } },
          },
        ],
        'en',
      ),
    ).toBe('2 tablets, by mouth, 3 × / 1 d');
  });

  it('an address without a text is put together', () => {
    expect(addressText({ line: ['1 Way'], city: 'Town', postalCode: '123' })).toBe('1 Way, 123 Town');
    expect(addressText({})).toBeUndefined();
  });
});
