import { describe, expect, it } from 'vitest';
import { pathObjection } from './path-guard.ts';

describe('expressions for the general FHIRPath engine (issue 3, section 7: no unbounded time or memory)', () => {
  it.each([
    'Patient.birthDate.toString().substring(0, 4)',
    "Patient.extension('http://x/matches(').value",
    "Patient.name.where(use = 'official' and (family.exists() or text.exists())).family",
    '(Observation.value as Quantity) | (Observation.value as SampledData)',
    "Patient.name.family /* it's not matches( */ | Patient.name.text // '",
  ])('%s may be evaluated', (expression) => {
    expect(pathObjection(expression)).toBeUndefined();
  });

  it.each([
    "Patient.name.where(family.matches('^(a+)+$'))",
    "Patient.name.family.replaceMatches('(a|aa)+$', 'b')",
    "Patient.name.`matches`('x')",
    "Patient.name /* ' */.matches(/* ' */'x')",
    "Patient.name // '\r.matches('x') // '",
    'Patient.repeat($this)',
    'Patient.descendants().descendants()',
    `Patient.name${'.combine(Patient.name)'.repeat(10)}`,
    `Patient.name.family${'.select($this & $this)'.repeat(10)}`,
    `${'Patient.children().select('.repeat(10)}1${')'.repeat(10)}`,
    `${'('.repeat(50)}Patient${')'.repeat(50)}`,
  ])('%s may not', (expression) => {
    expect(pathObjection(expression)).toBeDefined();
  });
});
