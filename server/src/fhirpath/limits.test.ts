import { describe, expect, it } from 'vitest';
import type { Resource } from '../json/types.ts';
import { Environment, type Knowledge } from './environment.ts';
import { evaluate } from './evaluate.ts';
import { limited, TooCostly } from './limits.ts';
import { parseExpression } from './parser.ts';
import { model, outcome } from './test-support.ts';

const patient = {
  resourceType: 'Patient',
  name: Array.from({ length: 30 }, (_, i) => ({ family: `${'a'.repeat(40)}${i}`, given: ['b', 'c'] })),
} as Resource;

function run(expression: string, options: { steps?: number; lenient?: boolean } = {}): unknown[] {
  const items = [model.resource(patient)];
  const constants = new Map(['resource', 'rootResource', 'context'].map((name) => [name, items]));
  const environment = new Environment(model, constants, {
    lenient: options.lenient === true,
    spend: limited(options.steps ?? 1_000_000),
  });
  const tree = parseExpression(expression, { lenient: options.lenient === true });
  return evaluate(tree, items, environment).map(({ value }) => value);
}

describe('an expression takes bounded time and memory (issue 4, section 6)', () => {
  it.each([
    '1.repeatAll($this)',
    "'a'.repeat($this & $this)",
    '(1|2).aggregate($total.combine($total).combine($this), 1 | 2 | 3).count() > 0'.replace('(1|2)', 'name'),
    `'aaaaaaaaaa'${".replace('', 'aaaaaaaaaaaaaaaaaaaaaaaaaa')".repeat(8)}`,
    `'aaaaaaaaaa'${".replaceMatches('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaa')".repeat(8)}`,
    `${'%resource.descendants().select('.repeat(8)}1${')'.repeat(8)}`,
    'name.select(%resource.name).select(%resource.name).select(%resource = %resource)',
    'name.select(%resource.name).select(%resource.name).select(%resource.name ~ %resource.name)',
    `name.family.join('')${'.select($this & $this)'.repeat(20)}.matches('^(a+)+b\\\\1$')`,
    `1${'.select($this)'.repeat(20_000)}`,
    `1${' + 1'.repeat(20_000)}`,
  ])('%s is stopped', (expression) => {
    expect(() => run(expression)).toThrow(TooCostly);
  });

  it('counts what it visits, and stops at a deadline', () => {
    expect(run('name.given.count()', { steps: 200 })).toEqual([60n]);
    expect(() => run('name.given.count()', { steps: 100 })).toThrow(TooCostly);
    const past = limited(Number.POSITIVE_INFINITY, performance.now() - 1);
    expect(() => past(10_000)).toThrow('takes too long');
  });
});

describe('lenient evaluation, for published invariants', () => {
  it.each<[string, unknown[]]>([
    ['name and true', [true]],
    ['name.family = name.family and name.given', [true]],
    ['birthDate.div', []],
    ['iif(name, 1, 2)', [1n]],
    ['active is Boolean', []],
  ])('%s', (expression, expected) => {
    expect(run(expression, { lenient: true })).toEqual(expected);
  });

  it('what is strictly an error', () => {
    expect(() => run('name and true')).toThrow('single item');
    expect(() => run('birthDate.div')).toThrow('not expected');
  });
});

describe('what the environment knows (R4 fhirpath.html#functions)', () => {
  const knowledge: Knowledge = {
    isInSlice: (value, structure, name) =>
      structure === 'http://e.org/s' && name === 'first' ? value.path === 'Patient.name[0]' : undefined,
    resolve: (text) =>
      text === 'Organization/1' ? model.resource({ resourceType: 'Organization' }) : undefined,
    subsumes: (system, code, other) =>
      system === 'http://e.org/c' ? code === 'a' && other === 'b' : undefined,
  };
  const resource = {
    ...patient,
    managingOrganization: { reference: 'Organization/1' },
    maritalStatus: { coding: ['a', 'b'].map((code) => ({ system: 'http://e.org/c', code })) },
  } as Resource;
  it.each([
    ["name.slice('http://e.org/s', 'first').count()", '1'],
    ["name.slice('http://e.org/s', 'second')", 'error'],
    ['managingOrganization.resolve().type().name', "'Organization'"],
    ["'Organization/2'.resolve()", '{}'],
    ['maritalStatus.coding.first().subsumes(%resource.maritalStatus.coding.last())', 'true'],
    ['maritalStatus.coding.first().subsumedBy(%resource.maritalStatus.coding.last())', 'false'],
  ])('%s → %s', (expression, expected) => {
    expect(outcome(expression, resource, knowledge)).toBe(expected);
  });
  it('nothing is known of slices and definitions without it', () => {
    expect(outcome("name.slice('http://e.org/s', 'first')", resource)).toBe('error');
    expect(outcome('name.elementDefinition()', resource)).toBe('error');
  });
});
