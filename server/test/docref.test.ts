import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, idsOf, type Json, linkOf, startHarness, type TestClient } from './harness.ts';

/*
 * DocumentReference/$docref, http://hl7.org/fhir/us/core/OperationDefinition/docref in US Core 5.0.1 to 8.0.0.
 */

const CCD = { system: 'http://loinc.org', code: '34133-9' };
const DISCHARGE = { system: 'http://loinc.org', code: '18842-5' };
const CCDA_FORMAT = 'urn:hl7-org:sdwg:ccda-structuredBody:2.1';
const OWN_PROFILE = 'http://example.org/StructureDefinition/visit-note';

let harness: Harness;
let client: TestClient;
let patient: string;
let other: string;
const ids: Record<string, string> = {};

interface Document {
  readonly type: object;
  readonly date: string;
  readonly period?: object;
  readonly status?: string;
  readonly format?: string;
  readonly profile?: string;
  readonly subject?: string;
}

async function document(name: string, given: Document): Promise<void> {
  const stored = await client.create({
    resourceType: 'DocumentReference',
    status: given.status ?? 'current',
    type: { coding: [given.type] },
    subject: { reference: `Patient/${given.subject ?? patient}` },
    date: given.date,
    ...(given.profile === undefined ? {} : { meta: { profile: [given.profile] } }),
    content: [
      {
        attachment: { contentType: 'application/xml', url: 'http://example.org/d.xml' },
        ...(given.format === undefined ? {} : { format: { system: 'urn:oid:1.3', code: given.format } }),
      },
    ],
    ...(given.period === undefined ? {} : { context: { period: given.period } }),
  });
  ids[name] = stored.id;
}

const year = (of: number): object => ({ start: `${of}-01-01`, end: `${of}-12-31` });

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
  patient = (await client.create({ resourceType: 'Patient' })).id;
  other = (await client.create({ resourceType: 'Patient' })).id;
  await document('oldCcd', {
    type: CCD,
    date: '2019-06-01T00:00:00Z',
    period: year(2019),
    format: CCDA_FORMAT,
  });
  await document('newCcd', { type: CCD, date: '2021-06-01T00:00:00Z', period: year(2021) });
  await document('replacedCcd', {
    type: CCD,
    date: '2022-06-01T00:00:00Z',
    period: year(2022),
    status: 'superseded',
  });
  await document('wrongCcd', {
    type: CCD,
    date: '2022-07-01T00:00:00Z',
    period: year(2022),
    status: 'entered-in-error',
  });
  await document('discharge', { type: DISCHARGE, date: '2020-06-01T00:00:00Z', period: year(2020) });
  await document('lateDischarge', {
    type: DISCHARGE,
    date: '2023-06-01T00:00:00Z',
    period: { start: '2023-05-01T08:00:00+02:00' },
    profile: OWN_PROFILE,
  });
  await document('others', { type: CCD, date: '2024-01-01T00:00:00Z', period: year(2023), subject: other });
});
afterAll(() => harness?.stop());

/** The names of the documents that a call answers with, in order. */
async function names(call: string): Promise<string[]> {
  const answer = await client.get(`DocumentReference/$docref?${call}`);
  expect(answer.status).toBe(200);
  return namesOf(answer.json);
}

function namesOf(bundle: Json): string[] {
  expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'searchset' });
  return idsOf(bundle).map((id) => Object.keys(ids).find((name) => ids[name] === id) ?? id);
}

const parameters = (...parameter: object[]): object => ({ resourceType: 'Parameters', parameter });

describe('DocumentReference/$docref (US Core)', () => {
  it('gives the most current CCD when only the patient is named', async () => {
    expect(await names(`patient=${patient}`)).toEqual(['newCcd']);
    expect(await names(`patient=Patient/${patient}`)).toEqual(['newCcd']);
  });

  it('gives an empty searchset for a patient that is not there or has no CCD', async () => {
    expect(await names('patient=nobody')).toEqual([]);
    const empty = (await client.create({ resourceType: 'Patient' })).id;
    const answer = await client.get(`DocumentReference/$docref?patient=${empty}`);
    expect(answer.json).toMatchObject({ type: 'searchset', total: 0 });
    expect(answer.json.entry).toBeUndefined();
  });

  it('takes start and end as dates of care, open where one is missing, of all types and patients only the one', async () => {
    expect(await names(`patient=${patient}&start=2020-03-01&end=2021-03-01`)).toEqual([
      'newCcd',
      'discharge',
    ]);
    expect(await names(`patient=${patient}&start=2022-01-01`)).toEqual(['lateDischarge', 'replacedCcd']);
    expect(await names(`patient=${patient}&end=2019-12-31T23:00:00Z`)).toEqual(['oldCcd']);
    expect(await names(`patient=${patient}&start=2022-06-15T00:00:00%2B01:00&end=2022-06-16`)).toEqual([
      'replacedCcd',
    ]);
  });

  it('narrows by type; without dates to the most recent of each type', async () => {
    expect(await names(`patient=${patient}&type=http://loinc.org|18842-5`)).toEqual(['lateDischarge']);
    expect(await names(`patient=${patient}&type=18842-5&start=2019&end=2020-12`)).toEqual(['discharge']);
    expect(await names(`patient=${patient}&type=18842-5&type=34133-9`)).toEqual(['lateDischarge', 'newCcd']);
    expect(await names(`patient=${patient}&type=18842-5,34133-9&start=2020-02&end=2021-02`)).toEqual([
      'newCcd',
      'discharge',
    ]);
  });

  it('takes type as Coding (US Core 6) and as CodeableConcept (US Core 5) in Parameters', async () => {
    for (const type of [{ valueCoding: DISCHARGE }, { valueCodeableConcept: { coding: [DISCHARGE] } }]) {
      const answer = await client.post(
        'DocumentReference/$docref',
        parameters({ name: 'patient', valueId: patient }, { name: 'type', ...type }),
      );
      expect(answer.status).toBe(200);
      expect(namesOf(answer.json)).toEqual(['lateDischarge']);
    }
  });

  it('narrows by profile: the format of the content, or what the DocumentReference declares', async () => {
    expect(await names(`patient=${patient}&start=2018&profile=${CCDA_FORMAT}`)).toEqual(['oldCcd']);
    expect(await names(`patient=${patient}&start=2018&profile=${OWN_PROFILE}`)).toEqual(['lateDischarge']);
    expect(
      await names(`patient=${patient}&start=2018&profile=${OWN_PROFILE}&profile=${CCDA_FORMAT}`),
    ).toEqual(['lateDischarge', 'oldCcd']);
    expect(await names(`patient=${patient}&profile=${CCDA_FORMAT}`)).toEqual(['oldCcd']);
    expect(await names(`patient=${patient}&profile=http://example.org/unknown`)).toEqual([]);
  });

  it('answers an empty searchset for on-demand documents alone, which it cannot generate', async () => {
    expect(await names(`patient=${patient}&on-demand=true`)).toEqual([]);
    expect(await names(`patient=${patient}&on-demand=false`)).toEqual(['newCcd']);
  });

  it('says what was asked in the self link, and pages', async () => {
    const answer = await client.get(`DocumentReference/$docref?patient=${patient}&start=2018&_count=2`);
    expect(linkOf(answer.json, 'self')).toBe(
      `${client.base}/DocumentReference/$docref?patient=${patient}&start=2018&_count=2`,
    );
    const { entries } = await client.pages(
      `DocumentReference/$docref?patient=${patient}&start=2018&_count=2`,
    );
    expect(entries.map((one) => one.resource.id)).toEqual(
      ['lateDischarge', 'replacedCcd', 'newCcd', 'discharge', 'oldCcd'].map((name) => ids[name]),
    );
    expect(entries[0].fullUrl).toBe(`${client.base}/DocumentReference/${ids['lateDischarge']}`);
  });

  it.each([
    ['', 'http.query.patient', 'required'],
    ['patient=', 'http.query.patient', 'required'],
    ['patient=a/b', 'http.query.patient', 'value'],
    ['patient=x&start=yesterday', 'http.query.start', 'value'],
    ['patient=x&end=2020-99', 'http.query.end', 'value'],
    ['patient=x&on-demand=perhaps', 'http.query.on-demand', 'value'],
    ['patient=x&type=,', 'http.query.type', 'value'],
  ])('refuses "%s" naming %s', async (call, expression, code) => {
    const answer = await client.get(`DocumentReference/$docref?${call}`);
    expect(answer.status).toBe(400);
    expect(answer.issueCodes).toEqual([code]);
    expect(answer.expressions).toEqual([expression]);
  });

  it('refuses Parameters whose type has no code', async () => {
    const answer = await client.post(
      'DocumentReference/$docref',
      parameters({ name: 'patient', valueId: patient }, { name: 'type', valueCoding: { display: 'CCD' } }),
    );
    expect(answer.status).toBe(400);
  });

  it('is offered on the type alone', async () => {
    expect((await client.get(`DocumentReference/${ids['newCcd']}/$docref`)).status).toBe(404);
    expect((await client.get('Patient/$docref')).status).toBe(404);
  });
});
