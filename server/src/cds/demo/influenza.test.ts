import { describe, expect, it } from 'vitest';
import type { Resource } from '../../json/types.ts';
import { influenzaCards } from './influenza.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const vaccination = (code: string, occurrenceDateTime: string, system = 'http://hl7.org/fhir/sid/cvx') => ({
  resource: { resourceType: 'Immunization', occurrenceDateTime, vaccineCode: { coding: [{ system, code }] } },
});
const cards = (patient: object, ...entry: object[]) =>
  influenzaCards(
    {
      hook: 'patient-view',
      hookInstance: 'x',
      context: { patientId: 'p' },
      prefetch: {
        patient: { resourceType: 'Patient', ...patient } as Resource,
        immunizations: { resourceType: 'Bundle', entry } as unknown as Resource,
      },
    },
    NOW,
  ).length;

describe('reminder of the vaccination against influenza (ACIP: each season, from six months of age)', () => {
  it('comes where none of the last twelve months is recorded', () => {
    const adult = { birthDate: '1980-01-01' };
    expect(cards(adult)).toBe(1);
    expect(cards(adult, vaccination('140', '2025-10-01'))).toBe(0);
    expect(cards(adult, vaccination('140', '2024-10-01'))).toBe(1);
    expect(cards(adult, vaccination('208', '2025-10-01'))).toBe(1);
    expect(cards(adult, vaccination('140', '2025-10-01', 'http://other'))).toBe(1);
  });

  it('is not for the youngest, the dead, or those whose age is not known', () => {
    expect(cards({ birthDate: '2025-12-01' })).toBe(0);
    expect(cards({ birthDate: '2025-08-01' })).toBe(1);
    expect(cards({ birthDate: '1980-01-01', deceasedDateTime: '2025-01-01' })).toBe(0);
    expect(cards({})).toBe(0);
  });

  it('is not made up where data is missing', () => {
    const request = { hook: 'patient-view', hookInstance: 'x', context: { patientId: 'p' } } as const;
    expect(influenzaCards(request, NOW)).toEqual([]);
  });
});
