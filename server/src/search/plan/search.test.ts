import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AccessScope, openScope, type Tenant } from '../../access/scope.ts';
import { loadDefinitions } from '../../conformance/definitions.ts';
import type { Resource } from '../../json/types.ts';
import { type CursorState, createCursorCodec } from '../cursor.ts';
import { TextHasher } from '../hash.ts';
import { IndexKeys } from '../index-model.ts';
import { parseSearch } from '../query/parse.ts';
import type { ParsedSearch, SearchContext, Terminology } from '../query/types.ts';
import {
  estimatedRows,
  type PlanContext,
  planIncludes,
  planSearch,
  readIncludes,
  singleToken,
  specsOfRound,
} from './index.ts';
import { startTestDatabase, type TestDatabase } from './test-database.ts';
import { RESOURCES } from './test-resources.ts';

const BASE = 'http://localhost:8080/fhir/a';
const TENANT: Tenant = { id: 7, name: 'a' };
const OTHER: Tenant = { id: 8, name: 'b' };
const definitions = loadDefinitions();
const hasher = new TextHasher(new Uint8Array(16).fill(9));
const keys = new IndexKeys(hasher, TENANT.id);
const cursors = createCursorCodec(new Uint8Array(32).fill(3));

const terminology: Terminology = {
  codesIn: (url) => (url === 'http://vs' ? [{ system: 'http://loinc.org', code: '29463-7' }] : undefined),
  descendants: (_, code) => (code === '1' ? ['10', '11'] : []),
  ancestors: (_, code) => (code === '100' ? ['10', '1'] : []),
};
const search: SearchContext = {
  definitions,
  strict: true,
  baseUrl: BASE,
  terminology,
  now: Date.UTC(2024, 0, 1),
};
let database: TestDatabase;

beforeAll(async () => {
  database = await startTestDatabase(definitions);
  await database.insert(TENANT, keys, RESOURCES, BASE);
  await database.insert(OTHER, new IndexKeys(hasher, OTHER.id), RESOURCES, BASE);
}, 60_000);
afterAll(() => database?.stop(), 30_000);

function parse(query: string, compartment?: { type: string; id: string }): ParsedSearch {
  const [type = '', text = ''] = query.split(/\?(.*)/s);
  const context = compartment === undefined ? search : { ...search, compartment };
  return parseSearch(type === '' ? undefined : type, [...new URLSearchParams(text)], context);
}

function contextOf(scope: AccessScope = openScope(TENANT)): PlanContext {
  return { keys, scope, search };
}

/** Ids of the matches; sorted, unless the search gives an order. The exact count is compared each time. */
async function find(
  query: string,
  scope?: AccessScope,
  compartment?: { type: string; id: string },
): Promise<string> {
  const parsed = parse(query, compartment);
  const plan = planSearch(parsed, contextOf(scope));
  const { rows } = plan.readPage(await database.query(TENANT, plan.page!));
  const count = await database.query(TENANT, plan.count);
  expect(Number(count[0]![0])).toBe(rows.length);
  for (const row of rows) expect((JSON.parse(row.content) as Resource).id).toBe(row.id);
  const ids = rows.map((row) => row.id);
  return (parsed.sort.length === 0 ? ids.sort() : ids).join(' ');
}

async function expectAll(cases: Readonly<Record<string, string>>): Promise<void> {
  const found: Record<string, string> = {};
  for (const query of Object.keys(cases)) found[query] = await find(query);
  expect(found).toEqual(cases);
}

describe('R4 search.html#token', () => {
  test('code, system|code, |code, system|; codes without case, identifiers with case', () =>
    expectAll({
      'Observation?code=29463-7': 'w1 w2 w3 w4',
      'Observation?code=http://loinc.org|29463-7': 'w1 w2 w3 w4',
      'Observation?code=http://other|29463-7': '',
      'Observation?code=|29463-7': '',
      'Observation?code=http://loinc.org|': 'bp text w1 w2 w3 w4',
      'Observation?code=85354-9,1-1': 'bp text',
      'Observation?category=VITAL-SIGNS': 'w1',
      'Patient?identifier=http://mrn|Ab1': 'p1',
      'Patient?identifier=ab1': 'p2',
      'Patient?gender=MALE': 'p1',
      'Patient?gender=http://hl7.org/fhir/administrative-gender|female': 'p2',
      'Patient?active=true': 'p1',
      'Patient?email=p1@x.org': 'p1',
      'Patient?phone=p1@x.org': '',
      'Patient?_tag=http://tags|demo': 'p1',
      'Patient?deceased=true': 'p3',
    }));

  test(':not finds what has no such value, also no value at all', () =>
    expectAll({ 'Patient?gender:not=male': 'p2 p3', 'Patient?gender:not=male,female': 'p3' }));

  test(':text, :of-type, :in, :not-in, :below, :above', () =>
    expectAll({
      'Observation?category:text=vital': 'w1',
      'Observation?category:text=ward': '',
      'Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|Ab1': 'p1',
      'Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|ab1': '',
      'Observation?code:in=http://vs': 'w1 w2 w3 w4',
      'Observation?code:not-in=http://vs': 'bp group text',
      'Condition?code:below=http://snomed.info/sct|1': 'c1',
      'Condition?code:above=http://snomed.info/sct|100': 'c1',
    }));
});

describe('R4 search.html#string', () => {
  test('starts with, without case and accents; :exact; :contains', () =>
    expectAll({
      'Patient?family=mull': 'p1 p2',
      'Patient?family=MÜLLER': 'p1 p2',
      'Patient?family:exact=Müller': 'p1',
      'Patient?family:exact=müller': '',
      'Patient?family:contains=ULLERS': 'p2',
      'Patient?given=james': 'p1',
      'Patient?name=zed,anna': 'p2 p3',
      'Patient?given=peter&given=james': 'p1',
      'Patient?address:contains=50%25_': 'p1',
      'Patient?address:contains=5_%25': '',
      'Patient?address-city=koln': 'p1',
      'Observation?value-string=needs follow-up\\, s': 'text',
    }));
});

describe('R4 search.html#date', () => {
  test('precision of the search and of the value; periods', () =>
    expectAll({
      'Observation?date=2020-01': 'w1',
      'Observation?date=2020': 'w1 w2',
      'Observation?date=ne2020': 'bp text w3',
      'Observation?date=gt2020-12-31': 'bp text',
      'Observation?date=lt2020-01-15': 'w3',
      'Observation?date=ge2020-02': 'bp text w2',
      'Observation?date=le2020-01-15': 'w1 w3',
      'Observation?date=sa2020-01-31': 'bp text w2',
      'Observation?date=eb2020-02-01': 'w1 w3',
      'Observation?date=ge2020-01-01&date=lt2021': 'w1 w2 w3',
      'Observation?date=ap2021-03-04': 'bp',
      'Observation?date=ap2020-05': 'w1 w2 w3',
      'Observation?date=2020-01-15T10:00:00Z': 'w1',
      'Observation?date=2020-01-15T11:00:00%2B01:00': 'w1',
      'Patient?birthdate=1980-05': 'p1',
      'Patient?birthdate=1990-02-03': '',
      'Patient?birthdate=ge1990-02-03': 'p2',
      'Patient?death-date=2020': 'p3',
      'Patient?_lastUpdated=ge2024-05': 'p2',
      'Patient?_lastUpdated=2024-01-01': 'p1',
    }));
});

describe('R4 search.html#number and #quantity', () => {
  test('numbers: implicit precision', () =>
    expectAll({
      'RiskAssessment?probability=100': 'r1',
      'RiskAssessment?probability=1e2': 'r1 r2',
      'RiskAssessment?probability=gt100': 'r2',
      'RiskAssessment?probability=lt1': 'r2',
      'RiskAssessment?probability=ap99': 'r1 r2',
      'RiskAssessment?probability=ne100': 'r2',
    }));

  test('UCUM units are converted, other units and no unit compare as given', () =>
    expectAll({
      'Observation?value-quantity=5|http://unitsofmeasure.org|g': 'w1 w2',
      'Observation?value-quantity=5000|http://unitsofmeasure.org|mg': 'w1 w2',
      'Observation?value-quantity=5000.00|http://unitsofmeasure.org|mg': 'w1',
      'Observation?value-quantity=5': 'w1 w3',
      'Observation?value-quantity=5||stone': 'w3',
      'Observation?value-quantity=5||g': 'w1',
      'Observation?value-quantity=5000': 'w2',
      'Observation?value-quantity=0.005': '',
      'Observation?value-quantity=gt4|http://unitsofmeasure.org|g': 'w1 w2 w4',
      'Observation?value-quantity=lt0.006|http://unitsofmeasure.org|kg': 'w1 w2',
      'Observation?value-quantity=ap5.4|http://unitsofmeasure.org|g': 'w1 w2',
      'Observation?component-value-quantity=ge140|http://unitsofmeasure.org|mm[Hg]': 'bp',
    }));
});

describe('R4 search.html#uri', () => {
  test('exact; :below by prefix; :above by what is a prefix of the value', () =>
    expectAll({
      'ValueSet?url=http://acme.org/fhir/ValueSet/123': 'v1',
      'ValueSet?url=http://acme.org/fhir/ValueSet/1': '',
      'ValueSet?url:below=http://acme.org/fhir': 'v1 v2',
      'ValueSet?url:below=http://acme.org/fhir/ValueSet/123': 'v1',
      'ValueSet?url:above=http://acme.org/fhir/ValueSet/123/_history/5': 'v1',
      'Patient?_profile=http://example.org/StructureDefinition/us-patient': 'p1',
      'Patient?_profile=http://example.org/StructureDefinition/us-patient|2.0': 'p1',
      'Patient?_source=http://source.org/feed%231': 'p1',
    }));
});

describe('R4 search.html#reference', () => {
  test('id, Type/id, absolute URL, type modifier, other servers, versions, identifiers', () =>
    expectAll({
      'Observation?subject=Patient/p1': 'bp w1 w2',
      'Observation?subject=p1': 'bp w1 w2',
      'Observation?subject=g1': 'group',
      'Observation?subject:Patient=p2': 'w3 w4',
      'Observation?subject:Group=p2': '',
      'Observation?patient=p1': 'bp w1 w2',
      'Observation?patient=p1,Patient/p2': 'bp w1 w2 w3 w4',
      [`Observation?patient=${BASE}/Patient/p1`]: 'bp w1 w2',
      'Observation?patient=http://elsewhere.org/fhir/Patient/p1': '',
      'Procedure?performer=http://other.org/fhir/Practitioner/7': 'x1',
      'Procedure?reason-reference=Condition/c1': 'x1',
      'Procedure?reason-reference=Condition/c1/_history/2': 'x1',
      'Procedure?reason-reference=Condition/c1/_history/3': '',
      'Procedure?subject:identifier=http://mrn|ZZ': 'x1',
      'Procedure?subject:identifier=http://mrn|zz': '',
      'QuestionnaireResponse?questionnaire=http://acme.org/q': 'qr1',
      'QuestionnaireResponse?questionnaire=http://acme.org/q|1.0': 'qr1',
      'QuestionnaireResponse?questionnaire=http://acme.org/q|2.0': '',
      'Observation?patient=p1&code=85354-9&status=final': 'bp',
    }));

  test(':below and :above follow a hierarchy (search.html#recursive)', () =>
    expectAll({
      'Procedure?location:below=Location/l1': 'x1',
      'Procedure?location:below=l2': 'x1',
      'Procedure?location:above=l1': '',
      'Patient?organization:below=Organization/o1': 'p1 p2',
      'Patient?organization:below=Organization/o2': 'p1',
      'Patient?organization:above=Organization/o2': 'p2',
    }));
});

describe('R4 search.html#modifiers :missing', () => {
  test('values that are there and are not', () =>
    expectAll({
      'Patient?gender:missing=true': 'p3',
      'Patient?gender:missing=false': 'p1 p2',
      'Observation?date:missing=true': 'group w4',
      'Patient?_id:missing=true': '',
    }));
});

describe('R4 search.html#combining', () => {
  test('composites: the parts belong to the same element', () =>
    expectAll({
      'Observation?code-value-quantity=http://loinc.org|29463-7$gt4|http://unitsofmeasure.org|g': 'w1 w2 w4',
      'Observation?code-value-quantity=85354-9$gt4': '',
      'Observation?component-code-value-quantity=8480-6$gt100|http://unitsofmeasure.org|mm[Hg]': 'bp',
      'Observation?component-code-value-quantity=8462-4$gt100|http://unitsofmeasure.org|mm[Hg]': '',
      'Observation?component-code-value-quantity=http://loinc.org|8480-6$140': 'bp',
      'Observation?combo-code-value-quantity=8480-6$gt100|http://unitsofmeasure.org|mm[Hg]': 'bp',
      'Observation?combo-code-value-quantity=29463-7$5|http://unitsofmeasure.org|g': 'w1 w2',
      'Observation?combo-code-value-quantity=85354-9$gt100': '',
      'Observation?code-value-string=1-1$needs': 'text',
      'Observation?code-value-concept=x$http://snomed.info/sct|10': '',
      'ValueSet?context-type-quantity=age$15|http://unitsofmeasure.org|a': '',
      'ValueSet?context-type-quantity=age$gt15|http://unitsofmeasure.org|a': 'v1',
      'ValueSet?context-type-value=focus$http://snomed.info/sct|10': 'v1',
      'ValueSet?context-type-value=age$http://snomed.info/sct|10': '',
      'MolecularSequence?referenceseqid-window-coordinate=http://ncbi|NC_1$ge5$le30': 's1',
      'MolecularSequence?referenceseqid-window-coordinate=http://ncbi|NC_1$ge15$le30': '',
    }));
});

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

describe('R4 search.html, parameters of all resources and special ones', () => {
  test('_id, _list, _text, _content', () =>
    expectAll({
      'Patient?_id=p1,p3,nobody': 'p1 p3',
      'Patient?_id=p1&gender=female': '',
      'Patient?_id:not=p1': 'p2 p3',
      'Patient?_list=l': 'p1',
      'Observation?_list=l': 'w1',
      'Patient?_text=fever': 'p1',
      'Patient?_text=feve': '',
      'Patient?_text=(fever OR nothing) and NOT flu': 'p1',
      'Patient?_content=zed': 'p3',
      'Patient?_content=james müller': 'p1',
      'Patient?_text=xmlns': '',
    }));

  test('_filter (R4 search_filter.html)', () =>
    expectAll({
      'Patient?_filter=name co "ull"': 'p1 p2',
      'Patient?_filter=given eq "peter" and birthdate ge 1980': 'p1',
      'Patient?_filter=family eq "mullers"': '',
      'Patient?_filter=family ew "son"': 'p2',
      'Patient?_filter=gender eq male or gender eq female and active eq true': 'p1',
      'Patient?_filter=not (gender eq male)': 'p2 p3',
      'Patient?_filter=gender ne male': 'p2',
      'Patient?_filter=gender pr false': 'p3',
      'Observation?_filter=subject.name co "zed"': 'text',
      'Observation?_filter=subject:Patient.organization.name sw "good"': 'w3 w4',
      'Observation?_filter=subject[gender eq female].name co "ull"': 'w3 w4',
      'Observation?_filter=code in http://vs and patient re Patient/p2': 'w3 w4',
      'Observation?_filter=code ni http://vs': 'bp group text',
      'Observation?_filter=date po 2020-01': 'w1 w3',
      'Condition?_filter=code ss http://snomed.info/sct|1': 'c1',
      'Observation?_filter=value-quantity gt 4|http://unitsofmeasure.org|g': 'w1 w2 w4',
      'ValueSet?_filter=url sw "http://acme.org/fhir" and status eq draft': 'v2',
      'ValueSet?_filter=url ew "123"': 'v1',
      'Observation?_filter=category co "signs"': 'w1',
    }));

  test('near on Location (R4 location.html#positional), also across the 180th meridian', () =>
    expectAll({
      'Location?near=50.94|6.96|5|km': 'l2',
      'Location?near=50.94|6.96|30': 'l1 l2',
      'Location?near=50.94|6.96|30000|m': 'l1 l2',
      'Location?near=-17|-179.9|30|km': 'l3',
      'Location?near=-17|-179.9|10|km': '',
      'Location?near=90|0|9000|km': 'l1 l2',
    }));
});

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

describe('R4 search.html#sort', () => {
  test('ascending and descending, missing values last, several keys', () =>
    expectAll({
      'Patient?_sort=birthdate': 'p1 p2 p3',
      'Patient?_sort=-birthdate': 'p2 p1 p3',
      'Observation?_sort=date': 'w3 w1 w2 bp text w4 group',
      'Observation?_sort=-date': 'text bp w2 w1 w3 group w4',
      'Patient?_sort=family': 'p1 p2 p3',
      'Patient?_sort=-family': 'p3 p2 p1',
      'Patient?_sort=given': 'p2 p1 p3',
      'Patient?_sort=_lastUpdated': 'p3 p1 p2',
      'Patient?_sort=-_id': 'p3 p2 p1',
      'Patient?_sort=gender': 'p2 p1 p3',
      'Patient?_sort=-gender,family': 'p1 p2 p3',
      'Observation?_sort=-value-quantity&code=29463-7': 'w4 w2 w3 w1',
      'Observation?_sort=patient,-date': 'bp w2 w1 w3 w4 text group',
      'RiskAssessment?_sort=-probability': 'r2 r1',
      'Observation?_sort=status,_id': 'bp text w1 w2 w3 w4 group',
      'ValueSet?_sort=url': 'v2 v1',
    }));

  test('following next gives every match exactly once, in order, for each kind of order', async () => {
    for (const query of [
      'Observation?_count=2',
      'Observation?_count=2&_sort=date',
      'Observation?_count=2&_sort=-date',
      'Observation?_count=2&_sort=-date&patient=p1',
      'Observation?_count=2&_sort=date&date=ge2020',
      'Observation?_count=2&_sort=_lastUpdated',
      'Observation?_count=2&_sort=-_lastUpdated',
      'Observation?_count=2&_sort=status,-value-quantity,code',
      'Observation?_count=1&_sort=-value-quantity',
      'Observation?_count=1&_sort=code',
      'Observation?_count=2&patient=p1',
      'Observation?_count=2&identifier=none',
      'Patient?_count=1&_sort=-family',
      '?_count=5',
      '?_type=Patient,Observation&_count=3',
    ]) {
      const parsed = parse(query);
      const all = planSearch(parse(query.replace(/_count=\d+/, '_count=1000')), contextOf());
      const expected = all
        .readPage(await database.query(TENANT, all.page!))
        .rows.map((row) => `${row.type}/${row.id}`);
      const found: string[] = [];
      let cursor: CursorState | undefined;
      for (let page = 0; page < 100; page++) {
        const plan = planSearch(parsed, contextOf(), cursor);
        const { rows, next } = plan.readPage(await database.query(TENANT, plan.page!));
        found.push(...rows.map((row) => `${row.type}/${row.id}`));
        if (next === undefined) break;
        cursor = cursors.decode(
          TENANT.id,
          parsed.fingerprint,
          cursors.encode(TENANT.id, parsed.fingerprint, next),
        );
      }
      expect(found, query).toEqual(expected);
    }
  });

  test('composites and special parameters have no order', () => {
    expect(() => parse('Location?_sort=near')).toThrow(/no order/);
    expect(() => parse('Observation?_sort=code-value-quantity')).toThrow(/no order/);
  });
});

async function include(query: string, scope?: AccessScope): Promise<string> {
  const parsed = parse(query);
  const context = contextOf(scope);
  const plan = planSearch(parsed, context);
  let { rows } = plan.readPage(await database.query(TENANT, plan.page!));
  const known = new Set(rows.map((row) => row.rid));
  const found: string[] = [];
  for (let round = 0; rows.length > 0 && round < 5; round++) {
    const statement = planIncludes(specsOfRound(parsed.includes, round), rows, context, {
      limit: 100,
      known: [...known],
    });
    if (statement === undefined) break;
    rows = readIncludes(await database.query(TENANT, statement));
    for (const row of rows) known.add(row.rid);
    found.push(...rows.map((row) => row.id));
  }
  return found.sort().join(' ');
}

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

const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  token: [
    '=a',
    '=s|A,|b,s|',
    ':not=a',
    ':text=a',
    ':missing=true',
    ':of-type=s|c|v',
    ':in=http://vs',
    ':below=s|1',
  ],
  string: ['=a', ':exact=A,b', ':contains=a%25', ':missing=false', '=\u{10ffff}'],
  date: ['=2020', '=ap2020-01', '=ne2020', '=ge2020,lt2019-01', ':missing=true'],
  number: ['=5', '=ap5', '=ne5,sa6', '=eb1e2'],
  quantity: ['=5', '=ne5|http://unitsofmeasure.org|mg', '=le5||mg,ge6|x|y', '=sa5', ':missing=true'],
  reference: ['=a', '=http://x/a,urn:uuid:1', ':identifier=s|v', ':missing=false'],
  uri: ['=http://x/y', ':below=http://x', ':above=http://x/y'],
};

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

describe('every search parameter of R4', () => {
  test('gives SQL that PostgreSQL runs, with every modifier, and in every order that there is', async () => {
    const problems: string[] = [];
    const unsorted = new Set<string>();
    for (const type of definitions.resourceTypes) {
      for (const param of definitions.search(type).params.values()) {
        // Those of all resources are alike in every type.
        if (param.code.startsWith('_') && (type !== 'Patient' || /^_(text|content|query)$/.test(param.code)))
          continue;
        const queries = (SAMPLES[param.type] ?? [])
          .filter((sample) => !(param.code === '_id' && !/^=a$|missing/.test(sample)))
          .filter((sample) => !(param.code === '_lastUpdated' && sample.startsWith(':not')))
          .map((sample) => `${type}?${param.code}${sample}`);
        if (param.type === 'composite') {
          const parts = param.components.map((component) => {
            const part = definitions.search(type).params.get(component.code)?.type;
            return part === 'number' || part === 'quantity'
              ? '5'
              : part === 'date'
                ? '2020'
                : part === 'reference'
                  ? 'Patient/1'
                  : 'a';
          });
          queries.push(`${type}?${param.code}=${parts.join('$')}`);
        } else if (param.type !== 'special') queries.push(`${type}?_sort=-${param.code}`);
        for (const query of queries) {
          try {
            await database.query(TENANT, planSearch(parse(query), contextOf()).page!);
          } catch (error) {
            if (query.includes('_sort') && /cannot be sorted/.test(String(error)))
              unsorted.add(`${type}.${param.code}`);
            else problems.push(`${query}: ${String(error)}`);
          }
        }
      }
    }
    expect(problems.slice(0, 20)).toEqual([]);
    // Expressions that are no plain paths.
    expect(unsorted.size).toBeLessThan(5);
  }, 120_000);
});

describe('plans', () => {
  test('the planner estimates the rows (_total=estimate)', async () => {
    const plan = planSearch(parse('Patient?gender=male&name=x&_count=0'), contextOf());
    expect(plan.page).toBeUndefined();
    expect(estimatedRows(await database.query(TENANT, plan.estimate))).toBeGreaterThanOrEqual(1);
  });

  test('statements are prepared where the shape pins the plan', () => {
    const prepare = (query: string) => planSearch(parse(query), contextOf()).page!;
    expect(prepare('Patient?_id=p1').prepare).toBe('generic');
    expect(prepare('Observation?patient=p1&code=x&_sort=-date').prepare).toBe('generic');
    expect(prepare('Patient?identifier=http://mrn|1').prepare).toBe('generic');
    expect(prepare('Patient?identifier=http://mrn|1').name).toBe(
      prepare('Patient?identifier=http://mrn|2').name,
    );
    expect(prepare('Observation?code=x').prepare).toBe('custom');
    expect(prepare('Observation?code=x').name).toBeUndefined();
  });

  test('one patient with token filters uses the index of the patient', async () => {
    const plan = planSearch(parse('Observation?patient=p1&code=29463-7&_sort=-date'), contextOf());
    expect(plan.page!.text).toContain('= any(r.tokens)');
    expect(plan.reason).toMatch(/one patient/);
  });

  test('a code with its quantity is one range of the index (R4 search.html#combining)', () => {
    const prepare = (query: string) => planSearch(parse(query), contextOf());
    for (const code of ['29463-7', 'http://loinc.org|29463-7']) {
      const plan = prepare(`Observation?code=${code}&value-quantity=gt70`);
      expect(plan.reason).toMatch(/keyed by that code/);
      expect(plan.page!.prepare).toBe('generic');
    }
    // A canonical unit, a code without a system and other criteria need the ordinary conditions.
    const ucum = 'Observation?code=29463-7&value-quantity=gt70|http://unitsofmeasure.org|kg';
    expect(prepare(ucum).reason).not.toMatch(/keyed by that code/);
    expect(prepare('Observation?code=|29463-7&value-quantity=gt70').reason).not.toMatch(/keyed by that code/);
    expect(prepare('Observation?code=29463-7&value-quantity=gt70&status=final').page!.prepare).toBe('custom');
  });

  test('values never become part of the text', () => {
    const hostile = "x'); drop table store.resource; --";
    for (const query of [`family=${hostile}`, `identifier=${hostile}`, `_content=dropx`, `_id=${hostile}`]) {
      const plan = planSearch(parse(`Patient?${query}`), contextOf());
      expect(plan.page!.text).not.toMatch(/drop/);
    }
  });

  test('_explain shows query, plan, reason and SQL as JSON', () => {
    const explained = planSearch(
      parse(
        'Observation?patient.name=x&location:missing=true&_include=*'.replace('&location:missing=true', ''),
      ),
      contextOf(),
    ).explain();
    const text = JSON.stringify(explained);
    expect(text).toContain('Observation.patient');
    expect(text).toContain('reason');
    expect(JSON.parse(text)).toEqual(explained);
  });

  test('singleToken is there for one token and an open scope only', () => {
    expect(singleToken(parse('Patient?identifier=http://mrn|1'), contextOf())).toEqual(
      keys.systemCode(definitions.search('Patient').params.get('identifier')!.key, 'http://mrn', '1'),
    );
    expect(singleToken(parse('Patient?identifier=a,b'), contextOf())).toBeUndefined();
    expect(singleToken(parse('Patient?identifier=a&gender=male'), contextOf())).toBeUndefined();
    expect(singleToken(parse('Patient?name=x'), contextOf())).toBeUndefined();
  });
});
