import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  call,
  findTimes,
  hours,
  makeClinic,
  makePatient,
  startsOf,
  visitType,
  zone,
} from './appointment-clinic.ts';
import { type Harness, type Json, startHarness, type TestClient } from './harness.ts';

/* Issue 6, section 3: free times of hours, exceptions, kinds of visits, resources, time zones; Appointment/$find. */

let harness: Harness;
let client: TestClient;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

const of = (role: string, more: string) => findTimes(client, `practitioner=${role}&${more}`);

describe('Appointment/$find', () => {
  it('answers a searchset of proposed Appointments with those who take part, in order of time', async () => {
    const clinic = await makeClinic(client);
    const patient = await makePatient(client);
    const answer = await client.get(
      `Appointment/$find?practitioner=${clinic.practitioner}&patient=${patient}&start=2031-01-06&end=2031-01-07&_count=7`,
    );
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 7 });
    const found = answer.json.entry.map(({ resource }: Json) => resource);
    expect(found[0]).toMatchObject({ resourceType: 'Appointment', status: 'proposed', minutesDuration: 30 });
    expect(found[0].participant.map(({ actor }: Json) => actor.reference)).toEqual([
      patient,
      clinic.role,
      clinic.practitioner,
      clinic.service,
      clinic.location,
    ]);
    expect(startsOf(found)).toEqual(startsOf(found).toSorted());
    expect(startsOf(found)[6]).toBe('2031-01-07T09:00:00Z');
    const valid = await client.post('Appointment/$validate', found[0]);
    expect(valid.json.issue.filter(({ severity }: Json) => severity === 'error')).toEqual([]);
  });

  it('hours are told by the clocks of the place, on both sides of a change of clocks', async () => {
    // New York goes to summer time on 2031-03-09 and back on 2031-11-02.
    const { role } = await makeClinic(client, {
      zone: 'America/New_York',
      role: { availableTime: [hours('01:00', '04:00', ['sat', 'sun'])] },
      visits: [visitType('hour', { duration: 60, alignment: 60 })],
    });
    expect(startsOf(await of(role, 'start=2031-03-08&end=2031-03-09'))).toEqual([
      '2031-03-08T01:00:00-05:00',
      '2031-03-08T02:00:00-05:00',
      '2031-03-08T03:00:00-05:00',
      '2031-03-09T01:00:00-05:00',
      '2031-03-09T03:00:00-04:00',
    ]);
    expect(startsOf(await of(role, 'start=2031-11-02&end=2031-11-02'))).toEqual([
      '2031-11-02T01:00:00-04:00',
      '2031-11-02T01:00:00-05:00',
      '2031-11-02T02:00:00-05:00',
      '2031-11-02T03:00:00-05:00',
    ]);
  });

  it('the zone is that of the Location, or else of the service, the role, the Organization; UTC when none is stated', async () => {
    const organization = await client.create({
      resourceType: 'Organization',
      name: 'Clinic',
      extension: [zone('Asia/Tokyo')],
    });
    const role = { organization: { reference: `Organization/${organization.id}` } };
    const service = { extension: [zone('Europe/Berlin'), visitType('usual', { duration: 30 })] };
    const unstated = { extension: [] };
    const first = async (options: object) => {
      const made = await makeClinic(client, options);
      return startsOf(await of(made.role, 'start=2031-01-06&end=2031-01-06&_count=1'))[0];
    };
    expect(await first({ zone: 'America/New_York', service, role })).toBe('2031-01-06T09:00:00-05:00');
    const nowhere = { extension: undefined };
    expect(await first({ location: nowhere, service, role })).toBe('2031-01-06T09:00:00+01:00');
    expect(await first({ location: nowhere, role: { ...role, extension: [zone('Asia/Kolkata')] } })).toBe(
      '2031-01-06T09:00:00+05:30',
    );
    expect(await first({ location: nowhere, role })).toBe('2031-01-06T09:00:00+09:00');
    expect(await first({ location: { extension: undefined }, ...unstated })).toBe('2031-01-06T09:00:00Z');
  });

  it('all stated hours must be open: role, service and Location; holidays and absences are closed', async () => {
    const { role } = await makeClinic(client, {
      service: {
        availableTime: [hours('10:00', '18:00')],
        notAvailable: [{ description: 'Epiphany', during: { start: '2031-01-06', end: '2031-01-06' } }],
      },
      location: {
        hoursOfOperation: [
          { daysOfWeek: ['mon', 'tue', 'wed'], openingTime: '08:00:00', closingTime: '11:30:00' },
        ],
      },
      role: {
        notAvailable: [
          {
            description: 'away',
            during: { start: '2031-01-08T10:30:00Z', end: '2031-01-08T10:59:59Z' },
          },
        ],
      },
    });
    expect(startsOf(await of(role, 'start=2031-01-06&end=2031-01-10'))).toEqual(
      ['07T10:00', '07T10:30', '07T11:00', '08T10:00', '08T11:00'].map((time) => `2031-01-${time}:00Z`),
    );
  });

  it('without stated hours nobody is open, but free Slots that others have stored are offered', async () => {
    const { role, practitioner } = await makeClinic(client, { role: { availableTime: undefined } });
    const query = 'start=2031-01-06&end=2031-01-06';
    expect(await of(role, query)).toEqual([]);
    const schedule = await client.create({
      resourceType: 'Schedule',
      actor: [{ reference: practitioner }, { reference: role }],
    });
    const slot = (status: string, start: string, end: string) =>
      client.create({
        resourceType: 'Slot',
        schedule: { reference: `Schedule/${schedule.id}` },
        status,
        start: `2031-01-06T${start}:00Z`,
        end: `2031-01-06T${end}:00Z`,
      });
    await slot('free', '20:00', '21:00');
    await slot('busy', '20:30', '20:45');
    expect(startsOf(await of(role, query))).toEqual(['2031-01-06T20:00:00Z']);
  });

  it('free Slots of a Schedule are visits as they are where nobody states how long one is; $book takes the Slot itself', async () => {
    const practitioner = `Practitioner/${(await client.create({ resourceType: 'Practitioner' })).id}`;
    const actor = [{ reference: practitioner }];
    const schedule = `Schedule/${(await client.create({ resourceType: 'Schedule', actor })).id}`;
    const slots: Json[] = [];
    for (const minute of ['00', '20', '40'])
      slots.push(
        await client.create({
          resourceType: 'Slot',
          schedule: { reference: schedule },
          status: 'free',
          start: `2031-01-06T08:${minute}:00Z`,
          end: new Date(Date.parse(`2031-01-06T08:${minute}:00Z`) + 1_200_000).toISOString(),
        }),
      );
    const query = `practitioner=${practitioner}&start=2031-01-06&end=2031-01-06`;
    const found = await findTimes(client, query);
    expect(startsOf(found)).toEqual(['00', '20', '40'].map((minute) => `2031-01-06T08:${minute}:00Z`));
    expect(found[0]).toMatchObject({ minutesDuration: 20, participant: [{ actor: actor[0] }] });
    const patient = await makePatient(client);
    const book = (appointment: object) =>
      call(client, '$book', {
        'appt-resource': { resourceType: 'Appointment', ...appointment },
        'patient-id': patient,
      });
    const visit = (await book(found[0])).json;
    expect(visit.slot).toEqual([{ reference: `Slot/${slots[0].id}` }]);
    const slotNow = async (at: number) => (await client.get(`Slot/${slots[at].id}`)).json;
    expect((await slotNow(0)).status).toBe('busy');
    expect((await book(found[0])).status).toBe(409);
    // The Slot says when and with whom.
    const named = { slot: [{ reference: `Slot/${slots[1].id}` }] };
    const answers = await Promise.all([book(named), book(named), book(named)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
    expect((await slotNow(1)).status).toBe('busy');
    expect(startsOf(await findTimes(client, query))).toEqual(['2031-01-06T08:40:00Z']);
    const held = await call(client, '$hold', { 'appt-resource': found[2], 'patient-id': patient });
    expect((await slotNow(2)).status).toBe('busy-tentative');
    expect((await call(client, '$book', { 'appt-id': held.json.id })).json.status).toBe('booked');
    for (const id of [visit.id, held.json.id]) await call(client, `${id}/$cancel`);
    for (const at of [0, 2])
      expect(await slotNow(at)).toMatchObject({ status: 'free', start: slots[at].start });
    expect((await slotNow(2)).extension).toBeUndefined();
    expect(startsOf(await findTimes(client, query))).toHaveLength(2);
    expect((await book({ slot: [{ reference: 'Slot/none' }] })).expressions).toEqual(['Appointment.slot']);
    const nobody = await book({ start: '2031-01-06T08:00:00Z' });
    expect([nobody.status, nobody.expressions]).toEqual([400, ['Appointment.participant']]);
  });

  it('a visit needs its buffers and one of each group of places and devices', async () => {
    const room = `Location/${(await client.create({ resourceType: 'Location', name: 'OR' })).id}`;
    const device = `Device/${(await client.create({ resourceType: 'Device' })).id}`;
    const visits = [
      visitType('scan', {
        duration: 30,
        before: 15,
        after: 15,
        alignment: 30,
        resources: [[room], [device]],
      }),
    ];
    const one = await makeClinic(client, { visits });
    const two = await makeClinic(client, { visits });
    const patient = await makePatient(client);
    const found = await of(one.role, 'start=2031-01-06&end=2031-01-06');
    expect(startsOf(found)).toEqual(
      ['09:30', '10:00', '10:30', '11:00'].map((time) => `2031-01-06T${time}:00Z`),
    );
    expect(found[0].participant.map(({ actor }: Json) => actor.reference)).toEqual(
      expect.arrayContaining([room, device]),
    );
    const answer = await call(client, '$book', { 'appt-resource': found[1], 'patient-id': patient });
    expect(answer.status).toBe(201);
    // The room is taken from 9:45 to 10:45 for the other one, too.
    expect(startsOf(await of(two.role, 'start=2031-01-06&end=2031-01-06'))).toEqual(['2031-01-06T11:00:00Z']);
  });

  it('narrows down by kind of visit, service, specialty, location, organization, time of day and day of week', async () => {
    const specialty = [{ coding: [{ system: 'http://example.org/specialties', code: 'cardio' }] }];
    const organization = await client.create({ resourceType: 'Organization', name: 'Group' });
    const clinic = await makeClinic(client, {
      visits: [visitType('short', { duration: 30 }), visitType('long', { duration: 90, alignment: 30 })],
      role: { specialty, organization: { reference: `Organization/${organization.id}` } },
    });
    await makeClinic(client);
    const query = 'start=2031-01-06&end=2031-01-10&_count=3';
    const roles = async (more: string) => {
      const found = await findTimes(client, `${query}&${more}`);
      return new Set(
        found.flatMap(({ participant }) =>
          participant
            .map(({ actor }: Json) => actor.reference)
            .filter((one: string) => one.startsWith('PractitionerRole/')),
        ),
      );
    };
    for (const more of [
      'visit-type=http://example.org/visits|long',
      'visit-type=short',
      `healthcare-service=${clinic.service}`,
      'specialty=http://example.org/specialties|cardio',
      `location=${clinic.location}`,
      `organization=Organization/${organization.id}`,
      `practitioner=${clinic.practitioner.split('/')[1]}`,
    ])
      expect([more, [...(await roles(more))]]).toEqual([more, [clinic.role]]);
    expect([...(await roles('visit-type=none'))]).toEqual([]);
    expect([...(await roles('practitioner=Practitioner/none'))]).toEqual([]);
    const long = await of(clinic.role, `${query}&visit-type=long`);
    expect(long[0]).toMatchObject({ end: '2031-01-06T10:30:00Z', minutesDuration: 90 });
    expect(startsOf(await of(clinic.role, `${query}&days-of-week=wed,thu&time-of-day=11:00-11:20`))).toEqual(
      ['08T11:00', '08T11:15', '09T11:00'].map((time) => `2031-01-${time}:00Z`),
    );
    expect(await of(clinic.role, `${query}&time-of-day=afternoon`)).toEqual([]);
  });

  it('a service that nobody is named for is booked itself', async () => {
    const service = await client.create({
      resourceType: 'HealthcareService',
      name: 'Laboratory',
      availableTime: [hours('07:00', '08:00')],
      extension: [visitType('draw', { duration: 30, alignment: 30 })],
    });
    const query = `healthcare-service=HealthcareService/${service.id}&start=2031-01-06&end=2031-01-06`;
    const found = await findTimes(client, query);
    expect(startsOf(found)).toEqual(['2031-01-06T07:00:00Z', '2031-01-06T07:30:00Z']);
    const patient = await makePatient(client);
    expect((await call(client, '$book', { 'appt-resource': found[0], 'patient-id': patient })).status).toBe(
      201,
    );
    expect(startsOf(await findTimes(client, query))).toEqual(['2031-01-06T07:30:00Z']);
  });

  it('leaves out times of visits that were stored without Slots; such a visit can be moved', async () => {
    const { role, practitioner } = await makeClinic(client);
    const patient = await makePatient(client);
    const visit = (time: string, more: object = {}, status = 'accepted') =>
      client.create({
        resourceType: 'Appointment',
        status: 'booked',
        start: `2031-01-06T${time}:00Z`,
        end: new Date(Date.parse(`2031-01-06T${time}:00Z`) + 1_800_000).toISOString(),
        participant: [
          { actor: { reference: patient }, status: 'accepted' },
          { actor: { reference: practitioner }, status },
        ],
        ...more,
      });
    const starts = async () =>
      startsOf(await of(role, 'start=2031-01-06&end=2031-01-06')).map((start) => start.slice(11, 16));
    const first = await visit('09:00');
    await visit('10:00', { status: 'cancelled' });
    await visit('10:30', {}, 'declined');
    expect(await starts()).toEqual(['09:30', '10:00', '10:30', '11:00', '11:30']);
    const moved = await call(client, `${first.id}/$reschedule`, { start: '2031-01-06T11:00:00Z' });
    expect(moved.json).toMatchObject({ status: 'booked', start: '2031-01-06T11:00:00Z' });
    expect(await starts()).toEqual(['09:00', '09:30', '10:00', '10:30', '11:30']);
  });

  it('leaves out times at which the patient named has another visit', async () => {
    const [one, two] = [await makeClinic(client), await makeClinic(client)];
    const patient = await makePatient(client);
    const [first] = await of(one.role, 'start=2031-01-06&end=2031-01-06');
    await call(client, '$book', { 'appt-resource': first, 'patient-id': patient });
    const query = 'start=2031-01-06&end=2031-01-06';
    expect(startsOf(await of(two.role, `${query}&patient=${patient}`))[0]).toBe('2031-01-06T09:30:00Z');
    expect(startsOf(await of(two.role, query))[0]).toBe('2031-01-06T09:00:00Z');
  });

  it('an inactive role or one whose service is not wanted is not asked', async () => {
    const { role } = await makeClinic(client, { role: { active: false } });
    expect(await of(role, 'start=2031-01-06')).toEqual([]);
    const given = await makeClinic(client, { service: { active: false } });
    expect(await of(given.role, 'start=2031-01-06')).toEqual([]);
  });

  it('numbers may be written with digits that say nothing (R4 datatypes.html#decimal)', async () => {
    const url = 'https://vesta.health/fhir/StructureDefinition/visit-type';
    const service = await client.post(
      'HealthcareService',
      `{"resourceType":"HealthcareService","extension":[{"url":"${url}","extension":[
        {"url":"duration","valueDuration":{"value":60.0,"code":"min"}}]}]}`,
    );
    const { role } = await makeClinic(client, {
      role: { healthcareService: [{ reference: `HealthcareService/${service.json.id}` }] },
    });
    const [first] = await of(role, 'start=2031-01-06');
    expect(first.minutesDuration).toBe(60);
  });

  it('a parameter that makes no sense is a 400 that names it', async () => {
    for (const [query, name] of [
      ['start=tomorrow', 'start'],
      ['start=2031-01-06&end=2031-01-05', 'end'],
      ['start=2031-01-06&end=2035-01-05', 'end'],
      ['practitioner=Patient/1', 'practitioner'],
      ['healthcare-service=a/b/c', 'healthcare-service'],
      ['patient=Group/1', 'patient'],
      ['time-of-day=noon', 'time-of-day'],
      ['time-of-day=12:00-11:00', 'time-of-day'],
      ['days-of-week=monday', 'days-of-week'],
      ['_count=0', '_count'],
      ['_count=many', '_count'],
      ['start=2031-01-06&start=2031-01-07', 'start'],
    ] as const) {
      const answer = await client.get(`Appointment/$find?${query}`);
      expect([query, answer.status, answer.expressions]).toEqual([query, 400, [`http.query.${name}`]]);
    }
    // One that there is not is passed over, unless the client wants none passed over (R4 search.html#errors).
    const typo = 'Appointment/$find?start=2031-01-06&practitoner=x&_format=json';
    expect((await client.get(typo)).status).toBe(200);
    const strict = await client.get(typo, { Prefer: 'handling=strict' });
    expect([strict.status, strict.expressions]).toEqual([400, ['http.query.practitoner']]);
    const parameter = [{ name: 'start', valuePeriod: { start: '2031-01-06' } }];
    const answer = await client.post('Appointment/$find', { resourceType: 'Parameters', parameter });
    expect([answer.status, answer.expressions]).toEqual([400, ['http.query.start']]);
  });
});
