import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScope } from '../src/access/scope.ts';
import type { AvailabilityAnswer } from '../src/agents/availability/index.ts';
import type { BookingAnswer } from '../src/agents/booking/index.ts';
import { AGENTS } from '../src/agents/registry.ts';
import type { JsonObject } from '../src/json/types.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { configureTenant } from '../src/storage/tenants.ts';
import type { StepOutput } from '../src/workflows/step.ts';
import { type Clinic, makeClinic, makePatient, startsOf, VISITS } from './appointment-clinic.ts';
import { type Harness, startHarness, type TestClient } from './harness.ts';

/* Issue 6, section 2: the agents Availability and Booking, under the scope of whom they act for. */

let harness: Harness;
let client: TestClient;
let clinic: Clinic;
let patient: string;

beforeAll(async () => {
  harness = await startHarness({ service: { agents: AGENTS } });
  client = harness.client();
  const specialty = [{ coding: [{ system: 'http://snomed.info/sct', code: '394579002' }] }];
  clinic = await makeClinic(client, { zone: 'America/New_York', role: { specialty } });
  patient = await makePatient(client);
});
afterAll(() => harness?.stop());

async function run<T>(agent: string, input: JsonObject, caller: object = {}): Promise<T> {
  const { fhir, agents } = harness.service;
  const context = await fhir.tenants.byName('test');
  if (context === undefined) throw new Error('no tenant');
  const scope = { ...openScope(context.tenant), ...caller };
  return (await agents.runtime.run(context, agent, input, { caller: scope })).output as T;
}
const WISH = { specialty: '394579002', from: '2031-01-06', to: '2031-01-10' };
const find = (more: JsonObject = {}, caller?: object) =>
  run<AvailabilityAnswer>('availability', { ...WISH, ...more }, caller);
const self = () => ({
  subject: patient,
  grants: [
    { types: '*', interactions: '*', compartment: { type: 'Patient', id: patient.split('/')[1] } },
    {
      types: ['Slot', 'Schedule', 'Practitioner', 'PractitionerRole', 'Location', 'HealthcareService'],
      interactions: ['read', 'search-type'],
    },
  ],
});

describe('Availability', () => {
  it('finds times by specialty, part of day and days, and tells them in words with place and zone', async () => {
    const { proposals } = await find({ patient, most: 2, days: ['wed'], timeOfDay: 'morning' });
    expect(startsOf(proposals)).toEqual(['2031-01-08T09:00:00-05:00', '2031-01-08T09:30:00-05:00']);
    expect(proposals[0]).toMatchObject({ resourceType: 'Appointment', status: 'proposed' });
    expect(proposals[0]?.['description']).toBe(
      'Wednesday, January 8, 2031 at 9:00 AM EST (America/New_York) · Cardiology · Dr Kim · Room',
    );
    expect((await find({ timeOfDay: 'evening' })).proposals).toEqual([]);
    expect((await find({ specialty: '394537008' })).proposals).toEqual([]);
    expect(
      (await find({ most: 1, visitType: `${VISITS}|usual`, practitioner: clinic.role })).proposals,
    ).toHaveLength(1);
  });

  it('tells them in the language that is asked for', async () => {
    const [first] = (await find({ most: 1, language: 'es' })).proposals;
    expect(first?.['description']).toMatch(/^lunes, 6 de enero de 2031/);
  });

  it('refuses an input that is wrong, naming the element', async () => {
    for (const [more, element] of [
      [{ from: 7 }, 'availability.from'],
      [{ days: ['someday'] }, 'availability.days'],
      [{ practitioner: 'Patient/1' }, 'availability.practitioner'],
      [{ most: 51 }, 'availability.most'],
    ] as const)
      await expect(find(more as unknown as JsonObject)).rejects.toMatchObject({
        status: 400,
        issues: [{ expression: element }],
      });
    await expect(find({ from: 'soon' })).rejects.toMatchObject({ status: 400 });
  });
});

describe('Booking', () => {
  it('books, moves and cancels for the patient it acts for; a Provenance names the Device and the patient', async () => {
    const [first, second] = (await find({ patient }, self())).proposals;
    const booked = await run<BookingAnswer>(
      'booking',
      { kind: 'book', proposal: first as JsonObject, patient },
      self(),
    );
    if (!booked.done) throw new Error(booked.reason);
    expect(booked.appointment).toMatchObject({ status: 'booked', start: first?.['start'] });
    const appointment = `Appointment/${String(booked.appointment['id'])}`;
    const [provenance] = (await client.get(`Provenance?target=${appointment}`)).json.entry;
    expect(provenance.resource.agent[0].onBehalfOf).toEqual({ reference: patient });
    const moved = await run<BookingAnswer>(
      'booking',
      { kind: 'move', appointment, proposal: second as JsonObject },
      self(),
    );
    expect(moved).toMatchObject({ done: true, appointment: { start: second?.['start'] } });
    const cancelled = await run<BookingAnswer>(
      'booking',
      { kind: 'cancel', appointment, reason: 'not needed' },
      self(),
    );
    expect(cancelled).toMatchObject({
      appointment: { status: 'cancelled', cancelationReason: { text: 'not needed' } },
    });
    expect(startsOf((await find({ most: 2 })).proposals)).toEqual(startsOf([first, second]));
  });

  it('a time that is gone is answered with the next ones', async () => {
    const [first] = (await find({ patient, most: 1 })).proposals;
    const order = { kind: 'book', proposal: first as JsonObject, patient };
    expect(await run('booking', order)).toMatchObject({ done: true });
    const late = await run<BookingAnswer>('booking', { ...order, kind: 'hold' });
    expect(late).toMatchObject({ done: false });
    if (late.done) return;
    expect(late.next.length).toBeGreaterThan(0);
    expect(late.next[0]?.start).not.toBe(first?.['start']);
  });

  it('cannot do for its caller what the caller may not', async () => {
    const other = await makePatient(client);
    const [first] = (await find({ most: 1 })).proposals;
    const order = { kind: 'book', proposal: first as JsonObject, patient: other };
    await expect(run('booking', order, self())).rejects.toMatchObject({ status: 403 });
    const reader = { grants: [{ types: '*', interactions: ['read', 'search-type'] }] };
    await expect(run('booking', { ...order, patient }, reader)).rejects.toMatchObject({ status: 403 });
  });
});

describe('Scheduling, as the step of a workflow', () => {
  const step = (task: JsonObject = {}) => ({
    task: { resourceType: 'Task', status: 'in-progress', intent: 'order', ...task },
    group: { resourceType: 'RequestGroup', id: 'g', status: 'active', intent: 'order' },
    subject: patient,
    earlier: {},
  });
  const input = (name: string, value: JsonObject) => ({ type: { text: name }, ...value });
  const runStep = async (task: JsonObject, runId: string) => {
    const { fhir, agents } = harness.service;
    const context = await fhir.tenants.byName('test');
    if (context === undefined) throw new Error('no tenant');
    return (await agents.runtime.run(context, 'scheduling', step(task), { runId })).output as StepOutput;
  };
  const reference = ({ outputs }: StepOutput) =>
    (outputs.map((one) => one['valueReference'])[0] as { reference: string }).reference;

  it('has the patient get the first free time of what the step says; done again it makes no second visit', async () => {
    const task = {
      input: [
        input('service', { valueReference: { reference: clinic.service } }),
        input('first-day', { valueInteger: 3 }),
        input('last-day', { valueInteger: 10 }),
      ],
    };
    const first = await runStep(task, 'run-1');
    const made = reference(first);
    await expect.poll(async () => (await client.get(made)).json.status, { timeout: 30_000 }).toBe('booked');
    const { json: visit } = await client.get(made);
    expect(Date.parse(visit.start) - Date.now()).toBeGreaterThan(2.9 * 86_400_000);
    expect(visit.participant[0].actor.reference).toBe(patient);
    expect(reference(await runStep(task, 'run-1'))).toBe(made);
    expect((await client.get(made)).json.meta.versionId).toBe(visit.meta.versionId);
  });

  it('asks the scheduler where the tenant wants that, and waits for the answer', async () => {
    await withOwner(harness.database.ownerUrl, (owner) =>
      configureTenant(owner, 'test', { 'agents.autonomy.scheduling.follow-up': 'asks' }),
    );
    const { tenants } = harness.service.fhir;
    const autonomy = async () => (await tenants.byName('test'))?.policy.autonomy.get('scheduling.follow-up');
    await expect.poll(autonomy, { timeout: 30_000 }).toBe('asks');
    await client.put('RequestGroup/g', {
      resourceType: 'RequestGroup',
      id: 'g',
      status: 'active',
      intent: 'order',
    });
    const asked = await runStep({}, 'run-2');
    const { json: task } = await client.get(asked.waits as string);
    expect(task).toMatchObject({ status: 'requested', for: { reference: patient } });
    expect(await runStep({}, 'run-2')).toEqual(asked);
    await client.put(asked.waits as string, { ...task, status: 'rejected' });
    expect(await runStep({}, 'run-2')).toEqual({ outputs: [] });
  });
});
