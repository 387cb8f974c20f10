import { expect, it } from 'vitest';
import { exactNumber } from './exact-number.ts';
import { isObject, isResource } from './objects.ts';
import { parseJson } from './parse.ts';

it('a JSON object is neither null nor an array nor a number that keeps its digits', () => {
  for (const value of [undefined, null, true, 1, 'a', [], [{}], exactNumber('1.50'), parseJson('1e400')]) {
    expect(isObject(value)).toBe(false);
  }
  expect(isObject({})).toBe(true);
  // A property that has the name of what such a number is made of makes none.
  expect(isObject(parseJson('{"rawJSON":"1.50"}'))).toBe(true);
});

it('a resource names its type (R4 json.html#resources)', () => {
  expect(isResource({ resourceType: 'Patient' })).toBe(true);
  for (const value of [{}, { resourceType: 1 }, ['resourceType'], null])
    expect(isResource(value)).toBe(false);
});
