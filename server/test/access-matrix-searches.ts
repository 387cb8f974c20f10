import type { Case } from './access-cases.ts';
import { listed, type Matrix, SHARE } from './access-matrix.ts';
import { referenceOf } from './naive-search.ts';
import type { JsonObject } from './naive-values.ts';

const SEARCHES: readonly (readonly [feature: string, type: string, parameters: [string, string][]])[] = [
  ['type', 'Patient', []],
  ['type', 'Observation', []],
  ['type', 'Condition', []],
  ['type', 'Encounter', []],
  ['type', 'MedicationRequest', []],
  ['type', 'DocumentReference', []],
  ['type', 'ServiceRequest', []],
  ['type', 'Practitioner', []],
  ['type', 'PractitionerRole', []],
  ['type', 'Organization', []],
  ['type', 'Location', []],
  ['type', 'Medication', []],
  ['type', 'Endpoint', []],
  ['type', 'Provenance', []],
  ['type', 'Coverage', []],
  ['type', 'Binary', []],
  ['type', 'Group', []],
  ['type', 'Questionnaire', []],
  ['parameter', 'Observation', [['category', 'laboratory']]],
  ['security label', 'Observation', [['_security', 'R,V,PSY']]],
  ['patient', 'Condition', [['patient', 'p2']]],
  [
    'patient',
    'Observation',
    [
      ['subject', 'Patient/p1'],
      ['status', 'final'],
    ],
  ],
  ['not', 'Condition', [['code:not', 'a']]],
  ['missing', 'Appointment', [['date:missing', 'true']]],
  ['chain', 'Observation', [['subject:Patient.gender', 'female']]],
  ['chain', 'Encounter', [['service-provider.name', 'South']]],
  ['chain', 'MedicationRequest', [['medication.code', '1']]],
  ['_has', 'Patient', [['_has:Observation:patient:code', 'very']]],
  ['_has', 'Practitioner', [['_has:Observation:performer:status', 'final']]],
  ['_list', 'Observation', [['_list', 'p1-list']]],
  ['hierarchy', 'Organization', [['partof:below', 'Organization/o1']]],
  ['_id', 'Observation', [['_id', 'p1-lab,p2-lab,p3-very']]],
];

/** What a chain, _has or _list looks at must be visible, too. */
function matching(
  matrix: Matrix,
  one: Case,
  type: string,
  parameters: readonly [string, string][],
): string[] {
  const visible = matrix.naiveOver(matrix.visibleTo(one));
  const hierarchy = parameters.some(([name]) => name.endsWith(':below'));
  if (!hierarchy) return visible.find([type], parameters).sort();
  // A reference to a root says so itself: the root need not be seen.
  const children = (parent: string): string[] =>
    visible.resources
      .filter((resource) => (resource['partOf'] as JsonObject | undefined)?.['reference'] === parent)
      .flatMap((resource) => [referenceOf(resource), ...children(referenceOf(resource))]);
  return children('Organization/o1').sort();
}

/** Searches of a type, by parameters of every kind and in several forms. */
export async function searches(matrix: Matrix, one: Case, at: number): Promise<void> {
  for (const [i, [feature, type, parameters]] of SEARCHES.entries()) {
    if ((i + at) % SHARE !== 0) continue;
    const query = parameters.map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    const mayType = matrix.access.mayType(one.token, 'search-type', type);
    const expected = mayType ? matching(matrix, one, type, parameters) : [];
    const shape = [
      '_count=1000',
      '_count=1000&_total=accurate',
      '_summary=count',
      '_count=1000&_sort=-_lastUpdated',
    ][(i + Math.floor(at / SHARE)) % 4] as string;
    const answer = await matrix.send(one, 'GET', `${type}?${[...query, shape].join('&')}`);
    matrix.note(feature, expected.length > 0);
    if (!mayType) {
      matrix.differ(one, `search ${type}`, 403, answer.status);
      continue;
    }
    const what = `${type}?${[...query, shape].join('&')}`;
    if (answer.status !== 200) {
      matrix.differ(one, what, 200, [answer.status, answer.body]);
      continue;
    }
    const created = shape.includes('_summary') ? undefined : listed(answer).sort();
    if (created !== undefined) matrix.differ(one, what, expected, created);
    if (shape.includes('_summary') || shape.includes('_total'))
      matrix.differ(one, `${what}: total`, expected.length, answer.body['total']);
    matrix.checkHiddenEntries(one, what, answer);
  }
}
