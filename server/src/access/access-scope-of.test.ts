import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseResourceScope, subScopesOf } from '../auth/scopes/index.ts';
import { loadDefinitions } from '../conformance/definitions.ts';
import { accessScopeOf, type TokenClaims } from './access-scope-of.ts';
import { intersectGrants } from './grants.ts';
import { ROLES } from './policies/index.ts';
import { areLabelsOnly, labelsAllow } from './row-labels.ts';
import { compartmentsOf, type Grant, grantsFor, isUnrestricted, sameScope } from './scope.ts';
import { scopeSearchProblem } from './scope-search.ts';

const TENANT = { id: 1, name: 't' };
const of = (claims: Partial<TokenClaims>, facts = {}) =>
  accessScopeOf({ clientId: 'app', subject: 'me', scopes: '', ...claims }, TENANT, facts);

describe('what a token may do', () => {
  test('no scopes, an unknown role, a patient scope without a patient: nothing', () => {
    expect(of({ role: 'attending' }).grants).toEqual([]);
    expect(of({ role: 'king', scopes: 'user/*.cruds' }).grants).toEqual([]);
    expect(of({ role: 'attending', scopes: 'patient/Observation.rs' }).grants).toEqual([]);
    expect(of({ scopes: 'launch openid patient/nonsense user/Doctor.rs' }).grants).toEqual([]);
  });

  test('only a patient or caregiver who is linked to a record has one', () => {
    const scopes = 'user/Observation.rs';
    expect(of({ role: 'patient', scopes, fhirUser: 'Practitioner/1' }).grants).toEqual([]);
    expect(
      of({ role: 'patient', scopes, fhirUser: 'Patient/1' }, { patients: ['2'] }).grants.map(compartmentsOf),
    ).toEqual([[{ type: 'Patient', id: '1' }]]);
    const caregiver = of(
      { role: 'caregiver', scopes, fhirUser: 'RelatedPerson/1' },
      { patients: ['2', '3'] },
    );
    expect(caregiver.grants.flatMap(compartmentsOf).map((one) => one?.id)).toEqual(['2', '3']);
    const launched = of(
      { role: 'caregiver', scopes: 'patient/Observation.rs', patient: '3', fhirUser: 'RelatedPerson/1' },
      { patients: ['2', '3'] },
    );
    expect(launched.grants.flatMap(compartmentsOf).map((one) => one?.id)).toEqual(['3']);
  });

  test('an agent may do no more than its person, nor more than agents may', () => {
    const claims = { role: 'attending', scopes: 'user/*.cruds', fhirUser: 'Practitioner/1' };
    const person = of(claims);
    const agent = of({ ...claims, actor: { clientId: 'bot' } });
    expect(grantsFor(person, 'Observation', 'delete')).not.toEqual([]);
    expect(grantsFor(agent, 'Observation', 'delete')).toEqual([]);
    expect(grantsFor(agent, 'MedicationRequest', 'create').map(({ search }) => search)).toEqual([
      'status=draft',
    ]);
    expect(agent).toMatchObject({ subject: 'Practitioner/1', client: 'bot' });
  });

  test('operations that change the server go with all of a type, for roles that have them', () => {
    expect(isUnrestricted(of({ role: 'super_admin', scopes: 'user/*.cruds' }), 'Patient', 'operation')).toBe(
      true,
    );
    expect(isUnrestricted(of({ role: 'super_admin', scopes: 'user/*.cruds' }), 'AuditEvent', 'update')).toBe(
      false,
    );
    expect(grantsFor(of({ role: 'super_admin', scopes: 'user/*.rs' }), 'Patient', 'operation')).toEqual([]);
    expect(grantsFor(of({ role: 'attending', scopes: 'user/*.cruds' }), 'Patient', 'operation')).toEqual([]);
  });

  test('grants are plain JSON, so that a job can keep them', () => {
    for (const role of ROLES) {
      const scope = of({ role, scopes: 'user/*.cruds', fhirUser: 'Patient/1' });
      const kept = JSON.parse(JSON.stringify(scope));
      expect(kept).toEqual(scope);
      expect(sameScope(kept, scope)).toBe(true);
      expect(sameScope(scope, of({ role, scopes: 'user/Slot.s', fhirUser: 'Patient/1' }))).toBe(false);
    }
  });
});

test('intersection of grants is never wider than either', () => {
  const grant: fc.Arbitrary<Grant> = fc.record(
    {
      types: fc.oneof(fc.constant('*' as const), fc.subarray(['Patient', 'Observation'])),
      interactions: fc.oneof(fc.constant('*' as const), fc.subarray(['read', 'create'] as const)),
      compartments: fc.subarray(['1', '2', '3']).map((ids) => ids.map((id) => ({ type: 'Patient', id }))),
      search: fc.constantFrom('status=final', 'category=a'),
      hiddenLabels: fc.subarray(['s|a', 's|b']),
    },
    { requiredKeys: ['types', 'interactions'] },
  );
  fc.assert(
    fc.property(grant, grant, (a, b) => {
      for (const both of intersectGrants([a], [b])) {
        for (const one of [a, b]) {
          if (one.types !== '*') expect(both.types).not.toBe('*');
          if (one.types !== '*') for (const type of both.types) expect(one.types).toContain(type);
          if (one.interactions !== '*')
            for (const each of both.interactions) expect(one.interactions).toContain(each);
          if (one.compartments !== undefined)
            expect(one.compartments).toEqual(expect.arrayContaining([...(both.compartments ?? [])]));
          if (one.search !== undefined) expect(both.search?.split('&')).toContain(one.search);
          expect(both.hiddenLabels ?? []).toEqual(expect.arrayContaining([...(one.hiddenLabels ?? [])]));
        }
      }
    }),
  );
});

test('granular scopes that cannot be searched by are told before they are granted', () => {
  const definitions = loadDefinitions();
  const problem = (text: string) => scopeSearchProblem(parseResourceScope(text)!, definitions);
  expect(problem('patient/Observation.rs?category=laboratory')).toBeUndefined();
  expect(problem('patient/Observation.rs')).toBeUndefined();
  expect(problem('patient/Observation.rs?colour=red')).toMatch(/colour/);
  expect(problem('patient/Observation.rs?date=never')).toMatch(/date/);
  for (const one of subScopesOf(parseResourceScope('patient/*.rs')!))
    expect(scopeSearchProblem(one, definitions)).toBeUndefined();
});

test('labels in memory are told as SQL tells them: by system and code, case folded, those without system too', () => {
  const grants: Grant[] = [{ types: '*', interactions: '*', hiddenLabels: ['s|R'] }];
  const labelled = (...security: object[]) => JSON.stringify({ resourceType: 'Basic', meta: { security } });
  expect(areLabelsOnly(grants)).toBe(true);
  expect(areLabelsOnly([{ ...grants[0]!, search: 'x=1' }])).toBe(false);
  expect(labelsAllow(grants, labelled())).toBe(true);
  expect(labelsAllow(grants, labelled({ system: 's', code: 'N' }))).toBe(true);
  expect(labelsAllow(grants, labelled({ system: 'other', code: 'R' }))).toBe(true);
  expect(labelsAllow(grants, labelled({ system: 's', code: 'N' }, { system: 's', code: 'R' }))).toBe(false);
  expect(labelsAllow(grants, labelled({ system: 's', code: 'r' }))).toBe(false);
  expect(labelsAllow(grants, labelled({ code: 'R' }))).toBe(false);
  expect(labelsAllow([...grants, { types: '*', interactions: '*' }], labelled({ code: 'R' }))).toBe(true);
});
