import { describe, expect, test } from 'vitest';
import { MASK } from './fields.ts';
import { maskQuery, maskText } from './mask-query.ts';
import { DEFAULT_FIELD_POLICY, NO_FIELDS } from './policy.ts';

const SSN = 'http://hl7.org/fhir/sid/us-ssn';
const MRN = 'http://hospital.example/mrn';
const TABLE_0203 = 'http://terminology.hl7.org/CodeSystem/v2-0203';
const mask = (name: string, value: string, tells?: (value: string) => boolean) =>
  maskQuery([[name, value]], DEFAULT_FIELD_POLICY, tells)[0]?.[1];

describe('what is recorded of a request (issue 5, section 4: secrets never in logs)', () => {
  test.each([
    ['identifier', `${SSN}|123-45-6789`, `${SSN}|${MASK}`],
    ['identifier', '123456789', MASK],
    ['identifier', '|123456789', `|${MASK}`],
    ['identifier', `${MRN}|77,${SSN}|1`, `${MRN}|77,${SSN}|${MASK}`],
    ['patient.identifier', `${SSN}|1`, `${SSN}|${MASK}`],
    ['subject:identifier', `${SSN}|1`, `${SSN}|${MASK}`],
    ['_has:Observation:patient:identifier', '1', MASK],
    ['my-number', `${SSN}|1`, `${SSN}|${MASK}`],
    ['identifier:of-type', `${TABLE_0203}|SS|1`, `${TABLE_0203}|SS|${MASK}`],
    ['identifier:of-type', `${TABLE_0203}|MR|1`, `${TABLE_0203}|MR|1`],
    [
      '_filter',
      `name eq x and identifier eq "1 2" or birthdate gt 2000`,
      `name eq x and identifier eq ${MASK} or birthdate gt 2000`,
    ],
    ['_content', 'is 123-45-6789', `is ${MASK}`],
    ['value-string', '123-45-6789', MASK],
    ['identifier', `${SSN}|`, `${SSN}|`],
    ['identifier', `${MRN}|77`, `${MRN}|77`],
    ['code', 'http://loinc.org|8302-2', 'http://loinc.org|8302-2'],
    ['name', 'O’Neil', 'O’Neil'],
  ])('%s=%s', (name, value, recorded) => {
    expect(mask(name, value)).toBe(recorded);
  });

  test('a value of another system is kept back where the answer shows that its type is encrypted', () => {
    expect(mask('identifier', `${MRN}|77`, (value) => value === '77')).toBe(`${MRN}|${MASK}`);
  });

  test('texts, such as those of errors, with the system as it is and percent-encoded', () => {
    const text = `criteria 'identifier=${SSN}|ab 1' and ${encodeURIComponent(SSN)}%7Cab2&x=1`;
    expect(maskText(text, DEFAULT_FIELD_POLICY)).toBe(
      `criteria 'identifier=${SSN}|${MASK} 1' and ${encodeURIComponent(SSN)}%7C${MASK}&x=1`,
    );
  });

  test('nothing is changed where nothing is encrypted', () => {
    expect(maskQuery([['identifier', `${SSN}|1`]], NO_FIELDS)).toEqual([['identifier', `${SSN}|1`]]);
  });
});
