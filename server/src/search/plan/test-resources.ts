import type { Resource } from '../../json/types.ts';

const LOINC = 'http://loinc.org';
const UCUM = 'http://unitsofmeasure.org';

function observation(id: string, patient: string, code: string, rest: Record<string, unknown>): Resource {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { coding: [{ system: LOINC, code }] },
    subject: { reference: `Patient/${patient}` },
    ...rest,
  } as unknown as Resource;
}

function quantity(value: number, unit: string, code = unit): unknown {
  return { value, unit, system: UCUM, code };
}

/** Resources on which search.test.ts and the other SQL tests search: few, each for a rule of the specification. */
export const RESOURCES: readonly Resource[] = [
  {
    resourceType: 'Organization',
    id: 'o1',
    name: 'Good Health Clinic',
    identifier: [{ system: 'http://orgs', value: 'ABC' }],
  },
  { resourceType: 'Organization', id: 'o2', name: 'Clinic East', partOf: { reference: 'Organization/o1' } },
  { resourceType: 'Organization', id: 'o3', name: 'Ward 3', partOf: { reference: 'Organization/o2' } },
  {
    resourceType: 'Practitioner',
    id: 'd1',
    name: [{ family: 'House', given: ['Gregory'] }],
    identifier: [{ system: 'http://npi', value: '99' }],
  },
  {
    resourceType: 'Patient',
    id: 'p1',
    meta: {
      tag: [{ system: 'http://tags', code: 'demo' }],
      profile: ['http://example.org/StructureDefinition/us-patient|2.0'],
      source: 'http://source.org/feed#1',
      lastUpdated: '2024-01-01T00:00:00Z',
    },
    identifier: [
      {
        system: 'http://mrn',
        value: 'Ab1',
        type: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }],
          text: 'Medical record number',
        },
      },
    ],
    active: true,
    name: [{ family: 'Müller', given: ['Péter', 'James'] }],
    telecom: [
      { system: 'phone', value: '555-1' },
      { system: 'email', value: 'p1@x.org' },
    ],
    gender: 'male',
    birthDate: '1980-05-06',
    address: [{ city: 'Köln', line: ['Street 50%_x'] }],
    generalPractitioner: [{ reference: 'Practitioner/d1' }],
    managingOrganization: { reference: 'Organization/o3' },
    text: {
      status: 'generated',
      div: '<div xmlns="http://www.w3.org/1999/xhtml">Has <b>fever</b> and cough</div>',
    },
  },
  {
    resourceType: 'Patient',
    id: 'p2',
    meta: { lastUpdated: '2024-06-01T12:00:00Z' },
    identifier: [{ system: 'http://mrn', value: 'ab1' }],
    active: false,
    name: [{ family: 'Mullerson', given: ['Anna'] }],
    gender: 'female',
    birthDate: '1990',
    managingOrganization: { reference: 'Organization/o1' },
  },
  { resourceType: 'Patient', id: 'p3', name: [{ family: 'Zed' }], deceasedDateTime: '2020-01-01' },
  {
    resourceType: 'Group',
    id: 'g1',
    type: 'person',
    actual: true,
    member: [{ entity: { reference: 'Patient/p1' } }],
  },
  observation('w1', 'p1', '29463-7', {
    effectiveDateTime: '2020-01-15T10:00:00Z',
    valueQuantity: quantity(5, 'g'),
    performer: [{ reference: 'Practitioner/d1' }],
    category: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/observation-category',
            code: 'vital-signs',
            display: 'Vital Signs',
          },
        ],
        text: 'Vitals of the ward',
      },
    ],
  }),
  observation('w2', 'p1', '29463-7', { effectiveDateTime: '2020-02', valueQuantity: quantity(5000.2, 'mg') }),
  observation('w3', 'p2', '29463-7', {
    effectivePeriod: { start: '2019-12-01', end: '2020-01-31' },
    valueQuantity: { value: 5, unit: 'stone' },
  }),
  observation('w4', 'p2', '29463-7', {
    valueQuantity: { ...(quantity(7, 'kg') as object), comparator: '>' },
  }),
  observation('bp', 'p1', '85354-9', {
    effectiveDateTime: '2021-03-04',
    component: [
      { code: { coding: [{ system: LOINC, code: '8480-6' }] }, valueQuantity: quantity(140, 'mm[Hg]') },
      { code: { coding: [{ system: LOINC, code: '8462-4' }] }, valueQuantity: quantity(90, 'mm[Hg]') },
    ],
  }),
  observation('text', 'p3', '1-1', { effectiveDateTime: '2022', valueString: 'Needs Follow-Up, soon' }),
  {
    resourceType: 'Observation',
    id: 'group',
    status: 'preliminary',
    code: { text: 'Something else' },
    subject: { reference: 'Group/g1' },
    valueCodeableConcept: { coding: [{ system: 'http://snomed.info/sct', code: '10' }] },
  },
  {
    resourceType: 'Encounter',
    id: 'e1',
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
    subject: { reference: 'Patient/p1' },
    participant: [{ individual: { reference: 'Practitioner/d1' } }],
    serviceProvider: { reference: 'Organization/o1' },
  },
  {
    resourceType: 'Condition',
    id: 'c1',
    subject: { reference: 'Patient/p1' },
    encounter: { reference: 'Encounter/e1' },
    code: { coding: [{ system: 'http://snomed.info/sct', code: '10' }] },
    recordedDate: '2020-05-05',
  },
  {
    resourceType: 'Procedure',
    id: 'x1',
    status: 'completed',
    subject: { identifier: { system: 'http://mrn', value: 'ZZ' } },
    performer: [{ actor: { reference: 'http://other.org/fhir/Practitioner/7' } }],
    location: { reference: 'Location/l2' },
    reasonReference: [{ reference: 'Condition/c1/_history/2' }],
  },
  { resourceType: 'Location', id: 'l1', name: 'Bonn', position: { latitude: 50.7374, longitude: 7.0982 } },
  {
    resourceType: 'Location',
    id: 'l2',
    name: 'Köln',
    position: { latitude: 50.9375, longitude: 6.9603 },
    partOf: { reference: 'Location/l1' },
  },
  { resourceType: 'Location', id: 'l3', name: 'Fiji', position: { latitude: -17.0, longitude: 179.9 } },
  {
    resourceType: 'List',
    id: 'l',
    status: 'current',
    mode: 'working',
    entry: [{ item: { reference: 'Patient/p1' } }, { item: { reference: 'Observation/w1' } }],
  },
  {
    resourceType: 'ValueSet',
    id: 'v1',
    status: 'active',
    url: 'http://acme.org/fhir/ValueSet/123',
    useContext: [
      {
        code: { system: 'http://terminology.hl7.org/CodeSystem/usage-context-type', code: 'age' },
        valueRange: { low: quantity(10, 'a'), high: quantity(20, 'a') },
      },
      {
        code: { system: 'http://terminology.hl7.org/CodeSystem/usage-context-type', code: 'focus' },
        valueCodeableConcept: { coding: [{ system: 'http://snomed.info/sct', code: '10' }] },
      },
    ],
  },
  { resourceType: 'ValueSet', id: 'v2', status: 'draft', url: 'http://acme.org/fhir/ValueSet/12' },
  { resourceType: 'Questionnaire', id: 'q1', status: 'active', url: 'http://acme.org/q' },
  {
    resourceType: 'QuestionnaireResponse',
    id: 'qr1',
    status: 'completed',
    questionnaire: 'http://acme.org/q|1.0',
    subject: { reference: 'Patient/p1' },
  },
  {
    resourceType: 'MedicationRequest',
    id: 'm1',
    status: 'active',
    intent: 'order',
    subject: { reference: 'Patient/p2' },
    contained: [
      { resourceType: 'Medication', id: 'med', code: { coding: [{ system: 'http://rx', code: '1' }] } },
    ],
    medicationReference: { reference: '#med' },
  },
  {
    resourceType: 'RiskAssessment',
    id: 'r1',
    status: 'final',
    subject: { reference: 'Patient/p1' },
    prediction: [{ probabilityDecimal: 100 }],
  },
  {
    resourceType: 'RiskAssessment',
    id: 'r2',
    status: 'final',
    subject: { reference: 'Patient/p1' },
    prediction: [{ probabilityDecimal: 104 }, { probabilityDecimal: 0.5 }],
  },
  {
    resourceType: 'MolecularSequence',
    id: 's1',
    coordinateSystem: 0,
    referenceSeq: {
      referenceSeqId: { coding: [{ system: 'http://ncbi', code: 'NC_1' }] },
      windowStart: 10,
      windowEnd: 20,
    },
  },
] as unknown as Resource[];
