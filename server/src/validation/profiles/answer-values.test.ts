import { describe, expect, it } from 'vitest';
import { exactNumber } from '../../json/exact-number.ts';
import { check, withResources } from './test-support.ts';
import { createValidators } from './validate.ts';

const SYSTEM = 'http://example.org/CodeSystem/s';
const system = { resourceType: 'CodeSystem', url: SYSTEM, content: 'complete', concept: [{ code: 'a' }] };
const listed = {
  resourceType: 'ValueSet',
  url: 'http://example.org/ValueSet/listed',
  compose: { include: [{ system: SYSTEM, concept: [{ code: 'a' }, { code: 'b' }] }] },
};
const VALUE = 'QuestionnaireResponse.item[0].answer[0]';

/** Issues of an answer to a question; the questionnaire is known, or contained with what it refers to. */
function answered(question: object, answer: object, contained: object[] = [], isContained = false): string[] {
  const questionnaire = {
    resourceType: 'Questionnaire',
    id: 'q',
    url: 'http://example.org/Questionnaire/q',
    status: 'active',
    item: [{ linkId: 'a', ...question }],
  };
  const known = { ...questionnaire, ...(contained.length === 0 ? {} : { contained }) };
  const response = {
    resourceType: 'QuestionnaireResponse',
    status: 'completed',
    questionnaire: isContained ? '#q' : known.url,
    ...(isContained ? { contained: [questionnaire, ...contained] } : {}),
    item: [{ linkId: 'a', answer: [answer] }],
  };
  const validators = createValidators(withResources([system, listed, ...(isContained ? [] : [known])]));
  return check(response, validators, { all: true }).filter((issue) => issue.includes('.answer[0]'));
}

describe('limits of answers (R4 extensions of questions, see answerLimits)', () => {
  const url = (name: string) => `http://hl7.org/fhir/StructureDefinition/${name}`;
  const limit = (type: string, name: string, value: object) => ({
    type,
    extension: [{ url: url(name), ...value }],
  });
  it.each<[string, object, object, boolean]>([
    ['integer at the minimum', limit('integer', 'minValue', { valueInteger: 3 }), { valueInteger: 3 }, true],
    ['integer below it', limit('integer', 'minValue', { valueInteger: 3 }), { valueInteger: 2 }, false],
    ['decimal above', limit('decimal', 'maxValue', { valueDecimal: 1.5 }), { valueDecimal: 1.6 }, false],
    [
      'exact decimal',
      limit('decimal', 'maxValue', { valueDecimal: 1.5 }),
      { valueDecimal: exactNumber('1.50') },
      true,
    ],
    [
      'date before',
      limit('date', 'minValue', { valueDate: '2020-05-01' }),
      { valueDate: '2020-04-30' },
      false,
    ],
    [
      'date that may be after',
      limit('date', 'minValue', { valueDate: '2020-05' }),
      { valueDate: '2020' },
      true,
    ],
    ['time', limit('time', 'maxValue', { valueTime: '12:00:00' }), { valueTime: '12:00:01' }, false],
    ['short text', limit('string', 'minLength', { valueInteger: 3 }), { valueString: 'ab' }, false],
    ['text', limit('string', 'minLength', { valueInteger: 3 }), { valueString: 'abc' }, true],
    [
      'decimal places',
      limit('decimal', 'maxDecimalPlaces', { valueInteger: 1 }),
      { valueDecimal: exactNumber('1.20') },
      false,
    ],
    [
      'no decimal places',
      limit('decimal', 'maxDecimalPlaces', { valueInteger: 0 }),
      { valueDecimal: 2 },
      true,
    ],
    ['a form', limit('string', 'regex', { valueString: '[a-z]+@[a-z]+' }), { valueString: 'a@b' }, true],
    [
      'another form',
      limit('string', 'regex', { valueString: '[a-z]+@[a-z]+' }),
      { valueString: 'a@@b' },
      false,
    ],
    [
      'a large attachment',
      limit('attachment', 'maxSize', { valueDecimal: 50 }),
      { valueAttachment: { url: 'http://e.org/a', size: 51 } },
      false,
    ],
    [
      'the content of an attachment that is large',
      limit('attachment', 'maxSize', { valueDecimal: 3 }),
      { valueAttachment: { contentType: 'text/plain', data: 'AAAAAA==' } },
      false,
    ],
    [
      'a content type',
      limit('attachment', 'mimeType', { valueCode: 'image/*' }),
      { valueAttachment: { contentType: 'image/png', url: 'http://e.org/a' } },
      true,
    ],
    [
      'another content type',
      limit('attachment', 'mimeType', { valueCode: 'image/png' }),
      { valueAttachment: { contentType: 'image/gif', url: 'http://e.org/a' } },
      false,
    ],
    [
      'a type of resource',
      limit('reference', 'questionnaire-referenceResource', { valueCode: 'Patient' }),
      { valueReference: { reference: 'Patient/1' } },
      true,
    ],
    [
      'another type of resource',
      limit('reference', 'questionnaire-referenceResource', { valueCode: 'Patient' }),
      { valueReference: { reference: 'Group/1' } },
      false,
    ],
    [
      'a type that R4 does not have',
      { type: 'reference' },
      { valueReference: { reference: 'http://e.org/Hen/1' } },
      false,
    ],
  ])('%s', (_, question, answer, valid) => {
    expect(answered(question, answer)).toEqual(valid ? [] : [`error invalid ${VALUE}`]);
  });
});

describe('quantities as answers (questionnaire-unitOption, questionnaire-unitValueSet, minQuantity, maxQuantity)', () => {
  const UCUM = 'http://unitsofmeasure.org';
  const quantity = (value: number, code: string) => ({ value, unit: code, system: UCUM, code });
  const sdc = (name: string) => `http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-${name}`;
  const core = (name: string) => `http://hl7.org/fhir/StructureDefinition/questionnaire-${name}`;
  it.each([
    ['an option', core('unitOption'), { valueCoding: { system: UCUM, code: 'km' } }, true],
    ['no option', core('unitOption'), { valueCoding: { system: UCUM, code: 'm' } }, false],
    ['not in the value set', core('unitValueSet'), { valueCanonical: listed.url }, false],
    ['above the minimum, in another unit', sdc('minQuantity'), { valueQuantity: quantity(9000, 'm') }, true],
    ['below the minimum', sdc('minQuantity'), { valueQuantity: quantity(11_000, 'm') }, false],
    ['above the maximum', sdc('maxQuantity'), { valueQuantity: quantity(9000, 'm') }, false],
    ['of another kind than the limit', sdc('minQuantity'), { valueQuantity: quantity(1, 'kg') }, false],
  ])('%s', (_, url, value, valid) => {
    const question = { type: 'quantity', extension: [{ url, ...value }] };
    expect(answered(question, { valueQuantity: quantity(10, 'km') })).toEqual(
      valid ? [] : [`error invalid ${VALUE}`],
    );
  });
});

describe('answers from a contained value set (R4 questionnaire.html#Questionnaire.item.answerValueSet)', () => {
  const set = (compose: object) => ({ resourceType: 'ValueSet', id: 'vs', status: 'active', compose });
  const choice = { type: 'choice', answerValueSet: '#vs' };
  const coded = (code: string, more: object = {}) => ({ valueCoding: { system: SYSTEM, code, ...more } });
  const no = [`error code-invalid ${VALUE}`];
  const unknown = [`information not-supported ${VALUE}`];
  const whole = [set({ include: [{ system: SYSTEM }] })];

  it('that includes a whole code system', () => {
    expect(answered(choice, coded('a'), whole)).toEqual([]);
    expect(answered(choice, coded('c'), whole)).toContain(no[0]);
    expect(answered(choice, { valueCoding: { system: 'http://example.org/x', code: 'a' } }, whole)).toEqual(
      no,
    );
  });

  it('that includes a code system that is not known here', () => {
    const other = 'http://example.org/x';
    const sets = [set({ include: [{ system: other }] })];
    expect(answered(choice, { valueCoding: { system: other, code: 'a' } }, sets)).toEqual(unknown);
  });

  it('that lists, imports or excludes codes', () => {
    const listing = [set({ include: [{ system: SYSTEM, concept: [{ code: 'a' }] }] })];
    expect(answered(choice, coded('a'), listing)).toEqual([]);
    const imported = [set({ include: [{ valueSet: [listed.url] }] })];
    expect(answered(choice, coded('a'), imported)).toEqual([]);
    expect(answered(choice, coded('c'), imported)).toContain(no[0]);
    const excluding = [
      set({ include: [{ system: SYSTEM }], exclude: [{ system: SYSTEM, concept: [{ code: 'a' }] }] }),
    ];
    expect(answered(choice, coded('a'), excluding)).toEqual(no);
    const filtered = [
      set({ include: [{ system: SYSTEM, filter: [{ property: 'x', op: '=', value: 'y' }] }] }),
    ];
    expect(answered(choice, coded('a'), filtered)).toEqual(unknown);
  });

  it('that is an expansion only', () => {
    const expansion = {
      contains: [{ system: SYSTEM, abstract: true, code: 'g', contains: [{ system: SYSTEM, code: 'a' }] }],
    };
    const sets = [{ resourceType: 'ValueSet', id: 'vs', status: 'active', expansion }];
    expect(answered(choice, coded('a'), sets)).toEqual([]);
    expect(answered(choice, coded('g'), sets)).toContain(no[0]);
  });

  it('that lies beside a contained questionnaire', () => {
    expect(answered(choice, coded('a'), whole, true)).toEqual([]);
    expect(answered(choice, coded('c'), whole, true)).toContain(no[0]);
  });
});
