import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FREE_TIME, HOLD_EXPIRES } from '../src/scheduling/terms.ts';
import {
  type Clinic,
  call,
  findTimes,
  makeClinic,
  makePatient,
  nextTimes,
  startsOf,
  visitType,
} from './appointment-clinic.ts';
import { type Answer, type Harness, type Json, startHarness, type TestClient } from './harness.ts';

/* Issue 6, section 3: hold, book, reschedule, cancel, check-in, no-show; double booking is impossible. */

let harness: Harness;
let client: TestClient;
let owner: pg.Client;
let patient: string;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
  owner = new pg.Client({ connectionString: harness.database.ownerUrl });
  await owner.connect();
  patient = await makePatient(client);
});
afterAll(async () => {
  await owner?.end();
  await harness?.stop();
});

/** A Monday far ahead. */
const MONDAY = '2031-01-06';
const asking = ({ role }: Clinic, more = '') => `practitioner=${role}&start=${MONDAY}&end=${MONDAY}${more}`;
const at = (time: string) => `${MONDAY}T${time}:00Z`;
const slotsOf = async (visit: Json): Promise<Json[]> =>
  Promise.all(visit.slot.map(async ({ reference }: Json) => (await client.get(reference)).json));
const times = (slots: Json[]) => slots.map(({ status, start, end }) => [status, start, end]);

async function booked(clinic: Clinic, time: string): Promise<Json> {
  const proposed = (await findTimes(client, asking(clinic))).find(({ start }) => start === at(time));
  const answer = await call(client, '$book', { 'appt-resource': proposed, 'patient-id': patient });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.json;
}

describe('Appointment/$book', () => {
  it('stores the Appointment and the Slots of its calendars, with buffers, in one go', async () => {
    const clinic = await makeClinic(client, {
      visits: [visitType('long', { duration: 40, before: 5, after: 15, alignment: 30 })],
    });
    const found = await findTimes(client, asking(clinic));
    expect(startsOf(found)).toEqual(['09:30', '10:00', '10:30', '11:00'].map(at));
    const answer = await call(client, '$book', {
      'appt-resource': found[1],
      'patient-id': patient,
      comment: 'by the stairs',
    });
    expect(answer.status).toBe(201);
    const visit = answer.json;
    expect(answer.header('location')).toBe(`${client.base}/Appointment/${visit.id}`);
    expect(visit).toMatchObject({
      status: 'booked',
      start: at('10:00'),
      end: at('10:40'),
      minutesDuration: 40,
      comment: 'by the stairs',
      serviceType: [{ coding: [{ code: 'long' }] }],
    });
    expect(visit.participant.map(({ actor, status }: Json) => [actor.reference, status])).toEqual(
      [patient, clinic.role, clinic.practitioner, clinic.service, clinic.location].map((one) => [
        one,
        'accepted',
      ]),
    );
    const slots = await slotsOf(visit);
    expect(times(slots)).toEqual([
      ['busy-unavailable', at('09:55'), at('10:00')],
      ['busy', at('10:00'), at('10:40')],
      ['busy-unavailable', at('10:40'), at('10:55')],
    ]);
    const schedule = (await client.get(slots[0].schedule.reference)).json;
    expect(schedule.actor).toEqual([{ reference: clinic.practitioner }]);
    expect(startsOf(await findTimes(client, asking(clinic)))).toEqual([at('11:00')]);
    expect(
      (await client.get(`Appointment?patient=${patient}&status=booked&_id=${visit.id}`)).json.total,
    ).toBe(1);
    const valid = await client.post('Appointment/$validate', { ...visit });
    expect(valid.json.issue.filter(({ severity }: Json) => severity === 'error')).toEqual([]);
  });

  it('one calendar for a person in two roles', async () => {
    const clinic = await makeClinic(client);
    const other = await makeClinic(client, {
      role: { practitioner: { reference: clinic.practitioner } },
    });
    await booked(clinic, '09:30');
    expect(startsOf(await findTimes(client, asking(other)))).not.toContain(at('09:30'));
  });

  it('what is taken in a Schedule that is not in use any more stays taken (R4 Schedule.active)', async () => {
    const clinic = await makeClinic(client);
    await booked(clinic, '09:30');
    const [{ resource: schedule }] = (await client.get(`Schedule?actor=${clinic.practitioner}`)).json.entry;
    await client.put(`Schedule/${schedule.id}`, { ...schedule, active: false });
    expect(startsOf(await findTimes(client, asking(clinic)))).not.toContain(at('09:30'));
    const next = (await booked(clinic, '10:00')).slot[0].reference;
    expect((await client.get(next)).json.schedule.reference).not.toBe(`Schedule/${schedule.id}`);
  });

  it('200 clients on one time: one wins, the others get 409 with the next free times', async () => {
    const clinic = await makeClinic(client);
    const another = await harness.startAnother();
    const clients = [client, another.client()];
    const [proposed] = await findTimes(client, asking(clinic));
    const patients = await Promise.all(Array.from({ length: 20 }, () => makePatient(client)));
    const answers: Answer[] = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        call(clients[i % 2] as TestClient, '$book', {
          'appt-resource': proposed,
          'patient-id': patients[i % 20],
        }),
      ),
    );
    const won = answers.filter(({ status }) => status === 201);
    const lost = answers.filter(({ status }) => status === 409);
    expect([won.length, lost.length]).toEqual([1, 199]);
    for (const answer of lost) {
      expect(answer.issueCodes).toEqual(['conflict']);
      expect(answer.expressions).toEqual(['Appointment.start']);
      expect(answer.json.issue[0].extension[0].url).toBe(FREE_TIME);
      expect(nextTimes(answer).slice(0, 3)).toEqual(['09:30', '10:00', '10:30'].map(at));
    }
    const stored = await client.get(`Appointment?actor=${clinic.role}&_summary=count`);
    expect(stored.json.total).toBe(1);
    const [schedule] = (await client.get(`Schedule?actor=${clinic.practitioner}`)).json.entry;
    expect((await client.get(`Slot?schedule=Schedule/${schedule.resource.id}`)).json.total).toBe(1);
    // So it is with a free Slot that is stored, which is taken itself.
    const free = await client.create({
      resourceType: 'Slot',
      schedule: { reference: `Schedule/${schedule.resource.id}` },
      status: 'free',
      start: at('20:00'),
      end: at('20:30'),
    });
    const named = { resourceType: 'Appointment', slot: [{ reference: `Slot/${free.id}` }] };
    const asked = Array.from({ length: 20 }, (_, i) =>
      call(clients[i % 2] as TestClient, '$book', { 'appt-resource': named, 'patient-id': patients[i] }),
    );
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect([statuses.filter((one) => one === 201).length, new Set(statuses)]).toEqual([
      1,
      new Set([201, 409]),
    ]);
    expect((await client.get(`Slot/${free.id}`)).json).toMatchObject({
      status: 'busy',
      meta: { versionId: '2' },
    });
  });

  it('a room of a group that somebody else took meanwhile is replaced by a free one; without any it is a 409', async () => {
    const rooms = await Promise.all(
      ['A', 'B'].map(
        async (name) => `Location/${(await client.create({ resourceType: 'Location', name })).id}`,
      ),
    );
    const visits = [visitType('scan', { duration: 30, alignment: 30, resources: [rooms] })];
    const clinics = await Promise.all([1, 2, 3].map(() => makeClinic(client, { visits })));
    // All are proposed the same time before any of them takes it.
    const proposed = await Promise.all(
      clinics.map(async (clinic) => (await findTimes(client, asking(clinic)))[0]),
    );
    expect(startsOf(proposed)).toEqual(['09:00', '09:00', '09:00'].map(at));
    const answers = await Promise.all(
      proposed.map((one) => call(client, '$book', { 'appt-resource': one, 'patient-id': patient })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 409]);
    const used = answers
      .filter(({ status }) => status === 201)
      .flatMap(({ json }) => json.participant.map(({ actor }: Json) => actor.reference))
      .filter((reference: string) => rooms.includes(reference));
    expect(used.toSorted()).toEqual(rooms.toSorted());
  });

  it('what is closed, of another length, in the past or of nobody is refused', async () => {
    const clinic = await makeClinic(client);
    const [proposed] = await findTimes(client, asking(clinic));
    const tried = async (more: object) =>
      call(client, '$book', { 'appt-resource': { ...proposed, ...more }, 'patient-id': patient });
    expect((await tried({ start: at('14:00'), end: at('14:30') })).status).toBe(409);
    expect((await tried({ start: at('09:10'), end: at('09:40') })).status).toBe(409);
    expect((await tried({ end: at('11:30') })).status).toBe(409);
    expect((await tried({ start: '2020-01-06T09:00:00Z', end: '2020-01-06T09:30:00Z' })).status).toBe(409);
    const stranger = { participant: [{ actor: { reference: 'PractitionerRole/none' }, status: 'accepted' }] };
    expect((await tried(stranger)).status).toBe(422);
    expect((await tried({ start: 'soon' })).expressions).toEqual(['Appointment.start']);
    const nobody = await call(client, '$book', { 'appt-resource': proposed });
    expect([nobody.status, nobody.expressions]).toEqual([400, ['http.query.patient-id']]);
    expect((await call(client, '$book', { 'patient-id': patient })).status).toBe(400);
    // What is refused names the element of the Appointment.
    const missing = await call(client, '$book', { 'appt-resource': proposed, 'patient-id': 'nobody' });
    expect(missing.status).toBe(422);
    expect(missing.expressions).toEqual(['Appointment.participant[0].actor.reference']);
    expect((await tried({ priority: 'high' })).expressions).toEqual(['Appointment.priority']);
  });

  it('the Appointment may be the body, with the other parameters in the URL (R4 operations.html#request)', async () => {
    const [proposed] = await findTimes(client, asking(await makeClinic(client)));
    const path = `Appointment/$book?patient-id=${patient}`;
    expect((await client.post(path, proposed)).status).toBe(201);
    const wrong = await client.post(path, { resourceType: 'Patient' });
    expect([wrong.status, wrong.expressions]).toEqual([400, ['http.query.appt-resource']]);
  });
});

describe('Appointment/$hold', () => {
  it('keeps the time until it ends, and is booked by appt-id', async () => {
    const clinic = await makeClinic(client, {
      visits: [visitType('usual', { duration: 30, after: 30, alignment: 30 })],
    });
    const [proposed] = await findTimes(client, asking(clinic));
    const held = await call(client, '$hold', {
      'appt-resource': proposed,
      'patient-id': patient,
      minutes: 5,
    });
    expect(held.status).toBe(201);
    expect(held.json.status).toBe('pending');
    const until = Date.parse(held.json.extension.find(({ url }: Json) => url === HOLD_EXPIRES).valueInstant);
    expect(until - Date.now()).toBeGreaterThan(60_000);
    expect((await slotsOf(held.json)).map(({ status }) => status)).toEqual([
      'busy-tentative',
      'busy-tentative',
    ]);
    expect(startsOf(await findTimes(client, asking(clinic)))).toEqual(['10:00', '10:30', '11:00'].map(at));
    const other = await call(client, '$book', { 'appt-resource': proposed, 'patient-id': patient });
    expect(other.status).toBe(409);
    const booked = await call(client, '$book', { 'appt-id': held.json.id });
    expect(booked.status).toBe(200);
    expect(booked.json).toMatchObject({ id: held.json.id, status: 'booked' });
    expect(booked.json.extension).toBeUndefined();
    expect(booked.json.participant[0].status).toBe('accepted');
    const slots = await slotsOf(booked.json);
    expect(slots.map(({ status }) => status)).toEqual(['busy', 'busy-unavailable']);
    expect(slots[0].extension).toBeUndefined();
    expect((await call(client, '$book', { 'appt-id': held.json.id })).status).toBe(422);
  });

  it('that has ended is free for others, and cannot be booked any more', async () => {
    const clinic = await makeClinic(client);
    const [proposed] = await findTimes(client, asking(clinic));
    const held = await call(client, '$hold', { 'appt-resource': proposed, 'patient-id': patient });
    await endHold(held.json);
    expect(startsOf(await findTimes(client, asking(clinic)))).toContain(proposed.start);
    const late = await call(client, '$book', { 'appt-id': held.json.id });
    expect(late.status).toBe(409);
    expect(nextTimes(late)[0]).toBe(proposed.start);
    const other = await call(client, '$book', { 'appt-resource': proposed, 'patient-id': patient });
    expect(other.status).toBe(201);
  });

  it('is for 1 to 120 minutes', async () => {
    const clinic = await makeClinic(client);
    const [proposed] = await findTimes(client, asking(clinic));
    for (const minutes of [0, 121]) {
      const answer = await call(client, '$hold', { 'appt-resource': proposed, minutes });
      expect([answer.status, answer.expressions]).toEqual([400, ['http.query.minutes']]);
    }
  });
});

/** Sets the end of a hold back, as time would. */
async function endHold(visit: Json): Promise<void> {
  const past = new Date(Date.now() - 60_000).toISOString();
  const extension = [{ url: HOLD_EXPIRES, valueInstant: past }];
  for (const slot of await slotsOf(visit)) await client.put(`Slot/${slot.id}`, { ...slot, extension });
  const { json } = await client.get(`Appointment/${visit.id}`);
  await client.put(`Appointment/${visit.id}`, { ...json, extension });
}

describe('Appointment/{id}/$reschedule', () => {
  it('takes the new time and gives the old one back, also where the two overlap', async () => {
    const clinic = await makeClinic(client, {
      visits: [visitType('usual', { duration: 60, alignment: 30 })],
    });
    const visit = await booked(clinic, '09:00');
    const moved = await call(client, `${visit.id}/$reschedule`, { start: at('09:30') });
    expect(moved.status).toBe(200);
    expect(moved.json).toMatchObject({
      id: visit.id,
      status: 'booked',
      start: at('09:30'),
      end: at('10:30'),
    });
    expect(moved.json.participant[0].actor.reference).toBe(patient);
    expect(times(await slotsOf(moved.json))).toEqual([['busy', at('09:30'), at('10:30')]]);
    expect((await slotsOf(visit)).map(({ status }) => status)).toEqual(['entered-in-error']);
    expect(startsOf(await findTimes(client, asking(clinic)))).toEqual([at('10:30'), at('11:00')]);
  });

  it('to a time that is taken leaves all as it was', async () => {
    const clinic = await makeClinic(client);
    const visit = await booked(clinic, '09:00');
    await booked(clinic, '10:00');
    const answer = await call(client, `${visit.id}/$reschedule`, { start: at('10:00') });
    expect(answer.status).toBe(409);
    expect(nextTimes(answer)).toContain(at('10:30'));
    const now = (await client.get(`Appointment/${visit.id}`)).json;
    expect(now.meta.versionId).toBe('1');
    expect((await slotsOf(now)).map(({ status }) => status)).toEqual(['busy']);
    const [other] = await findTimes(client, asking(await makeClinic(client)));
    const elsewhere = await call(client, `${visit.id}/$reschedule`, { 'appt-resource': other });
    expect(elsewhere.json.participant[1].actor).toEqual(other.participant[0].actor);
    expect(startsOf(await findTimes(client, asking(clinic)))).toContain(at('09:00'));
    expect((await call(client, `${visit.id}/$reschedule`)).status).toBe(400);
  });
});

describe('Appointment/{id}/$cancel, $check-in, $no-show', () => {
  it('$cancel frees the time and tells why', async () => {
    const clinic = await makeClinic(client);
    const visit = await booked(clinic, '09:00');
    const reason = { coding: [{ system: 'http://example.org/reasons', code: 'pat' }] };
    const cancelled = await call(client, `${visit.id}/$cancel`, { reason });
    expect(cancelled.json).toMatchObject({ status: 'cancelled', cancelationReason: reason });
    expect(startsOf(await findTimes(client, asking(clinic)))).toContain(at('09:00'));
    expect((await call(client, `${visit.id}/$cancel`)).status).toBe(422);
    await booked(clinic, '09:00');
  });

  it('$check-in and $no-show set the status, where it is time for them', async () => {
    const clinic = await makeClinic(client);
    const visit = await booked(clinic, '09:00');
    const early = await call(client, `${visit.id}/$no-show`);
    expect([early.status, early.expressions]).toEqual([422, ['Appointment.start']]);
    expect((await call(client, `${visit.id}/$check-in`)).json.status).toBe('checked-in');
    expect((await call(client, `${visit.id}/$check-in`)).status).toBe(422);
    const past = { start: '2025-01-06T09:00:00Z', end: '2025-01-06T09:30:00Z' };
    const old = await client.create({
      resourceType: 'Appointment',
      status: 'booked',
      ...past,
      participant: [{ actor: { reference: patient }, status: 'accepted' }],
    });
    expect((await call(client, `${old.id}/$no-show`)).json.status).toBe('noshow');
    expect((await call(client, 'none/$cancel')).status).toBe(404);
  });
});
