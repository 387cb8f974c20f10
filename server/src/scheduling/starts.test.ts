import { describe, expect, test } from 'vitest';
import { visitTimes } from './starts.ts';
import { PLAIN_VISIT, visitTypeOf, visitTypesOf } from './visit-type.ts';
import { timeZone } from './zone.ts';

const utc = timeZone('UTC');
const at = (text: string) => Date.parse(`2026-03-09T${text}:00Z`);
const free = (actor: string, ...ranges: [string, string][]) => ({
  actor,
  free: ranges.map(([start, end]) => ({ start: at(start), end: at(end) })),
});
const shown = (offers: Iterable<{ start: number; resources: readonly string[] }>) =>
  [...offers].map(({ start, resources }) =>
    [new Date(start).toISOString().slice(11, 16), ...resources].join(' '),
  );
const visit = { ...PLAIN_VISIT, duration: 30, alignment: 15 };

describe('times of visits', () => {
  test('aligned, whole, not before the earliest', () => {
    expect(shown(visitTimes(free('a', ['09:05', '10:20']), [], visit, utc, 0))).toEqual([
      '09:15',
      '09:30',
      '09:45',
    ]);
    expect(shown(visitTimes(free('a', ['09:05', '10:20']), [], visit, utc, at('09:31')))).toEqual(['09:45']);
  });

  test('buffers must be free too, and are not part of the visit', () => {
    const buffered = { ...visit, bufferBefore: 10, bufferAfter: 15 };
    expect(shown(visitTimes(free('a', ['09:00', '10:15']), [], buffered, utc, 0))).toEqual([
      '09:15',
      '09:30',
    ]);
  });

  test('one resource of each group, never the same twice', () => {
    const rooms = [free('room1', ['09:00', '09:30']), free('room2', ['09:15', '10:00'])];
    const alone = free('a', ['09:00', '10:00']);
    expect(shown(visitTimes(alone, [rooms], visit, utc, 0))).toEqual([
      '09:00 room1',
      '09:15 room2',
      '09:30 room2',
    ]);
    expect(shown(visitTimes(alone, [rooms, rooms], visit, utc, 0))).toEqual([]);
  });

  test('a group does without what another one cannot do without', () => {
    const alone = free('a', ['09:00', '09:30']);
    const [one, two] = [free('one', ['09:00', '09:30']), free('two', ['09:00', '09:30'])];
    expect(shown(visitTimes(alone, [[one, two], [one]], visit, utc, 0))).toEqual(['09:00 two one']);
    expect(shown(visitTimes(alone, [[one, two], [one], [two]], visit, utc, 0))).toEqual([]);
  });

  test('clocks that are half an hour off', () => {
    const hourly = { ...visit, alignment: 60 };
    const zone = timeZone('Asia/Kolkata');
    expect(shown(visitTimes(free('a', ['09:00', '11:00']), [], hourly, zone, 0))).toEqual(['09:30', '10:30']);
  });
});

test('visit types of a HealthcareService', () => {
  const part = (url: string, value: number, unit = 'min') => ({ url, valueDuration: { value, code: unit } });
  const url = 'https://vesta.health/fhir/StructureDefinition/visit-type';
  const code = { coding: [{ system: 's', code: 'new' }] };
  const resource = {
    url: 'resource',
    extension: [{ url: 'candidate', valueReference: { reference: 'Location/1' } }],
  };
  const types = visitTypesOf({
    extension: [
      {
        url,
        extension: [
          { url: 'code', valueCodeableConcept: code },
          part('duration', 1, 'h'),
          part('bufferAfter', 10),
          resource,
        ],
      },
      { url, extension: [{ url: 'code', valueCodeableConcept: code }] },
    ],
  });
  expect(types).toEqual([
    { code, duration: 60, bufferBefore: 0, bufferAfter: 10, alignment: 15, resources: [['Location/1']] },
  ]);
  expect([visitTypeOf(types, 'new'), visitTypeOf(types, 's|new')]).toEqual([types[0], types[0]]);
  expect([visitTypeOf(types, '|new'), visitTypeOf(types, 'old')]).toEqual([undefined, undefined]);
});
