import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../../conformance/definitions.ts';
import { parseExpression } from '../../fhirpath/parser.ts';
import type { JsonObject } from '../../json/types.ts';
import { compileClosures, compileExpression, type Environment, UnsupportedExpression } from './compile.ts';
import { objectNode, TypeNavigator } from './nodes.ts';

const navigator = new TypeNavigator(loadDefinitions());
const resource: JsonObject = {
  resourceType: 'Observation',
  id: 'o',
  status: 'final',
  code: {
    coding: [
      { system: 'http://loinc.org', code: 'a' },
      { system: 'http://e.org', code: 'b' },
    ],
  },
  subject: { reference: 'Patient/1' },
  effectiveDateTime: '2020-01-02',
  _effectiveDateTime: { extension: [{ url: 'http://e.org/x', valueString: 'v' }] },
  valueQuantity: { value: 5, unit: 'g', system: 'http://unitsofmeasure.org', code: 'g' },
  component: [
    { code: { text: 'x' }, valueInteger: 1 },
    { code: { text: 'y' }, valueInteger: 2 },
  ],
};

function evaluate(expression: string): unknown[] {
  const node = objectNode(resource, 'Resource');
  const environment: Environment = {
    navigator,
    resource: node,
    rootResource: node,
    context: node,
    self: [node],
    index: 0,
    steps: 1e6,
    resolve: (reference) => {
      const text = (reference.v as JsonObject)['reference'];
      return text === 'Patient/1' ? objectNode({ resourceType: 'Patient' }, 'Resource') : undefined;
    },
    memberOf: () => undefined,
    conformsTo: () => undefined,
  };
  return compileExpression(expression)([node], environment).map(({ v }) => v);
}

describe('FHIRPath N1 as closures', () => {
  it.each<[string, unknown[]]>([
    ['status', ['final']],
    ['Observation.status', ['final']],
    ['value.value', [5]],
    ['value.ofType(Quantity).unit', ['g']],
    ['value as string', []],
    ['value is Quantity', [true]],
    ['effective.extension("x")'.replaceAll('"', "'"), []],
    ["effective.extension('http://e.org/x').value", ['v']],
    ['code.coding.count()', [2]],
    ["code.coding.where(system = 'http://e.org').code", ['b']],
    ['component.all(value > 0)', [true]],
    ['component.value.select($this + 1)', [2, 3]],
    ['component.where($index = 1).code.text', ['y']],
    ['component[1].value', [2]],
    ['(1 | 2 | 1).count()', [2]],
    ["status in ('final' | 'amended')", [true]],
    ['{} and false', [false]],
    ['{} or false', []],
    ['{} implies true', [true]],
    ['true xor false', [true]],
    ['note.exists().not()', [true]],
    ["iif(status = 'final', 1, 2)", [1]],
    ["status.matches('^fin') and status.startsWith('f')", [true]],
    ["'1234'.substring(1, 2)", ['23']],
    ['subject.resolve() is Patient', [true]],
    ['effective is dateTime', [true]],
    ['effective.toString().length() >= 10', [true]],
    ['%resource.id', ['o']],
    ['value.system = %ucum', [true]],
    ['7 mod 4', [3]],
    ['7 div 2', [3]],
    ['descendants().where($this is Quantity).count()', [1]],
    ['code.coding.code.isDistinct()', [true]],
    ["code.coding.code.join('-')", ['a-b']],
    ['repeat(component).count()', [2]],
  ])('%s', (expression, expected) => expect(evaluate(expression)).toEqual(expected));
  it('leaves what the closures do not know to the general evaluator', () => {
    for (const expression of ['now() > @2020', '1.power(2)', '%constructor', 'constructor()']) {
      expect(() => compileClosures(parseExpression(expression))).toThrow(UnsupportedExpression);
    }
    expect(evaluate('now() > @2020')).toEqual([true]);
    expect(evaluate('3.power(2) + value.value')).toEqual([14]);
    expect(evaluate("value > 4 'g'")).toEqual([true]);
    expect(evaluate('subject.select(resolve()).type().name')).toEqual(['Patient']);
    expect(() => evaluate('%constructor')).toThrow('no environment variable');
    expect(() => evaluate('constructor()')).toThrow('no function');
  });
});
