import { describe, expect, it } from 'vitest';
import { check, core, observation, patient } from './test-support.ts';

const O = 'Observation.value.ofType';
const valued = (name: string, value: unknown) => observation({ [`value${name}`]: value });
const UCUM = 'http://unitsofmeasure.org';

describe('primitives (datatypes.html#primitive)', () => {
  it.each<[string, object, string[]]>([
    [
      'an empty string',
      patient({ language: 'en', name: [{ family: '' }] }),
      ['error value Patient.name[0].family'],
    ],
    ['space around a string is allowed', patient({ name: [{ family: ' a ' }] }), []],
    ['space around a code', patient({ gender: ' male' }), ['error value Patient.gender']],
    ['a space in a code is allowed', patient({ maritalStatus: { coding: [{ code: 'a b' }] } }), []],
    [
      'two spaces in a code',
      patient({ maritalStatus: { coding: [{ code: 'a  b' }] } }),
      ['error value Patient.maritalStatus.coding[0].code'],
    ],
    ['space in a URI', patient({ implicitRules: 'http://e.org/a b' }), ['error value Patient.implicitRules']],
    ['an id with a wrong character', patient({ id: 'a_b' }), ['error value Patient.id']],
    ['an id of 65 characters', patient({ id: 'a'.repeat(65) }), ['error value Patient.id']],
    [
      'a day that is not in the month',
      patient({ birthDate: '2021-02-29' }),
      ['error value Patient.birthDate'],
    ],
    ['a date with a time', patient({ birthDate: '2021-02-28T00:00:00Z' }), ['error value Patient.birthDate']],
    ['a dateTime without zone', valued('DateTime', '2021-02-28T10:00:00'), [`error value ${O}(dateTime)`]],
    ['a dateTime without seconds', valued('DateTime', '2021-02-28T10:00Z'), [`error value ${O}(dateTime)`]],
    ['hour 24', valued('DateTime', '2021-02-28T24:00:00Z'), [`error value ${O}(dateTime)`]],
    ['an instant without time', observation({ issued: '2021-02-28' }), ['error value Observation.issued']],
    ['a time with zone', valued('Time', '10:00:00Z'), [`error value ${O}(time)`]],
    ['an integer that is too large', valued('Integer', 2147483648), [`error value ${O}(integer)`]],
    ['an integer with a fraction', valued('Integer', 1.5), [`error value ${O}(integer)`]],
    ['an integer as string', valued('Integer', '1'), [`error structure ${O}(integer)`]],
    ['a boolean as string', valued('Boolean', 'true'), [`error structure ${O}(boolean)`]],
    [
      'positiveInt 0',
      patient({ telecom: [{ value: 'x', system: 'phone', rank: 0 }] }),
      ['error value Patient.telecom[0].rank'],
    ],
    [
      'unsignedInt below 0',
      patient({ photo: [{ url: 'http://e.org/x', size: -1 }] }),
      ['error value Patient.photo[0].size'],
    ],
    ['a decimal as string', valued('Quantity', { value: '1.0' }), [`error structure ${O}(Quantity).value`]],
    [
      'base64 of a wrong length',
      patient({ photo: [{ contentType: 'image/png', data: 'abc' }] }),
      ['error value Patient.photo[0].data'],
    ],
    [
      'base64 with other characters',
      patient({ photo: [{ contentType: 'image/png', data: 'ab_=' }] }),
      ['error value Patient.photo[0].data'],
    ],
    [
      'base64 in lines is allowed',
      patient({ photo: [{ contentType: 'image/png', data: 'YWJj\nYWJj' }] }),
      [],
    ],
    [
      'a wrong OID in a URI',
      patient({ identifier: [{ system: 'urn:oid:1.02.3', value: 'x' }] }),
      ['error value Patient.identifier[0].system'],
    ],
    [
      'a UUID in upper case',
      patient({ identifier: [{ system: 'urn:uuid:C757873D-EC9A-4326-A141-556F43239520', value: 'x' }] }),
      ['error value Patient.identifier[0].system'],
    ],
    [
      'oid: without urn:',
      patient({ identifier: [{ system: 'oid:1.2.3', value: 'x' }] }),
      ['error value Patient.identifier[0].system'],
    ],
    [
      'a relative canonical',
      patient({ meta: { profile: ['StructureDefinition/x'] } }),
      ['error value Patient.meta.profile[0]'],
    ],
    [
      'a control character',
      patient({ name: [{ family: 'a\u0001' }] }),
      ['error value Patient.name[0].family'],
    ],
    [
      'two elements with one id (element.html#id)',
      patient({
        name: [
          { id: 'n', family: 'a' },
          { id: 'n', family: 'b' },
        ],
      }),
      ['error duplicate Patient.name[1]'],
    ],
    [
      'ids of contained resources are their own',
      patient({
        contained: [{ resourceType: 'Patient', id: 'p', name: [{ id: 'n', family: 'a' }] }],
        name: [{ id: 'n', family: 'a' }],
        link: [{ other: { reference: '#p' }, type: 'refer' }],
      }),
      [],
    ],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});

describe('data types (datatypes.html)', () => {
  const timing = (repeat: object) => ({
    resourceType: 'ServiceRequest',
    status: 'active',
    intent: 'order',
    subject: { display: 'x' },
    occurrenceTiming: { repeat },
  });
  const T = 'ServiceRequest.occurrence.ofType(Timing).repeat';
  it.each<[string, object, string[]]>([
    [
      'Attachment: data need a content type (att-1)',
      patient({ photo: [{ data: 'YWJj' }] }),
      ['error invariant Patient.photo[0] att-1'],
    ],
    [
      'Attachment: a wrong size',
      patient({ photo: [{ contentType: 'image/png', data: 'YWJj', size: 4 }] }),
      ['error invalid Patient.photo[0]'],
    ],
    [
      'Attachment: the right size',
      patient({ photo: [{ contentType: 'image/png', data: 'YWJj', size: 3 }] }),
      [],
    ],
    [
      'Identifier: a relative system',
      patient({ identifier: [{ system: 'local', value: 'x' }] }),
      ['error value Patient.identifier[0]'],
    ],
    [
      'Identifier: a value that is no URI',
      patient({ identifier: [{ system: 'urn:ietf:rfc:3986', value: 'x' }] }),
      ['error value Patient.identifier[0]'],
    ],
    [
      'ContactPoint: a value needs a system (cpt-2)',
      patient({ telecom: [{ value: 'x' }] }),
      ['error invariant Patient.telecom[0] cpt-2'],
    ],
    [
      'Period: start after end (per-1)',
      valued('Period', { start: '2021-02-01', end: '2021-01-31' }),
      [`error invariant ${O}(Period) per-1`],
    ],
    ['Period: the end has less precision', valued('Period', { start: '2021-02-01', end: '2021-02' }), []],
    [
      'Range: low over high (rng-2)',
      valued('Range', { low: { value: 2 }, high: { value: 1 } }),
      [`error invariant ${O}(Range) rng-2`],
    ],
    [
      'Range: of other units',
      valued('Range', {
        low: { value: 2, system: UCUM, code: 'm' },
        high: { value: 100, system: UCUM, code: 'cm' },
      }),
      [`error invariant ${O}(Range) rng-2`],
    ],
    [
      'Ratio: no denominator (rat-1)',
      valued('Ratio', { numerator: { value: 2 } }),
      [`error invariant ${O}(Ratio) rat-1`],
    ],
    [
      'Quantity: a code without system (qty-3)',
      valued('Quantity', { value: 2, code: 'm' }),
      [`error invariant ${O}(Quantity) qty-3`],
    ],
    [
      'SimpleQuantity: a comparator (sqty-1)',
      valued('SampledData', { origin: { value: 1, comparator: '<' }, period: 1, dimensions: 1, data: '1' }),
      [`error invariant ${O}(SampledData).origin sqty-1`],
    ],
    [
      'Age: a unit of length (age-1)',
      {
        resourceType: 'Condition',
        subject: { display: 'x' },
        clinicalStatus: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }],
        },
        onsetAge: { value: 2, system: 'http://e.org', code: 'x' },
      },
      ['error invariant Condition.onset.ofType(Age) age-1'],
    ],
    ['Timing: duration without unit (tim-1)', timing({ duration: 1 }), [`error invariant ${T} tim-1`]],
    ['Timing: period without unit (tim-2)', timing({ period: 1 }), [`error invariant ${T} tim-2`]],
    [
      'Timing: a negative duration (tim-4)',
      timing({ duration: -1, durationUnit: 'h' }),
      [`error invariant ${T} tim-4`],
    ],
    ['Timing: periodMax without period (tim-6)', timing({ periodMax: 2 }), [`error invariant ${T} tim-6`]],
    ['Timing: offset without when (tim-9)', timing({ offset: 1 }), [`error invariant ${T} tim-9`]],
    [
      'Timing: time of day and when (tim-10)',
      timing({ timeOfDay: ['10:00:00'], when: ['C'] }),
      [`error invariant ${T} tim-10`],
    ],
    [
      'Timing: a unit that does not exist',
      timing({ period: 1, periodUnit: 'y' }),
      [`error code-invalid ${T}.periodUnit`],
    ],
    [
      'Money: a currency in the wrong form',
      { resourceType: 'Invoice', status: 'draft', totalNet: { value: 1, currency: 'usd' } },
      ['error code-invalid Invoice.totalNet.currency'],
    ],
    [
      'language: no language tag (maxValueSet of all languages)',
      patient({ language: 'not a language' }),
      ['error code-invalid Patient.language'],
    ],
    [
      'a language by its name only (binding preferred with a maxValueSet)',
      patient({ communication: [{ language: { text: 'English' } }] }),
      [],
    ],
    [
      'Attachment: a media type in the wrong form',
      patient({ photo: [{ contentType: 'picture', url: 'http://e.org/p' }] }),
      ['error code-invalid Patient.photo[0].contentType'],
    ],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});

describe('vital signs (observation-vitalsigns.html)', () => {
  const loinc = (code: string) => ({ coding: [{ system: 'http://loinc.org', code }] });
  const vital = (code: string, more: object = {}) =>
    observation({
      code: loinc(code),
      category: [
        {
          coding: [
            { system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' },
          ],
        },
      ],
      subject: { reference: 'Patient/1' },
      effectiveDateTime: '2020-01-01',
      ...more,
    });
  const kg = { value: 70, unit: 'kg', system: UCUM, code: 'kg' };
  const mmHg = { value: 70, unit: 'mmHg', system: UCUM, code: 'mm[Hg]' };
  it.each<[string, object, string[]]>([
    ['a weight', vital('29463-7', { valueQuantity: kg }), []],
    [
      'a weight in grains',
      vital('29463-7', { valueQuantity: { ...kg, code: '[gr]' } }),
      ['error code-invalid Observation.value.ofType(Quantity).code'],
    ],
    [
      'a weight without subject',
      vital('29463-7', { valueQuantity: kg, subject: undefined }),
      ['error required Observation'],
    ],
    [
      'a weight of another category',
      vital('29463-7', { valueQuantity: kg, category: [{ text: 'x' }] }),
      ['error required Observation'],
    ],
    ['another code', vital('1234-4', { subject: undefined }), []],
    [
      'a blood pressure',
      vital('85354-9', {
        component: ['8480-6', '8462-4'].map((one) => ({ code: loinc(one), valueQuantity: mmHg })),
      }),
      [],
    ],
    [
      'a blood pressure without diastolic',
      vital('85354-9', { component: [{ code: loinc('8480-6'), valueQuantity: mmHg }] }),
      ['error required Observation', 'error required Observation'],
    ],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});
