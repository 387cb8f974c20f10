import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessServer } from './access-server.ts';
import { hours, visitType } from './appointment-clinic.ts';
import { type Clinic, openClinic, Talk, threadOf } from './conversation-support.ts';
import type { HeaderMap } from './harness.ts';

/* Issue 6, sections 2 and 5: the conversation with the supervisor, under the access of who asks. */

let clinic: Clinic;
let server: AccessServer;
let who: Clinic['who'];

beforeAll(async () => {
  clinic = await openClinic();
  ({ server, who } = clinic);
}, 120_000);
afterAll(() => server?.stop());

const all = (path: string, headers?: HeaderMap) => clinic.all(path, headers);
const visitsOf = (patient: string) => all(`Appointment?patient=${patient}&_sort=_lastUpdated&_count=100`);

describe('story 1: a patient', () => {
  it('asks for a visit, books one of the times, moves it, cancels it, waits for one; each in the database', async () => {
    const talk = new Talk(server.one, 'Patient/p1', who.ana);
    const asked = await talk.say('I need a cardiology visit next week in the afternoon');
    expect(asked.message).toMatchObject({
      status: 'completed',
      subject: { reference: 'Patient/p1' },
      sender: { reference: 'Patient/p1' },
      category: [{ coding: [{ code: 'chat' }] }],
    });
    const times = asked.options.filter(({ appointment }) => appointment !== undefined);
    expect(times.length).toBeGreaterThanOrEqual(3);
    for (const { appointment } of times) {
      expect(appointment).toMatchObject({ resourceType: 'Appointment', status: 'proposed' });
      expect(Number(appointment.start.slice(11, 13))).toBeGreaterThanOrEqual(12);
      expect(JSON.stringify(appointment)).toContain('HealthcareService/cardio');
    }
    expect(await visitsOf('p1')).toEqual([]);

    const booked = await talk.say('the second one');
    const [visit] = await visitsOf('p1');
    expect(visit).toMatchObject({ status: 'booked', start: times[1]?.appointment.start });
    expect(booked.text).toContain('Booked');
    expect(booked.reply.about).toEqual([{ reference: `Appointment/${visit.id}` }]);
    expect(await all(`Slot?_id=${visit.slot[0].reference.split('/')[1]}`)).toMatchObject([
      { status: 'busy' },
    ]);

    const listed = await talk.say('what visits do I have? my visits');
    expect(listed.text).toContain('Dr. Sam Kim');
    const moved = await talk.say('move it to next Thursday at 3 pm');
    expect(moved.text).toContain('Moved');
    const after = await visitsOf('p1');
    expect(after).toHaveLength(1);
    expect(after[0]).toMatchObject({ id: visit.id, status: 'booked' });
    expect(after[0].start).toMatch(/T15:00:00/);
    expect(new Date(after[0].start).getUTCDay()).toBe(4);

    const asking = await talk.say('cancel it');
    expect((await visitsOf('p1'))[0].status).toBe('booked');
    expect(asking.options.map(({ value }) => value)).toEqual(['Yes', 'No']);
    await talk.say('yes');
    expect((await visitsOf('p1'))[0].status).toBe('cancelled');

    await talk.say('put me on the waiting list for cardiology');
    // There are free times: one of them is offered at once.
    await expect
      .poll(async () => (await visitsOf('p1')).map(({ status }) => status).sort(), { timeout: 30_000 })
      .toEqual(['cancelled', 'pending']);
    expect((await talk.say('yes')).text).toContain('Booked');
    expect(await all('Appointment?patient=p2')).toEqual([]);
  }, 60_000);

  it('the thread is found by its identifier, in order; replies are of the Device, with a Provenance for the patient', async () => {
    const talk = new Talk(server.one, 'Patient/p1', who.ana);
    const first = await talk.say('hello');
    const second = await talk.say('what are your opening hours?');
    const thread = threadOf(first.message);
    expect(threadOf(second.reply)).toBe(thread);
    const found = await all(
      `Communication?identifier=https://vesta.health/fhir/identifier/conversation|${thread}&_sort=sent`,
      who.ana,
    );
    expect(found.map(({ id }) => id)).toEqual([
      first.message.id,
      first.reply.id,
      second.message.id,
      second.reply.id,
    ]);
    expect(second.reply.inResponseTo).toEqual([{ reference: `Communication/${second.message.id}` }]);
    const device = second.reply.sender.reference;
    expect(await all(`Device?_id=${device.split('/')[1]}`)).toMatchObject([
      { identifier: [{ value: 'supervisor' }] },
    ]);
    const [provenance] = await all(`Provenance?target=Communication/${second.reply.id}`);
    expect(provenance.agent).toMatchObject([
      { who: { reference: device }, onBehalfOf: { reference: 'Patient/p1' } },
    ]);
    expect(second.reply.about).toEqual([{ reference: 'Location/main' }]);
    expect(second.text).toContain('08:00–18:00');
  });

  it('what is offered can be chosen by its value, by another process that knows nothing of it', async () => {
    const talk = new Talk(server.one, 'Patient/p2', who.second);
    const asked = await talk.say('Quiero una cita de dermatología la semana que viene');
    expect(asked.reply.language).toBe('es');
    expect(asked.text).toContain('libres');
    const elsewhere = new Talk(server.elsewhere, 'Patient/p2', who.second);
    elsewhere.last = asked.reply;
    const booked = await elsewhere.say(asked.options[0]?.value as string);
    expect(booked.text).toContain('Reservada');
    expect(await visitsOf('p2')).toMatchObject([
      { status: 'booked', start: asked.options[0]?.appointment.start },
    ]);
  });

  it('in Urdu, as it is typed in Latin letters, from the first wish to the end', async () => {
    const talk = new Talk(server.one, 'Patient/p1', who.ana);
    const count = (await visitsOf('p1')).length;
    const asked = await talk.say('mujhe agle mahine dil ke doctor ki appointment chahiye');
    expect(asked.reply.language).toBe('ur');
    expect((await talk.say('teesri wali')).text).toContain('بک ہو گیا');
    const visit = (await visitsOf('p1')).at(-1);
    expect(visit).toMatchObject({ status: 'booked', start: asked.options[2]?.appointment.start });
    expect((await talk.say('meri appointment cancel kar dein')).options[0]?.value).toBe('ہاں');
    expect((await talk.say('ji haan')).text).toContain('منسوخ');
    expect(await visitsOf('p1')).toHaveLength(count + 1);
    expect((await server.one.get(`Appointment/${visit.id}`, who.ana)).json.status).toBe('cancelled');
  }, 60_000);

  it('a question in between does not lose what was offered; a plain no ends it', async () => {
    const talk = new Talk(server.one, 'Patient/p1', who.ana);
    const asked = await talk.say('dermatology in three weeks');
    const between = await talk.say('where can I park?');
    expect(between.text).toContain('garage');
    expect(between.options).toEqual(asked.options);
    expect((await talk.say('asdf qwer')).options).toEqual(asked.options);
    expect((await talk.say('no')).text).toContain('nothing was changed');
    expect((await talk.say('1')).text).not.toContain('Booked');
  });

  it('a time that somebody else has taken meanwhile is told, with others', async () => {
    const first = new Talk(server.one, 'Patient/p1', who.ana);
    const second = new Talk(server.one, 'Patient/p2', who.second);
    const ana = await first.say('dermatology in two weeks');
    await second.say('dermatology in two weeks');
    expect((await first.say('1')).text).toContain('Booked');
    const lost = await second.say('1');
    expect(lost.text).toContain('just been taken');
    const starts = lost.options.map(({ appointment }) => appointment?.start);
    expect(starts).not.toContain(ana.options[0]?.appointment.start);
    expect(starts.length).toBeGreaterThan(2);
  });
});

describe('the waiting list', () => {
  it('fills a freed time: it is offered, and a yes in the chat books it', async () => {
    await server.put(
      {
        resourceType: 'HealthcareService',
        id: 'sleep',
        active: true,
        name: 'Sleep laboratory',
        location: [{ reference: 'Location/main' }],
        extension: [visitType('night', { duration: 30, alignment: 30 })],
      },
      {
        resourceType: 'PractitionerRole',
        id: 'role-sleep',
        active: true,
        practitioner: { reference: 'Practitioner/dr-skin', display: 'Dr. Sam Lopez' },
        healthcareService: [{ reference: 'HealthcareService/sleep' }],
        location: [{ reference: 'Location/main' }],
        availableTime: [hours('14:00', '14:30', ['wed'])],
      },
    );
    const first = new Talk(server.one, 'Patient/p1', who.ana);
    const asked = await first.say('a visit to the sleep laboratory');
    const next = asked.options[0]?.appointment.start as string;
    expect((await first.say('1')).text).toContain('Booked');
    const second = new Talk(server.one, 'Patient/p2', who.second);
    await second.say(`I need the sleep laboratory on ${next.slice(0, 10)}`);
    expect((await second.say('put me on the waiting list')).text).toContain('waiting list');
    expect((await second.say('yes')).text).not.toContain('Booked');
    await first.say('cancel my sleep laboratory visit');
    expect((await first.say('yes')).text).toContain('Cancelled');
    await expect
      .poll(async () => all('Appointment?patient=p2&status=pending'), { timeout: 30_000 })
      .toMatchObject([{ start: next }]);
    expect((await second.say('my visits')).text).toContain('is kept for you until');
    expect((await second.say('yes')).text).toContain('Booked');
    expect(await all('Appointment?patient=p2&status=booked&service-type:missing=false')).toContainEqual(
      expect.objectContaining({ start: next }),
    );
  }, 60_000);
});

describe('story 2: a caregiver', () => {
  it('with a consent books for the child', async () => {
    const talk = new Talk(server.one, 'Patient/c1', who.carer);
    await talk.say('a cardiology visit next week for my son');
    const booked = await talk.say('the first one');
    expect(booked.text).toContain('Booked');
    // The child's record is closed to all but those whom the consent names.
    const visits = await all('Appointment?patient=c1', who.carer);
    expect(visits).toMatchObject([{ status: 'booked' }]);
    expect(JSON.stringify(visits[0].participant)).toContain('Patient/c1');
    expect(booked.message.sender).toEqual({ reference: 'RelatedPerson/carer' });
  });

  it('without one is refused, and nothing is stored', async () => {
    const count = async () => (await all('Communication?subject=Patient/c1&_count=100', who.carer)).length;
    const before = await count();
    const said = await new Talk(server.one, 'Patient/c1', who.stranger).say('a cardiology visit next week');
    expect(said.status).toBe(403);
    expect(await count()).toBe(before);
  });

  it('nobody talks for another: not for another patient, nor as another sender', async () => {
    expect((await new Talk(server.one, 'Patient/p1', who.second).say('my visits')).status).toBe(403);
    expect((await new Talk(server.one, 'Patient/c1', who.ana).say('my visits')).status).toBe(403);
    const as = await new Talk(server.one, 'Patient/p1', who.ana).say('hi', {
      sender: { reference: 'Patient/p2' },
    });
    expect(as.status).toBe(403);
    const other = new Talk(server.one, 'Patient/p2', who.second);
    const { message } = await other.say('hello');
    const joined = await new Talk(server.one, 'Patient/p1', who.ana).say('hello', {
      inResponseTo: [{ reference: `Communication/${message.id}` }],
    });
    expect(joined.status).toBe(404);
    const thread = { system: 'https://vesta.health/fhir/identifier/conversation', value: threadOf(message) };
    const named = await new Talk(server.one, 'Patient/p1', who.ana).say('what about it', {
      identifier: [thread],
    });
    expect(named.answer.text).not.toContain('Patient/p2');
  });

  it('what a patient wishes for somebody else is not done with the own record', async () => {
    for (const text of [
      "what are my mother's allergies?",
      'las alergias de mi madre',
      'میری والدہ کی الرجی کیا ہے',
    ]) {
      const { text: told, reply } = await new Talk(server.one, 'Patient/p1', who.ana).say(text);
      expect(told).not.toContain('Penicillin');
      expect(reply.about).toBeUndefined();
    }
  });

  it('who may not see a record is not told of it', async () => {
    const own = await new Talk(server.one, 'Patient/p1', who.ana).say('what are my allergies?');
    expect(own.text).toContain('Penicillin');
    expect(own.reply.about).toEqual([{ reference: 'AllergyIntolerance/a1' }]);
    const narrow = await server.as({
      role: 'patient',
      fhirUser: 'Patient/p1',
      patient: 'p1',
      scopes: 'patient/Communication.crs patient/Patient.rs',
    });
    const said = await new Talk(server.one, 'Patient/p1', narrow).say('what are my allergies?');
    expect(said.status).toBe(200);
    expect(said.text).not.toContain('Penicillin');
    const book = await new Talk(server.one, 'Patient/p1', narrow).say('a cardiology visit next week');
    expect(book.text).toContain('may not');
  });
});
