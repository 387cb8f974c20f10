import { expect, test } from 'vitest';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { schemaFault } from './json-schema.ts';

/* The part of JSON Schema 2020-12 that answers are checked with. */

const object: JsonObject = {
  type: 'object',
  properties: {
    level: { type: 'integer', minimum: 1, maximum: 5 },
    why: { type: 'array', items: { type: 'string', maxLength: 5 }, minItems: 1, maxItems: 2 },
    kind: { enum: ['a', 'b', null] },
    code: { type: 'string', pattern: '^[A-Z]\\d$' },
    either: { anyOf: [{ type: 'number' }, { const: 'none' }] },
  },
  required: ['level'],
  additionalProperties: false,
};

test.each<[string, boolean]>([
  ['{"level":1}', true],
  ['{"level":5,"why":["a"],"kind":null,"code":"A1","either":1.50}', true],
  ['{"level":2.0,"either":"none"}', true],
  ['{}', false],
  ['[]', false],
  ['null', false],
  ['{"level":0}', false],
  ['{"level":6}', false],
  ['{"level":1.5}', false],
  ['{"level":"1"}', false],
  ['{"level":1,"other":1}', false],
  ['{"level":1,"__proto__":1}', false],
  ['{"level":1,"constructor":1}', false],
  ['{"level":1,"why":[]}', false],
  ['{"level":1,"why":["a","b","c"]}', false],
  ['{"level":1,"why":["abcdef"]}', false],
  ['{"level":1,"why":[1]}', false],
  ['{"level":1,"kind":"c"}', false],
  ['{"level":1,"code":"a1"}', false],
  ['{"level":1,"either":"some"}', false],
])('%s: %s', (text, good) => {
  const fault = schemaFault(parseJson(text) as JsonValue, object);
  expect(fault === undefined, fault).toBe(good);
});

test('a keyword that would check nothing is refused', () => {
  expect(() => schemaFault(1, { multipleOf: 2 })).toThrow(/multipleOf/);
});

test('the fault names the place', () => {
  expect(schemaFault({ level: 1, why: ['a', 'toolong'] }, object)).toMatch(/^\$\.why\[1\]: /);
});
