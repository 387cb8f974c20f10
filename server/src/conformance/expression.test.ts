import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDefinitions } from './definitions.ts';
import { branchesOf, followPath, splitUnion } from './expression.ts';

const { types } = loadDefinitions();
const follow = (branch: string, from: string) => {
  const reach = followPath(branch, from, types);
  return (
    reach && [
      reach.elements.map(({ name }) => name),
      reach.single,
      ...(reach.resolvesTo ? [reach.resolvesTo] : []),
    ]
  );
};

describe('union branches (FHIRPath N1 5.4)', () => {
  it.each([
    ['A.b | C.d', ['A.b', 'C.d']],
    ['(A.b | C.d) | E.f', ['A.b', 'C.d', 'E.f']],
    ['(A.b as X)', ['A.b as X']],
    ['(A.b as X) | C.d', ['A.b as X', 'C.d']],
    ['(A.b).c', ['(A.b).c']],
    ["A.where(b = 'x|y' or (c | d).exists()) | E", ["A.where(b = 'x|y' or (c | d).exists())", 'E']],
    ["A.where(b = 'it\\'s|') | C", ["A.where(b = 'it\\'s|')", 'C']],
    ['', []],
  ])('%s', (expression, branches) => {
    expect(splitUnion(expression)).toEqual(branches);
  });

  it('never loses anything, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab.()|' \\[]") }), (text) => {
        expect(splitUnion(text).length).toBeLessThanOrEqual(text.split('|').length);
      }),
    );
  });

  it('of a type, its bases, and elements without a type', () => {
    const bases = ['DomainResource', 'Resource'];
    expect(branchesOf('A.x | B.y | Resource.id | (A.z as code) | name', 'A', bases)).toEqual([
      'A.x',
      'Resource.id',
      'A.z as code',
      'A.name',
    ]);
  });
});

describe('paths', () => {
  it.each<[string, string, unknown[]]>([
    ['Patient.birthDate', 'Patient', [['birthDate'], true]],
    ['Resource.meta.lastUpdated', 'Patient', [['lastUpdated'], true]],
    ['Patient.name.family', 'Patient', [['family'], false]],
    ['Patient.name.first().family', 'Patient', [['family'], true]],
    ['Patient.name[0].family', 'Patient', [['family'], true]],
    ['Observation.value.ofType(Quantity)', 'Observation', [['valueQuantity'], true]],
    ['(Observation.value as Quantity)', 'Observation', [['valueQuantity'], true]],
    ['Observation.value.as(Quantity)', 'Observation', [['valueQuantity'], true]],
    ['(Observation.value as CodeableConcept).text', 'Observation', [['text'], true]],
    ['Observation.component.value.ofType(Quantity)', 'Observation', [['valueQuantity'], false]],
    ['Observation.subject.where(resolve() is Patient)', 'Observation', [['subject'], true, 'Patient']],
    ["Patient.telecom.where(system='email')", 'Patient', [['telecom'], false]],
    ['Patient.nothing', 'Patient', [[], true]],
  ])('%s', (branch, from, expected) => {
    expect(follow(branch, from)).toEqual(expected);
  });

  it.each([
    'Patient.deceased.exists() and Patient.deceased != false',
    'Patient.name.given + 1',
    'Patient.name(',
    'Patient..name',
    '1',
  ])('%s is more than a path', (branch) => {
    const reach = followPath(branch, 'Patient', types);
    expect(reach === undefined || reach.elements.length === 0).toBe(true);
  });
});
