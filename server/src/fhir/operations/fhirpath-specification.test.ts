import { afterAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../json/types.ts';
import { FhirError } from '../outcome.ts';
import { FhirPathEvaluator } from './fhirpath-evaluator.ts';

const evaluator = new FhirPathEvaluator();
afterAll(() => evaluator.close());

const PATIENT = {
  resourceType: 'Patient',
  id: 'p',
  contained: [{ resourceType: 'Organization', id: 'o', name: 'House' }],
  gender: 'male',
  managingOrganization: { reference: '#o' },
  maritalStatus: {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus', code: 'M' }],
  },
};

async function outcome(expression: string, resource: JsonObject = PATIENT): Promise<string> {
  try {
    const results = await evaluator.evaluate({ expression, resource: JSON.stringify(resource) }, 20_000);
    return results.flatMap(({ values }) => values.map(({ type, json }) => `${type} ${json}`)).join(', ');
  } catch (error) {
    expect(error).toBeInstanceOf(FhirError);
    return `error ${(error as FhirError).status}`;
  }
}

describe('results as they leave the thread', () => {
  it.each([
    // 6.1.2 and 6.1.4: equivalent whatever the order.
    ['(1 | 2 | 3) ~ (3 | 1 | 2)', 'boolean true'],
    ['1.combine(1).combine(2) ~ 1.combine(2).combine(2)', 'boolean false'],
    [`('a' | 'b') !~ ('B' | 'A')`, 'boolean false'],
    ['(1 | 2) = (2 | 1)', 'boolean false'],
    ['{} ~ {}', 'boolean true'],
    // 6.6: the type of a result does not depend on its value.
    ['1.5 + 1.5', 'decimal 3.0'],
    ['1 + 1', 'integer 2'],
    ['4 / 2', 'decimal 2.0'],
    ['(2.5 * 2) is Decimal', 'boolean true'],
    ['81.sqrt()', 'decimal 9.0'],
    ['2.power(3)', 'integer 8'],
    ['1.50 + 1', 'decimal 2.50'],
    // 5.5.4
    [`'1'.toDecimal()`, 'decimal 1.0'],
    [`'1.50'.toDecimal()`, 'decimal 1.50'],
    [`'x'.toDecimal()`, ''],
    ['true.toDecimal()', 'decimal 1.0'],
    // 6.7: the offset stays, whatever that of this machine.
    ['@1973-12-25T00:00:00.000+10:00 + 7 days', 'dateTime "1974-01-01T00:00:00.000+10:00"'],
    ['@1973-12-25T23:30-05:00 + 1 hour', 'dateTime "1973-12-26T00:30-05:00"'],
    ['@1973-12-25T00:00:00Z - 1 second', 'dateTime "1973-12-24T23:59:59Z"'],
    // 5.3.3, 5.6.12
    ['(1 | 2 | 3).skip(-1)', 'integer 1, integer 2, integer 3'],
    ['(1 | 2 | 3).skip(1)', 'integer 2, integer 3'],
    [
      `'11/30/1972'.replaceMatches('\\\\b(?<month>\\\\d{1,2})/(?<day>\\\\d{1,2})/(?<year>\\\\d{2,4})\\\\b', '\${day}-\${month}-\${year}')`,
      'string "30-11-1972"',
    ],
    [`'abc'.replaceMatches('', 'x')`, 'string "abc"'],
    ['1.58700.precision()', 'integer 5'],
    ['@2014-01-05T10:30:00.000.precision()', 'integer 17'],
    ['@2014-01-05T10:30:00.000+08:00.precision()', 'integer 17'],
    ['@T10:30.precision()', 'integer 4'],
    // Too many parameters are an error, not an empty result.
    ['1.combine(1, true, 2)', 'error 400'],
    ['9007199254740993L', 'long 9007199254740993'],
  ])('%s', async (expression, expected) => {
    expect(await outcome(expression)).toBe(expected);
  });
});

describe('what FHIR adds (R4 fhirpath.html)', () => {
  it.each([
    ['%ucum', 'string "http://unitsofmeasure.org"'],
    ['%sct', 'string "http://snomed.info/sct"'],
    ['%loinc', 'string "http://loinc.org"'],
    ['%`vs-administrative-gender`', 'string "http://hl7.org/fhir/ValueSet/administrative-gender"'],
    ['%"ext-patient-birthTime"', 'string "http://hl7.org/fhir/StructureDefinition/patient-birthTime"'],
    [`%'vs-x' & '%"vs-x"'`, 'string "http://hl7.org/fhir/ValueSet/x%\\"vs-x\\""'],
    ['%unknown', 'error 400'],
    // Names of what every JavaScript object has are no variables.
    ['%constructor', 'error 400'],
    ['%`__proto__`', 'error 400'],
    ['managingOrganization.resolve().name', 'string "House"'],
    [`'Patient/elsewhere'.resolve()`, ''],
    [`conformsTo('http://hl7.org/fhir/StructureDefinition/DomainResource')`, 'boolean true'],
    [`conformsTo('http://hl7.org/fhir/StructureDefinition/Person')`, 'boolean false'],
    [`conformsTo('http://example.org/unknown')`, 'error 400'],
    [`gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')`, 'boolean true'],
    [`'x'.memberOf(%\`vs-administrative-gender\`)`, 'boolean false'],
    [`maritalStatus.memberOf('http://hl7.org/fhir/ValueSet/marital-status')`, 'boolean true'],
    [`gender.memberOf('http://example.org/unknown')`, 'error 400'],
  ])('%s', async (expression, expected) => {
    expect(await outcome(expression)).toBe(expected);
  });

  it('resolve() finds entries of a Bundle (R4 bundle.html#references)', async () => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [
        { fullUrl: 'http://x.org/fhir/Patient/p', resource: PATIENT },
        {
          fullUrl: 'http://x.org/fhir/Observation/1',
          resource: { resourceType: 'Observation', status: 'final', subject: { reference: 'Patient/p' } },
        },
      ],
    };
    expect(await outcome('Bundle.entry.resource.subject.resolve().id', bundle)).toBe('string "p"');
    expect(await outcome('Bundle.entry[0].resource.managingOrganization.resolve().name', bundle)).toBe(
      'string "House"',
    );
  });
});

describe('bombs end within bounds, and the next expression is evaluated', () => {
  it.each([
    ['a regular expression that backtracks', `('${'a'.repeat(40)}!').matches('^(a+)+$')`],
    ['the same in replaceMatches', `('${'a'.repeat(40)}!').replaceMatches('^(a+)+$', '')`],
    ['a text that doubles', `${'('.repeat(60)}'0123456789'${').select($this & $this)'.repeat(60)}`],
    ['a repeat() without end', '1.repeat($this + 1)'],
    [
      'an aggregate that doubles',
      `${'(1|2|3|4|5|6|7|8|9|10)'}${'.select(1|2|3|4|5|6|7|8|9).combine($this)'.repeat(60)}.count()`,
    ],
    ['deep parentheses', `${'('.repeat(20_000)}1${')'.repeat(20_000)}`],
    ['a large power', '9.9.power(999999999).power(999999999)'],
  ])('%s', { timeout: 60_000 }, async (_, expression) => {
    const bomb = evaluator.evaluate({ expression }, 1500).then(
      () => 200,
      (error: unknown) => (error as FhirError).status,
    );
    const next = evaluator.evaluate({ expression: '1 + 1' }, 20_000);
    expect([200, 400, 422]).toContain(await bomb);
    expect((await next)[0]?.values[0]?.json).toBe('2');
  });
});
