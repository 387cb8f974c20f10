import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccessServer, startAccessServer } from './access-server.ts';
import { call, findTimes, hours, startsOf, visitType } from './appointment-clinic.ts';
import type { Answer, HeaderMap, Json } from './harness.ts';

/*
 * Issue 6, section 3: the caller's scope decides about the Appointment, as it does for a create or an update (SMART App
 * Launch scopes, roles, consents); the Slots are the server's. Availability shows no patient data.
 */

let server: AccessServer;
const who: Record<'self' | 'other' | 'carer' | 'desk' | 'scheduler' | 'researcher', HeaderMap> = {} as never;

beforeAll(async () => {
  server = await startAccessServer();
  await server.put(
    { resourceType: 'Patient', id: 'p1' },
    { resourceType: 'Patient', id: 'p2' },
    { resourceType: 'RelatedPerson', id: 'carer', patient: { reference: 'Patient/p1' } },
    {
      resourceType: 'Consent',
      id: 'c1',
      status: 'active',
      scope: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
      },
      category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
      patient: { reference: 'Patient/p1' },
      policyRule: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }],
      },
      provision: {
        provision: [
          {
            type: 'permit',
            actor: [
              { role: { coding: [{ code: 'PRCP' }] }, reference: { reference: 'RelatedPerson/carer' } },
            ],
          },
        ],
      },
    },
    { resourceType: 'RelatedPerson', id: 'stranger', patient: { reference: 'Patient/p1' } },
    { resourceType: 'Practitioner', id: 'd1' },
    {
      resourceType: 'HealthcareService',
      id: 's1',
      extension: [visitType('usual', { duration: 30, alignment: 30 })],
    },
    {
      resourceType: 'PractitionerRole',
      id: 'r1',
      practitioner: { reference: 'Practitioner/d1' },
      healthcareService: [{ reference: 'HealthcareService/s1' }],
      availableTime: [hours('09:00', '17:00')],
    },
  );
  who.self = await server.as({ role: 'patient', fhirUser: 'Patient/p1' });
  who.other = await server.as({ role: 'patient', fhirUser: 'Patient/p2' });
  who.carer = await server.as({ role: 'caregiver', fhirUser: 'RelatedPerson/carer' });
  who.desk = await server.as({ role: 'front_desk', fhirUser: 'Practitioner/d1' });
  who.scheduler = await server.as({ role: 'scheduler', fhirUser: 'Practitioner/d1' });
  who.researcher = await server.as({ role: 'researcher', fhirUser: 'Practitioner/d1' });
}, 60_000);
afterAll(() => server?.stop());

const free = (as: HeaderMap) => findTimes(server.one, 'practitioner=d1&start=2031-01-06&end=2031-01-06', as);
async function bookFor(patient: string, as: HeaderMap, more: object = {}): Promise<Answer> {
  const [proposed] = await free(as);
  return call(server.one, '$book', { 'appt-resource': { ...proposed, ...more }, 'patient-id': patient }, as);
}

describe('who may book', () => {
  it('patients for themselves, caregivers for those they care for, staff for all', async () => {
    for (const [patient, as] of [
      ['p1', who.self],
      ['p1', who.carer],
      ['p2', who.other],
      ['p2', who.scheduler],
      ['p1', who.desk],
    ] as const)
      expect((await bookFor(patient, as)).status).toBe(201);
    for (const [patient, as] of [
      ['p2', who.self],
      ['p1', who.other],
      ['p2', who.carer],
    ] as const) {
      const before = startsOf(await free(as));
      expect((await bookFor(patient, as)).status).toBe(403);
      expect(startsOf(await free(as))).toEqual(before);
    }
    // Without the patient's consent a caregiver may nothing (R4 consent.html).
    const stranger = await server.as({ role: 'caregiver', fhirUser: 'RelatedPerson/stranger' });
    const [proposed] = await free(who.self);
    const refused = await call(
      server.one,
      '$book',
      { 'appt-resource': proposed, 'patient-id': 'p1' },
      stranger,
    );
    expect(refused.status).toBe(403);
  });

  it('not one whose token or role has no right to Appointments', async () => {
    const reader = await server.as({
      role: 'patient',
      fhirUser: 'Patient/p1',
      patient: 'p1',
      scopes: 'patient/Appointment.rs patient/Slot.rs',
    });
    expect((await bookFor('p1', reader)).status).toBe(403);
    expect((await server.one.get('Appointment/$find?start=2031-01-06', who.researcher)).status).toBe(403);
    const [proposed] = await free(who.self);
    for (const path of ['$book', '$hold'])
      expect((await call(server.one, path, { 'appt-resource': proposed }, who.researcher)).status).toBe(403);
  });

  it('a visit of somebody else is not there to be moved or cancelled; one’s own is', async () => {
    const made = (await bookFor('p1', who.self)).json;
    expect((await call(server.one, `${made.id}/$cancel`, {}, who.other)).status).toBe(404);
    const next = { start: '2031-01-06T16:30:00Z' };
    expect((await call(server.one, `${made.id}/$reschedule`, next, who.other)).status).toBe(404);
    expect((await call(server.one, `${made.id}/$cancel`, {}, who.carer)).status).toBe(200);
  });

  it('who does not see all elements changes a visit without losing them', async () => {
    const reasonCode = [{ text: 'chest pain' }];
    const made = (await bookFor('p1', who.self, { reasonCode, comment: 'please early' })).json;
    expect(made).toMatchObject({ reasonCode, comment: 'please early' });
    const moved = await call(
      server.one,
      `${made.id}/$reschedule`,
      { start: '2031-01-06T16:00:00Z' },
      who.desk,
    );
    expect(moved.status).toBe(200);
    expect(moved.json.reasonCode).toBeUndefined();
    const stored = (await server.one.get(`Appointment/${made.id}`, who.self)).json;
    expect(stored).toMatchObject({ start: '2031-01-06T16:00:00Z', reasonCode, comment: 'please early' });
  });

  it('patients join the waiting list for themselves, and take or decline what is offered to them only', async () => {
    const wish = { practitioner: 'd1', start: '2031-01-07', end: '2031-01-07' };
    const refused = await call(server.one, '$wait', { ...wish, 'patient-id': 'p2' }, who.self);
    expect(refused.status).toBe(403);
    const entry = (await call(server.one, '$wait', { ...wish, 'patient-id': 'p1' }, who.self)).json;
    const stored = async () => (await server.one.get(`Appointment/${entry.id}`, who.self)).json;
    await expect.poll(async () => (await stored()).status, { timeout: 30_000 }).toBe('pending');
    for (const [path, given] of [
      ['$book', { 'appt-id': entry.id }],
      [`${entry.id}/$decline`, {}],
    ] as const)
      expect((await call(server.one, path, given, who.other)).status).toBe(404);
    expect((await call(server.one, `${entry.id}/$decline`, {}, who.carer)).json.status).toBe('waitlist');
    const declined = (await stored()).extension[0].extension.filter(({ url }: Json) => url === 'offered');
    expect(declined).toHaveLength(1);
    await expect.poll(async () => (await stored()).status, { timeout: 30_000 }).toBe('pending');
    const booked = await call(server.one, '$book', { 'appt-id': entry.id }, who.self);
    expect([booked.status, booked.json.status]).toEqual([200, 'booked']);
    expect(booked.json.start).not.toBe(declined[0].valueInstant);
  });

  it('what is written beside it is the server’s: patients write no Slots themselves', async () => {
    const made = (await bookFor('p1', who.self)).json;
    const slot = (await server.one.get(made.slot[0].reference, who.scheduler)).json;
    expect(slot.status).toBe('busy');
    const { id: _id, meta: _meta, ...copy } = slot;
    expect((await server.one.post('Slot', { ...copy, start: copy.end }, who.self)).status).toBe(403);
    const freed = { ...slot, status: 'free' };
    expect((await server.one.put(`Slot/${slot.id}`, freed, who.self)).status).toBe(403);
  });
});

describe('who did what', () => {
  /** Provenances of a visit, the first written first. */
  const told = async (id: string, as: HeaderMap): Promise<Json[]> =>
    (
      (await server.one.get(`Provenance?target=Appointment/${id}&_sort=_lastUpdated`, as)).json.entry ?? []
    ).map(({ resource }: Json) => resource);
  const facts = ({ target, activity, agent, recorded }: Json) => {
    expect(Date.parse(recorded)).toBeGreaterThan(Date.now() - 300_000);
    expect(agent).toHaveLength(1);
    return [target[0].reference.split('/_history/')[1], activity.coding[0].code, agent[0].who.reference];
  };

  it('is told by a Provenance of each version, of the person (R4 provenance.html), which the patient may read', async () => {
    const held = await call(
      server.one,
      '$hold',
      { 'appt-resource': (await free(who.self))[0], 'patient-id': 'p1' },
      who.self,
    );
    const { id } = held.json;
    expect((await call(server.one, '$book', { 'appt-id': id }, who.carer)).json.status).toBe('booked');
    const next = { start: '2031-01-06T15:00:00Z' };
    expect((await call(server.one, `${id}/$reschedule`, next, who.scheduler)).status).toBe(200);
    expect((await call(server.one, `${id}/$check-in`, {}, who.desk)).json.status).toBe('checked-in');
    const provenances = await told(id, who.self);
    expect(provenances.map(facts)).toEqual([
      ['1', 'CREATE', 'Patient/p1'],
      ['2', 'UPDATE', 'RelatedPerson/carer'],
      ['3', 'UPDATE', 'Practitioner/d1'],
      ['4', 'UPDATE', 'Practitioner/d1'],
    ]);
    for (const { target } of provenances) expect(target).toHaveLength(1);
    expect(await told(id, who.other)).toEqual([]);
    const cancelled = (await bookFor('p1', who.self)).json;
    await call(server.one, `${cancelled.id}/$cancel`, {}, who.self);
    expect((await told(cancelled.id, who.carer)).map(facts)).toEqual([
      ['1', 'CREATE', 'Patient/p1'],
      ['2', 'UPDATE', 'Patient/p1'],
    ]);
    // Of what is refused nothing is told.
    expect((await call(server.one, `${cancelled.id}/$cancel`, {}, who.self)).status).toBe(422);
    expect(await told(cancelled.id, who.self)).toHaveLength(2);
    const events = (await server.one.get(`AuditEvent?entity=Appointment/${id}`, who.self)).json.entry;
    expect(events.length).toBeGreaterThanOrEqual(4);
  });

  it('by X-Provenance alone where the asker gives one and may make Provenances', async () => {
    const author = { type: { text: 'desk' }, who: { display: 'The telephone of the desk' } };
    const given = { resourceType: 'Provenance', recorded: '2026-01-05T10:00:00Z', agent: [author] };
    const header = { 'X-Provenance': JSON.stringify(given) };
    const doctor = await server.as({ role: 'attending', fhirUser: 'Practitioner/d1' });
    const made = await bookFor('p1', { ...doctor, ...header });
    expect(made.status).toBe(201);
    expect((await told(made.json.id, doctor)).map(({ agent }) => agent)).toEqual([[author]]);
    expect((await bookFor('p1', { ...who.self, ...header })).status).toBe(403);
    const wrong = { 'X-Provenance': '{}' };
    const refused = await call(server.one, `${made.json.id}/$cancel`, {}, { ...doctor, ...wrong });
    expect([refused.status, refused.expressions]).toEqual([400, ['http.x-provenance']]);
  });
});

describe('availability', () => {
  it('shows nothing of other patients, nor do Slots and refusals', async () => {
    await bookFor('p2', who.other, { comment: 'secret of p2', reasonCode: [{ text: 'secret reason' }] });
    const found = await server.one.get('Appointment/$find?practitioner=d1&start=2031-01-06', who.self);
    const slots = await server.one.get('Slot?_count=100', who.self);
    expect(slots.json.entry.length).toBeGreaterThan(3);
    const taken = await free(who.self);
    const busy = { ...taken[0], start: '2031-01-06T09:00:00Z', end: '2031-01-06T09:30:00Z' };
    const lost = await call(server.one, '$book', { 'appt-resource': busy, 'patient-id': 'p1' }, who.self);
    expect(lost.status).toBe(409);
    for (const answer of [found, slots, lost]) {
      expect(answer.text).not.toContain('Patient/p2');
      expect(answer.text).not.toContain('secret');
      expect(answer.text).not.toContain('"Appointment/');
    }
  });

  it('who offers what and where is for all who look for a time to read, and for none of them to write', async () => {
    const ids = async (path: string) =>
      ((await server.one.get(path, who.other)).json.entry ?? []).map(({ resource }: Json) => resource.id);
    expect(await ids('HealthcareService')).toEqual(['s1']);
    expect(await ids('PractitionerRole?service=s1&_include=PractitionerRole:practitioner')).toEqual([
      'r1',
      'd1',
    ]);
    const launched = await server.as({ scopes: 'patient/*.rs', patient: 'p2' });
    expect((await server.one.get('Practitioner/d1', launched)).status).toBe(200);
    for (const as of [who.other, launched]) {
      const put = { resourceType: 'HealthcareService', id: 's1', name: 'x' };
      expect((await server.one.put('HealthcareService/s1', put, as)).status).toBe(403);
    }
    const narrow = await server.as({ scopes: 'patient/Appointment.rs', patient: 'p2' });
    expect((await server.one.get('Practitioner/d1', narrow)).status).toBe(403);
  });

  it('for a patient who is named it needs the right to see that patient’s visits', async () => {
    const query = 'Appointment/$find?practitioner=d1&start=2031-01-06&end=2031-01-06';
    const starts = async (patient: string, as: HeaderMap) =>
      startsOf(
        (await server.one.get(`${query}&patient=${patient}`, as)).json.entry.map((one: Json) => one.resource),
      );
    // Of another patient nothing is known, so nothing is left out.
    expect(await starts('p2', who.self)).toEqual(startsOf(await free(who.self)));
  });
});
