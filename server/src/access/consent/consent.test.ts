import { describe, expect, test } from 'vitest';
import type { JsonObject, Resource } from '../../json/types.ts';
import { readConsent } from './consent.ts';
import { type ConsentRequest, type ConsentSubject, decide, patientsPermitting } from './decide.ts';
import { deniedBy, withConsents } from './grants.ts';

const NOW = Date.UTC(2024, 5, 1);
const LABELS = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

const consent = (provision: JsonObject, policyRule?: string, more: JsonObject = {}): Resource => ({
  resourceType: 'Consent',
  id: 'c',
  status: 'active',
  scope: { coding: [{ code: 'patient-privacy' }] },
  patient: { reference: 'Patient/p1' },
  ...(policyRule === undefined ? {} : { policyRule: { coding: [{ code: policyRule }] } }),
  provision,
  ...more,
});
const request = (more: Partial<ConsentRequest> = {}): ConsentRequest => ({
  actors: ['Practitioner/d1', 'Organization/o1'],
  action: 'access',
  purpose: 'TREAT',
  now: NOW,
  ...more,
});
const subject = (more: Partial<ConsentSubject> = {}): ConsentSubject => ({
  reference: 'Observation/1',
  type: 'Observation',
  labels: [],
  codes: ['http://loinc.org|1'],
  classes: [],
  date: { low: Date.UTC(2020, 1, 1), high: Date.UTC(2020, 1, 1) },
  ...more,
});
const actor = (reference: string) => [{ role: { coding: [{ code: 'PRCP' }] }, reference: { reference } }];
const psy = [{ system: LABELS, code: 'PSY' }];
const observations = [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }];

describe('R4 consent.html: provisions are exceptions to what they stand in', () => {
  test.each<
    [string, JsonObject, string | undefined, Partial<ConsentRequest>, Partial<ConsentSubject>, string]
  >([
    ['opt-in without exceptions', {}, 'OPTIN', {}, {}, 'permit'],
    ['opt-out without exceptions', {}, 'OPTOUT', {}, {}, 'deny'],
    ['no rule: permit', {}, undefined, {}, {}, 'permit'],
    ['no rule, but a root that denies', { type: 'deny' }, undefined, {}, {}, 'deny'],
    [
      'opt-out, permitted to an actor',
      { provision: [{ type: 'permit', actor: actor('Practitioner/d1') }] },
      'OPTOUT',
      {},
      {},
      'permit',
    ],
    [
      'opt-out, permitted to another',
      { provision: [{ type: 'permit', actor: actor('Practitioner/d2') }] },
      'OPTOUT',
      {},
      {},
      'deny',
    ],
    [
      'opt-in, denied to an organization',
      { provision: [{ type: 'deny', actor: actor('Organization/o1') }] },
      'OPTIN',
      {},
      {},
      'deny',
    ],
    [
      'denied by label, and it has it',
      { provision: [{ type: 'deny', securityLabel: psy }] },
      'OPTIN',
      {},
      { labels: [`${LABELS}|PSY`] },
      'deny',
    ],
    [
      'denied by label, and it has it not',
      { provision: [{ type: 'deny', securityLabel: psy }] },
      'OPTIN',
      {},
      { labels: [`${LABELS}|HIV`] },
      'permit',
    ],
    ['denied by class', { provision: [{ type: 'deny', class: observations }] }, 'OPTIN', {}, {}, 'deny'],
    [
      'denied by class, another type',
      { provision: [{ type: 'deny', class: observations }] },
      'OPTIN',
      {},
      { type: 'Condition' },
      'permit',
    ],
    [
      'denied by code',
      { provision: [{ type: 'deny', code: [{ coding: [{ system: 'http://loinc.org', code: '1' }] }] }] },
      'OPTIN',
      {},
      {},
      'deny',
    ],
    [
      'denied for a purpose',
      { provision: [{ type: 'deny', purpose: [{ code: 'HRESCH' }] }] },
      'OPTIN',
      { purpose: 'HRESCH' },
      {},
      'deny',
    ],
    [
      'denied for another purpose',
      { provision: [{ type: 'deny', purpose: [{ code: 'HRESCH' }] }] },
      'OPTIN',
      {},
      {},
      'permit',
    ],
    [
      'denied for an action',
      { provision: [{ type: 'deny', action: [{ coding: [{ code: 'disclose' }] }] }] },
      'OPTIN',
      {},
      {},
      'permit',
    ],
    [
      'a period that is over',
      { provision: [{ type: 'deny', period: { end: '2024-01-01' } }] },
      'OPTIN',
      {},
      {},
      'permit',
    ],
    [
      'a period that lasts',
      { provision: [{ type: 'deny', period: { start: '2024-01-01' } }] },
      'OPTIN',
      {},
      {},
      'deny',
    ],
    [
      'data of a period',
      { provision: [{ type: 'deny', dataPeriod: { start: '2020-01-01', end: '2020-12-31' } }] },
      'OPTIN',
      {},
      {},
      'deny',
    ],
    [
      'data of another period',
      { provision: [{ type: 'deny', dataPeriod: { start: '2021' } }] },
      'OPTIN',
      {},
      {},
      'permit',
    ],
    [
      'a resource by name',
      {
        provision: [
          { type: 'deny', data: [{ meaning: 'instance', reference: { reference: 'Observation/1' } }] },
        ],
      },
      'OPTIN',
      {},
      {},
      'deny',
    ],
    [
      'another by name',
      {
        provision: [
          { type: 'deny', data: [{ meaning: 'instance', reference: { reference: 'Observation/2' } }] },
        ],
      },
      'OPTIN',
      {},
      {},
      'permit',
    ],
    [
      'what is related cannot be told: a denial is taken widely',
      {
        provision: [
          { type: 'deny', data: [{ meaning: 'related', reference: { reference: 'Observation/2' } }] },
        ],
      },
      'OPTIN',
      {},
      {},
      'deny',
    ],
    [
      'and a permission not',
      {
        provision: [
          { type: 'permit', data: [{ meaning: 'related', reference: { reference: 'Observation/1' } }] },
        ],
      },
      'OPTOUT',
      {},
      {},
      'deny',
    ],
    [
      'the innermost decides: permit, but not labelled, but labelled to this one',
      {
        provision: [
          {
            type: 'deny',
            securityLabel: psy,
            provision: [{ type: 'permit', actor: actor('Practitioner/d1') }],
          },
        ],
      },
      'OPTIN',
      {},
      { labels: [`${LABELS}|PSY`] },
      'permit',
    ],
    [
      'the innermost decides: another actor',
      {
        provision: [
          {
            type: 'deny',
            securityLabel: psy,
            provision: [{ type: 'permit', actor: actor('Practitioner/d9') }],
          },
        ],
      },
      'OPTIN',
      {},
      { labels: [`${LABELS}|PSY`] },
      'deny',
    ],
    [
      'an exception whose surroundings are not met does not count',
      {
        provision: [
          {
            type: 'deny',
            class: observations,
            provision: [{ type: 'permit', actor: actor('Practitioner/d1') }],
          },
        ],
      },
      'OPTOUT',
      {},
      { type: 'Condition' },
      'deny',
    ],
    [
      'of two of one level that are met, deny wins',
      {
        provision: [
          { type: 'permit', actor: actor('Practitioner/d1') },
          { type: 'deny', class: observations },
        ],
      },
      'OPTOUT',
      {},
      {},
      'deny',
    ],
    [
      'all conditions of a provision must be met',
      { provision: [{ type: 'deny', class: observations, securityLabel: psy }] },
      'OPTIN',
      {},
      {},
      'permit',
    ],
    [
      'a root that is not met says nothing',
      { type: 'deny', period: { end: '2020' } },
      undefined,
      {},
      {},
      'permit',
    ],
  ])('%s', (_name, provision, rule, asked, about, expected) => {
    const read = readConsent(consent(provision, rule));
    expect(read && decide(read, request(asked), subject(about))).toBe(expected);
  });

  test('only active consents about privacy of a patient here hold', () => {
    expect(readConsent(consent({}, 'OPTOUT', { status: 'inactive' }))).toBeUndefined();
    expect(readConsent(consent({}, 'OPTOUT', { scope: { coding: [{ code: 'research' }] } }))).toBeUndefined();
    expect(readConsent(consent({}, 'OPTOUT', { patient: { display: 'x' } }))).toBeUndefined();
    expect(readConsent({ resourceType: 'Patient' })).toBeUndefined();
  });
});

describe('consents and grants', () => {
  const grants = [{ types: '*', interactions: '*' }] as const;

  test('a consent that denies nothing to a request leaves its grants as they are', () => {
    const rules = [
      readConsent(consent({ provision: [{ type: 'deny', actor: actor('Practitioner/d9') }] }, 'OPTIN'))!,
    ];
    expect(withConsents(grants, { rules, request: request() })).toEqual(grants);
    expect(deniedBy(rules[0]!, request({ actors: ['Practitioner/d9'] }))).toBeDefined();
  });

  test("a patient's own access is free", () => {
    const rules = [readConsent(consent({}, 'OPTOUT'))!];
    expect(withConsents(grants, { rules, request: request({ actors: ['Patient/p1'] }) })).toEqual(grants);
    expect(withConsents(grants, { rules, request: request() })).not.toEqual(grants);
  });

  test('caregivers get their patients by a permission to them by name, as long as it lasts', () => {
    const permission = (period: JsonObject) =>
      readConsent(
        consent({ provision: [{ type: 'permit', period, actor: actor('RelatedPerson/r1') }] }, 'OPTOUT'),
      )!;
    const asked = request({ actors: ['RelatedPerson/r1'] });
    expect(patientsPermitting([permission({ start: '2020' })], asked)).toEqual(['p1']);
    expect(patientsPermitting([permission({ end: '2023' })], asked)).toEqual([]);
    expect(
      patientsPermitting([permission({ start: '2020' })], request({ actors: ['RelatedPerson/r2'] })),
    ).toEqual([]);
  });
});
