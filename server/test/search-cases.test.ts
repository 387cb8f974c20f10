import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DataSet, openSearchStore, type SearchStore } from './search-store.ts';

/* What search-property.test.ts has found, each as an example that stays. */

const UCUM = 'http://unitsofmeasure.org';
const mg = (value: number, comparator?: string) => ({
  value,
  comparator,
  unit: 'mg',
  system: UCUM,
  code: 'mg',
});
const RESOURCES: readonly object[] = [
  { resourceType: 'Encounter', id: 'root', subject: { reference: 'Patient/p' } },
  {
    resourceType: 'Encounter',
    id: 'inner',
    subject: { reference: 'Patient/p' },
    partOf: { reference: 'Encounter/root' },
  },
  { resourceType: 'Encounter', id: 'other', subject: { reference: 'Patient/p' } },
  { resourceType: 'Patient', id: 'p' },
  { resourceType: 'List', id: 'one', meta: { profile: ['http://b.org/'] }, title: '1' },
  { resourceType: 'List', id: 'two', meta: { profile: ['http://b.org/', 'http://a.org/'] }, title: '2' },
  {
    resourceType: 'RiskAssessment',
    id: 'range',
    prediction: [
      {
        probabilityRange: {
          low: { value: 20, unit: '%', system: UCUM, code: '%' },
          high: { value: 30, unit: '%', system: UCUM, code: '%' },
        },
      },
    ],
  },
  { resourceType: 'RiskAssessment', id: 'decimal', prediction: [{ probabilityDecimal: 10 }] },
  { resourceType: 'Questionnaire', id: 'q', version: '1-Beta' },
  { resourceType: 'Observation', id: 'less', code: { coding: [{ code: 'x' }] }, valueQuantity: mg(5, '<') },
  {
    resourceType: 'Observation',
    id: 'atmost',
    code: { coding: [{ code: 'x' }] },
    valueQuantity: mg(5, '<='),
  },
  {
    resourceType: 'Observation',
    id: 'sampled',
    code: { coding: [{ code: 's' }] },
    valueSampledData: { origin: { value: 0, unit: 'mg' }, period: 1, dimensions: 1, data: '1 2' },
  },
  {
    resourceType: 'Observation',
    id: 'versions',
    subject: { reference: 'Patient/p' },
    performer: [{ reference: 'Patient/p/_history/2' }],
    effectiveInstant: '2020-01-01T10:00:00Z',
  },
  { resourceType: 'QuestionnaireResponse', id: 'r1', questionnaire: 'http://a.org/q|1.2' },
  { resourceType: 'QuestionnaireResponse', id: 'r10', questionnaire: 'http://a.org/q|10' },
  {
    resourceType: 'Observation',
    id: 'panel',
    status: 'final',
    subject: { reference: 'Patient/p' },
    contained: [
      { resourceType: 'Observation', id: 'part', status: 'final' },
      { resourceType: 'Observation', id: 'draft', status: 'preliminary' },
    ],
  },
];

let store: SearchStore;
let data: DataSet;

beforeAll(async () => {
  store = await openSearchStore();
  data = await store.add(
    'cases',
    RESOURCES.map((one) => JSON.stringify(one)),
  );
});

afterAll(() => store?.close());

async function found(query: string): Promise<string> {
  const [type = '', text = ''] = query.split('?');
  const ids = await data.find(type, [...new URLSearchParams(text)]);
  return ids
    .map((one) => one.slice(type.length + 1))
    .sort()
    .join(' ');
}

async function sorted(query: string): Promise<string> {
  const [type = '', text = ''] = query.split('?');
  const ids = await data.pages(type, [...new URLSearchParams(text)], 2);
  return (ids ?? []).map((one) => one.slice(type.length + 1)).join(' ');
}

describe('R4 search.html', () => {
  test('#recursive: :above follows parents and nothing else that a resource refers to', async () => {
    expect(await found('Encounter?part-of:above=Encounter/inner')).toBe('inner');
    expect(await found('Encounter?part-of:below=Encounter/root')).toBe('inner');
  });

  test('#sort: of several values the first in the order counts, not all of them', async () => {
    expect(await sorted('List?_sort=-_profile,-title')).toBe('two one');
    expect(await sorted('List?_sort=_profile,-title')).toBe('two one');
    expect(await sorted('List?_sort=-_profile,title')).toBe('one two');
  });

  test('#number: a range counts as given, in whatever unit', async () => {
    expect(await found('RiskAssessment?probability=lt1')).toBe('');
    expect(await found('RiskAssessment?probability=gt15')).toBe('range');
    expect(await sorted('RiskAssessment?_sort=probability')).toBe('decimal range');
  });

  test('#token: strings match in any case', async () => {
    expect(await found('Questionnaire?version=1-bETA')).toBe('q');
  });

  test('#quantity: what is less than a number is not the number', async () => {
    expect(await found('Observation?value-quantity=ge5||mg')).toBe('atmost');
    expect(await found(`Observation?value-quantity=ge0.005|${UCUM}|g`)).toBe('atmost');
    expect(await found('Observation?value-quantity=eb5||mg')).toBe('less sampled');
  });

  test('a code and a quantity: SampledData as in the quantity alone', async () => {
    expect(await found('Observation?code=s&value-quantity=le1')).toBe('sampled');
    expect(await found('Observation?code-value-quantity=s$le1')).toBe('sampled');
  });

  test('#reference: a version belongs to its own reference', async () => {
    expect(await found('Observation?subject=Patient/p/_history/2')).toBe('');
    expect(await found('Observation?performer=Patient/p/_history/2')).toBe('versions');
  });

  test('#date: an instant is a point in time', async () => {
    expect(await found('Observation?date=gt2020-01-01T10:00:00.500Z')).toBe('');
    expect(await found('Observation?date=2020-01-01T10:00:00.000Z')).toBe('versions');
  });

  test('#versions: :below of a canonical goes by the parts of its version', async () => {
    const canonical = encodeURIComponent('http://a.org/q|1').replace('%7C', '%5C%7C');
    expect(await found(`QuestionnaireResponse?questionnaire:below=${canonical}`)).toBe('r1');
    expect(await found('QuestionnaireResponse?questionnaire:below=http://a.org/q')).toBe('r1 r10');
  });

  test('#contained: both finds the container for itself, by a chain too, and what it contains', async () => {
    const status = ['status', 'final'] as const;
    expect(
      await data.contained('Observation', [status, ['_contained', 'true'], ['_containedType', 'contained']]),
    ).toEqual(['Observation/panel#part']);
    expect(
      await data.contained('Observation', [status, ['_contained', 'both'], ['_containedType', 'contained']]),
    ).toEqual(['Observation/panel', 'Observation/panel#part']);
    expect(await data.contained('Observation', [status, ['_contained', 'both']])).toEqual([
      'Observation/panel',
    ]);
    const chain = ['subject:Patient._id', 'p'] as const;
    expect(await data.contained('Observation', [chain, ['_contained', 'both']])).toEqual([
      'Observation/panel',
      'Observation/versions',
    ]);
  });
});
