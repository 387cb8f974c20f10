import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonValue } from '../json/types.ts';
import { validateStructure } from './structure.ts';

const definitions = loadDefinitions();

/** The issues as `code expression`. */
function check(resource: unknown): string[] {
  const issues = validateStructure(parseJson(JSON.stringify(resource)), definitions);
  for (const issue of issues) expect(issue.severity).toBe('error');
  return issues.map(({ code, expression }) => `${code} ${expression}`);
}

const patient = (more: object) => ({ resourceType: 'Patient', ...more });
const observation = (more: object) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  ...more,
});
const extended = (more: object) => patient({ extension: [{ url: 'http://example.org/e', ...more }] });

describe('what R4 allows', () => {
  it.each<[string, object]>([
    ['a resource without elements', patient({})],
    [
      'partial dates and instants (datatypes.html#dateTime)',
      patient({ birthDate: '1970-02', deceasedDateTime: '2016-02-29T23:59:60.123+14:00' }),
    ],
    [
      'a primitive without value but with extension (json.html#primitive)',
      patient({ _birthDate: { extension: [{ url: 'http://e.org/absent', valueCode: 'unknown' }] } }),
    ],
    [
      'arrays filled up with nulls (json.html#primitive)',
      patient({
        name: [
          {
            given: ['A', null],
            _given: [null, { extension: [{ url: 'http://e.org/x', valueString: 'v' }] }],
          },
        ],
      }),
    ],
    [
      'a required element that has only an extension',
      observation({
        status: undefined,
        _status: { extension: [{ url: 'http://e.org/x', valueString: 'v' }] },
      }),
    ],
    ['nested extensions', extended({ extension: [{ url: 'inner', valueBoolean: false }] })],
    [
      'contained resources (references.html#contained)',
      patient({
        contained: [{ resourceType: 'Organization', id: 'o', name: 'O' }],
        managingOrganization: { reference: '#o' },
      }),
    ],
    [
      'every shape of reference (references.html#literal)',
      patient({
        generalPractitioner: [
          'Practitioner/1',
          'Practitioner/1/_history/2',
          'http://e.org/fhir/Organization/1',
          'urn:uuid:c757873d-ec9a-4326-a141-556f43239520',
          'urn:oid:1.2.3',
          'Practitioner?identifier=a|b',
          '#p',
        ].map((reference) => ({ reference })),
      }),
    ],
    [
      'a reference by identifier only (references.html#logical)',
      patient({ managingOrganization: { identifier: { value: '1' } } }),
    ],
    [
      'a narrative (narrative.html)',
      patient({
        text: {
          status: 'generated',
          div: '<div xmlns="http://www.w3.org/1999/xhtml" lang="en"><h1 class="a">A &amp; B&nbsp;&#169;</h1><!-- c --><br/><table border="1"><tr><td colspan=\'2\' style="color: red">x</td></tr></table><a href="http://e.org">l</a><img src="#i" alt="i"/></div>',
        },
      }),
    ],
    [
      'codes of several code systems, and a CodeableConcept with other codings besides',
      {
        resourceType: 'Condition',
        subject: { reference: 'Patient/1' },
        clinicalStatus: {
          coding: [
            { system: 'http://e.org', code: 'x' },
            { system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' },
          ],
        },
      },
    ],
    [
      'parts of Parameters and entries of Bundle',
      {
        resourceType: 'Bundle',
        type: 'collection',
        entry: [
          {
            resource: {
              resourceType: 'Parameters',
              parameter: [{ name: 'a', part: [{ name: 'b', resource: patient({}) }] }],
            },
          },
        ],
      },
    ],
    [
      'base64 with line breaks (datatypes.html#base64Binary)',
      { resourceType: 'Binary', contentType: 'text/plain', data: 'SGVs\nbG8=' },
    ],
    [
      'integers at their bounds',
      extended({
        extension: [
          { url: 'a', valueInteger: -2147483648 },
          { url: 'b', valueUnsignedInt: 0 },
          { url: 'c', valuePositiveInt: 2147483647 },
        ],
      }),
    ],
    [
      'a contentReference (Observation.component.referenceRange)',
      observation({ component: [{ code: { text: 'c' }, referenceRange: [{ low: { value: 1 } }] }] }),
    ],
    [
      'an outcome of any type in a Bundle (Bundle.entry.response.outcome)',
      {
        resourceType: 'Bundle',
        type: 'transaction-response',
        entry: [
          {
            response: {
              status: '200',
              outcome: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'invalid' }] },
            },
          },
        ],
      },
    ],
  ])('%s', (_, resource) => {
    expect(check(resource)).toEqual([]);
  });

  it('decimals with any digits', () => {
    const text =
      '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50e-3}}';
    expect(validateStructure(parseJson(text), definitions)).toEqual([]);
  });
});

describe('what R4 forbids', () => {
  it.each<[string, object | JsonValue, string[]]>([
    ['something that is no resource', [], ['structure undefined']],
    ['a resource without type (json.html#resources)', { id: '1' }, ['required resourceType']],
    ['an unknown resource type', { resourceType: 'Pacient' }, ['structure resourceType']],
    ['an abstract resource type', { resourceType: 'DomainResource' }, ['structure resourceType']],
    ['an unknown property', patient({ nmae: [] }), ['structure Patient.nmae']],
    [
      'an unknown property deep inside',
      patient({ name: [{}, { given: ['a'], x: 1 }].slice(1) }),
      ['structure Patient.name[0].x'],
    ],
    [
      'a property of a later version or a vendor',
      patient({ meta: { project: 'x' } }),
      ['structure Patient.meta.project'],
    ],
    ['an object where an array belongs', patient({ name: { family: 'x' } }), ['structure Patient.name']],
    [
      'an array where an object belongs',
      patient({ maritalStatus: [{ text: 'x' }] }),
      ['structure Patient.maritalStatus'],
    ],
    ['an array where a primitive belongs', patient({ birthDate: ['1970'] }), ['structure Patient.birthDate']],
    [
      'a primitive where an object belongs',
      patient({ maritalStatus: 'x' }),
      ['structure Patient.maritalStatus'],
    ],
    ['an object where a primitive belongs', patient({ birthDate: {} }), ['structure Patient.birthDate']],
    ['a string where a boolean belongs', patient({ active: 'true' }), ['structure Patient.active']],
    [
      'a string where a number belongs',
      patient({ multipleBirthInteger: '1' }),
      ['structure Patient.multipleBirthInteger'],
    ],
    [
      'a missing element',
      { resourceType: 'Observation', code: { text: 'x' } },
      ['required Observation.status'],
    ],
    [
      'a missing choice',
      {
        resourceType: 'MedicationRequest',
        status: 'active',
        intent: 'order',
        subject: { reference: 'Patient/1' },
      },
      ['required MedicationRequest.medication'],
    ],
    ['a missing element inside', patient({ link: [{ type: 'refer' }] }), ['required Patient.link[0].other']],
    [
      'two properties of a choice (formats.html#choice)',
      observation({ valueString: 'a', valueBoolean: true }),
      ['structure Observation.value'],
    ],
    [
      'a type that a choice does not have',
      observation({ valueAddress: {} }),
      ['structure Observation.valueAddress'],
    ],
    ['an empty object (json.html)', patient({ maritalStatus: {} }), ['structure Patient.maritalStatus']],
    ['an empty array (json.html)', patient({ name: [] }), ['structure Patient.name']],
    ['null (json.html)', patient({ active: null }), ['structure Patient.active']],
    ['null in an array of objects', patient({ name: [null] }), ['structure Patient.name[0]']],
    [
      'null in an array without a sibling',
      patient({ name: [{ given: ['a', null] }] }),
      ['structure Patient.name[0].given[1]'],
    ],
    [
      'null in both arrays',
      patient({
        name: [{ given: ['a', null], _given: [{ extension: [{ url: 'u', valueCode: 'c' }] }, null] }],
      }),
      ['structure Patient.name[0].given[1]'],
    ],
    [
      'an id without value or children (ele-1)',
      patient({ maritalStatus: { id: 'a' } }),
      ['invariant Patient.maritalStatus'],
    ],
    [
      'a sibling with a property that Element does not have',
      patient({ active: true, _active: { value: 1 } }),
      ['structure Patient.active.value'],
    ],
    [
      'a sibling of something that is no primitive',
      patient({ _name: [{ id: 'x' }] }),
      ['structure Patient._name'],
    ],
    [
      'an extension without url',
      patient({ extension: [{ valueString: 'x' }] }),
      ['required Patient.extension[0].url'],
    ],
    [
      'an extension with neither value nor extensions (ext-1)',
      extended({}),
      ['extension Patient.extension[0]'],
    ],
    [
      'an extension with both (ext-1)',
      extended({ valueString: 'a', extension: [{ url: 'x', valueString: 'b' }] }),
      ['extension Patient.extension[0]'],
    ],
    [
      'contained inside contained (dom-2)',
      patient({ contained: [{ resourceType: 'Patient', id: 'a', contained: [patient({ id: 'b' })] }] }),
      ['invariant Patient.contained[0].contained[0]'],
    ],
    [
      'a version in contained (dom-4)',
      patient({ contained: [{ resourceType: 'Patient', id: 'a', meta: { versionId: '1' } }] }),
      ['invariant Patient.contained[0].meta'],
    ],
    [
      'security labels in contained (dom-5)',
      patient({ contained: [{ resourceType: 'Patient', id: 'a', meta: { security: [{ code: 'R' }] } }] }),
      ['invariant Patient.contained[0].meta'],
    ],
    [
      'an error in contained',
      patient({ contained: [{ resourceType: 'Patient', id: 'a', active: 1 }] }),
      ['structure Patient.contained[0].active'],
    ],
    [
      'an error in an entry',
      { resourceType: 'Bundle', type: 'batch', entry: [{ resource: patient({ x: 1 }) }] },
      ['structure Bundle.entry[0].resource.x'],
    ],
    [
      'no resource in an entry',
      { resourceType: 'Bundle', type: 'batch', entry: [{ resource: {} }] },
      ['required Bundle.entry[0].resource.resourceType'],
    ],
    [
      'an error in a part of Parameters',
      { resourceType: 'Parameters', parameter: [{ name: 'a', part: [{ valueString: 'x' }] }] },
      ['required Parameters.parameter[0].part[0].name'],
    ],
    [
      'a reference that is none',
      patient({ managingOrganization: { reference: 'Organization' } }),
      ['value Patient.managingOrganization.reference'],
    ],
    [
      'a reference to a type that does not exist',
      patient({ managingOrganization: { reference: 'Hospital/1' } }),
      ['value Patient.managingOrganization.reference'],
    ],
    [
      'a reference to a type that is not permitted',
      patient({ managingOrganization: { reference: 'Patient/1' } }),
      ['value Patient.managingOrganization.reference'],
    ],
    ['a code outside of a required binding', patient({ gender: 'man' }), ['code-invalid Patient.gender']],
    [
      'a concept outside of a required binding',
      {
        resourceType: 'Condition',
        subject: { reference: 'Patient/1' },
        clinicalStatus: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'x' }],
        },
      },
      ['code-invalid Condition.clinicalStatus'],
    ],
    [
      'a narrative without text (txt-2)',
      patient({ text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"> </div>' } }),
      ['value Patient.text.div'],
    ],
  ])('%s', (_, resource, expected) => {
    expect(check(resource)).toEqual(expected);
  });

  it('a number that keeps its digits where something else belongs', () => {
    const issues = (text: string) =>
      validateStructure(parseJson(`{"resourceType":"Patient",${text}}`), definitions).map(
        (i) => `${i.code} ${i.expression}`,
      );
    expect(issues('"maritalStatus":1.50')).toEqual(['structure Patient.maritalStatus']);
    expect(issues('"multipleBirthInteger":1.0')).toEqual(['value Patient.multipleBirthInteger']);
    expect(issues('"active":1.0')).toEqual(['structure Patient.active']);
    expect(issues('"name":[1e3]')).toEqual(['structure Patient.name[0]']);
  });

  it('reports no more than 100 issues', () => {
    expect(check(patient({ name: Array.from({ length: 500 }, () => ({ x: 1 })) }))).toHaveLength(100);
    expect(check(patient({ active: 1 }))).toHaveLength(1);
  });
});
