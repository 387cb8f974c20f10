import { beforeAll, describe, expect, test } from 'vitest';
import { openScope, type Tenant } from '../../access/scope.ts';
import type { Resource } from '../../json/types.ts';
import type { CursorState } from '../cursor.ts';
import { IndexKeys } from '../index-model.ts';
import { type PlanContext, planSearch } from './index.ts';
import {
  BASE,
  database,
  expectAll,
  hasher,
  include,
  parse,
  search,
  useSearchDatabase,
} from './test-search.ts';

useSearchDatabase();

describe('R4 search.html#chaining and #has', () => {
  test('chains of any depth, with and without type', () =>
    expectAll({
      'Observation?subject:Patient.name=muller': 'bp w1 w2 w3 w4',
      'Observation?patient.family:exact=Müller': 'bp w1 w2',
      'Observation?subject.name=zed': 'text',
      'Observation?patient.organization.name=good': 'w3 w4',
      'Observation?patient.organization.partof.name=clinic': 'bp w1 w2',
      'Observation?patient.organization.partof.partof.identifier=ABC': 'bp w1 w2',
      'Observation?performer.identifier=http://npi|99': 'w1',
      'Observation?patient.birthdate=ge1985': 'w3 w4',
      'Observation?patient._id=p3': 'text',
      'Observation?subject:Group.type=person': 'group',
      'Condition?encounter.participant:Practitioner.family=house': 'c1',
    }));

  test('_has, nested and with chains', () =>
    expectAll({
      'Patient?_has:Observation:patient:code=85354-9': 'p1',
      'Patient?_has:Observation:subject:code=1-1': 'p3',
      'Patient?_has:Group:member:_id=g1': 'p1',
      'Practitioner?_has:Observation:performer:code=29463-7': 'd1',
      'Practitioner?_has:Encounter:participant:_has:Condition:encounter:code=10': 'd1',
      'Organization?_has:Patient:organization:_has:Observation:patient:code=85354-9': 'o3',
      'Patient?_has:Observation:patient:performer.family=house': 'p1',
      'Observation?patient._has:Group:member:type=person': 'bp w1 w2',
    }));
});

describe('R4 search.html#include', () => {
  test('forward, with target type, wildcards, iterate; reverse', async () => {
    const cases: Record<string, string> = {
      'Observation?_id=w1&_include=Observation:subject': 'p1',
      'Observation?_id=w1,group&_include=Observation:subject:Group': 'g1',
      'Observation?_id=w1&_include=*': 'd1 p1',
      'Observation?_id=w1&_include=Observation:*': 'd1 p1',
      'Observation?_id=w1&_include=Observation:patient&_include:iterate=Patient:organization': 'o3 p1',
      'Observation?_id=w1&_include=Observation:patient&_include:iterate=Patient:organization&_include:recurse=Organization:partof':
        'o1 o2 o3 p1',
      'Observation?_id=w1&_include=Observation:patient&_include=Patient:organization': 'p1',
      'Patient?_id=p1&_revinclude=Observation:patient': 'bp w1 w2',
      'Patient?_id=p1&_revinclude=Observation:subject': 'bp w1 w2',
      'Patient?_id=p1&_revinclude=Group:member&_revinclude=Condition:patient': 'c1 g1',
      'Practitioner?_revinclude=Encounter:participant&_revinclude:iterate=Condition:encounter': 'c1 e1',
      'Practitioner?_revinclude=Observation:*': 'w1',
      'Patient?_id=p2&_revinclude=*': 'm1 w3 w4',
      'QuestionnaireResponse?_include=QuestionnaireResponse:questionnaire': 'q1',
      'Questionnaire?_revinclude=QuestionnaireResponse:questionnaire': 'qr1',
      'MedicationRequest?_include=MedicationRequest:medication': '',
    };
    const found: Record<string, string> = {};
    for (const query of Object.keys(cases)) found[query] = await include(query);
    expect(found).toEqual(cases);
  });
});

describe('chains with few and with many targets', () => {
  const many: Tenant = { id: 9, name: 'many' };
  const context: PlanContext = { keys: new IndexKeys(hasher, many.id), scope: openScope(many), search };

  beforeAll(async () => {
    const patients = Array.from({ length: 230 }, (_, i) => ({
      resourceType: 'Patient',
      id: `m${i}`,
      gender: 'male',
      name: [{ family: i < 5 ? 'Rare' : 'Common' }],
    }));
    const observations = patients.map(({ id }, i) => ({
      resourceType: 'Observation',
      id: `o${id}`,
      status: 'final',
      code: { text: 'x' },
      subject: { reference: `Patient/${id}` },
      performer: [{ reference: `Patient/${id}` }],
      ...(i % 3 === 0 ? {} : { effectiveDateTime: `2020-01-${10 + (i % 9)}` }),
    }));
    await database.insert(many, context.keys, [...patients, ...observations] as unknown as Resource[], BASE);
  }, 30_000);

  test('both plans give the same rows in the same order, page after page', async () => {
    for (const link of ['patient', 'performer:Patient', 'subject:Patient']) {
      for (const order of ['', '&_sort=date', '&_sort=-date', '&_sort=status']) {
        for (const [family, expected] of [
          ['rare', 5],
          ['common', 225],
          ['nobody', 0],
        ] as const) {
          const parsed = parse(`Observation?${link}.family=${family}&_count=40${order}`);
          const found: string[] = [];
          let cursor: CursorState | undefined;
          do {
            const plan = planSearch(parsed, context, cursor);
            const { rows, next } = plan.readPage(await database.query(many, plan.page!));
            found.push(...rows.map((row) => row.id));
            cursor = next;
          } while (cursor !== undefined);
          expect(new Set(found).size).toBe(expected);
          expect(found.length).toBe(expected);
          if (order === '')
            expect(found).toEqual([...found].sort((a, b) => Number(b.slice(2)) - Number(a.slice(2))));
        }
      }
    }
  });
});
