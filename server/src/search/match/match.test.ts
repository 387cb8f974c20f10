import { describe, expect, test } from 'vitest';
import type { Resource } from '../../json/types.ts';
import { context as base, definitions, extract, keys } from '../index/test-entries.ts';
import type { FoundRow } from '../plan/rows.ts';
import { parseSearch } from '../query/parse.ts';
import type { ParsedSearch, SearchContext } from '../query/types.ts';
import { containedMatches, filterContained } from './contained.ts';
import { matches } from './matches.ts';

const search: SearchContext = {
  definitions,
  strict: true,
  baseUrl: base.baseUrl,
  now: Date.UTC(2024, 0, 1),
  terminology: {
    codesIn: (url) => (url === 'http://vs' ? [{ system: 'http://loinc.org', code: '8480-6' }] : undefined),
    descendants: (_, code) => (code === 'up' ? ['down'] : []),
    ancestors: (_, code) => (code === 'down' ? ['up'] : []),
  },
};
const context = { keys, search };

function parse(query: string): ParsedSearch {
  const [type = '', text = ''] = query.split(/\?(.*)/s);
  return parseSearch(type, [...new URLSearchParams(text)], search);
}

function found(resource: object, query: string): boolean {
  const parsed = parse(`${(resource as Resource).resourceType}?${query}`);
  return matches(parsed.criteria, resource as Resource, extract(resource), context);
}

/** Each query with whether the resource fulfils it. */
function expectAll(resource: object, cases: Readonly<Record<string, boolean>>): void {
  const results = Object.keys(cases).map((query) => [query, found(resource, query)]);
  expect(Object.fromEntries(results)).toEqual(cases);
}

const PATIENT = {
  resourceType: 'Patient',
  id: 'p',
  meta: {
    lastUpdated: '2023-05-06T07:08:09Z',
    tag: [{ system: 'http://tags', code: 'Hot' }],
    profile: ['http://profiles/patient|1'],
    source: 'http://source/a',
  },
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">A <b>calm</b> person</div>' },
  identifier: [
    {
      system: 'http://ids',
      value: 'X1',
      type: { coding: [{ system: 'http://types', code: 'MR' }], text: 'Record number' },
    },
  ],
  active: true,
  name: [{ family: 'Müller', given: ['Anna Maria'] }],
  gender: 'female',
  birthDate: '1980-05',
  generalPractitioner: [
    { reference: 'Practitioner/1' },
    { reference: 'http://other.org/fhir/Practitioner/2' },
    { identifier: { system: 'http://npi', value: '77' } },
  ],
  managingOrganization: { reference: 'Organization/o/_history/3' },
};

const OBSERVATION = {
  resourceType: 'Observation',
  id: 'o',
  status: 'final',
  code: {
    coding: [{ system: 'http://loinc.org', code: '85354-9', display: 'Blood pressure' }],
    text: 'BP panel',
  },
  subject: { reference: 'Patient/p' },
  effectivePeriod: { start: '2020-01-01', end: '2020-01-31' },
  component: [
    {
      code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
      valueQuantity: { value: 120, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
    },
    {
      code: { coding: [{ system: 'http://loinc.org', code: '8462-4' }] },
      valueQuantity: { value: 5, unit: 'g', system: 'http://unitsofmeasure.org', code: 'g' },
    },
  ],
};

describe('R4 search.html', () => {
  test('#all: parameters for all resources', () => {
    expectAll(PATIENT, {
      '_id=p': true,
      '_id=q,p': true,
      '_id=q': false,
      '_id:not=q': true,
      '_lastUpdated=2023-05-06': true,
      '_lastUpdated=gt2023-05-06T07:08:09Z': false,
      '_lastUpdated=ge2023': true,
      '_tag=http://tags|hot': true,
      '_tag:not=http://tags|hot': false,
      '_security:missing=true': true,
      '_profile=http://profiles/patient': true,
      '_source=http://source/a': true,
      '_source:below=http://source': true,
      '_text=calm': true,
      '_text=cal': false,
      '_content=müller': true,
      '_content=muller NOT calm': false,
    });
  });

  test('#lastUpdated: a resource without the element has no time to compare', () => {
    expectAll(OBSERVATION, { '_lastUpdated=gt1900': false, '_lastUpdated=lt2900': false });
  });

  test('#string: start, case and accents; :exact, :contains, :missing', () => {
    expectAll(PATIENT, {
      'family=mul': true,
      'family=ler': false,
      'name=maria': false,
      'name:contains=MARIA': true,
      'family:exact=Müller': true,
      'family:exact=Muller': false,
      'given:missing=false': true,
      'address:missing=true': true,
      'address:missing=false': false,
    });
  });

  test('#token: system and code, implied systems, booleans, :not, :text, :in, :of-type, :below', () => {
    expectAll(PATIENT, {
      'identifier=X1': true,
      'identifier=x1': false,
      'identifier=http://ids|X1': true,
      'identifier=http://ids|': true,
      'identifier=|X1': false,
      'identifier=nothing,X1': true,
      'identifier:of-type=http://types|MR|X1': true,
      'identifier:of-type=http://types|DL|X1': false,
      'identifier:text=record': true,
      'gender=female': true,
      'gender=http://hl7.org/fhir/administrative-gender|female': true,
      'gender:not=male': true,
      'gender:not=female': false,
      'active=true': true,
      'active=false': false,
    });
    expectAll(OBSERVATION, {
      'code:text=bp': true,
      'code:text=pressure': false,
      'combo-code:in=http://vs': true,
      'combo-code:not-in=http://vs': false,
      'code:below=http://s|up': false,
    });
  });

  test('#reference: relative, typed, absolute, with version, :identifier', () => {
    expectAll(PATIENT, {
      'general-practitioner=Practitioner/1': true,
      'general-practitioner=1': true,
      'general-practitioner:Practitioner=1': true,
      'general-practitioner:Organization=1': false,
      'general-practitioner=Practitioner/2': false,
      'general-practitioner=http://other.org/fhir/Practitioner/2': true,
      'general-practitioner:identifier=http://npi|77': true,
      'general-practitioner:identifier=http://npi|78': false,
      'organization=Organization/o': true,
      'organization=Organization/o/_history/3': true,
      'organization=Organization/o/_history/2': false,
    });
    expectAll(OBSERVATION, { 'patient=p': true, 'subject=Patient/p': true, 'subject=Patient/q': false });
  });

  test('#date and #prefix: the primary date and others', () => {
    expectAll(PATIENT, {
      'birthdate=1980': true,
      'birthdate=1980-05-05': false,
      'birthdate=ne1980': false,
      'birthdate=gt1979': true,
      'birthdate=lt1980-05-05': true,
      'death-date=lt2100': false,
    });
    expectAll(OBSERVATION, {
      'date=2020-01': true,
      'date=2020-01-15': false,
      'date=ge2020-01-31': false,
      'date=gt2020-01-15': true,
      'date=sa2019-12-31': true,
      'date=eb2020-01-31': false,
      'date=eb2020-02-01': true,
      'date=le2020-01-01': false,
      'date=ap2020-01-20': true,
    });
  });

  test('#quantity and #number: UCUM, units as given, prefixes', () => {
    expectAll(OBSERVATION, {
      'component-value-quantity=5000|http://unitsofmeasure.org|mg': true,
      'component-value-quantity=5000||mg': false,
      'component-value-quantity=5||g': true,
      'component-value-quantity=120': true,
      'component-value-quantity=gt120': false,
      'component-value-quantity=ge120': true,
      'component-value-quantity=ne120': true,
      'component-value-quantity=ap115||mmHg': true,
      'component-value-quantity=lt5': false,
    });
    const risk = {
      resourceType: 'RiskAssessment',
      id: 'r',
      status: 'final',
      prediction: [{ probabilityDecimal: 0.25 }],
    };
    expectAll(risk, { 'probability=0.25': true, 'probability=0.3': true, 'probability=lt0.3': true });
  });

  test('#combining: the parts of a composite hold in one element', () => {
    expectAll(OBSERVATION, {
      'component-code-value-quantity=http://loinc.org|8480-6$gt100': true,
      'component-code-value-quantity=http://loinc.org|8462-4$gt100': false,
      'combo-code-value-quantity=8462-4$5|http://unitsofmeasure.org|g': true,
      'code-value-quantity=85354-9$120': false,
    });
    const measured = { ...OBSERVATION, component: [], valueQuantity: { value: 7, unit: 'mm' } };
    expectAll(measured, {
      'code-value-quantity=85354-9$7||mm': true,
      'combo-code-value-quantity=85354-9$7': true,
      'code-value-quantity=85354-9$8': false,
    });
  });

  test('#combining: repeated parameters are joined by AND, commas by OR; search_filter.html: and, or, not', () => {
    expectAll(PATIENT, {
      'family=mul&gender=female': true,
      'family=mul&gender=male': false,
      '_filter=family eq "muller" and not (gender eq male)': true,
      '_filter=gender eq male or active eq true': true,
      '_filter=gender ne female': false,
      '_filter=address pr false': true,
      '_filter=family ew "ler"': true,
    });
  });

  test('uri: whole, :below, :above, and a canonical with and without its version', () => {
    const valueSet = { resourceType: 'ValueSet', id: 'v', url: 'http://a.org/vs/one', status: 'active' };
    expectAll(valueSet, {
      'url=http://a.org/vs/one': true,
      'url=http://a.org/vs': false,
      'url:below=http://a.org/vs': true,
      'url:above=http://a.org/vs/one/two': true,
      'url:above=http://a.org/vs/other': false,
    });
  });

  test('location.html#positional: near', () => {
    const place = { resourceType: 'Location', id: 'l', position: { latitude: 48.2, longitude: 16.37 } };
    expectAll(place, { 'near=48.21|16.37|2|km': true, 'near=48.3|16.37|2|km': false });
  });

  test('what takes other resources matches neither itself nor negated', () => {
    expectAll(OBSERVATION, {
      'subject:Patient.name=muller': false,
      '_filter=not (subject:Patient.name eq muller)': false,
      '_filter=status eq final or subject:Patient.name eq muller': true,
      '_list=1': false,
    });
    expectAll(PATIENT, { '_has:Observation:patient:code=85354-9': false });
  });
});

describe('R4 search.html#contained', () => {
  const container = {
    resourceType: 'MedicationRequest',
    id: 'c',
    status: 'active',
    intent: 'order',
    subject: { reference: 'Patient/p' },
    contained: [
      { resourceType: 'Medication', id: 'm1', code: { coding: [{ system: 'http://drugs', code: 'a' }] } },
      { resourceType: 'Medication', id: 'm2', code: { coding: [{ system: 'http://drugs', code: 'b' }] } },
      { resourceType: 'Patient', id: 'inner', birthDate: '1980' },
      { resourceType: 'Observation', id: 'obs', status: 'final', subject: { reference: '#inner' } },
    ],
  };
  const row = (matchesItself?: boolean): FoundRow => ({
    rid: '1',
    type: 'MedicationRequest',
    typeCode: 1,
    refHash: '1',
    id: 'c',
    version: 1,
    lastUpdated: 0,
    content: JSON.stringify(container),
    ...(matchesItself === undefined ? {} : { matches: matchesItself }),
  });
  const ids = (rows: ReturnType<typeof filterContained>) =>
    rows.map(({ contained }) => contained.map(({ id }) => id).join(' '));
  const filter = (query: string, itself?: boolean) =>
    ids(filterContained([row(itself)], parse(query), context));

  test('only contained resources of the type that fulfil all criteria', () => {
    const of = (query: string) => {
      const parsed = parse(query);
      const type = parsed.resourceType as string;
      return containedMatches(container as Resource, type, parsed.criteria, context).map(({ id }) => id);
    };
    expect(of('Medication?code=http://drugs|b')).toEqual(['m2']);
    expect(of('Medication?code=a,b')).toEqual(['m1', 'm2']);
    expect(of('Medication?code=c')).toEqual([]);
    expect(of('Patient?birthdate=1980')).toEqual(['inner']);
    expect(of('Patient?_id=inner')).toEqual(['inner']);
    expect(of('Practitioner?')).toEqual([]);
  });

  test('a reference to a neighbour has the type of the neighbour', () => {
    const parsed = parse('Observation?patient:missing=false');
    expect(containedMatches(container as Resource, 'Observation', parsed.criteria, context)).toHaveLength(1);
  });

  test('_contained=true: containers without a match are left out', () => {
    expect(filter('Medication?code=b&_contained=true&_containedType=contained')).toEqual(['m2']);
    expect(filter('Medication?code=z&_contained=true')).toEqual([]);
  });

  test('_contained=both: the row itself, and what it contains', () => {
    expect(filter('Medication?code=b&_contained=both&_containedType=contained', false)).toEqual(['m2']);
    const both = 'MedicationRequest?status=active&_contained=both';
    expect(filter(`${both}&_containedType=contained`, true)).toEqual(['']);
    expect(filter(`${both}&_containedType=container`, true)).toEqual(['']);
    expect(filter(both, false)).toEqual([]);
  });

  test('a container that matches is returned once as container, and apart from its contents otherwise', () => {
    const group = {
      resourceType: 'Observation',
      id: 'g',
      status: 'final',
      contained: [{ resourceType: 'Observation', id: 'part', status: 'final' }],
    };
    const rows = [{ ...row(true), type: 'Observation', content: JSON.stringify(group) }];
    const of = (query: string) => ids(filterContained(rows, parse(query), context));
    expect(of('Observation?status=final&_contained=both')).toEqual(['']);
    expect(of('Observation?status=final&_contained=both&_containedType=contained')).toEqual(['', 'part']);
  });
});
