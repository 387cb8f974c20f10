import { describe, expect, it } from 'vitest';
import { against, check, core, observation, P, patient, profile, withResources } from './test-support.ts';
import { createValidators } from './validate.ts';

describe('extensions (extensibility.html, defining-extensions.html)', () => {
  const url = 'http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName';
  it('a known extension has the value and the place of its definition', () => {
    expect(check(patient({ extension: [{ url, valueString: 'a' }] }), core)).toEqual([]);
    expect(check(patient({ extension: [{ url, valueBoolean: true }] }), core)).toEqual([
      'error structure Patient.extension[0].value.ofType(boolean)',
    ]);
    expect(check(observation({ extension: [{ url, valueString: 'a' }] }), core)).toEqual([
      'error extension Observation.extension[0]',
    ]);
  });
  it('an unknown extension is told of, an unknown modifier extension is an error', () => {
    const unknown = [{ url: 'http://nowhere.org/x', valueString: 'a' }];
    expect(check(patient({ extension: unknown }), core, { all: true })).toEqual([
      'information extension Patient.extension[0]',
    ]);
    expect(check(patient({ modifierExtension: unknown }), core)).toEqual([
      'error extension Patient.modifierExtension[0]',
    ]);
    expect(
      check(patient({ extension: unknown }), core, { options: { unknownExtensions: 'error' } }),
    ).toHaveLength(1);
  });
  it('a part that a complex extension does not have', () => {
    const geolocation = 'http://hl7.org/fhir/StructureDefinition/geolocation';
    const parts = (...urls: string[]) =>
      patient({
        address: [
          {
            extension: [{ url: geolocation, extension: urls.map((one) => ({ url: one, valueDecimal: 1 })) }],
          },
        ],
      });
    expect(check(parts('latitude', 'longitude'), core)).toEqual([]);
    expect(check(parts('latitude', 'longitude', 'depth'), core)).toContain(
      'error extension Patient.address[0].extension[0].extension[2]',
    );
    expect(check(parts('latitude'), core)).toEqual(['error required Patient.address[0].extension[0]']);
  });
});

describe('invariants', () => {
  it.each<[string, object, string]>([
    [
      'per-1',
      patient({ name: [{ text: 'a', period: { start: '2020-02', end: '2020-01' } }] }),
      'Patient.name[0].period per-1',
    ],
    ['ref-1', patient({ managingOrganization: { reference: '#o' } }), 'Patient.managingOrganization ref-1'],
    [
      'dom-3',
      patient({ contained: [{ resourceType: 'Organization', id: 'o', name: 'O' }] }),
      'Patient dom-3',
    ],
    ['pat-1', patient({ contact: [{ gender: 'male' }] }), 'Patient.contact[0] pat-1'],
    ['obs-6', observation({ valueString: 'a', dataAbsentReason: { text: 'x' } }), 'Observation obs-6'],
    [
      'obs-7',
      observation({
        code: { coding: [{ system: 'http://e.org', code: 'c' }] },
        valueString: 'a',
        component: [{ code: { coding: [{ system: 'http://e.org', code: 'c' }] }, valueString: 'b' }],
      }),
      'Observation obs-7',
    ],
    [
      'qty-3',
      observation({ valueQuantity: { value: 1, code: 'g' } }),
      'Observation.value.ofType(Quantity) qty-3',
    ],
    [
      'rng-2',
      observation({ valueRange: { low: { value: 2 }, high: { value: 1 } } }),
      'Observation.value.ofType(Range) rng-2',
    ],
    [
      'org-2',
      { resourceType: 'Organization', name: 'a', address: [{ use: 'home', city: 'x' }] },
      'Organization.address[0] org-2',
    ],
    [
      'que-2',
      {
        resourceType: 'Questionnaire',
        status: 'draft',
        item: [{ linkId: '1', type: 'group', item: [{ linkId: '1', type: 'string' }] }],
      },
      'Questionnaire que-2',
    ],
    [
      'que-12',
      {
        resourceType: 'Questionnaire',
        status: 'draft',
        item: [
          {
            linkId: '1',
            type: 'string',
            enableWhen: [1, 2, 3].map(() => ({ question: '2', operator: '=', answerInteger: 1 })),
          },
          { linkId: '2', type: 'integer' },
        ],
      },
      'Questionnaire.item[0] que-12',
    ],
    [
      'vsd-1',
      { resourceType: 'ValueSet', status: 'draft', compose: { include: [{ version: '1' }] } },
      'ValueSet.compose.include[0] vsd-1',
    ],
    [
      'csd-1',
      {
        resourceType: 'CodeSystem',
        status: 'draft',
        content: 'complete',
        concept: [{ code: 'a' }, { code: 'b', concept: [{ code: 'a' }] }],
      },
      'CodeSystem csd-1',
    ],
    [
      'bdl-7',
      {
        resourceType: 'Bundle',
        type: 'collection',
        entry: [1, 2].map(() => ({
          fullUrl: 'http://e.org/Patient/1',
          resource: { resourceType: 'Patient', id: '1' },
        })),
      },
      'Bundle bdl-7',
    ],
    [
      'inv-1',
      {
        resourceType: 'Parameters',
        parameter: [{ name: 'a', valueString: 'b', part: [{ name: 'c', valueString: 'd' }] }],
      },
      'Parameters.parameter[0] inv-1',
    ],
  ])('%s does not hold', (_, resource, expected) => {
    expect(check(resource, core)).toEqual([`error invariant ${expected}`]);
  });
  it('best practice is shown when asked for (dom-6)', () => {
    expect(check(patient({}), core, { all: true })).toEqual([]);
    expect(check(patient({}), core, { all: true, options: { bestPractice: 'warning' } })).toEqual([
      'warning invariant Patient dom-6',
    ]);
  });
  it("a profile's own rule, on the element and in FHIRPath that needs the general engine", () => {
    const rule = (expression: string) => [
      { path: 'Patient.birthDate', constraint: [{ key: 'b-1', severity: 'error', human: 'h', expression }] },
    ];
    expect(against(rule("toString().startsWith('19')"), patient({ birthDate: '2019' }))).toEqual([
      'error invariant Patient.birthDate b-1',
    ]);
    expect(against(rule('$this < @2000-01-01'), patient({ birthDate: '2019-01-01' }))).toEqual([
      'error invariant Patient.birthDate b-1',
    ]);
    expect(against(rule('$this < @2000-01-01'), patient({ birthDate: '1999-01-01' }))).toEqual([]);
  });
});

describe('bindings (terminologies.html#strength)', () => {
  it('required is an error, extensible a warning', () => {
    const marital = (code: string) =>
      patient({ maritalStatus: { coding: [{ system: 'http://e.org', code }] } });
    expect(check(marital('x'), core, { all: true })).toContain('warning code-invalid Patient.maritalStatus');
    expect(
      against(
        [
          {
            path: 'Patient.maritalStatus',
            binding: { strength: 'required', valueSet: 'http://hl7.org/fhir/ValueSet/marital-status' },
          },
        ],
        marital('x'),
      ),
    ).toEqual(['error code-invalid Patient.maritalStatus']);
  });
  it('maxValueSet binds with an extensible binding', () => {
    const binding = {
      strength: 'extensible',
      valueSet: 'http://hl7.org/fhir/ValueSet/marital-status',
      extension: [
        {
          url: 'http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet',
          valueCanonical: 'http://hl7.org/fhir/ValueSet/administrative-gender',
        },
      ],
    };
    const coded = patient({
      maritalStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus', code: 'M' }],
      },
    });
    expect(against([{ path: 'Patient.maritalStatus', binding }], coded)).toEqual([
      'error code-invalid Patient.maritalStatus',
    ]);
  });
  it('an unknown value set is no error', () => {
    const binding = { strength: 'required', valueSet: 'http://nowhere.org/vs' };
    expect(
      against(
        [{ path: 'Observation.code', binding }],
        observation({ code: { coding: [{ system: 'http://e.org', code: 'c' }] } }),
      ),
    ).toEqual([]);
  });
  it.each<[string, string, string, string?]>([
    ['a system that is not here', 'http://e.org/s', 'x'],
    [
      'a name that only R4 could give (terminologies-systems.html)',
      'http://hl7.org/fhir/no-such',
      'x',
      'system',
    ],
    ['a page', 'http://hl7.org/fhir/R4/codesystem-contributor-type.html', 'author', 'system'],
    ['the draft specification', 'http://build.fhir.org/contributor-type', 'author', 'system'],
    ['an edition as system', 'http://snomed.info/sct/900000000000207008', '73211009', 'system'],
    ['https', 'https://loinc.org', '8480-6', 'system'],
    ['a code of LOINC', 'http://loinc.org', '8480-6'],
    ['an answer of LOINC', 'http://loinc.org', 'LA6576-8'],
    ['a wrong check digit of LOINC', 'http://loinc.org', '8480-7', 'code'],
    ['an identifier of SNOMED CT', 'http://snomed.info/sct', '900000000000207008'],
    ['an expression', 'http://snomed.info/sct', '44054006:363698007=113331007'],
    ['a wrong check digit of SNOMED CT', 'http://snomed.info/sct', '73211008', 'code'],
    ['too short for SNOMED CT', 'http://snomed.info/sct', '1', 'code'],
  ])('%s', (_, system, code, place) => {
    expect(check(observation({ code: { coding: [{ system, code }] } }), core)).toEqual(
      place === undefined ? [] : [`error code-invalid Observation.code.coding[0].${place}`],
    );
  });
  it('a code with a required binding has a value (terminologies.html#required)', () => {
    const extension = [
      { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' },
    ];
    expect(check(patient({ _gender: { extension } }), core)).toEqual(['error code-invalid Patient.gender']);
    expect(check(patient({ gender: 'male', _gender: { extension } }), core)).toEqual([]);
    expect(check(patient({ _birthDate: { extension } }), core)).toEqual([]);
  });
  it('labels and tags are sets (resource.html#Meta); a url is absolute (resource.html#canonical)', () => {
    const twice = [
      { system: 'http://e.org', code: 'a' },
      { system: 'http://e.org', code: 'a', display: 'A' },
    ];
    expect(check(patient({ meta: { security: twice } }), core)).toEqual([
      'error duplicate Patient.meta.security[1]',
    ]);
    expect(check(patient({ meta: { tag: twice } }), core, { all: true })).toEqual([
      'warning duplicate Patient.meta.tag[1]',
    ]);
    const set = (url: string) => ({ resourceType: 'ValueSet', status: 'draft', url });
    expect(check(set('ValueSet/a'), core)).toEqual(['error value ValueSet.url']);
    expect(check(set('urn:oid:1.2.3'), core)).toEqual([]);
    const include = [{ system: '#c' }];
    expect(check({ ...set('urn:oid:1.2.3'), compose: { include } }, core)).toEqual([
      'error value ValueSet.compose.include[0].system',
    ]);
  });
  it('the type that a reference states (references.html#Reference.type)', () => {
    const by = (type: string, more: object = { display: 'x' }) =>
      check(patient({ managingOrganization: { type, ...more } }), core);
    const wrong = ['error structure Patient.managingOrganization'];
    expect(by('Organization')).toEqual([]);
    expect(by('http://hl7.org/fhir/StructureDefinition/Organization')).toEqual([]);
    expect(by('http://e.org/Model')).toEqual([]);
    expect(by('organization')).toEqual(wrong);
    expect(by('Group')).toEqual(wrong);
    expect(check(observation({ subject: { type: 'Group', reference: 'Patient/1' } }), core)).toEqual([
      'error structure Observation.subject',
    ]);
  });
  it('a hash that is not of the data, a value of an identifier that is no OID', () => {
    const photo = [{ contentType: 'image/png', data: 'AAAA', hash: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }];
    expect(check(patient({ photo }), core)).toEqual(['error invalid Patient.photo[0]']);
    const identifier = [{ system: 'urn:ietf:rfc:3986', value: 'urn:oid:1.02' }];
    expect(check(patient({ identifier }), core)).toEqual(['error value Patient.identifier[0]']);
  });
  it('displays, codes of known systems, units of UCUM, absolute systems (datatypes.html)', () => {
    const coding = (more: object) => observation({ code: { coding: [more] } });
    const v3 = 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus';
    expect(check(coding({ system: v3, code: 'M', display: 'Wrong' }), core, { all: true })).toEqual([
      'warning value Observation.code.coding[0].display',
    ]);
    expect(check(coding({ system: 'http://hl7.org/fhir/administrative-gender', code: 'x' }), core)).toEqual([
      'error code-invalid Observation.code.coding[0].code',
    ]);
    expect(check(coding({ system: 'local', code: 'x' }), core)).toEqual([
      'error value Observation.code.coding[0].system',
    ]);
    expect(
      check(
        observation({ valueQuantity: { value: 1, system: 'http://unitsofmeasure.org', code: 'gramm' } }),
        core,
        { all: true },
      ),
    ).toEqual(['error code-invalid Observation.value.ofType(Quantity).code']);
  });
});

describe('Bundles (bundle.html, documents.html)', () => {
  const entry = (resource: object, fullUrl = 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520') => ({
    fullUrl,
    resource,
  });
  it('each entry has an absolute fullUrl that fits its resource', () => {
    const bundle = (one: object) => ({ resourceType: 'Bundle', type: 'collection', entry: [one] });
    expect(check(bundle({ resource: patient({ id: '1' }) }), core)).toEqual([
      'error required Bundle.entry[0]',
    ]);
    expect(check(bundle(entry(patient({ id: '1' }), 'Patient/1')), core)).toEqual([
      'error invalid Bundle.entry[0]',
    ]);
    expect(check(bundle(entry(patient({ id: '1' }), 'http://e.org/Patient/2')), core)).toEqual([
      'error invalid Bundle.entry[0]',
    ]);
  });
  it('a document holds what its Composition refers to, and nothing that is not linked', () => {
    const composition = {
      resourceType: 'Composition',
      status: 'final',
      type: { text: 't' },
      date: '2020',
      title: 't',
      author: [{ reference: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239521' }],
    };
    const document = (...rest: object[]) => ({
      resourceType: 'Bundle',
      type: 'document',
      identifier: { system: 'urn:ietf:rfc:3986', value: 'urn:oid:1.2' },
      timestamp: '2020-01-01T00:00:00Z',
      entry: [entry(composition), ...rest],
    });
    const author = entry(
      { resourceType: 'Practitioner', id: 'a' },
      'urn:uuid:c757873d-ec9a-4326-a141-556f43239521',
    );
    const other = entry(
      { resourceType: 'Patient', id: 'b' },
      'urn:uuid:c757873d-ec9a-4326-a141-556f43239522',
    );
    expect(check(document(author), core)).toEqual([]);
    expect(check(document(author, other), core)).toEqual(['error invalid Bundle.entry[2]']);
    expect(check(document(), core)).toContain('error not-found Bundle.entry[0].resource.author[0]');
  });
  it('the profiles of entries, contained resources and parameters are followed too', () => {
    const validators = createValidators(
      withResources([profile('Patient', [{ path: 'Patient.name', min: 1 }])]),
    );
    const bad = patient({ id: '1', meta: { profile: [P] } });
    expect(
      check({ resourceType: 'Parameters', parameter: [{ name: 'a', resource: bad }] }, validators),
    ).toEqual(['error required Parameters.parameter[0].resource']);
  });
});

describe('questionnaire responses (questionnaireresponse.html)', () => {
  const questionnaire = {
    resourceType: 'Questionnaire',
    id: 'q',
    status: 'active',
    item: [
      {
        linkId: 'a',
        type: 'choice',
        required: true,
        answerOption: [{ valueCoding: { system: 'http://e.org', code: 'y' } }],
      },
      {
        linkId: 'b',
        type: 'integer',
        enableWhen: [{ question: 'a', operator: 'exists', answerBoolean: true }],
      },
    ],
  };
  const answers = (...item: object[]) =>
    check(
      {
        resourceType: 'QuestionnaireResponse',
        status: 'completed',
        questionnaire: '#q',
        contained: [questionnaire],
        ...(item.length > 0 ? { item } : {}),
      },
      core,
    );
  const yes = { linkId: 'a', answer: [{ valueCoding: { system: 'http://e.org', code: 'y' } }] };
  it.each<[string, object[], string[]]>([
    ['right answers', [yes, { linkId: 'b', answer: [{ valueInteger: 1 }] }], []],
    ['a required answer is missing', [], ['error required QuestionnaireResponse']],
    [
      'not an option',
      [{ linkId: 'a', answer: [{ valueCoding: { system: 'http://e.org', code: 'n' } }] }],
      ['error code-invalid QuestionnaireResponse.item[0].answer[0]'],
    ],
    [
      'another type',
      [yes, { linkId: 'b', answer: [{ valueString: 'x' }] }],
      ['error structure QuestionnaireResponse.item[1].answer[0]'],
    ],
    ['an unknown item', [yes, { linkId: 'c' }], ['error structure QuestionnaireResponse.item[1]']],
    [
      'out of order',
      [{ linkId: 'b', answer: [{ valueInteger: 1 }] }, yes],
      ['error structure QuestionnaireResponse.item[1]'],
    ],
    [
      'not enabled',
      [{ linkId: 'b', answer: [{ valueInteger: 1 }] }],
      ['error required QuestionnaireResponse', 'error invalid QuestionnaireResponse.item[0]'],
    ],
  ])('%s', (_, item, expected) => expect(answers(...item)).toEqual(expected));
});

describe('profiles that cannot be used', () => {
  it('an unknown profile is named: a warning where declared, an error where asked for', () => {
    expect(check(patient({ meta: { profile: ['http://nowhere.org/p'] } }), core, { all: true })).toEqual([
      'warning not-found Patient.meta.profile[0]',
    ]);
    expect(check(patient({}), core, { profiles: ['http://nowhere.org/p'] })).toEqual([
      'error not-found Patient',
    ]);
  });
  it('a profile based on itself, one of another type', () => {
    const loop = profile('Patient', [{ path: 'Patient.name', min: 1 }], { baseDefinition: P });
    const validators = createValidators(withResources([loop]));
    expect(check(patient({}), validators, { profiles: [P] })).toEqual(['error not-found Patient']);
    expect(validators.problems.get(P)).toContain('based on itself');
    expect(
      check(patient({}), core, { profiles: ['http://hl7.org/fhir/StructureDefinition/vitalsigns'] }),
    ).toEqual(['error structure Patient']);
  });
  it('a type profile that leads to itself comes to an end', () => {
    const again = profile('Patient', [
      { path: 'Patient.contained', min: 0, type: [{ code: 'Patient', profile: [P] }] },
    ]);
    const validators = createValidators(withResources([again]));
    expect(
      check(
        patient({
          contained: [
            { resourceType: 'Patient', id: 'a', link: [{ other: { reference: '#' }, type: 'seealso' }] },
          ],
        }),
        validators,
        { profiles: [P] },
      ),
    ).toEqual([]);
  });
});
