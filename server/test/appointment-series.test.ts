import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERIES_IDENTIFIER } from '../src/scheduling/terms.ts';
import { type Clinic, findTimes, hours, makeClinic, makePatient, nextTimes } from './appointment-clinic.ts';
import { type Answer, type Harness, type Json, startHarness, type TestClient } from './harness.ts';

/* Issue 6, section 3: recurring visits; R4 datatypes.html#Timing for how often. */

let harness: Harness;
let client: TestClient;
let patient: string;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
  patient = await makePatient(client);
});
afterAll(() => harness?.stop());

async function bookSeries(
  clinic: Clinic,
  repeat: object,
  partial?: boolean,
  day = '2031-01-06',
): Promise<Answer> {
  const query = `practitioner=${clinic.role}&start=${day}&end=${day}&_count=1`;
  const [proposed] = await findTimes(client, query);
  return client.post('Appointment/$book', {
    resourceType: 'Parameters',
    parameter: [
      { name: 'appt-resource', resource: proposed },
      { name: 'patient-id', valueString: patient },
      { name: 'recurrence', valueTiming: { repeat } },
      ...(partial === undefined ? [] : [{ name: 'partial', valueBoolean: partial }]),
    ],
  });
}
const resources = ({ json }: Answer, type: string): Json[] =>
  json.entry.map(({ resource }: Json) => resource).filter((one: Json) => one.resourceType === type);
const WEEKLY = { period: 1, periodUnit: 'wk', count: 4 };

describe('$book with recurrence', () => {
  it('books all visits at the same time of day by the clocks of the place, as one series, told once', async () => {
    // New York goes to summer time on 2031-03-09.
    const clinic = await makeClinic(client, { zone: 'America/New_York' });
    const answer = await bookSeries(clinic, WEEKLY, undefined, '2031-02-24');
    expect(answer.status).toBe(201);
    const visits = resources(answer, 'Appointment');
    expect(visits.map(({ start, status }) => [start, status])).toEqual([
      ['2031-02-24T09:00:00-05:00', 'booked'],
      ['2031-03-03T09:00:00-05:00', 'booked'],
      ['2031-03-10T09:00:00-04:00', 'booked'],
      ['2031-03-17T09:00:00-04:00', 'booked'],
    ]);
    const [series] = visits[0].identifier;
    expect(series.system).toBe(SERIES_IDENTIFIER);
    const found = await client.get(`Appointment?identifier=${SERIES_IDENTIFIER}|${series.value}`);
    expect(found.json.total).toBe(4);
    const schedules = await client.get(`Schedule?actor=${clinic.practitioner}`);
    expect(schedules.json.total).toBe(1);
    const told = (await client.get(`CommunicationRequest?patient=${patient}`)).json;
    expect(told.total).toBe(1);
  });

  it('books none when one is not free, and names it with the next free times; with partial the others', async () => {
    const clinic = await makeClinic(client, {
      role: { notAvailable: [{ description: 'away', during: { start: '2031-01-13', end: '2031-01-14' } }] },
    });
    const refused = await bookSeries(clinic, WEEKLY);
    expect(refused.status).toBe(409);
    expect(refused.json.issue).toHaveLength(1);
    expect(refused.json.issue[0].diagnostics).toContain('2031-01-13T09:00:00');
    expect(nextTimes(refused)[0]).toBe('2031-01-15T09:00:00Z');
    expect((await client.get(`Appointment?actor=${clinic.role}`)).json.total).toBe(0);
    const some = await bookSeries(clinic, WEEKLY, true);
    expect(some.status).toBe(201);
    expect(resources(some, 'Appointment').map(({ start }) => start.slice(0, 10))).toEqual([
      '2031-01-06',
      '2031-01-20',
      '2031-01-27',
    ]);
    expect(resources(some, 'OperationOutcome')).toHaveLength(1);
    const valid = await client.post('Bundle/$validate', some.json);
    expect(valid.json.issue.filter(({ severity }: Json) => severity === 'error')).toEqual([]);
  });

  it('on days of the week until a day, and by months', async () => {
    const days = await bookSeries(await makeClinic(client), {
      periodUnit: 'wk',
      period: 2,
      dayOfWeek: ['mon', 'thu'],
      boundsPeriod: { end: '2031-01-24' },
    });
    const starts = (answer: Answer) =>
      resources(answer, 'Appointment').map(({ start }) => start.slice(5, 10));
    expect(starts(days)).toEqual(['01-06', '01-09', '01-20', '01-23']);
    // The last day is that of the place: in New York the evening of the 8th is the 9th by UTC.
    const evening = await makeClinic(client, {
      zone: 'America/New_York',
      role: { availableTime: [hours('20:00', '22:00')] },
    });
    const until = { periodUnit: 'd', period: 1, boundsPeriod: { end: '2031-01-08' } };
    expect(starts(await bookSeries(evening, until))).toEqual(['01-06', '01-07', '01-08']);
    const months = await bookSeries(
      await makeClinic(client),
      { period: 1, periodUnit: 'mo', count: 3 },
      true,
      '2031-01-31',
    );
    // February has no 31st.
    expect(starts(months)).toEqual(['01-31', '03-31']);
  });

  it('refuses a recurrence that it does not understand, naming the element', async () => {
    const clinic = await makeClinic(client);
    for (const [repeat, element] of [
      [{ period: 1, periodUnit: 'h', count: 2 }, 'periodUnit'],
      [{ period: 1, periodUnit: 'd' }, 'count'],
      [{ period: '1', periodUnit: 'd', count: 2 }, 'period'],
      [{ period: 1, periodUnit: 'd', boundsPeriod: { end: 'soon' } }, 'boundsPeriod'],
      [{ period: 1, periodUnit: 'd', count: 53 }, 'count'],
      [{ period: 1, periodUnit: 'd', dayOfWeek: ['mon'], count: 2 }, 'dayOfWeek'],
      [{ period: 1, periodUnit: 'd', when: ['MORN'], count: 2 }, 'when'],
    ] as const) {
      const answer = await bookSeries(clinic, repeat);
      expect([answer.status, answer.expressions]).toEqual([400, [`Timing.repeat.${element}`]]);
    }
  });
});
