import { describe, expect, it } from 'vitest';
import { loadDefinitions } from './definitions.ts';
import { loadTerminology } from './terminology.ts';

const terminology = loadTerminology();
const codes = (url: string) => terminology.expandCodes(url)?.map(({ code }) => code);
const V3 = 'http://terminology.hl7.org/CodeSystem/';

describe('expansion (valueset.html#compose)', () => {
  it('of a whole code system, with displays', () => {
    expect(terminology.expandCodes('http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1')?.[0]).toEqual({
      system: 'http://hl7.org/fhir/administrative-gender',
      code: 'male',
      display: 'Male',
    });
    expect(codes('http://hl7.org/fhir/ValueSet/observation-status')).toHaveLength(8);
  });

  it('of nested concepts', () => {
    expect(codes('http://hl7.org/fhir/ValueSet/issue-type')).toEqual(
      expect.arrayContaining(['invalid', 'structure', 'code-invalid']),
    );
  });

  it('of listed concepts', () => {
    expect(codes('http://hl7.org/fhir/ValueSet/units-of-time')).toEqual([
      's',
      'min',
      'h',
      'd',
      'wk',
      'mo',
      'a',
    ]);
  });

  it('of is-a filters and of imported value sets', () => {
    const kinds = codes('http://terminology.hl7.org/ValueSet/v3-PurposeOfUse');
    expect(kinds).toEqual(expect.arrayContaining(['PurposeOfUse', 'TREAT', 'ETREAT']));
    expect(codes('http://hl7.org/fhir/ValueSet/all-types')).toEqual(
      expect.arrayContaining(['Patient', 'HumanName', 'Type', 'Any']),
    );
  });

  it('of exclusions', () => {
    const all = codes('http://hl7.org/fhir/ValueSet/allergyintolerance-clinical') as string[];
    expect(all).toEqual(['active', 'inactive', 'resolved']);
  });

  it('is undefined for what cannot be listed', () => {
    expect(terminology.expandCodes('http://hl7.org/fhir/ValueSet/mimetypes')).toBeUndefined();
    expect(terminology.expandCodes('http://hl7.org/fhir/ValueSet/condition-code')).toBeUndefined();
    expect(terminology.expandCodes('http://hl7.org/fhir/ValueSet/service-type')).toBeUndefined();
    expect(terminology.expandCodes('http://example.org/none')).toBeUndefined();
  });

  it('of every required binding but those over open code systems', () => {
    const definitions = loadDefinitions();
    const urls = new Set(
      [...definitions.types.values()].flatMap((t) =>
        [...t.elements.values()].flatMap((e) => e.requiredBinding ?? []),
      ),
    );
    expect(urls.size).toBeGreaterThan(200);
    expect([...urls].filter((url) => definitions.requiredCodes(url) === undefined).sort()).toEqual([
      'http://hl7.org/fhir/ValueSet/currencies',
      'http://hl7.org/fhir/ValueSet/mimetypes',
      'http://hl7.org/fhir/ValueSet/ucum-units',
      'http://loinc.org/vs/LL379-9',
    ]);
    const status = definitions.requiredCodes('http://hl7.org/fhir/ValueSet/observation-status');
    expect(status?.has('final')).toBe(true);
    expect(status?.has('http://hl7.org/fhir/observation-status|final')).toBe(true);
  });
});

describe('hierarchies (codesystem.html#hierarchy)', () => {
  it('go down and up, without the code itself', () => {
    const below = terminology.descendants(`${V3}v3-ActReason`, 'TREAT');
    expect(below).toEqual(expect.arrayContaining(['ETREAT', 'BTG']));
    expect(below).not.toContain('TREAT');
    expect(terminology.ancestors(`${V3}v3-ActReason`, 'ETREAT')).toEqual(
      expect.arrayContaining(['TREAT', 'PurposeOfUse']),
    );
    expect(terminology.descendants('http://hl7.org/fhir/issue-type', 'invalid')).toContain('structure');
  });

  it('are two sides of one relation, and end', () => {
    for (const system of ['v3-ActReason', 'v3-RoleCode', 'v3-ActCode', 'v3-ObservationMethod'].map(
      (name) => V3 + name,
    )) {
      for (const code of terminology
        .descendants(system, '_ActCoverageTypeCode')
        .concat('PRN', 'TREAT', 'FAMMEMB')) {
        const below = terminology.descendants(system, code);
        expect(below).not.toContain(code);
        for (const child of below.slice(0, 20)) expect(terminology.ancestors(system, child)).toContain(code);
      }
    }
  });

  it('are empty for what is not there', () => {
    expect(terminology.descendants('http://example.org', 'x')).toEqual([]);
    expect(terminology.ancestors('http://hl7.org/fhir/issue-type', 'nothing')).toEqual([]);
    expect(terminology.display('http://hl7.org/fhir/issue-type', 'nothing')).toBeUndefined();
    expect(terminology.isComplete('http://snomed.info/sct')).toBe(false);
  });
});
