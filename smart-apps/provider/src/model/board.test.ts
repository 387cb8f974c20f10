import { describe, expect, test } from 'vitest';
import { allergiesByPatient, boardRows, ESI, knownAllergies, RED_FLAG, WORKFLOW_STEP } from './board.ts';
import type { AllergyIntolerance, Bundle, Resource } from './fhir.ts';

const now = new Date('2026-11-21T12:00:00Z');
const bundle = (...resources: object[]): Bundle => ({
  resourceType: 'Bundle',
  type: 'searchset',
  entry: resources.map((resource) => ({ resource: resource as Resource })),
});
const encounter = (id: string, more: object = {}) => ({
  resourceType: 'Encounter',
  id,
  status: 'arrived',
  class: { code: 'EMER' },
  subject: { reference: `Patient/${id}` },
  period: { start: '2026-11-21T11:00:00Z' },
  ...more,
});
const risk = (of: string, esi: string, more: object = {}) => ({
  resourceType: 'RiskAssessment',
  id: `r-${of}-${esi}`,
  status: 'final',
  encounter: { reference: `Encounter/${of}` },
  prediction: [{ qualitativeRisk: { coding: [{ system: ESI, code: esi }] }, rationale: `level ${esi}` }],
  ...more,
});

describe('the emergency board', () => {
  test('shows who, how urgent (ESI), why, red flags, NEWS2, vital signs and tasks of a visit', () => {
    const [row] = boardRows(
      bundle(
        encounter('a', { status: 'triaged', reasonCode: [{ text: 'crushing chest pain' }] }),
        {
          resourceType: 'Patient',
          id: 'a',
          name: [{ family: 'Ashby', given: ['Ann'] }],
          birthDate: '1964-11-22',
          gender: 'female',
        },
        risk('a', '2', {
          note: [{ text: 'High-risk situation' }, { text: 'Systolic below 100' }],
          extension: [
            { url: RED_FLAG, valueString: 'Possible acute coronary syndrome' },
            { url: 'other', valueString: 'x' },
          ],
        }),
        {
          resourceType: 'Observation',
          id: 'bp',
          status: 'final',
          encounter: { reference: 'Encounter/a' },
          category: [{ coding: [{ code: 'vital-signs' }] }],
          code: { text: 'Blood pressure' },
          component: [
            { code: { text: 'Systolic' }, valueQuantity: { value: 90, unit: 'mmHg' } },
            { code: { text: 'Diastolic' }, valueQuantity: { value: 60, unit: 'mmHg' } },
          ],
        },
        {
          resourceType: 'Observation',
          id: 'n',
          status: 'final',
          encounter: { reference: 'Encounter/a' },
          code: { text: 'NEWS2' },
          valueInteger: 5,
        },
        {
          resourceType: 'Task',
          id: 't',
          status: 'requested',
          encounter: { reference: 'Encounter/a' },
          code: { coding: [{ system: WORKFLOW_STEP, code: 'legal' }], text: 'Legal' },
          basedOn: [{ reference: 'RequestGroup/g' }],
          performerType: [{ coding: [{ code: 'billing' }] }],
        },
      ),
      now,
      'en',
    );
    expect(row).toEqual({
      id: 'a',
      patient: 'Patient/a',
      name: 'Ann Ashby',
      isUnknown: false,
      age: 61,
      gender: 'female',
      status: 'triaged',
      arrived: '2026-11-21T11:00:00Z',
      complaint: 'crushing chest pain',
      esi: 2,
      rationale: 'level 2',
      reasons: ['High-risk situation', 'Systolic below 100'],
      redFlags: ['Possible acute coronary syndrome'],
      news2: '5',
      vitals: [{ name: 'Blood pressure', value: '90/60 mmHg' }],
      tasks: [
        {
          id: 't',
          title: 'Legal',
          status: 'requested',
          step: 'legal',
          roles: ['billing'],
          group: 'RequestGroup/g',
        },
      ],
    });
  });

  test('is in order of urgency, those not yet triaged before all, then of arrival', () => {
    const rows = boardRows(
      bundle(
        encounter('late', { period: { start: '2026-11-21T11:30:00Z' } }),
        encounter('three'),
        encounter('one', { period: { start: '2026-11-21T11:59:00Z' } }),
        encounter('new'),
        risk('late', '3'),
        risk('three', '3'),
        risk('one', '1'),
      ),
      now,
      'en',
    );
    expect(rows.map(({ id }) => id)).toEqual(['new', 'one', 'three', 'late']);
  });

  test('counts the latest assessment, and none that was entered in error', () => {
    const [row] = boardRows(
      bundle(
        encounter('a'),
        risk('a', '4', { meta: { lastUpdated: '2026-11-21T11:02:00Z' } }),
        risk('a', '2', { meta: { lastUpdated: '2026-11-21T11:05:00Z' } }),
        risk('a', '1', { meta: { lastUpdated: '2026-11-21T11:09:00Z' }, status: 'entered-in-error' }),
        risk('a', '9', { meta: { lastUpdated: '2026-11-21T11:01:00Z' } }),
      ),
      now,
      'en',
    );
    expect(row?.esi).toBe(2);
  });

  test('names each reason for coming once, where one has others in its words', () => {
    const texts = ['Chest pain, Sweating', 'Chest pain', 'Sweating', 'Pain', 'Fever'];
    const [row] = boardRows(
      bundle(encounter('a', { reasonCode: texts.map((text) => ({ text })) })),
      now,
      'en',
    );
    expect(row?.complaint).toBe('Chest pain, Sweating, Pain, Fever');
  });

  test('knows a temporary patient (HumanName.use temp), and a visit without any', () => {
    const rows = boardRows(
      bundle(encounter('a'), encounter('b', { subject: undefined }), {
        resourceType: 'Patient',
        id: 'a',
        name: [{ use: 'temp', text: 'Unknown patient' }],
      }),
      now,
      'en',
    );
    expect(rows.map(({ name, isUnknown }) => [name, isUnknown])).toEqual([
      ['Unknown patient', true],
      ['', true],
    ]);
  });
});

test('allergies by patient: those in force, the critical first, each name once', () => {
  const allergy = (patient: string, text: string, more: object = {}) =>
    ({
      resourceType: 'AllergyIntolerance',
      patient: { reference: `Patient/${patient}` },
      code: { text },
      ...more,
    }) as AllergyIntolerance;
  const found = allergiesByPatient([
    allergy('a', 'Latex'),
    allergy('a', 'Latex'),
    allergy('a', 'Penicillin', { criticality: 'high' }),
    allergy('a', 'Dust', { clinicalStatus: { coding: [{ code: 'resolved' }] } }),
    allergy('b', 'Nuts', { verificationStatus: { coding: [{ code: 'refuted' }] } }),
  ]);
  expect([...found]).toEqual([['Patient/a', ['Penicillin', 'Latex']]]);
  expect(knownAllergies('Patient/a', found, false)).toEqual(['Penicillin', 'Latex']);
  // Nothing read is not the same as nothing there.
  expect(knownAllergies('Patient/b', found, false)).toBeUndefined();
  expect(knownAllergies('Patient/b', found, true)).toEqual([]);
});
