import type { RelatedPerson } from '@vesta/app-kit';
import { expect, test } from 'vitest';
import { consentsFor, consentTo, permitted } from './caregivers.ts';

const person: RelatedPerson = {
  resourceType: 'RelatedPerson',
  id: 'r1',
  patient: { reference: 'Patient/p' },
};

test('a consent permits one person, as an exception in an opt-in base (R4 consent.html)', () => {
  const consent = consentTo(person, 'Patient/p', 'Patient/p');
  expect(permitted(consent)).toEqual(['RelatedPerson/r1']);
  expect(consentsFor(person, [consent])).toEqual([consent]);
  expect(consentsFor({ ...person, id: 'r2' }, [consent])).toEqual([]);
});

test('what has ended or denies gives no access', () => {
  const consent = consentTo(person, 'Patient/p', 'Patient/p');
  expect(consentsFor(person, [{ ...consent, status: 'inactive' }])).toEqual([]);
  const [inner] = consent.provision?.provision ?? [];
  expect(permitted({ ...consent, provision: { provision: [{ ...inner, type: 'deny' }] } })).toEqual([]);
});
