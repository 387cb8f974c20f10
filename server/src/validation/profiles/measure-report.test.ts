import { describe, expect, it } from 'vitest';
import { check, withResources } from './test-support.ts';
import { createValidators } from './validate.ts';

const population = (code: string, more: object = {}) => ({
  code: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/measure-population', code }] },
  ...more,
});
const criteria = { criteria: { language: 'text/fhirpath', expression: 'true' } };
const measure = (url: string, group: object[]) => ({
  resourceType: 'Measure',
  url,
  status: 'active',
  scoring: {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/measure-scoring', code: 'cohort' }],
  },
  group,
});
const ONE = 'http://e.org/Measure/one';
const TWO = 'http://e.org/Measure/two';
const initial = [population('initial-population', criteria)];
const validators = createValidators(
  withResources([
    measure(ONE, [{ population: initial }]),
    measure(
      TWO,
      ['a', 'b'].map((text) => ({ code: { text }, population: initial })),
    ),
  ]),
);
const list = {
  resourceType: 'List',
  id: 'l',
  status: 'current',
  mode: 'snapshot',
  entry: [{ item: { reference: 'MeasureReport/1' } }],
};

/** Errors of a report with one group. */
function report(group: object, of = ONE, type = 'summary'): string[] {
  return check(
    {
      resourceType: 'MeasureReport',
      status: 'complete',
      type,
      measure: of,
      period: { start: '2020', end: '2021' },
      group: [group],
      ...(JSON.stringify(group).includes('#l') ? { contained: [list] } : {}),
    },
    validators,
  );
}

describe('reports of measures (measurereport.html)', () => {
  const G = 'MeasureReport.group[0]';
  const counted = (count: number) => ({
    population: [population('initial-population', { count, subjectResults: { reference: '#l' } })],
  });
  it.each<[string, string[], string[]]>([
    ['the only group', report({ population: [population('initial-population')] }), []],
    [
      'a population that the measure does not have',
      report({ population: [population('numerator')] }),
      [`error business-rule ${G}.population[0]`],
    ],
    [
      'a score of a cohort',
      report({ measureScore: { value: 1 } }),
      [`error business-rule ${G}.measureScore`],
    ],
    ['one of two groups', report({ code: { text: 'b' } }, TWO), []],
    ['a group that is none of two', report({ code: { text: 'c' } }, TWO), [`error business-rule ${G}`]],
    ['subjects', report(counted(1), ONE, 'subject-list'), []],
    [
      'fewer subjects than counted',
      report(counted(2), ONE, 'subject-list'),
      [`error business-rule ${G}.population[0]`],
    ],
    ['subjects in a summary', report(counted(1)), [`error business-rule ${G}.population[0]`]],
  ])('%s', (_, issues, expected) => expect(issues).toEqual(expected));
});
