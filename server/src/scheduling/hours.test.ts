import { describe, expect, test } from 'vitest';
import { openHours, readHours } from './hours.ts';
import { timeZone } from './zone.ts';

const window = { start: Date.parse('2026-03-06T00:00:00Z'), end: Date.parse('2026-03-11T00:00:00Z') };
const shown = (intervals: readonly { start: number; end: number }[]) =>
  intervals.map(({ start, end }) => `${new Date(start).toISOString()} ${new Date(end).toISOString()}`);
const role = (more: object) => readHours({ resourceType: 'PractitionerRole', ...more });
const weekdays = {
  availableTime: [
    {
      daysOfWeek: ['mon', 'tue', 'wed', 'thu', 'fri'],
      availableStartTime: '09:00:00',
      availableEndTime: '12:00:00',
    },
  ],
};

describe('hours (R4 practitionerrole.html, healthcareservice.html, location.html)', () => {
  test('weekly hours by the clocks of the zone, across the change to daylight saving time', () => {
    expect(shown(openHours([role(weekdays)], timeZone('America/New_York'), window))).toEqual([
      '2026-03-06T14:00:00.000Z 2026-03-06T17:00:00.000Z',
      '2026-03-09T13:00:00.000Z 2026-03-09T16:00:00.000Z',
      '2026-03-10T13:00:00.000Z 2026-03-10T16:00:00.000Z',
    ]);
  });

  test('notAvailable takes hours away: a day is that of the zone, both ends included', () => {
    const away = role({
      ...weekdays,
      notAvailable: [{ during: { start: '2026-03-09', end: '2026-03-09' } }],
    });
    expect(shown(openHours([away], timeZone('America/New_York'), window))).toEqual([
      '2026-03-06T14:00:00.000Z 2026-03-06T17:00:00.000Z',
      '2026-03-10T13:00:00.000Z 2026-03-10T16:00:00.000Z',
    ]);
  });

  test('notAvailable ends at its instant; a role ends with its period (R4 PractitionerRole.period)', () => {
    const lunch = { during: { start: '2026-03-09T10:00:00Z', end: '2026-03-09T11:00:00Z' } };
    const leaving = { notAvailable: [lunch], period: { start: '2026-03-09', end: '2026-03-09' } };
    expect(shown(openHours([role({ ...weekdays, ...leaving })], timeZone('UTC'), window))).toEqual([
      '2026-03-09T09:00:00.000Z 2026-03-09T10:00:00.000Z',
      '2026-03-09T11:00:00.000Z 2026-03-09T12:00:00.000Z',
    ]);
    const closed = readHours({ resourceType: 'Location', status: 'suspended' });
    expect(openHours([role(weekdays), closed], timeZone('UTC'), window)).toEqual([]);
  });

  test('notAvailable without end lasts', () => {
    const left = role({ ...weekdays, notAvailable: [{ during: { start: '2026-03-09T10:00:00-04:00' } }] });
    expect(shown(openHours([left], timeZone('America/New_York'), window))).toEqual([
      '2026-03-06T14:00:00.000Z 2026-03-06T17:00:00.000Z',
      '2026-03-09T13:00:00.000Z 2026-03-09T14:00:00.000Z',
    ]);
  });

  test('what several state holds together; a location has hours of operation', () => {
    const location = readHours({
      resourceType: 'Location',
      hoursOfOperation: [{ daysOfWeek: ['mon'], openingTime: '11:00:00', closingTime: '20:00:00' }],
    });
    expect(shown(openHours([role(weekdays), location], timeZone('UTC'), window))).toEqual([
      '2026-03-09T11:00:00.000Z 2026-03-09T12:00:00.000Z',
    ]);
  });

  test('hours past midnight', () => {
    const night = role({
      availableTime: [{ daysOfWeek: ['sat'], availableStartTime: '22:00:00', availableEndTime: '06:00:00' }],
    });
    expect(shown(openHours([night], timeZone('UTC'), window))).toEqual([
      '2026-03-07T22:00:00.000Z 2026-03-08T06:00:00.000Z',
    ]);
  });

  test('nothing stated: open; all day', () => {
    expect(openHours([role({})], timeZone('UTC'), window)).toEqual([window]);
    const allDay = role({ availableTime: [{ allDay: true }] });
    expect(openHours([allDay], timeZone('UTC'), window)).toEqual([window]);
  });
});
