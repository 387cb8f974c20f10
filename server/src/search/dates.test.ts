import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dateRange, periodRange, timingRange } from './dates.ts';
import { MAX_DATE, MIN_DATE } from './index-model.ts';

const at = (iso: string) => Date.parse(iso);

test('R4 search.html#date: a partial date is the whole of its interval', () => {
  expect(dateRange('1980-05')).toEqual({
    low: at('1980-05-01T00:00:00Z'),
    high: at('1980-06-01T00:00:00Z') - 1,
  });
  expect(dateRange('2013')).toEqual({
    low: at('2013-01-01T00:00:00Z'),
    high: at('2014-01-01T00:00:00Z') - 1,
  });
  expect(dateRange('2013-12')).toEqual({
    low: at('2013-12-01T00:00:00Z'),
    high: at('2014-01-01T00:00:00Z') - 1,
  });
  expect(dateRange('2012-02-29')).toEqual({
    low: at('2012-02-29T00:00:00Z'),
    high: at('2012-03-01T00:00:00Z') - 1,
  });
  expect(dateRange('1913-01-14')?.low).toBe(at('1913-01-14T00:00:00Z'));
  expect(dateRange('0001-01-01')?.low).toBe(at('0001-01-01T00:00:00Z'));
  expect(dateRange('0050')?.high).toBe(at('0051-01-01T00:00:00Z') - 1);
  expect(dateRange('9999')?.high).toBe(at('9999-12-31T23:59:59.999Z'));
});

test('R4 search.html#date: times have the precision they are written with; without a zone they are UTC', () => {
  const base = at('2013-01-14T10:00:00Z');
  expect(dateRange('2013-01-14T10:00')).toEqual({ low: base, high: base + 59_999 });
  expect(dateRange('2013-01-14T10:00Z')).toEqual({ low: base, high: base + 59_999 });
  expect(dateRange('2013-01-14T10:00:00Z')).toEqual({ low: base, high: base + 999 });
  expect(dateRange('2013-01-14T10:00:00.5Z')).toEqual({ low: base + 500, high: base + 599 });
  expect(dateRange('2013-01-14T10:00:00.25')).toEqual({ low: base + 250, high: base + 259 });
  expect(dateRange('2013-01-14T10:00:00.123456789+00:00')).toEqual({ low: base + 123, high: base + 123 });
  expect(dateRange('2013-01-14T12:30:00+02:30')).toEqual({ low: base, high: base + 999 });
  expect(dateRange('2013-01-14T05:00-05:00')).toEqual({ low: base, high: base + 59_999 });
  expect(dateRange('2016-12-31T23:59:60Z')?.low).toBe(at('2017-01-01T00:00:00Z'));
});

test('what is not a FHIR date gives undefined', () => {
  for (const text of [
    '',
    '1',
    '201',
    '20133',
    '2013-',
    '2013-1',
    '2013-00',
    '2013-13',
    '2013-02-29',
    '2013-04-31',
    '2013-01-32',
    '2013-01-1',
    '2013-01-01T',
    '2013-01-01T10',
    '2013-01-01T24:00',
    '2013-01-01T10:60',
    '2013-01-01T10:00:61Z',
    '2013-01-01T10:00:00.Z',
    '2013-01-01T10:00:00+5:00',
    '2013-01-01T10:00:00+15:00',
    '2013-01-01T10:00:00Zx',
    '2013-01-01Z',
    '2013/01/01',
    '0000',
    '2013-01-01 10:00',
    'abcd',
    '-2013',
    '2013-01-01T10:00:00.1234x',
    '2013-01-01T10:00:00.5Z ',
  ]) {
    expect(dateRange(text), text).toBeUndefined();
  }
});

test('every instant is its own millisecond', () => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date('0001-01-01T00:00:00Z'),
        max: new Date('9999-12-31T23:59:59.999Z'),
        noInvalidDate: true,
      }),
      (date) => {
        expect(dateRange(date.toISOString())).toEqual({ low: date.getTime(), high: date.getTime() });
        expect(dateRange(date.toISOString().slice(0, 10))?.low).toBe(
          Math.floor(date.getTime() / 86_400_000) * 86_400_000,
        );
      },
    ),
  );
});

test('R4 search.html#date: a Period with a missing end is open there', () => {
  expect(periodRange('2013', undefined)).toEqual({ low: at('2013-01-01T00:00:00Z'), high: MAX_DATE });
  expect(periodRange(undefined, '2013')).toEqual({ low: MIN_DATE, high: at('2014-01-01T00:00:00Z') - 1 });
  expect(periodRange('2012-05', '2012-06')).toEqual({
    low: at('2012-05-01T00:00:00Z'),
    high: at('2012-07-01T00:00:00Z') - 1,
  });
  expect(periodRange(undefined, undefined)).toBeUndefined();
  expect(periodRange('x', '2013')).toBeUndefined();
});

test('R4 search.html#date: only the outer limits of a Timing matter', () => {
  expect(timingRange({ event: ['2013-03-05', '2013-01-31'] })).toEqual({
    low: at('2013-01-31T00:00:00Z'),
    high: at('2013-03-06T00:00:00Z') - 1,
  });
  expect(
    timingRange({ repeat: { boundsPeriod: { start: '2013-01-31', end: '2013-03-24' }, period: 2 } }),
  ).toEqual({
    low: at('2013-01-31T00:00:00Z'),
    high: at('2013-03-25T00:00:00Z') - 1,
  });
  expect(timingRange({ repeat: { frequency: 1 } })).toBeUndefined();
  expect(timingRange({ code: { text: 'BID' } })).toBeUndefined();
});
