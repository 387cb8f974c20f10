import { describe, expect, test } from 'vitest';
import type { Resource } from '../../json/types.ts';
import { createLabeller } from './labeller.ts';
import { classified, SENSITIVE_CODES } from './sensitive-codes.ts';

/* FHIR R4 security-labels.html: labels follow from what a resource is coded with. */

const ICD = 'http://hl7.org/fhir/sid/icd-10-cm';
const label = createLabeller(SENSITIVE_CODES);
const labels = (resource: object): unknown[] =>
  ((label(resource as Resource)['meta'] as { security?: { code: string }[] })?.security ?? []).map(
    ({ code }) => code,
  );

describe('classified', () => {
  const test9 = classified('F20-F69', 'Z71.41', '305.2-305.9');
  test.each([
    ['F20', true],
    ['F33.1', true],
    ['F69.9', true],
    ['F70', false],
    ['F19.9', false],
    ['F2', false],
    ['Z71.41', true],
    ['Z71.4', false],
    ['Z71.419', true],
    ['305.20', true],
    ['305.1', false],
  ])('%s: %s', (code, expected) => {
    expect(test9.has(code)).toBe(expected);
  });
});

test('codes count wherever they stand, also in contained resources and components', () => {
  const coded = { coding: [{ system: ICD, code: 'F20.0' }] };
  expect(labels({ resourceType: 'Encounter', reasonCode: [coded] })).toEqual(['MH']);
  expect(labels({ resourceType: 'Observation', component: [{ valueCodeableConcept: coded }] })).toEqual([
    'MH',
  ]);
  expect(
    labels({ resourceType: 'Procedure', contained: [{ resourceType: 'Condition', code: coded }] }),
  ).toEqual(['MH']);
});

test('a code counts in its own system only, and meta says nothing', () => {
  const coded = { coding: [{ system: 'http://example.org', code: 'F20.0' }] };
  expect(labels({ resourceType: 'Condition', code: coded })).toEqual([]);
  const tagged = { resourceType: 'Condition', meta: { tag: [{ system: ICD, code: 'F20.0' }] } };
  expect(label(tagged as Resource)).toBe(tagged);
});

test('labels are added once, others stay, and the input is not changed', () => {
  const own = { system: 'http://example.org', code: 'x' };
  const resource = {
    resourceType: 'Condition',
    meta: { security: [own] },
    code: { coding: [{ system: ICD, code: 'B20' }] },
  };
  const before = JSON.stringify(resource);
  const once = label(resource as Resource);
  expect(labels(resource)).toEqual(['x', 'HIV']);
  expect(label(once)).toBe(once);
  expect(JSON.stringify(resource)).toBe(before);
});

test('definitions, consents and the record of access are not labelled', () => {
  for (const resourceType of [
    'ValueSet',
    'Questionnaire',
    'Consent',
    'Provenance',
    'AuditEvent',
    'Medication',
  ]) {
    const resource = { resourceType, code: { coding: [{ system: ICD, code: 'F20.0' }] } };
    expect(label(resource as Resource)).toBe(resource);
  }
});
