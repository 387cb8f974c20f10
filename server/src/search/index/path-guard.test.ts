import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../../conformance/definitions.ts';
import { TooCostly } from '../../fhirpath/limits.ts';
import { parseExpression } from '../../fhirpath/parser.ts';
import type { Resource } from '../../json/types.ts';
import { typeSystemOf } from './extractor.ts';
import { generalPath } from './path-fallback.ts';
import { pathObjection } from './path-guard.ts';
import { scopeOf } from './test-support.ts';

const objection = (expression: string) => pathObjection(parseExpression(expression));

describe('expressions of search parameters for the general FHIRPath evaluator', () => {
  it.each([
    'Patient.birthDate.toString().substring(0, 4)',
    "Patient.extension('http://x/now(').value",
    "Patient.name.where(use = 'official' and (family.exists() or text.exists())).family",
    '(Observation.value as Quantity) | (Observation.value as SampledData)',
    "Patient.name.family /* it's not now( */ | Patient.name.text // '",
    "Patient.name.where(family.matches('^A'))",
    'Questionnaire.repeat(item).linkId',
  ])('%s may be evaluated', (expression) => {
    expect(objection(expression)).toBeUndefined();
  });

  it.each([
    ['Patient.name.where(period.start < now())', 'now'],
    ["Patient.name.`memberOf`('x')", 'memberOf'],
    ["Patient.name /* ' */.trace(/* ' */'x')", 'trace'],
    ["Patient.name // '\r.conformsTo('x') // '", 'conformsTo'],
    ['Patient.name.where(use.constructor())', 'constructor'],
    ['Patient.name.first(1)', 'does not take 1'],
  ])('%s may not: its result cannot be kept, or there is no such function', (expression, reason) => {
    expect(objection(expression)).toContain(reason);
  });
});

describe('issue 3, section 7: no unbounded time or memory', () => {
  const definitions = loadDefinitions();
  const types = typeSystemOf(definitions);
  const patient = {
    resourceType: 'Patient',
    name: Array.from({ length: 20 }, (_, i) => ({ family: `${'a'.repeat(60)}${i}`, given: ['b', 'c'] })),
  } as Resource;

  it.each([
    'Patient.repeatAll($this)',
    "Patient.repeat(iif($this is Patient, 'a', $this & $this))",
    'Patient.name.aggregate($total.combine($total).combine($this), 1 | 2)',
    `Patient.name${'.combine(%resource.name)'.repeat(40)}${'.select(%resource.name)'.repeat(6)}`,
    `Patient.name.family.first()${'.select($this & $this)'.repeat(40)}`,
    `Patient.name.family.first()${".replace('', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')".repeat(12)}`,
    `${'%resource.descendants().select('.repeat(10)}1${')'.repeat(10)}`,
    `Patient.name.family.where(matches('^(a+)+\\\\1$'))`,
  ])('%s has no values', (expression) => {
    const found: unknown[] = [];
    let problem: unknown;
    const run = generalPath(
      expression,
      'Patient',
      types,
      () => (value) => found.push(value),
      (error) => {
        problem = error;
      },
    );
    run(patient, scopeOf(patient, definitions));
    expect(found).toEqual([]);
    if (!expression.includes('matches')) expect(problem).toBeInstanceOf(TooCostly);
  });
});
