import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scheduling } from '../src/agents/scheduling/index.ts';
import { HOLD_EXPIRES, REMINDER_IDENTIFIER, VISIT_REMINDER } from '../src/scheduling/terms.ts';
import {
  type Clinic,
  call,
  findTimes,
  hours,
  makeClinic,
  makePatient,
  minutes,
  startsOf,
} from './appointment-clinic.ts';
import { type Answer, type Harness, type Json, startHarness, type TestClient } from './harness.ts';

/*
 * Issue 6, section 3: a waiting list that fills freed slots, holds that end, reminders; two server processes do so beside
 * each other.
 */

let harness: Harness;
let client: TestClient;
let other: TestClient;
let patient: string;

beforeAll(async () => {
  // Without the one that delivers what patients are told.
  const agents = [scheduling];
  harness = await startHarness({ service: { agents } });
  other = (await harness.startAnother({ service: { agents } })).client();
  client = harness.client();
  patient = await makePatient(client);
});
afterAll(() => harness?.stop());

const MONDAY = '2031-01-06';
const at = (time: string) => `${MONDAY}T${time}:00Z`;
const asking = ({ role }: Clinic) => `practitioner=${role}&start=${MONDAY}&end=${MONDAY}`;
const all = async (path: string): Promise<Json[]> =>
  ((await client.get(path)).json.entry ?? []).map(({ resource }: Json) => resource);
const stored = async (id: string): Promise<Json> => (await client.get(`Appointment/${id}`)).json;

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (let tries = 0; tries < 600; tries++) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(50);
  }
  throw new Error('It has not come');
}
const when = (id: string, status: string): Promise<Json> =>
  until(async () => {
    const visit = await stored(id);
    return visit.status === status && visit;
  });

/** Books all times of the Monday but those that are named. */
async function bookAll(clinic: Clinic, but: readonly string[] = []): Promise<Json[]> {
  const booked: Json[] = [];
  for (const proposed of await findTimes(client, asking(clinic))) {
    if (but.includes(proposed.start)) continue;
    const answer = await call(client, '$book', { 'appt-resource': proposed, 'patient-id': patient });
    if (answer.status !== 201) throw new Error(answer.text);
    booked.push(answer.json);
  }
  return booked;
}
const wait = (clinic: Clinic, more: Record<string, Json> = {}): Promise<Answer> =>
  call(client, '$wait', { practitioner: clinic.practitioner, start: MONDAY, end: MONDAY, ...more });
const messages = async (who: string, reason: string): Promise<Json[]> =>
  (await all(`CommunicationRequest?patient=${who}`)).filter(
    ({ reasonCode }) => reasonCode[0].coding[0].code === reason,
  );

describe('Appointment/$wait', () => {
  it('joins the waiting list with what is wished for, as a valid Appointment', async () => {
    const clinic = await makeClinic(client);
    await bookAll(clinic);
    const who = await makePatient(client);
    const answer = await wait(clinic, {
      'patient-id': who,
      'time-of-day': 'morning',
      'days-of-week': 'mon',
      'visit-type': 'usual',
      priority: 2,
      comment: 'any time',
    });
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({
      status: 'waitlist',
      priority: 2,
      comment: 'any time',
      requestedPeriod: [{ start: MONDAY, end: MONDAY }],
      serviceType: [{ coding: [{ code: 'usual' }] }],
    });
    expect(answer.json.participant.map(({ actor }: Json) => actor.reference)).toEqual([
      who,
      clinic.practitioner,
    ]);
    const valid = await client.post('Appointment/$validate', answer.json);
    expect(valid.json.issue.filter(({ severity }: Json) => severity === 'error')).toEqual([]);
    expect(await messages(who, 'waiting')).toMatchObject([
      { status: 'active', recipient: [{ reference: who }] },
    ]);
  });

  it('needs a patient, somebody who offers such a visit, and a right when-free', async () => {
    const clinic = await makeClinic(client);
    expect((await wait(clinic)).expressions).toEqual(['http.query.patient-id']);
    const given = { 'patient-id': patient };
    expect((await wait(clinic, { ...given, 'when-free': 'maybe' })).expressions).toEqual([
      'http.query.when-free',
    ]);
    expect((await wait(clinic, { ...given, 'visit-type': 'none' })).status).toBe(422);
    expect((await wait(clinic, { ...given, instead: 'none' })).status).toBe(422);
  });
});

describe('a time that becomes free', () => {
  it('is booked for who wants that, the most urgent first, once, and the patient is told', async () => {
    const clinic = await makeClinic(client);
    const visits = await bookAll(clinic);
    const people = await Promise.all([1, 2, 3].map(() => makePatient(client)));
    const entries: string[] = [];
    for (const [i, who] of people.entries()) {
      const answer = await wait(clinic, {
        'patient-id': who,
        'when-free': 'book',
        ...(i === 1 ? { priority: 1 } : {}),
      });
      entries.push(answer.json.id);
    }
    const cancelled = visits[1];
    await call(client, `${cancelled.id}/$cancel`);
    const won = await when(entries[1] as string, 'booked');
    expect(won.start).toBe(cancelled.start);
    expect(won.participant[0]).toMatchObject({ actor: { reference: people[1] }, status: 'accepted' });
    expect((await messages(people[1] as string, 'booked')).length).toBe(1);
    await sleep(300);
    expect((await stored(entries[0] as string)).status).toBe('waitlist');
    expect((await stored(entries[2] as string)).status).toBe('waitlist');
    // The next one goes to whoever waits the longest; both processes give times away.
    await Promise.all([call(client, `${visits[2].id}/$cancel`), call(other, `${visits[3].id}/$cancel`)]);
    const given = [await when(entries[0] as string, 'booked'), await when(entries[2] as string, 'booked')];
    expect(new Set(given.map(({ start }) => start))).toEqual(new Set([visits[2].start, visits[3].start]));
    const runs = await all('AuditEvent?_count=200');
    expect(JSON.stringify(runs)).toContain('book for one who waits');
  });

  it('is offered to who wants that; declined or not taken in time, it goes to the next', async () => {
    const clinic = await makeClinic(client);
    const visits = await bookAll(clinic);
    const [first, second] = await Promise.all([makePatient(client), makePatient(client)]);
    const one = (await wait(clinic, { 'patient-id': first })).json.id;
    const two = (await wait(clinic, { 'patient-id': second })).json.id;
    await call(client, `${visits[0].id}/$cancel`);
    const offered = await when(one, 'pending');
    expect(offered.start).toBe(visits[0].start);
    expect(offered.extension.some(({ url }: Json) => url === HOLD_EXPIRES)).toBe(true);
    const [told] = await messages(first as string, 'offered');
    expect(told.payload.map((one: Json) => one._contentString.extension[0].valueCode)).toEqual([
      'en',
      'es',
      'ur',
    ]);
    expect(told.payload[0].contentString).toContain('Dr Kim');
    const declined = await call(client, `${one}/$decline`);
    expect(declined.json).toMatchObject({ status: 'waitlist' });
    expect([declined.json.start, declined.json.slot]).toEqual([undefined, undefined]);
    // To the next, and not again to the one who declined it.
    await when(two, 'pending');
    // Nobody confirms: the hold ends.
    const past = new Date(Date.now() - 60_000).toISOString();
    const second2 = await stored(two);
    const extension = second2.extension.map((one: Json) =>
      one.url === HOLD_EXPIRES ? { url: HOLD_EXPIRES, valueInstant: past } : one,
    );
    await client.put(`Appointment/${two}`, { ...second2, extension });
    await until(async () => {
      await harness.service.agents.upkeep.tick();
      return (await stored(two)).status === 'waitlist';
    });
    expect(startsOf(await findTimes(client, asking(clinic)))).toEqual([visits[0].start]);
    expect((await stored(one)).status).toBe('waitlist');
  });

  it('that is confirmed is booked, and takes the place of the visit that is named', async () => {
    const clinic = await makeClinic(client);
    const who = await makePatient(client);
    const visits = await bookAll(clinic, [at('11:30')]);
    const [last] = await findTimes(client, asking(clinic));
    const late = (await call(client, '$book', { 'appt-resource': last, 'patient-id': who })).json;
    const entry = (await wait(clinic, { 'patient-id': who, instead: late.id })).json.id;
    await call(client, `${visits[2].id}/$cancel`);
    await when(entry, 'pending');
    const booked = await call(client, '$book', { 'appt-id': entry });
    expect(booked.json).toMatchObject({ status: 'booked', start: visits[2].start });
    expect((await stored(late.id)).status).toBe('cancelled');
    expect(startsOf(await findTimes(client, asking(clinic)))).toEqual([at('11:30')]);
  });

  it('a wait that finds a free time at once is filled at once; one whose time is over ends', async () => {
    const clinic = await makeClinic(client);
    const who = await makePatient(client);
    const entry = (await wait(clinic, { 'patient-id': who, 'when-free': 'book' })).json.id;
    expect((await when(entry, 'booked')).start).toBe(at('09:00'));
    await bookAll(clinic);
    const over = (await wait(clinic, { 'patient-id': patient })).json;
    const requestedPeriod = [{ start: '2020-01-01', end: '2020-01-02' }];
    await client.put(`Appointment/${over.id}`, { ...over, requestedPeriod });
    await until(async () => {
      await harness.service.agents.upkeep.tick();
      return (await stored(over.id)).status === 'cancelled';
    });
  });
});

describe('a time that is freed without an operation', () => {
  /** Somebody who waits for a visit of a clinic that is full. */
  async function waiting(clinic: Clinic, more: Record<string, Json> = {}): Promise<string> {
    const who = await makePatient(client);
    return (await wait(clinic, { 'patient-id': who, 'when-free': 'book', ...more })).json.id;
  }
  /** A visit as other systems store it: its Slot was free, and is busy. */
  async function plainVisit(schedule: string, time: string): Promise<{ slot: Json; visit: Json }> {
    const start = at(time);
    const end = new Date(Date.parse(start) + 30 * 60_000).toISOString();
    const body = { resourceType: 'Slot', schedule: { reference: schedule }, start, end };
    const free = await client.create({ ...body, status: 'free' });
    const slot = (await client.put(`Slot/${free.id}`, { ...body, id: free.id, status: 'busy' })).json;
    const visit = await client.create({
      resourceType: 'Appointment',
      status: 'booked',
      start,
      end,
      slot: [{ reference: `Slot/${slot.id}` }],
      participant: [{ actor: { reference: patient }, status: 'accepted' }],
    });
    return { slot, visit };
  }

  it('by a PUT, PATCH or DELETE of the Appointment goes to who waits; Slots that others keep stay taken', async () => {
    const clinic = await makeClinic(client);
    const visits = await bookAll(clinic);
    const put = await waiting(clinic);
    await client.put(`Appointment/${visits[1].id}`, { ...visits[1], status: 'cancelled' });
    expect((await when(put, 'booked')).start).toBe(visits[1].start);
    expect((await client.get(visits[1].slot[0].reference)).json.status).toBe('entered-in-error');
    const patched = await waiting(clinic);
    const status = [{ op: 'replace', path: '/status', value: 'entered-in-error' }];
    await client.patch(`Appointment/${visits[2].id}`, status, {
      'Content-Type': 'application/json-patch+json',
    });
    expect((await when(patched, 'booked')).start).toBe(visits[2].start);

    const other = await makeClinic(client, { role: { availableTime: undefined } });
    const actor = [{ reference: other.practitioner }, { reference: other.role }];
    const schedule = `Schedule/${(await client.create({ resourceType: 'Schedule', actor })).id}`;
    const [one, two] = [await plainVisit(schedule, '14:00'), await plainVisit(schedule, '15:00')];
    const { id: _id, meta: _meta, ...copy } = two.visit;
    await client.create(copy);
    const deleted = await waiting(other);
    for (const { visit } of [two, one])
      expect((await client.delete(`Appointment/${visit.id}`)).status).toBe(204);
    // The Slot was free again, and is taken by the new visit.
    expect((await when(deleted, 'booked')).slot).toEqual([{ reference: `Slot/${one.slot.id}` }]);
    const versions = ['3', '4'].map((version) => client.get(`Slot/${one.slot.id}/_history/${version}`));
    expect((await Promise.all(versions)).map(({ json }) => json.status)).toEqual(['free', 'busy']);
    expect((await client.get(`Slot/${two.slot.id}`)).json.meta.versionId).toBe(two.slot.meta.versionId);
  });

  it('by the end of a visit that has no Slots goes to who waits', async () => {
    const clinic = await makeClinic(client);
    await bookAll(clinic, [at('09:00')]);
    const visit = await client.create({
      resourceType: 'Appointment',
      status: 'booked',
      start: at('09:00'),
      end: at('09:30'),
      participant: [{ actor: { reference: clinic.practitioner }, status: 'accepted' }],
    });
    const entry = await waiting(clinic);
    await client.put(`Appointment/${visit.id}`, { ...visit, status: 'cancelled' });
    expect((await when(entry, 'booked')).start).toBe(at('09:00'));
  });

  it('by a DELETE of a Slot, or one that is made shorter, goes to who waits', async () => {
    const clinic = await makeClinic(client);
    await bookAll(clinic, [at('09:00'), at('11:00'), at('11:30')]);
    const [{ id }] = await all(`Schedule?actor=${clinic.practitioner}`);
    const body = { resourceType: 'Slot', status: 'busy', schedule: { reference: `Schedule/${id}` } };
    const [early, late] = [
      await client.create({ ...body, start: at('09:00'), end: at('09:30') }),
      await client.create({ ...body, start: at('11:00'), end: at('12:00') }),
    ];
    const first = await waiting(clinic);
    expect((await client.delete(`Slot/${early.id}`)).status).toBe(204);
    expect((await when(first, 'booked')).start).toBe(at('09:00'));
    const second = await waiting(clinic);
    await client.put(`Slot/${late.id}`, { ...late, end: at('11:30') });
    expect((await when(second, 'booked')).start).toBe(at('11:30'));
  });

  it('by other hours of the role or the service goes to all who wait for such, whatever else is asked first', async () => {
    const away = [{ description: 'away', during: { start: MONDAY, end: MONDAY } }];
    const clinic = await makeClinic(client, { role: { notAvailable: away } });
    const none = await makeClinic(client, { role: { notAvailable: away } });
    // Waits in front of the others, for somebody who is not there.
    const unlucky = await waiting(none, { priority: 1 });
    const [one, two] = [await waiting(clinic), await waiting(clinic)];
    const role = (await client.get(clinic.role)).json;
    const { notAvailable: _away, ...back } = role;
    await client.put(clinic.role, { ...back, availableTime: [hours('09:00', '09:30')] });
    expect((await when(one, 'booked')).start).toBe(at('09:00'));
    await client.put(clinic.role, { ...back, availableTime: [hours('09:00', '10:00')] });
    expect((await when(two, 'booked')).start).toBe(at('09:30'));
    expect((await stored(unlucky)).status).toBe('waitlist');
    const third = await waiting(clinic);
    await client.create({
      resourceType: 'PractitionerRole',
      practitioner: { reference: clinic.practitioner },
      healthcareService: [{ reference: clinic.service }],
      location: [{ reference: clinic.location }],
      availableTime: [hours('16:00', '16:30')],
    });
    expect((await when(third, 'booked')).start).toBe(at('16:00'));
  });
});

describe('a hold', () => {
  it('that has ended is tidied up by the server', async () => {
    const clinic = await makeClinic(client);
    const [proposed] = await findTimes(client, asking(clinic));
    const held = (await call(client, '$hold', { 'appt-resource': proposed, 'patient-id': patient })).json;
    const past = new Date(Date.now() - 60_000).toISOString();
    await client.put(`Appointment/${held.id}`, {
      ...held,
      extension: [{ url: HOLD_EXPIRES, valueInstant: past }],
    });
    await until(async () => {
      await harness.service.agents.upkeep.tick();
      return (await stored(held.id)).status === 'cancelled';
    });
    const slots = await Promise.all(held.slot.map(({ reference }: Json) => client.get(reference)));
    expect(slots.map(({ json }) => json.status)).toEqual(['entered-in-error']);
  });
});

describe('reminders', () => {
  /** A visit in so many hours, of a service that wants reminders these many minutes ahead. */
  async function visitIn(hours: number, leads: number[]): Promise<{ visit: Json; who: string }> {
    const who = await makePatient(client);
    const service = await client.create({
      resourceType: 'HealthcareService',
      extension: leads.map((lead) => ({ url: VISIT_REMINDER, valueDuration: minutes(lead) })),
    });
    const start = Date.now() + hours * 3_600_000;
    const visit = await client.create({
      resourceType: 'Appointment',
      status: 'booked',
      start: new Date(start).toISOString(),
      end: new Date(start + 1_800_000).toISOString(),
      participant: [
        { actor: { reference: who }, status: 'accepted' },
        { actor: { reference: `HealthcareService/${service.id}` }, status: 'accepted' },
      ],
    });
    return { visit, who };
  }
  const due = async () => {
    for (let i = 0; i < 20; i++) {
      await harness.service.agents.upkeep.tick();
      await sleep(50);
    }
  };

  it('are made once, so long before the visit as the service says, and revoked when it is cancelled', async () => {
    // Due a second from now.
    const { visit, who } = await visitIn(1 + 1 / 3600, [60, 30]);
    const [reminder] = await until(async () => {
      await harness.service.agents.upkeep.tick();
      const found = await messages(who, 'reminder');
      return found.length > 0 && found;
    });
    await due();
    expect(await messages(who, 'reminder')).toHaveLength(1);
    expect(reminder).toMatchObject({
      status: 'active',
      about: [{ reference: `Appointment/${visit.id}` }],
      identifier: [{ system: REMINDER_IDENTIFIER, value: `${visit.id}.${Date.parse(visit.start)}.60` }],
    });
    await call(client, `${visit.id}/$cancel`);
    await until(async () => (await messages(who, 'reminder'))[0].status === 'revoked');
  });

  it('are not made for visits that were cancelled, are too near, or whose service wants none', async () => {
    const cancelled = await visitIn(1 + 1 / 3600, [60]);
    await call(client, `${cancelled.visit.id}/$cancel`);
    const near = await visitIn(0.5, [60]);
    const none = await visitIn(1 + 1 / 3600, [0]);
    await sleep(1500);
    await due();
    for (const { who } of [cancelled, near, none]) expect(await messages(who, 'reminder')).toEqual([]);
  });
});
