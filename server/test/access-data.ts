/** The records of three patients, with a label, a reference or a type of every kind that access depends on. */

const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category';
const CONDITION = 'http://terminology.hl7.org/CodeSystem/condition-category';
export const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
export const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

export interface TestResource {
  readonly resourceType: string;
  readonly id: string;
  readonly [name: string]: unknown;
}

export const PATIENTS = ['p1', 'p2', 'p3'] as const;

const ref = (reference: string, display?: string) => ({
  reference,
  ...(display === undefined ? {} : { display }),
});
const concept = (system: string, code: string, text?: string) => ({
  coding: [{ system, code }],
  ...(text === undefined ? {} : { text }),
});
const label = (system: string, code: string) => ({ meta: { security: [{ system, code }] } });

/** Those that belong to no patient. */
const SHARED: readonly TestResource[] = [
  { resourceType: 'Organization', id: 'o1', name: 'North' },
  { resourceType: 'Organization', id: 'o2', name: 'South', partOf: ref('Organization/o1') },
  { resourceType: 'Organization', id: 'o3', name: 'Nobody', partOf: ref('Organization/o2') },
  { resourceType: 'Practitioner', id: 'd1', name: [{ family: 'One' }] },
  { resourceType: 'Practitioner', id: 'd2', name: [{ family: 'Two' }] },
  { resourceType: 'Practitioner', id: 'd3', name: [{ family: 'Three' }] },
  // The author of a psychotherapy note only.
  { resourceType: 'Practitioner', id: 'd4', name: [{ family: 'Four' }] },
  {
    resourceType: 'PractitionerRole',
    id: 'r1',
    practitioner: ref('Practitioner/d1'),
    organization: ref('Organization/o1'),
    location: [ref('Location/l3')],
    endpoint: [ref('Endpoint/e1')],
  },
  { resourceType: 'Location', id: 'l3', name: 'Office', managingOrganization: ref('Organization/o4') },
  { resourceType: 'Organization', id: 'o4', name: 'Landlord' },
  {
    resourceType: 'Endpoint',
    id: 'e1',
    status: 'active',
    connectionType: { code: 'direct-project' },
    payloadType: [{ text: 'any' }],
    address: 'mailto:one@example.org',
  },
  {
    resourceType: 'PractitionerRole',
    id: 'r3',
    practitioner: ref('Practitioner/d3'),
    organization: ref('Organization/o3'),
  },
  { resourceType: 'Location', id: 'l1', name: 'Ward', managingOrganization: ref('Organization/o1') },
  { resourceType: 'Location', id: 'l2', name: 'Cellar' },
  { resourceType: 'Medication', id: 'm1', code: concept('http://rx', '1') },
  { resourceType: 'Medication', id: 'm2', code: concept('http://rx', '2') },
  { resourceType: 'Questionnaire', id: 'q1', status: 'active' },
  { resourceType: 'Schedule', id: 's1', actor: [ref('Practitioner/d1')] },
  {
    resourceType: 'Slot',
    id: 'slot1',
    schedule: ref('Schedule/s1'),
    status: 'free',
    start: '2024-05-01T10:00:00Z',
    end: '2024-05-01T10:30:00Z',
  },
];

/** The record of a patient; the second differs in who treats them. */
function record(p: string, doctor: string, medication: string): TestResource[] {
  const subject = { subject: ref(`Patient/${p}`, `Name of ${p}`) };
  const patient = { patient: ref(`Patient/${p}`) };
  const observation = (id: string, category: string, more: object = {}): TestResource => ({
    resourceType: 'Observation',
    id: `${p}-${id}`,
    status: 'final',
    category: [concept(CATEGORY, category)],
    code: concept('http://loinc.org', id),
    ...subject,
    effectiveDateTime: '2024-03-01T10:00:00Z',
    valueString: `${id} of ${p}`,
    ...more,
  });
  return [
    {
      resourceType: 'Patient',
      id: p,
      identifier: [{ system: 'http://mrn', value: p }],
      name: [{ family: `Name${p}`, given: ['Given'] }],
      birthDate: `197${p.at(-1)}-02-03`,
      gender: 'female',
      address: [{ line: ['1 Street'], city: 'Town', postalCode: '12345' }],
      telecom: [{ system: 'phone', value: `555-${p}` }],
      generalPractitioner: [ref(`Practitioner/${doctor}`)],
      managingOrganization: ref('Organization/o1'),
    },
    observation('lab', 'laboratory', { performer: [ref(`Practitioner/${doctor}`)] }),
    observation('vital', 'vital-signs'),
    observation('draft', 'vital-signs', { status: 'preliminary' }),
    observation('mental', 'survey', label(ACT_CODE, 'PSY')),
    observation('restricted', 'laboratory', label(CONFIDENTIALITY, 'R')),
    observation('very', 'laboratory', label(CONFIDENTIALITY, 'V')),
    observation('drug', 'social-history', label(ACT_CODE, 'SUD')),
    observation('unsystematic', 'laboratory', { meta: { security: [{ code: 'V' }] } }),
    {
      resourceType: 'Encounter',
      id: `${p}-enc`,
      status: 'finished',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
      ...subject,
      reasonCode: [{ text: 'cough' }],
      location: [{ location: ref('Location/l1') }],
      serviceProvider: ref('Organization/o2'),
    },
    {
      resourceType: 'Condition',
      id: `${p}-dx`,
      category: [concept(CONDITION, 'encounter-diagnosis')],
      code: concept('http://icd', 'a'),
      ...subject,
    },
    {
      resourceType: 'Condition',
      id: `${p}-problem`,
      category: [concept(CONDITION, 'problem-list-item')],
      code: concept('http://icd', 'b'),
      ...subject,
    },
    {
      resourceType: 'MedicationRequest',
      id: `${p}-rx`,
      status: 'active',
      intent: 'order',
      medicationReference: ref(`Medication/${medication}`),
      ...subject,
    },
    {
      resourceType: 'MedicationRequest',
      id: `${p}-rxdraft`,
      status: 'draft',
      intent: 'plan',
      medicationCodeableConcept: { text: 'x' },
      ...subject,
    },
    {
      resourceType: 'DocumentReference',
      id: `${p}-note`,
      status: 'current',
      ...label(ACT_CODE, 'PSYTHPN'),
      type: concept('http://loinc.org', '11488-4'),
      author: [ref('Practitioner/d4')],
      content: [{ attachment: { url: `Binary/${p}-bin` } }],
      ...subject,
    },
    {
      resourceType: 'DocumentReference',
      id: `${p}-doc`,
      status: 'current',
      type: concept('http://loinc.org', '34117-2'),
      content: [{ attachment: { title: 't' } }],
      ...subject,
    },
    {
      resourceType: 'Binary',
      id: `${p}-bin`,
      contentType: 'text/plain',
      securityContext: ref(`Patient/${p}`),
      data: 'YQ==',
    },
    {
      resourceType: 'ServiceRequest',
      id: `${p}-order`,
      status: 'active',
      intent: 'order',
      code: { text: 'x' },
      reasonCode: [{ text: 'why' }],
      ...subject,
    },
    {
      resourceType: 'ServiceRequest',
      id: `${p}-done`,
      status: 'completed',
      intent: 'order',
      code: { text: 'x' },
      ...subject,
    },
    {
      resourceType: 'Appointment',
      id: `${p}-appt`,
      status: 'booked',
      participant: [
        { actor: ref(`Patient/${p}`), status: 'accepted' },
        { actor: ref(`Practitioner/${doctor}`), status: 'accepted' },
      ],
    },
    {
      resourceType: 'Coverage',
      id: `${p}-cov`,
      status: 'active',
      beneficiary: ref(`Patient/${p}`),
      payor: [ref('Organization/o1')],
    },
    {
      resourceType: 'Claim',
      id: `${p}-claim`,
      status: 'active',
      use: 'claim',
      type: { text: 'x' },
      created: '2024-01-01',
      ...patient,
      provider: ref('Organization/o1'),
      priority: { text: 'n' },
      insurance: [{ sequence: 1, focal: true, coverage: ref(`Coverage/${p}-cov`) }],
    },
    { resourceType: 'RelatedPerson', id: `${p}-rel`, ...patient },
    {
      resourceType: 'List',
      id: `${p}-list`,
      status: 'current',
      mode: 'working',
      ...subject,
      entry: [{ item: ref(`Observation/${p}-lab`) }, { item: ref(`Observation/${p}-very`) }],
    },
    {
      resourceType: 'Provenance',
      id: `${p}-prov`,
      target: [ref(`Observation/${p}-lab`)],
      recorded: '2024-03-01T10:00:00Z',
      agent: [{ who: ref(`Practitioner/${doctor}`) }],
    },
    {
      resourceType: 'Provenance',
      id: `${p}-provery`,
      target: [ref(`Observation/${p}-very`)],
      recorded: '2024-03-01T10:00:00Z',
      agent: [{ who: ref('Practitioner/d4') }],
    },
    {
      resourceType: 'Consent',
      id: `${p}-consent`,
      status: 'active',
      scope: { text: 'x' },
      category: [{ text: 'x' }],
      ...patient,
      policyRule: { text: 'x' },
    },
  ];
}

export const RESOURCES: readonly TestResource[] = [
  ...SHARED,
  ...record('p1', 'd1', 'm1'),
  ...record('p2', 'd2', 'm2'),
  ...record('p3', 'd2', 'm1'),
  {
    resourceType: 'Group',
    id: 'g1',
    type: 'person',
    actual: true,
    member: [{ entity: ref('Patient/p1') }, { entity: ref('Patient/p2') }],
  },
];
