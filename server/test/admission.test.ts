import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AGENTS } from '../src/agents/registry.ts';
import { type Harness, type Json, startHarness } from './harness.ts';
import { parameters, until, WorkflowClient } from './workflow-support.ts';

/* R4 patient-operation-match.html; issue 6, section 2: admission. */

let harness: Harness;
let client: WorkflowClient;

beforeAll(async () => {
  harness = await startHarness({
    service: {
      agents: AGENTS.filter(({ name }) => ['admission', 'triage', 'medical-records'].includes(name)),
    },
  });
  client = new WorkflowClient(harness);
});
afterAll(() => harness?.stop());

const NHI = 'http://example.org/nhi';
let n = 0;
/** A family name that no other test has. */
let family = '';
beforeEach(() => {
  family = `Zz${'abcdefghijklmnopqrstuvwxyz'[n++]}orn`;
});
const person = (more: object = {}) => ({
  resourceType: 'Patient',
  name: [{ family, given: ['Elizabeth'] }],
  birthDate: `196${n % 10}-04-${String(10 + (n % 18)).padStart(2, '0')}`,
  gender: 'female',
  telecom: [{ system: 'phone', value: `030 5551${String(n).padStart(3, '0')}` }],
  ...more,
});
const create = async (resource: object): Promise<Json> => harness.client().create(resource);
const match = (resource: object, ...more: object[]) =>
  harness.client().post('Patient/$match', parameters({ name: 'resource', resource }, ...more));
const grades = ({ json }: { json: Json }): [string, string][] =>
  (json.entry ?? []).map(({ resource, search }: Json) => [resource.id, search.extension[0].valueCode]);

describe('Patient/$match', () => {
  test('finds the patient by slips and nicknames, with score and grade, best first', async () => {
    const known = await create(person());
    await create(
      person({
        name: [{ family, given: ['Peter'] }],
        birthDate: '1999-09-09',
        telecom: undefined,
        gender: 'male',
      }),
    );
    const exact = await match(person());
    expect(grades(exact)[0]).toEqual([known.id, 'certain']);
    const { search, fullUrl } = exact.json.entry[0];
    expect(exact.json.type).toBe('searchset');
    expect(fullUrl).toBe(`${harness.client().base}/Patient/${known.id}`);
    expect(search).toMatchObject({
      mode: 'match',
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/match-grade', valueCode: 'certain' }],
    });
    expect(search.score).toBeGreaterThan(0.99);
    const { birthDate } = known;
    const sloppy = {
      resourceType: 'Patient',
      name: [{ family: family.replace('orn', 'ron'), given: ['Liz'] }],
      birthDate,
    };
    expect(grades(await match(sloppy))).toEqual([[known.id, 'probable']]);
    const swapped = { resourceType: 'Patient', name: [{ family: 'Elizabeth', given: [family] }], birthDate };
    expect(grades(await match(swapped))[0]?.[0]).toBe(known.id);
    // A bare Patient is the parameter resource (R4 operations.html#request).
    const bare = await harness.client().post('Patient/$match', person());
    expect(grades(bare)[0]?.[0]).toBe(known.id);
  });

  test('onlyCertainMatches gives one or none: none where two could be meant; count limits', async () => {
    const certain = { name: 'onlyCertainMatches', valueBoolean: true };
    const first = await create(person());
    expect(grades(await match(person(), certain))).toEqual([[first.id, 'certain']]);
    await create(person());
    expect((await match(person(), certain)).json.total).toBe(0);
    expect(grades(await match(person()))).toHaveLength(2);
    expect(grades(await match(person(), { name: 'count', valueInteger: 1 }))).toHaveLength(1);
  });

  test('one that was replaced by another is not found', async () => {
    const kept = await create(person());
    await create(
      person({ active: false, link: [{ other: { reference: `Patient/${kept.id}` }, type: 'replaced-by' }] }),
    );
    expect(grades(await match(person()))).toEqual([[kept.id, 'certain']]);
  });

  test('too little, and what is wrong, is told', async () => {
    expect((await match({ resourceType: 'Patient', gender: 'male' })).status).toBe(422);
    expect((await match({ resourceType: 'Basic' })).status).toBe(400);
    const wrongDate = await match(person({ birthDate: '1981-13-45' }));
    expect(wrongDate.status).toBe(422);
    expect(wrongDate.json.issue[0].expression).toEqual([
      "Parameters.parameter.where(name='resource').resource.birthDate",
    ]);
    expect((await match(person({ name: 'Thorn' }))).status).toBe(400);
    const two = { name: 'resource', resource: person() };
    expect((await match(person(), two)).status).toBe(400);
    expect((await harness.client().post('Patient/$match', parameters())).status).toBe(400);
    expect((await match(person(), { name: 'count', valueInteger: 0 })).status).toBe(400);
    expect((await match(person(), { name: 'onlyCertainMatches', valueString: 'maybe' })).status).toBe(400);
    expect((await match(person())).json).toMatchObject({ type: 'searchset', total: 0 });
  });
});

describe('admission in the emergency workflow', () => {
  const WORDS = '62, crushing chest pain, sweating, BP 90/60';
  const start = (patient?: object) =>
    client.start(
      'emergency',
      { name: 'intake', valueString: WORDS },
      ...(patient === undefined ? [] : [{ name: 'patient', resource: patient }]),
    );

  test('a certain match takes the temporary Patient’s place, and everything moves with it', async () => {
    const known = await create(person({ identifier: [{ system: NHI, value: `N-${family}` }] }));
    const allergy = {
      resourceType: 'AllergyIntolerance',
      patient: { reference: `Patient/${known.id}` },
      code: { text: 'Penicillin' },
    };
    await create(allergy);
    const group = await start(person({ identifier: [{ system: NHI, value: `n${family}` }] }));
    const task = await client.step(group, 'admission', 'completed');
    const reference = `Patient/${known.id}`;
    expect(task.for).toEqual({ reference });
    const now = await client.read(`RequestGroup/${group.id}`);
    expect(now.subject).toEqual({ reference });
    const encounter = await client.read(now.encounter.reference);
    expect(encounter).toMatchObject({ subject: { reference }, class: { code: 'EMER' } });
    const risk = (await client.read(`RiskAssessment?encounter=${now.encounter.reference}`)).entry[0].resource;
    expect(risk.subject).toEqual({ reference });
    const observations = (await client.read(`Observation?encounter=${now.encounter.reference}`)).entry;
    for (const { resource } of observations) expect(resource.subject).toEqual({ reference });
    const triage = (await client.tasks(group))['triage'];
    expect(triage.for).toEqual({ reference });
    const replaced = (await client.read(`Patient?link=${reference}`)).entry;
    expect(replaced).toHaveLength(1);
    expect(replaced[0].resource).toMatchObject({
      active: false,
      link: [{ other: { reference }, type: 'replaced-by' }],
    });
    const provenance = await client.read(`Provenance?target=${now.encounter.reference}`);
    expect(JSON.stringify(provenance)).toMatch(/"reference":"Device\//);
    const records = await client.step(group, 'medical-records', 'completed');
    expect(JSON.stringify(records.output)).toContain('Composition/');
  });

  test('nobody known: the temporary Patient becomes a registered one', async () => {
    const group = await start(person());
    await client.step(group, 'admission', 'completed');
    const { subject } = await client.read(`RequestGroup/${group.id}`);
    const patient = await client.read(subject.reference);
    expect(patient).toMatchObject({ active: true, name: [{ family, given: ['Elizabeth'] }] });
    expect((await client.read(`Patient?family=${family}&_summary=count`)).total).toBe(1);
    expect(grades(await match(person()))[0]?.[0]).toBe(patient.id);
  });

  test('a probable match is not merged: the front desk is asked; what it accepts is done', async () => {
    const { telecom: _, ...bare } = person();
    const known = await create(bare);
    const group = await start(bare);
    await client.step(group, 'admission', 'completed');
    const { subject, encounter } = await client.read(`RequestGroup/${group.id}`);
    expect(subject.reference).not.toBe(`Patient/${known.id}`);
    const task = await until(async () => {
      const { entry } = await client.read(`Task?patient=${subject.reference}&status=requested`);
      return entry
        ?.map(({ resource }: Json) => resource)
        .find(({ code }: Json) => code.coding.some((coding: Json) => coding.code === 'admission.merge'));
    });
    expect(task).toMatchObject({
      performerType: [{ coding: [{ code: 'front_desk' }] }],
      reasonCode: { text: expect.stringContaining(`Patient/${known.id}`) },
    });
    expect((await client.read(encounter.reference)).subject).toEqual(subject);
    await harness.client().put(`Task/${task.id}`, { ...task, status: 'accepted' });
    await until(
      async () => (await client.read(encounter.reference)).subject.reference === `Patient/${known.id}`,
    );
    expect((await client.read(subject.reference)).active).toBe(false);
    expect((await client.read(`RequestGroup/${group.id}`)).subject).toEqual({
      reference: `Patient/${known.id}`,
    });
  });

  test('nothing is said of who it is: the visit goes on under the temporary Patient', async () => {
    const group = await start();
    const task = await client.step(group, 'admission', 'completed');
    expect(JSON.stringify(task.output)).toContain('not-identified');
    expect((await client.states(group))['legal']).toBe('requested');
  });
});

describe('admission elsewhere', () => {
  test('a regular visit of nobody waits until the front desk has said who it is', async () => {
    const known = await create(person());
    const group = await client.start('regular', { name: 'intake', valueString: 'a check-up' });
    await client.step(group, 'admission', 'on-hold');
    const [step] = await client.steps(group);
    const task = await client.read(step['waits-for']);
    expect(task.performerType[0].coding[0].code).toBe('front_desk');
    await harness.client().put(`Task/${task.id}`, {
      ...task,
      status: 'completed',
      output: [{ type: { text: 'patient' }, valueReference: { reference: `Patient/${known.id}` } }],
    });
    await client.step(group, 'admission', 'completed');
    expect((await client.read(`RequestGroup/${group.id}`)).subject).toEqual({
      reference: `Patient/${known.id}`,
    });
  });

  test('Encounter/$admit registers, and keeps coverage and document for the person', async () => {
    const answer = await harness.client().post(
      'Encounter/$admit',
      parameters(
        { name: 'patient', resource: person() },
        {
          name: 'coverage',
          resource: {
            resourceType: 'Coverage',
            status: 'active',
            beneficiary: { display: 'as given' },
            payor: [{ display: 'Insurer' }],
          },
        },
        {
          name: 'document',
          resource: {
            resourceType: 'DocumentReference',
            status: 'current',
            content: [{ attachment: { title: 'card' } }],
          },
        },
      ),
    );
    expect(answer.status).toBe(200);
    const told = Object.fromEntries(
      answer.json.parameter.map((one: Json) => [one.name, one.valueReference?.reference ?? one.valueCode]),
    );
    expect(told).toMatchObject({ outcome: 'registered' });
    expect((await client.read(told.coverage)).beneficiary).toEqual({ reference: told.patient });
    expect((await client.read(told.document)).subject).toEqual({ reference: told.patient });
    expect((await harness.client().post('Encounter/$admit', parameters())).status).toBe(400);
  });
});
