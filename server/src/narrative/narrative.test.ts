import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import { parseJson } from '../json/parse.ts';
import type { Resource } from '../json/types.ts';
import { checkXhtml } from '../validation/xhtml.ts';
import { narrativeOf, withNarrative, withoutStaleNarrative } from './index.ts';

const definitions = loadDefinitions();
const ABSENT = 'http://hl7.org/fhir/StructureDefinition/data-absent-reason';

/** The lines of a narrative: rows as `label: cell | cell`, everything else as its text. */
function lines(resource: object, language?: string): string[] {
  const narrative = narrativeOf(resource as Resource, definitions, language);
  const div = String(narrative?.['div']);
  expect(checkXhtml(div)).toBeUndefined();
  return div
    .replace(/<\/th><td>/g, ': ')
    .replace(/<\/t[hd]><t[hd][^>]*>/g, ' | ')
    .replace(/<br\/>/g, ' / ')
    .replace(/<\/(?:tr|p|caption|table)>/g, '\n')
    .replace(/<[^>]*>/g, '')
    .split('\n')
    .filter((line) => line !== '');
}

const statusOf = (resource: object): unknown => narrativeOf(resource as Resource, definitions)?.['status'];

describe('templates (R4 narrative.html: a person can read the resource by its narrative)', () => {
  it('tells a Patient: names and their use, dates in words, US Core extensions', () => {
    const patient = {
      resourceType: 'Patient',
      active: true,
      identifier: [{ use: 'usual', type: { text: 'MRN' }, value: '1234' }],
      name: [
        { use: 'old', family: 'Smith', given: ['Jane'] },
        { use: 'official', prefix: ['Dr'], given: ['Jane', 'A'], family: 'Doe', suffix: ['MD'] },
      ],
      gender: 'female',
      birthDate: '1980-03-04',
      address: [{ line: ['1 Main St'], city: 'Boston', state: 'MA', postalCode: '02101' }],
      telecom: [{ system: 'phone', value: '555-1234', use: 'home' }],
      deceasedDateTime: '2020-03-04T09:30:00+01:00',
      communication: [{ language: { text: 'English' }, preferred: true }],
      extension: [
        {
          url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race',
          extension: [
            { url: 'ombCategory', valueCoding: { code: '2106-3' } },
            { url: 'text', valueString: 'White' },
          ],
        },
        { url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex', valueCode: 'F' },
      ],
    };
    expect(lines(patient)).toEqual([
      'Patient: Dr Jane A Doe MD',
      'In active use: yes',
      'Deceased: 4 March 2020, 09:30 UTC+01:00',
      'Names: Jane Smith (old); Dr Jane A Doe MD (official)',
      'Identifiers: MRN: 1234 (usual)',
      'Birth date: 4 March 1980',
      'Gender: female',
      'Birth sex: female',
      'Race: White',
      'Contact: phone 555-1234 (home)',
      'Address: 1 Main St, Boston, MA 02101',
      'Languages: English (preferred)',
    ]);
    // R4 narrative-status: content from extensions is said by the status.
    expect(statusOf(patient)).toBe('extensions');
    expect(statusOf({ resourceType: 'Patient', gender: 'female' })).toBe('generated');
  });

  it('tells an Observation with comparator, interpretation and reference range, decimals in their own digits', () => {
    const text = `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2339-0"}]},
      "subject":{"reference":"Patient/1"},"effectiveDateTime":"2021-05",
      "valueQuantity":{"value":6.30,"comparator":"<","unit":"mmol/l"},
      "interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"H"}]}],
      "referenceRange":[{"low":{"value":3.10,"unit":"mmol/l"},"high":{"value":6.2,"unit":"mmol/l"},"type":{"text":"normal"}}]}`;
    expect(lines(parseJson(text) as Resource)).toEqual([
      'Observation: 2339-0 (LOINC)',
      'Value: less than 6.30 mmol/l',
      'Interpretation: High',
      'Reference range: 3.10 to 6.2 mmol/l (normal)',
      'Status: final',
      'Date: May 2021',
      'Patient: Patient/1',
    ]);
  });

  it('tells components in a table, and why a component has no value', () => {
    expect(
      lines({
        resourceType: 'Observation',
        status: 'final',
        code: { text: 'Blood pressure' },
        component: [
          { code: { text: 'Systolic' }, valueQuantity: { value: 120, unit: 'mmHg' } },
          { code: { text: 'Diastolic' }, dataAbsentReason: { coding: [{ display: 'Not Performed' }] } },
        ],
      }),
    ).toEqual([
      'Observation: Blood pressure',
      'Status: final',
      'Components',
      'Component | Value',
      'Systolic | 120 mmHg',
      'Diastolic | no value: Not Performed',
    ]);
  });

  it('says a data-absent-reason in words, on primitives, in arrays and on complex values', () => {
    const absent = (code: string) => ({ extension: [{ url: ABSENT, valueCode: code }] });
    const patient = {
      resourceType: 'Patient',
      _birthDate: absent('asked-declined'),
      name: [{ _family: absent('masked') }],
      address: [absent('unknown')],
    };
    expect(lines(patient)).toEqual([
      'Patient: withheld',
      'Names: withheld',
      'Birth date: asked, but answer declined',
      'Address: unknown',
    ]);
    expect(statusOf(patient)).toBe('extensions');
  });

  it('tells a MedicationRequest with its dosage, a contained medication by its code', () => {
    expect(
      lines({
        resourceType: 'MedicationRequest',
        status: 'active',
        intent: 'order',
        contained: [{ resourceType: 'Medication', id: 'm', code: { text: 'Amoxicillin 500 mg' } }],
        medicationReference: { reference: '#m' },
        subject: { display: 'Jane Doe' },
        dosageInstruction: [
          {
            text: 'One capsule three times a day',
            timing: {
              repeat: {
                frequency: 3,
                period: 1,
                periodUnit: 'd',
                boundsDuration: { value: 7, code: 'd' },
                when: ['PC'],
              },
            },
            route: { text: 'oral' },
            doseAndRate: [{ doseQuantity: { value: 500, unit: 'mg' } }],
            asNeededCodeableConcept: { text: 'pain' },
            maxDosePerPeriod: { numerator: { value: 2, unit: 'g' }, denominator: { value: 1, code: 'd' } },
          },
        ],
      }),
    ).toEqual([
      'Medication request: Amoxicillin 500 mg',
      'Status: active',
      'Intent: order',
      'Medication: Amoxicillin 500 mg',
      'Dosage',
      'Instruction | Dose | Route and site | When | As needed | Most',
      'One capsule three times a day | 500 mg | oral | 3 times every day, after a meal, for 7 days | for pain | 2 g per 1 day',
      'Patient: Jane Doe',
    ]);
  });

  it('tells questions and answers of a QuestionnaireResponse in the order of the form', () => {
    expect(
      lines({
        resourceType: 'QuestionnaireResponse',
        status: 'completed',
        item: [
          {
            linkId: '1',
            text: 'Smoking',
            item: [{ linkId: '1.1', text: 'Do you smoke?', answer: [{ valueBoolean: false }] }],
          },
          { linkId: '2', answer: [{ valueCoding: { display: 'Tea' } }, { valueString: 'water' }] },
        ],
      }),
    ).toEqual([
      'Questionnaire response',
      'Status: completed',
      'Answers',
      'Question | Answer',
      'Smoking | ',
      '– Do you smoke? | no',
      '2 | Tea; water',
    ]);
  });

  it('tells a type without a template by its modifier and summary elements', () => {
    expect(
      lines({
        resourceType: 'List',
        status: 'current',
        mode: 'working',
        title: 'Allergies to check',
        entry: [{ deleted: true, item: { reference: 'AllergyIntolerance/1' } }],
        note: [{ text: 'not a summary element' }],
      }),
    ).toEqual([
      'List: Allergies to check',
      'Status: current',
      'Mode: working',
      'Title: Allergies to check',
      'Entry: Deleted: yes, Item: AllergyIntolerance/1',
    ]);
  });

  it.each([
    ['2012', '2012'],
    ['2012-03', 'March 2012'],
    ['2012-03-04T23:00:05.123Z', '4 March 2012, 23:00:05 UTC'],
    ['2012-03-04T23:00:00-05:00', '4 March 2012, 23:00 UTC-05:00'],
    ['2012-13-04', '2012-13-04'],
    ['soon', 'soon'],
  ])('writes the date %s as %s (its own precision and offset, nothing added)', (date, words) => {
    expect(lines({ resourceType: 'Condition', recordedDate: date })).toContain(`Recorded: ${words}`);
  });
});

describe('what turns the meaning around stands first (R4 narrative.html, extensibility.html#modifierExtension)', () => {
  const code = { text: 'Penicillin' };
  it.each([
    [{ resourceType: 'Observation', status: 'entered-in-error', code }, 'This record was entered in error.'],
    [
      { resourceType: 'MedicationRequest', doNotPerform: true },
      'DO NOT PERFORM: this says that it must not be done.',
    ],
    [
      { resourceType: 'AllergyIntolerance', code, verificationStatus: { coding: [{ code: 'refuted' }] } },
      'Refuted: this was found not to be so.',
    ],
    [
      { resourceType: 'Condition', verificationStatus: { coding: [{ code: 'entered-in-error' }] } },
      'This record was entered in error.',
    ],
    [{ resourceType: 'Immunization', status: 'not-done', vaccineCode: code }, 'This was not done.'],
    [{ resourceType: 'Communication', status: 'not-done' }, 'This was not done.'],
    [{ resourceType: 'Patient', active: false }, 'This record is not in active use.'],
    [
      { resourceType: 'DocumentReference', status: 'current', docStatus: 'entered-in-error' },
      'This record was entered in error.',
    ],
    [
      { resourceType: 'Goal', implicitRules: 'http://example.org/rules' },
      'This record must be understood by the rules of http://example.org/rules.',
    ],
    [
      { resourceType: 'Patient', link: [{ type: 'replaced-by', other: { reference: 'Patient/2' } }] },
      'This record is replaced by Patient/2.',
    ],
  ])('%j', (resource, warning) => {
    expect(lines(resource)[1]).toBe(warning);
    expect(String(narrativeOf(resource as Resource, definitions)?.['div'])).toContain(
      `<strong>${warning}</strong>`,
    );
  });

  it('names every modifier extension, wherever it stands, and says so by the status', () => {
    const resource = {
      resourceType: 'CarePlan',
      status: 'active',
      modifierExtension: [{ url: 'http://example.org/a', valueBoolean: true }],
      activity: [{ modifierExtension: [{ url: 'http://example.org/b', valueCode: 'not' }] }],
      contained: [{ resourceType: 'Goal', modifierExtension: [{ url: 'http://example.org/c' }] }],
    };
    const all = lines(resource);
    expect(all.slice(1, 3)).toEqual([
      'The meaning of this record is changed by the extension http://example.org/a: yes.',
      'The meaning of activity in this record is changed by the extension http://example.org/b: not.',
    ]);
    expect(all.join()).not.toContain('http://example.org/c');
    expect(statusOf(resource)).toBe('extensions');
  });

  it('marks an activity of a CarePlan that must not be done', () => {
    const activity = [
      { detail: { doNotPerform: true, status: 'scheduled', code: { text: 'Lift weights' } } },
    ];
    expect(lines({ resourceType: 'CarePlan', activity })).toContain(
      'DO NOT PERFORM: Lift weights | scheduled',
    );
  });
});

describe('where a narrative is made (R4 domainresource.html, narrative.html)', () => {
  it('never over a text, not even one that a server generated', () => {
    const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">mine</div>' };
    const resource = { resourceType: 'Patient', text } as Resource;
    expect(narrativeOf(resource, definitions)).toBeUndefined();
    expect(withNarrative(resource, definitions)).toBe(resource);
  });

  it('only for domain resources, not for a Composition, not for an unknown type', () => {
    for (const resourceType of ['Bundle', 'Binary', 'Parameters', 'Composition', 'Nonsense']) {
      expect(narrativeOf({ resourceType }, definitions)).toBeUndefined();
    }
  });

  it('puts text where it belongs, leaves all else as it is, and gives contained resources none (dom-1)', () => {
    const resource = {
      resourceType: 'Patient',
      gender: 'male',
      id: 'p',
      language: 'en',
      contained: [{ resourceType: 'Organization', id: 'o', name: 'Clinic' }],
      managingOrganization: { reference: '#o' },
    };
    const told = withNarrative(resource as Resource, definitions);
    expect(Object.keys(told)).toEqual([
      'resourceType',
      'id',
      'language',
      'text',
      'gender',
      'contained',
      'managingOrganization',
    ]);
    const { text: _text, ...rest } = told;
    expect(rest).toEqual(resource);
    expect(resource).not.toHaveProperty('text');
    expect(String((told['text'] as { div: string }).div)).toContain('<td>Clinic</td>');
  });

  it('is taken from a patched resource when it was ours and the patch left it alone (R4 http.html#patch)', () => {
    const stored = withNarrative({ resourceType: 'Patient', id: 'p', gender: 'male' }, definitions);
    const patched = { ...stored, gender: 'female' };
    const renewed = withoutStaleNarrative(stored, patched, definitions);
    expect(renewed).toEqual({ resourceType: 'Patient', id: 'p', gender: 'female' });
    expect(lines(renewed)).toContain('Gender: female');

    const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">theirs</div>' };
    const theirs = { ...stored, text };
    expect(withoutStaleNarrative(theirs, { ...theirs, gender: 'female' }, definitions)).toHaveProperty(
      'text',
      text,
    );
    const withNewText = { ...patched, text };
    expect(withoutStaleNarrative(stored, withNewText, definitions)).toBe(withNewText);
    const marked = { ...stored, text: { ...(stored['text'] as object), id: 'x' } } as Resource;
    expect(withoutStaleNarrative(marked, marked, definitions)).toBe(marked);
  });

  it('marks the language of the div, from the resource or the caller, with labels in English (R4 languages.html)', () => {
    const div = (language: string | undefined, ours?: string): string =>
      String(
        narrativeOf(
          { resourceType: 'Patient', gender: 'male', ...(language === undefined ? {} : { language }) },
          definitions,
          ours,
        )?.['div'],
      );
    expect(div('de-CH')).toContain(
      '<div xmlns="http://www.w3.org/1999/xhtml" lang="de-CH" xml:lang="de-CH">',
    );
    expect(div('de-CH')).toContain('<th lang="en" xml:lang="en">Gender</th>');
    expect(div('en-US', 'fr')).toContain('lang="en-US"');
    expect(div('en-US')).toContain('<th>Gender</th>');
    expect(div(undefined, 'fr')).toContain('lang="fr"');
    expect(div(undefined)).not.toContain('lang=');
    expect(div('x"><script>')).not.toContain('lang=');
  });
});
