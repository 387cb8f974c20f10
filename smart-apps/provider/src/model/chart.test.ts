import { describe, expect, test } from 'vitest';
import type {
  AllergyIntolerance,
  Bundle,
  Condition,
  MedicationRequest,
  Observation,
  Resource,
} from './fhir.ts';
import { observedText, target } from './fhir.ts';
import { allergies, medications, problems } from './lists.ts';
import { scheduleRows } from './schedule.ts';
import { timelineOf } from './timeline.ts';
import { trendsOf } from './trends.ts';

const made = <T extends Resource>(...some: object[]) => some as T[];

describe('elements', () => {
  test.each([
    ['Patient/1', 'Patient/1'],
    ['https://x.org/fhir/Patient/1/_history/3', 'Patient/1'],
    ['#p', undefined],
    ['urn:uuid:5f0c1d5e-6f5b-4f0e-9d6a-0a6f6f1f7a01', undefined],
    [undefined, undefined],
  ])('the target of %s is %s (R4 references.html)', (reference, expected) => {
    expect(target(reference === undefined ? undefined : { reference })).toBe(expected);
  });

  test('values: numbers without noise, concepts, components of several units', () => {
    const value = (more: object) =>
      observedText({ resourceType: 'Observation', status: 'final', code: {}, ...more } as Observation, 'en');
    expect(value({ valueQuantity: { value: 0.1 + 0.2, unit: 'mg' } })).toBe('0.3 mg');
    expect(value({ valueCodeableConcept: { coding: [{ code: 'x', display: 'Positive' }] } })).toBe(
      'Positive',
    );
    expect(
      value({
        component: [
          { code: { text: 'Systolic' }, valueQuantity: { value: 90, unit: 'mmHg' } },
          { code: { text: 'Diastolic' }, valueQuantity: { value: 60, unit: 'mmHg' } },
        ],
      }),
    ).toBe('90/60 mmHg');
    expect(
      value({
        component: [
          { code: { text: 'Length' }, valueQuantity: { value: 1, unit: 'cm' } },
          { code: { text: 'Weight' }, valueQuantity: { value: 2, unit: 'kg' } },
        ],
      }),
    ).toBe('Length 1 cm, Weight 2 kg');
    expect(value({})).toBe('');
  });
});

describe('lists of the chart', () => {
  test('problems: active ones first, then the newest; none entered in error', () => {
    const condition = (id: string, status: string, onsetDateTime: string, more: object = {}) => ({
      resourceType: 'Condition',
      id,
      code: { text: id },
      clinicalStatus: { coding: [{ code: status }] },
      onsetDateTime,
      ...more,
    });
    const list = problems(
      made<Condition>(
        condition('old', 'resolved', '2025'),
        condition('asthma', 'active', '2001'),
        condition('flu', 'recurrence', '2020-01-02'),
        condition('wrong', 'active', '2026', {
          verificationStatus: { coding: [{ code: 'entered-in-error' }] },
        }),
      ),
    );
    expect(list.map(({ id }) => id)).toEqual(['flu', 'asthma', 'old']);
  });

  test('medicines: by status, with the names of what they refer to', () => {
    const list = medications(
      made<MedicationRequest>(
        {
          resourceType: 'MedicationRequest',
          id: 'a',
          status: 'stopped',
          medicationCodeableConcept: { text: 'A' },
        },
        {
          resourceType: 'MedicationRequest',
          id: 'b',
          status: 'active',
          medicationReference: { reference: 'Medication/m' },
          dosageInstruction: [{ text: 'daily' }],
        },
        { resourceType: 'MedicationRequest', id: 'c', status: 'entered-in-error' },
      ),
      new Map([['Medication/m', { resourceType: 'Medication', code: { text: 'B' } } as Resource]]),
    );
    expect(list.map(({ title, status, detail }) => [title, status, detail])).toEqual([
      ['B', 'active', 'daily'],
      ['A', 'stopped', ''],
    ]);
  });

  test('allergies: the critical first, with what they do', () => {
    const list = allergies(
      made<AllergyIntolerance>(
        { resourceType: 'AllergyIntolerance', id: 'a', code: { text: 'Dust' } },
        {
          resourceType: 'AllergyIntolerance',
          id: 'p',
          code: { text: 'Penicillin' },
          criticality: 'high',
          reaction: [{ manifestation: [{ text: 'Hives' }] }],
        },
      ),
    );
    expect(list.map(({ title, detail, isGrave }) => [title, detail, isGrave])).toEqual([
      ['Penicillin', 'Hives', true],
      ['Dust', '', false],
    ]);
  });
});

describe('trends', () => {
  const observation = (code: string, time: string, more: object) => ({
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code }], text: code },
    effectiveDateTime: time,
    ...more,
  });
  const kg = (value: number) => ({
    valueQuantity: { value, unit: 'kg', code: 'kg' },
    category: [{ coding: [{ code: 'vital-signs' }] }],
  });

  test('one per code and unit, oldest point first, with the reference range; vital signs before results', () => {
    const trends = trendsOf(
      made<Observation>(
        observation('glucose', '2026-05-01', {
          valueQuantity: { value: 90, unit: 'mg/dL', code: 'mg/dL' },
          category: [{ coding: [{ code: 'laboratory' }] }],
          referenceRange: [{ low: { value: 70 }, high: { value: 99 } }],
        }),
        observation('weight', '2026-03-01', kg(81)),
        observation('weight', '2026-01-01', kg(80)),
        observation('weight', '2026-02-01', { valueQuantity: { value: 176, unit: 'lb', code: '[lb_av]' } }),
        observation('weight', '2026-04-01', { ...kg(8000), status: 'entered-in-error' }),
        observation('weight', 'unknown', kg(1)),
        observation('smoking', '2026-04-01', { valueCodeableConcept: { text: 'never' } }),
      ),
    );
    expect(trends.map(({ title, unit, low, high }) => [title, unit, low, high])).toEqual([
      ['weight', 'kg', undefined, undefined],
      ['glucose', 'mg/dL', 70, 99],
      ['weight', 'lb', undefined, undefined],
    ]);
    expect(trends[0]?.lines[0]?.points.map(({ value }) => value)).toEqual([80, 81]);
  });

  test('components of one observation are lines of one trend', () => {
    const part = (text: string, value: number) => ({
      code: { text },
      valueQuantity: { value, unit: 'mmHg', code: 'mm[Hg]' },
    });
    const [trend, ...others] = trendsOf(
      made<Observation>(
        observation('85354-9', '2026-01-01', { component: [part('Systolic', 120), part('Diastolic', 80)] }),
        observation('85354-9', '2026-01-02', { component: [part('Systolic', 130), part('Diastolic', 85)] }),
      ),
    );
    expect(others).toEqual([]);
    expect(trend?.lines.map(({ label, points }) => [label, points.map(({ value }) => value)])).toEqual([
      ['Systolic', [120, 130]],
      ['Diastolic', [80, 85]],
    ]);
  });
});

test('the timeline is by year, newest first; what has no date or was entered in error is not in it', () => {
  const years = timelineOf([
    { resourceType: 'Condition', id: 'c', onsetDateTime: '2020-05-01', code: { text: 'Asthma' } } as Resource,
    {
      resourceType: 'Encounter',
      id: 'e',
      period: { start: '2020-06-01T10:00:00Z' },
      type: [{ text: 'Check-up' }],
      reasonCode: [{ text: 'Cough' }],
    } as Resource,
    {
      resourceType: 'Immunization',
      id: 'i',
      occurrenceDateTime: '2024-01-01',
      vaccineCode: { text: 'Flu' },
    } as Resource,
    { resourceType: 'Procedure', id: 'p', code: { text: 'Undated' } } as Resource,
    {
      resourceType: 'Procedure',
      id: 'q',
      status: 'entered-in-error',
      performedDateTime: '2024-02-01',
    } as Resource,
    { resourceType: 'Basic', id: 'b' } as Resource,
  ]);
  expect(years.map(({ year, events }) => [year, events.map(({ kind, title }) => [kind, title])])).toEqual([
    ['2024', [['immunization', 'Flu']]],
    [
      '2020',
      [
        ['visit', 'Check-up'],
        ['problem', 'Asthma'],
      ],
    ],
  ]);
});

test("today's list joins appointments with the visits they became, and leaves emergencies to the board", () => {
  const bundle = (...resources: object[]) =>
    ({
      resourceType: 'Bundle',
      type: 'searchset',
      entry: resources.map((resource) => ({ resource })),
    }) as Bundle;
  const patient = { resourceType: 'Patient', id: 'p', name: [{ text: 'Ann Ashby' }] };
  const subject = { reference: 'Patient/p' };
  const rows = scheduleRows(
    bundle(
      patient,
      {
        resourceType: 'Appointment',
        id: 'b',
        status: 'booked',
        start: '2026-11-21T10:00:00Z',
        participant: [{ actor: subject }],
        serviceType: [{ text: 'Cardiology' }],
      },
      {
        resourceType: 'Appointment',
        id: 'a',
        status: 'arrived',
        start: '2026-11-21T09:00:00+00:00',
        participant: [{ actor: subject }],
      },
      { resourceType: 'Appointment', id: 'w', status: 'waitlist', participant: [] },
    ),
    bundle(
      {
        resourceType: 'Encounter',
        id: 'e',
        status: 'in-progress',
        class: { code: 'AMB' },
        subject,
        appointment: [{ reference: 'Appointment/a' }],
      },
      {
        resourceType: 'Encounter',
        id: 'f',
        status: 'finished',
        class: { code: 'AMB' },
        subject,
        period: { start: '2026-11-21T08:00:00Z' },
        type: [{ text: 'Walk-in' }],
      },
      { resourceType: 'Encounter', id: 'x', status: 'arrived', class: { code: 'EMER' }, subject },
    ),
  );
  expect(rows.map(({ key, status, name, what, encounter }) => [key, status, name, what, encounter])).toEqual([
    ['Encounter/f', 'finished', 'Ann Ashby', 'Walk-in', 'f'],
    ['Appointment/a', 'in-progress', 'Ann Ashby', '', 'e'],
    ['Appointment/b', 'booked', 'Ann Ashby', 'Cardiology', undefined],
  ]);
});
