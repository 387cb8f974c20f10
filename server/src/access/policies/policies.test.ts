import { describe, expect, test } from 'vitest';
import { loadDefinitions } from '../../conformance/definitions.ts';
import { RESOURCE_TYPES } from '../../conformance/resource-types.ts';
import { FhirError } from '../../fhir/outcome.ts';
import type { JsonObject } from '../../json/types.ts';
import { DEFAULT_POLICIES, policyOf, ROLES, scopesAllowedTo, typesOf } from './index.ts';
import { parsePolicy, policyOverrides, policyResource } from './policy-resource.ts';
import { reachOf } from './reach.ts';
import * as groups from './types.ts';

const definitions = loadDefinitions();

test('every R4 resource type is in a group, and no group names another', () => {
  const named = new Set<string>(Object.values(groups).flat());
  expect([...named].filter((type) => !(RESOURCE_TYPES as readonly string[]).includes(type))).toEqual([]);
  expect(RESOURCE_TYPES.filter((type) => !named.has(type))).toEqual([]);
});

test("every role has a policy that passes the checks of a tenant's own, and reads back as it is", () => {
  expect([...DEFAULT_POLICIES.keys()].sort()).toEqual([...ROLES].sort());
  for (const policy of DEFAULT_POLICIES.values()) {
    // What super_admin may do is no tenant's to change.
    if (policy.role === 'super_admin') continue;
    const read = parsePolicy(policyResource(policy), definitions);
    // Reference.display has no type in front of it.
    expect(read).toEqual(policy);
  }
});

describe('minimum necessary (45 CFR 164.502(b)) and 164.514(b)', () => {
  const may = (role: string, type: string, letter: string) =>
    policyOf(role)?.rules.some((rule) => typesOf(rule).includes(type) && rule.may.includes(letter)) ?? false;

  test.each([
    ['scheduler', 'Appointment', 'c', true],
    ['scheduler', 'Patient', 'r', true],
    ['scheduler', 'DocumentReference', 'r', false],
    ['scheduler', 'Observation', 's', false],
    ['billing', 'Claim', 'c', true],
    ['billing', 'Coverage', 'r', true],
    ['billing', 'Encounter', 'r', true],
    ['billing', 'DiagnosticReport', 'r', false],
    ['front_desk', 'Condition', 'r', false],
    ['nurse', 'MedicationRequest', 'c', false],
    ['attending', 'MedicationRequest', 'c', true],
    ['researcher', 'DocumentReference', 'r', false],
    ['researcher', 'Observation', 'c', false],
    ['agent', 'Observation', 'd', false],
    ['patient', 'Observation', 'd', false],
    ['org_admin', 'Observation', 'r', false],
    ['api_consumer', 'Patient', 'u', false],
  ])('%s, %s, %s: %s', (role, type, letter, expected) => {
    expect(may(role, type, letter)).toBe(expected);
  });

  test('nobody writes the audit trail, and of the roles only patients and caregivers are confined to their own', () => {
    for (const role of ROLES) {
      for (const letter of 'cud') expect(may(role, 'AuditEvent', letter)).toBe(false);
      expect(policyOf(role)?.ownPatients).toBe(role === 'patient' || role === 'caregiver');
    }
    expect(policyOf('nobody')).toBeUndefined();
  });

  test('scopes that a role may be granted are those of its table', () => {
    const { resources } = scopesAllowedTo('scheduler');
    const patient = resources.filter(({ type, context }) => type === 'Patient' && context === 'user');
    expect(patient.map(({ permissions }) => permissions.join(''))).toEqual(['rs']);
    expect(resources.some(({ type }) => type === 'Observation')).toBe(false);
    expect(scopesAllowedTo('nobody').resources).toEqual([]);
  });
});

test('how types belong to patients (R4 compartmentdefinition-patient.html)', () => {
  expect(['Patient', 'Observation', 'Coverage', 'AuditEvent'].map(reachOf)).toEqual(Array(4).fill('member'));
  expect(['Medication', 'Substance', 'Endpoint'].map(reachOf)).toEqual(Array(3).fill('referred'));
  expect([reachOf('Provenance'), reachOf('Binary')]).toEqual(['about', 'about']);
  // Directories of providers are public; who books a visit chooses from them.
  const providers = ['HealthcareService', 'Location', 'Organization', 'Practitioner', 'PractitionerRole'];
  expect(['ValueSet', ...providers].map(reachOf)).toEqual(Array(6).fill('open'));
  expect([reachOf('Subscription'), reachOf('Bundle'), reachOf('Parameters')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

describe("a tenant's own policy", () => {
  const nurse = policyResource(DEFAULT_POLICIES.get('nurse')!);
  const changed = (change: (parameter: JsonObject[]) => JsonObject[]) => ({
    ...nurse,
    parameter: change(structuredClone(nurse['parameter']) as JsonObject[]),
  });
  const rule = (...parts: [string, string][]): JsonObject => ({
    name: 'rule',
    part: parts.map(([name, valueString]) => ({ name, valueString })),
  });
  const add = (one: JsonObject) => changed((list) => [...list, one]);

  test.each<[string, JsonObject & { resourceType: string }, RegExp]>([
    [
      'a role that there is not',
      changed((list) =>
        list.map((one) => (one['name'] === 'role' ? { ...one, valueCode: 'king' } : one)),
      ) as never,
      /role must be one of/,
    ],
    ['an unknown type', add(rule(['type', 'Doctor'], ['may', 'r'])) as never, /Doctor is no resource type/],
    ['letters out of order', add(rule(['type', 'Patient'], ['may', 'sr'])) as never, /letters of cruds/],
    ['no letters', add(rule(['type', 'Patient'], ['may', ''])) as never, /letters of cruds/],
    [
      'an unknown search parameter',
      add(rule(['type', 'Patient'], ['may', 'r'], ['search', 'colour=red'])) as never,
      /colour/,
    ],
    [
      'a search over all types',
      add(rule(['type', '*'], ['may', 'r'], ['search', '_id=1'])) as never,
      /types by name/,
    ],
    [
      'except without *',
      add(rule(['type', 'Patient'], ['except', 'Group'], ['may', 'r'])) as never,
      /except/,
    ],
    ['writing the audit trail', add(rule(['type', '*'], ['may', 'cruds'])) as never, /audit trail/],
    [
      'a hidden element that there is not',
      add({ name: 'hiddenElement', valueString: 'Patient.colour' }) as never,
      /no element colour/,
    ],
    [
      'a hidden element without type',
      add({ name: 'hiddenElement', valueString: 'name' }) as never,
      /resource type/,
    ],
    [
      'hiding what all need',
      add({ name: 'hiddenElement', valueString: 'Patient.id' }) as never,
      /cannot be hidden/,
    ],
    [
      'a label without system',
      add({ name: 'hiddenLabel', valueCoding: { code: 'R' } }) as never,
      /system and code/,
    ],
    [
      'a parameter of another kind',
      add({ name: 'allow', valueBoolean: true }) as never,
      /no part of a policy/,
    ],
    ['no rules', changed((list) => list.filter(({ name }) => name !== 'rule')) as never, /at least one rule/],
  ])('refuses %s', (_what, resource, message) => {
    expect(() => parsePolicy(resource, definitions)).toThrow(FhirError);
    try {
      parsePolicy(resource, definitions);
    } catch (error) {
      expect((error as FhirError).status).toBe(422);
      expect((error as FhirError).issues.map(({ diagnostics }) => diagnostics).join(' ')).toMatch(message);
    }
  });

  test('patients and caregivers cannot be let out of their own records', () => {
    const patient = policyResource(DEFAULT_POLICIES.get('patient')!);
    const parameter = (patient['parameter'] as JsonObject[]).map((one) =>
      one['name'] === 'ownPatients' ? { ...one, valueBoolean: false } : one,
    );
    expect(() => parsePolicy({ ...patient, parameter }, definitions)).toThrow(/own patients/);
  });

  test('stands in place of the default; two of one role are refused', () => {
    const own = add(rule(['type', 'MedicationRequest'], ['may', 'c'])) as never;
    const overrides = policyOverrides([own, { resourceType: 'Parameters' }], definitions);
    expect(policyOf('nurse', overrides)?.rules.at(-1)).toEqual({ types: ['MedicationRequest'], may: 'c' });
    expect(policyOf('attending', overrides)).toBe(DEFAULT_POLICIES.get('attending'));
    expect(() => policyOverrides([own, own], definitions)).toThrow(/two policies/);
  });
});
