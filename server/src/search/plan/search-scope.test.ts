import { describe, expect, test } from 'vitest';
import type { AccessScope } from '../../access/scope.ts';
import { IndexKeys } from '../index-model.ts';
import { planSearch } from './index.ts';
import {
  contextOf,
  database,
  expectAll,
  find,
  hasher,
  include,
  OTHER,
  parse,
  TENANT,
  useSearchDatabase,
} from './test-search.ts';

useSearchDatabase();

describe('R4 search.html#searching across types and compartments', () => {
  test('several types', () =>
    expectAll({
      '?_type=Patient,Group&_id=p1,g1': 'g1 p1',
      '?_type=Condition,Encounter&subject=Patient/p1': 'c1 e1',
      '?_tag=demo': 'p1',
      '?_type=Patient,Organization&name=zed,ward': 'o3 p3',
    }));

  test('compartments hold what refers to their resource, and that itself', async () => {
    const patient = { type: 'Patient', id: 'p1' };
    expect(await find('Observation', undefined, patient)).toBe('bp w1 w2');
    expect(await find('Observation?code=85354-9', undefined, patient)).toBe('bp');
    expect(await find('?_type=Condition,Patient', undefined, patient)).toBe('c1 p1');
    expect(await find('Observation', undefined, { type: 'Practitioner', id: 'd1' })).toBe('w1');
  });

  test('_contained=true gives candidates that hold such a resource', async () => {
    expect(await find('Medication?_contained=true&code=nothing')).toBe('m1');
    expect(await find('Medication?_contained=both&_id=none')).toBe('m1');
    const plan = planSearch(parse('Patient?_contained=both&_id=p1'), contextOf());
    expect(plan.needsContainedFilter).toBe(true);
    const { rows } = plan.readPage(await database.query(TENANT, plan.page!));
    expect(rows.map((row) => [row.id, row.matches])).toEqual([['p1', true]]);
  });
});

describe('access scopes', () => {
  const narrowed: AccessScope = {
    tenant: TENANT,
    subject: 'Patient/p1',
    grants: [
      { types: ['Patient', 'Observation'], interactions: '*', compartment: { type: 'Patient', id: 'p1' } },
      { types: ['Observation'], interactions: '*', search: 'status=preliminary' },
      { types: ['Location'], interactions: '*' },
    ],
  };

  test('a search sees what a grant allows, by compartment or by search', async () => {
    expect(await find('Observation', narrowed)).toBe('bp group w1 w2');
    expect(await find('Patient', narrowed)).toBe('p1');
    expect(await find('Location', narrowed)).toBe('l1 l2 l3');
    expect(await find('Condition', narrowed)).toBe('');
    expect(await find('?_type=Observation,Condition,Location', narrowed)).toBe('bp group l1 l2 l3 w1 w2');
    expect(await find('?_id=p1,p2,c1,l1', narrowed)).toBe('l1 p1');
  });

  test('chains, _has and includes see no more than a search does', async () => {
    expect(await find('Observation?subject:Group.type=person', narrowed)).toBe('');
    expect(await find('Observation?patient.family=muller', narrowed)).toBe('bp w1 w2');
    expect(await find('Patient?_has:Condition:patient:code=10', narrowed)).toBe('');
    expect(await find('Patient?_has:Observation:patient:code=29463-7', narrowed)).toBe('p1');
    expect(await find('Patient?_list=l', narrowed)).toBe('');
    expect(await include('Observation?_include=*', narrowed)).toBe('p1');
    expect(
      await include('Patient?_revinclude=Observation:subject&_revinclude=Condition:patient', narrowed),
    ).toBe('bp w1 w2');
  });

  test('nothing of another tenant is found, whatever its keys', async () => {
    const plan = planSearch(parse('Patient?name=muller'), {
      ...contextOf(),
      keys: new IndexKeys(hasher, OTHER.id),
    });
    expect(await database.query(OTHER, plan.page!)).toEqual([]);
    expect(plan.page!.values[0]).toBe(TENANT.id);
  });
});
