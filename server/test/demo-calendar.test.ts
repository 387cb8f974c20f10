import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEMO_STAFF, demoCalendar } from '../src/cli/demo-calendar.ts';
import { findTimes } from './appointment-clinic.ts';
import { type Harness, type Json, startHarness, type TestClient } from './harness.ts';

/* Issue 6, section 5: the demo tenant has something to book. */

let harness: Harness;
let client: TestClient;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

it('is taken by the server, also a second time, and valid', async () => {
  const calendar = demoCalendar(2031, new Set()) as Json;
  expect((await client.transaction(calendar.entry)).status).toBe(200);
  // Who is there already stays as it is.
  const rest = demoCalendar(2031) as Json;
  expect(calendar.entry.length - rest.entry.length).toBe(DEMO_STAFF.length);
  expect((await client.transaction(rest.entry)).status).toBe(200);
  for (const { resource } of calendar.entry) {
    const answer = await client.post(`${resource.resourceType}/$validate`, resource);
    const errors = answer.json.issue.filter(({ severity }: Json) => severity === 'error');
    expect([resource.id, errors]).toEqual([resource.id, []]);
  }
});

it('has free times of each service in every week, in cardiology in the afternoon too', async () => {
  for (const service of ['cardiology', 'general-practice', 'paediatrics', 'dermatology', 'vaccination']) {
    for (const [start, end] of [
      ['2031-01-06', '2031-01-10'],
      ['2031-11-24', '2031-11-28'],
    ]) {
      const times = await findTimes(client, `healthcare-service=${service}&start=${start}&end=${end}`);
      expect([service, times.length > 5]).toEqual([service, true]);
    }
  }
  const specialty = 'http://snomed.info/sct|394579002';
  const afternoon = await findTimes(
    client,
    `specialty=${specialty}&start=2031-01-06&end=2031-01-10&time-of-day=afternoon&_count=200`,
  );
  expect(new Set(afternoon.map(({ start }) => start.slice(0, 10))).size).toBe(5);
  expect(
    afternoon[0].participant.every(
      ({ actor }: Json) => actor.display !== undefined || /Device|Location/.test(actor.reference),
    ),
  ).toBe(true);
  const scan = await findTimes(
    client,
    'healthcare-service=cardiology&visit-type=CHECKUP&start=2031-01-06&end=2031-01-10&_count=1',
  );
  expect(scan[0].participant.map(({ actor }: Json) => actor.reference)).toContain(
    'Device/juniper-hollow-echo',
  );
  expect(await findTimes(client, 'healthcare-service=cardiology&start=2031-11-27&end=2031-11-27')).toEqual(
    [],
  );
});
