import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { timeZone } from '../../scheduling/zone.ts';
import { quietUntil, zoneOf } from './quiet-hours.ts';

const NIGHT = { from: 21 * 60, until: 8 * 60 };
const end = (now: string, zone: string, hours = NIGHT): string | undefined => {
  const found = quietUntil(Date.parse(now), hours, timeZone(zone));
  return found === undefined ? undefined : new Date(found).toISOString();
};

describe('quiet hours', () => {
  test('are those of the recipient’s clocks: one instant is night here and day there', () => {
    const now = '2026-11-21T18:30:00Z';
    expect(end(now, 'Asia/Karachi')).toBe('2026-11-22T03:00:00.000Z');
    expect(end(now, 'America/New_York')).toBeUndefined();
    expect(end(now, 'UTC')).toBeUndefined();
  });

  test('begin with their first minute and end before their last', () => {
    expect(end('2026-11-21T20:59:59Z', 'UTC')).toBeUndefined();
    expect(end('2026-11-21T21:00:00Z', 'UTC')).toBe('2026-11-22T08:00:00.000Z');
    expect(end('2026-11-22T07:59:59Z', 'UTC')).toBe('2026-11-22T08:00:00.000Z');
    expect(end('2026-11-22T08:00:00Z', 'UTC')).toBeUndefined();
  });

  test('may lie within a day', () => {
    const siesta = { from: 13 * 60, until: 15 * 60 };
    expect(end('2026-11-21T13:30:00Z', 'UTC', siesta)).toBe('2026-11-21T15:00:00.000Z');
    expect(end('2026-11-21T15:00:00Z', 'UTC', siesta)).toBeUndefined();
  });

  test('the night in which clocks go forward is an hour shorter, the other an hour longer', () => {
    // New York, 2026-03-08 and 2026-11-01.
    expect(end('2026-03-08T03:00:00Z', 'America/New_York')).toBe('2026-03-08T12:00:00.000Z');
    expect(end('2026-11-01T02:00:00Z', 'America/New_York')).toBe('2026-11-01T13:00:00.000Z');
  });

  test('whose end the clocks jump over end with the jump; whose end is shown twice end with the second', () => {
    const early = { from: 0, until: 150 };
    expect(end('2026-03-08T06:30:00Z', 'America/New_York', early)).toBe('2026-03-08T07:00:00.000Z');
    const short = { from: 0, until: 90 };
    // 01:15 for the second time: 01:30 is to come again.
    expect(end('2026-11-01T06:15:00Z', 'America/New_York', short)).toBe('2026-11-01T06:30:00.000Z');
  });

  test.each(['America/New_York', 'Asia/Karachi', 'Australia/Lord_Howe', 'Pacific/Apia'])(
    'end at most a day and an hour later, when it is not quiet any more (%s)',
    (name) => {
      const zone = timeZone(name);
      const minute = fc.integer({ min: 0, max: 1439 });
      fc.assert(
        fc.property(
          fc.integer({ min: Date.UTC(2025, 0) / 60_000, max: Date.UTC(2028, 0) / 60_000 }),
          minute,
          minute,
          (at, from, until) => {
            fc.pre(from !== until);
            const now = at * 60_000;
            const found = quietUntil(now, { from, until }, zone);
            if (found === undefined) return;
            expect(found).toBeGreaterThan(now);
            expect(found - now).toBeLessThanOrEqual(25 * 3_600_000);
          },
        ),
      );
    },
  );

  test('the zone is the person’s, else the home’s, else the tenant’s; one that there is not counts as none', () => {
    const zone = (code: string) => ({
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/timezone', valueCode: code }],
    });
    const address = [
      { use: 'work', ...zone('Europe/London') },
      { use: 'home', ...zone('Asia/Karachi') },
    ];
    const person = { resourceType: 'Patient' };
    expect(zoneOf({ ...person, ...zone('Asia/Tokyo'), address }, 'UTC').name).toBe('Asia/Tokyo');
    expect(zoneOf({ ...person, address }, 'UTC').name).toBe('Asia/Karachi');
    expect(zoneOf({ ...person, ...zone('Mars/Base') }, 'America/Lima').name).toBe('America/Lima');
  });
});
