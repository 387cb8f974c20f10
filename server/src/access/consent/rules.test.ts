import { expect, test } from 'vitest';
import type { JsonObject, Resource } from '../../json/types.ts';
import { type ConsentRule, readConsent } from './consent.ts';
import { type ConsentRequest, type ConsentSubject, decide } from './decide.ts';
import { bearsOnAccess, byNameOnly, groupsNamed, nextBoundary } from './rules.ts';

/* R4 consent.html, what follows from consents without looking at resources. */

const NOW = Date.UTC(2024, 5, 1);
const read = (provision: JsonObject | undefined, rule?: string): ConsentRule =>
  readConsent({
    resourceType: 'Consent',
    id: 'c',
    status: 'active',
    patient: { reference: 'Patient/p1' },
    ...(rule === undefined ? {} : { policyRule: { coding: [{ code: rule }] } }),
    ...(provision === undefined ? {} : { provision }),
  } as Resource) as ConsentRule;
const actor = (reference: string): JsonObject[] => [{ reference: { reference } }];
const request = (...actors: string[]): ConsentRequest => ({
  actors,
  action: 'access',
  purpose: 'TREAT',
  now: NOW,
});
const subject = (type: string): ConsentSubject => ({
  reference: `${type}/1`,
  type,
  labels: [],
  codes: [],
  classes: [],
});
const types = (code: string): JsonObject[] => [{ system: 'http://hl7.org/fhir/resource-types', code }];

test('a consent that permits everything to everybody changes nothing', () => {
  expect(bearsOnAccess(read(undefined, 'OPTIN'))).toBe(false);
  expect(bearsOnAccess(read({ provision: [{ type: 'permit', class: types('Observation') }] }))).toBe(false);
  expect(bearsOnAccess(read(undefined, 'OPTOUT'))).toBe(true);
  expect(bearsOnAccess(read({ provision: [{ type: 'deny' }] }))).toBe(true);
  expect(bearsOnAccess(read({ provision: [{ type: 'permit', actor: actor('RelatedPerson/r') }] }))).toBe(
    true,
  );
});

test('a root provision that says the contrary of the rule is an exception to it', () => {
  const permitted = read({ type: 'permit', actor: actor('Practitioner/a') }, 'OPTOUT');
  expect(decide(permitted, request('Practitioner/a'), subject('Observation'))).toBe('permit');
  expect(decide(permitted, request('Practitioner/b'), subject('Observation'))).toBe('deny');
  const denied = read({ type: 'deny', class: types('Condition') }, 'OPTIN');
  expect(decide(denied, request('Practitioner/a'), subject('Condition'))).toBe('deny');
  expect(decide(denied, request('Practitioner/a'), subject('Observation'))).toBe('permit');
  const over = read({ type: 'permit', period: { end: '2023' }, actor: actor('Practitioner/a') }, 'OPTOUT');
  expect(decide(over, request('Practitioner/b'), subject('Observation'))).toBe('permit');
});

test('who has access by name only sees what is permitted by name', () => {
  const rule = read({
    provision: [
      { type: 'permit', class: types('Condition') },
      {
        type: 'permit',
        actor: actor('RelatedPerson/r'),
        class: types('Observation'),
        provision: [{ type: 'deny', purpose: [{ code: 'TREAT' }] }],
      },
      { type: 'permit', actor: actor('RelatedPerson/r'), class: types('Appointment') },
    ],
  });
  const asked = request('RelatedPerson/r');
  const own = byNameOnly(rule, asked);
  expect(
    ['Condition', 'Observation', 'Appointment', 'Claim'].map((type) => decide(own, asked, subject(type))),
  ).toEqual(['deny', 'deny', 'permit', 'deny']);
});

test('the next moment at which something changes, and the groups that are named', () => {
  const rule = read({
    period: { end: '2025-01-01' },
    provision: [
      { type: 'deny', period: { start: '2024-07-01', end: '2024-08-01' }, actor: actor('CareTeam/t') },
      { type: 'deny', period: { end: '2020' }, actor: actor('Practitioner/a') },
    ],
  });
  expect(nextBoundary([rule], NOW)).toBe(Date.UTC(2024, 6, 1));
  expect(nextBoundary([rule], Date.UTC(2024, 6, 2))).toBe(Date.UTC(2024, 7, 2));
  expect(nextBoundary([rule], Date.UTC(2026, 0))).toBe(Number.POSITIVE_INFINITY);
  expect(groupsNamed([rule])).toEqual(['CareTeam/t']);
});
