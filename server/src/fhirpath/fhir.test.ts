import { describe, expect, it } from 'vitest';
import { exactNumber } from '../json/exact-number.ts';
import type { Resource } from '../json/types.ts';
import { outcome, rows } from './test-support.ts';

const PATIENT: Resource = {
  resourceType: 'Patient',
  id: 'p',
  contained: [{ resourceType: 'Organization', id: 'o', name: 'House', partOf: { reference: '#' } }],
  active: true,
  birthDate: '1974-12-25',
  _birthDate: { extension: [{ url: 'http://x.org/time', valueDateTime: '1974-12-25T14:35:45-05:00' }] },
  _gender: { extension: [{ url: 'http://x.org/none', valueCode: 'unknown' }] },
  multipleBirthInteger: 2,
  managingOrganization: { reference: '#o' },
  name: [{ use: 'official', family: 'Chalmers', given: ['Peter', 'James'] }, { given: ['Jim'] }],
  contact: [{ name: { text: 'Ann' } }],
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
  modifierExtension: [{ url: 'http://x.org/m', valueBoolean: true }],
  extension: [
    { url: 'http://x.org/dose', valueDecimal: exactNumber('1.50') },
    {
      url: 'http://x.org/q',
      valueQuantity: { value: 185, unit: 'lbs', system: 'http://unitsofmeasure.org', code: '[lb_av]' },
    },
    {
      url: 'http://x.org/age',
      valueAge: { value: 2, unit: 'years', system: 'http://unitsofmeasure.org', code: 'a' },
    },
    { url: 'http://x.org/at-least', valueQuantity: { value: 1, comparator: '>', unit: 'mg' } },
  ],
};

const SECTIONS: Readonly<Record<string, string>> = {
  'navigation (FHIRPath 3)': `
    Patient.name.given → string "Peter", string "James", string "Jim"
    name.given → string "Peter", string "James", string "Jim"
    DomainResource.name.count() → 2
    Observation.status → {}
    nothing → {}
    multipleBirth → integer 2
    multipleBirthInteger → {}
    name[0].given[1] → string "James"
    name.where(use = 'official').select(given.first() & ' ' & family) → 'Peter Chalmers'
    name.given.lower() → error
    name.given + 'x' → error
    name.children().count() → 5
    descendants().ofType(HumanName).count() → 3
    %resource.id = %context.id → true`,
  'types (R4 fhirpath.html#types)': `
    active is boolean → true
    active is Boolean → false
    active is System.Boolean → false
    active is FHIR.boolean → true
    Patient is DomainResource → true
    Patient.is(System.Patient) → false
    name.first().use is string → true
    name.first().use.type() → FHIR.code(FHIR.string)
    Patient.type() → FHIR.Patient(FHIR.DomainResource)
    contact.type() → FHIR.BackboneElement(FHIR.Element)
    contact is BackboneElement → true
    name is HumanName → error
    name.as(HumanName).count() → 2
    active and name.first() → true
    birthDate + 1 day → @1974-12-26
    birthDate < now() → true
    multipleBirth + 1 → 3
    extension('http://x.org/dose').value → decimal 1.50
    extension('http://x.org/dose').value + 1 → 2.50
    extension('http://x.org/dose').value.toString() → '1.50'`,
  'quantities (R4 fhirpath.html#quantity)': `
    extension('http://x.org/q').value > 10 '[lb_av]' → true
    extension('http://x.org/q').value = 185 '[lb_av]' → true
    extension('http://x.org/q').value is Quantity → true
    extension('http://x.org/q').value + 1 '[lb_av]' → 186 '[lb_av]'
    extension('http://x.org/age').value = 2 years → true
    extension('http://x.org/age').value = 2 'a' → true
    birthDate + extension('http://x.org/age').value → @1976-12-25
    extension('http://x.org/at-least').value > 0 'mg' → {}`,
  'functions (R4 fhirpath.html#functions)': `
    birthDate.extension('http://x.org/time').value → dateTime "1974-12-25T14:35:45-05:00"
    extension('http://x.org/nothing') → {}
    birthDate.hasValue() → true
    gender.hasValue() → false
    gender.exists() → true
    gender & 'x' → 'x'
    name.hasValue() → false
    birthDate.getValue() → @1974-12-25
    managingOrganization.resolve().name → string "House"
    contained.partOf.resolve().id → string "p"
    'Patient/elsewhere'.resolve() → {}
    text.\`div\`.htmlChecks() → true
    checkModifiers('http://x.org/m').id → string "p"
    checkModifiers().id → error
    'a'.memberOf('http://x.org/vs') → error
    conformsTo('http://x.org/profile') → error
    name.given.pathname() → 'Patient.name[0].given[0]', 'Patient.name[0].given[1]', 'Patient.name[1].given[0]'
    active.pathname() → 'Patient.active[0]'
    active.pathname(true) → 'Patient.active'
    %\`vs-administrative-gender\` → 'http://hl7.org/fhir/ValueSet/administrative-gender'
    %"ext-x" → 'http://hl7.org/fhir/StructureDefinition/x'
    %loinc → 'http://loinc.org'`,
};

describe.each(Object.entries(SECTIONS))('%s', (_, table) => {
  it.each(rows(table))('%s', (expression, expected) => {
    expect(outcome(expression, PATIENT)).toBe(expected);
  });
});

it('resolve() finds the entry of a Bundle whose fullUrl is meant (R4 bundle.html#references)', () => {
  const bundle: Resource = {
    resourceType: 'Bundle',
    entry: [
      { fullUrl: 'http://x.org/fhir/Patient/p', resource: PATIENT },
      {
        fullUrl: 'http://x.org/fhir/Observation/1',
        resource: { resourceType: 'Observation', subject: { reference: 'Patient/p' } },
      },
    ],
  };
  expect(outcome('entry.resource.subject.resolve().id', bundle)).toBe('string "p"');
  expect(outcome('entry[0].resource.managingOrganization.resolve().name', bundle)).toBe('string "House"');
});

it('asks subsumes() of what knows the code system, either way around', () => {
  const knowledge = { subsumes: (_: string, code: string, other: string) => other.startsWith(code) };
  const coded: Resource = {
    resourceType: 'Basic',
    code: { coding: [{ system: 'http://x.org/cs', code: 'a' }] },
    extension: [{ url: 'u', valueCoding: { system: 'http://x.org/cs', code: 'ab' } }],
  };
  expect(outcome('code.subsumes(extension.value)', coded, knowledge)).toBe('true');
  expect(outcome('code.subsumedBy(extension.value)', coded, knowledge)).toBe('false');
  expect(outcome('extension.value.subsumedBy(code)', coded, knowledge)).toBe('true');
  expect(outcome('extension.value.subsumes(code)', coded)).toBe('error');
});
