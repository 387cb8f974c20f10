import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RegexError, SafeRegex } from './regex.ts';

describe('regular expressions of filters (R4 valueset-filter-operator: the whole value must match)', () => {
  it('agrees with JavaScript on whatever both understand', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '(a|b)', '(?:ab)', 'x', '[a-c\\d]');
    const piece = fc
      .tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}', '{1,2}', '{2,}', '*?'))
      .map(([a, q]) => a + q);
    const pattern = fc.array(
      fc.array(piece, { maxLength: 4 }).map((list) => list.join('')),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(
        pattern,
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', 'x'), maxLength: 8 }),
        (parts, text) => {
          const source = parts.join('|');
          expect(new SafeRegex(source).test(text)).toBe(new RegExp(`^(?:${source})$`, 'u').test(text));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('answers each text for itself, also after more positions than it remembers', () => {
    // In 2 ** 13 positions: which of the last 13 characters were an a.
    const source = '[ab]*a[ab]{12}';
    const regex = new SafeRegex(source);
    const native = new RegExp(`^(?:${source})$`);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 10, maxLength: 200 }), (text) => {
        expect(regex.test(text)).toBe(native.test(text));
        expect(regex.test(`${text}c`)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('is not slowed down by a pattern that explodes with backtracking', () => {
    const regex = new SafeRegex('^(a+)+(b|a?){1,30}c$');
    expect(regex.test('a'.repeat(5000))).toBe(false);
    expect(regex.test(`${'a'.repeat(5000)}c`)).toBe(true);
  });

  it.each(['(', 'a)', '[a', 'a{2', '*a', '(?=a)', '\\1', 'a{3,2}', '[b-a]', '(a{1000}){1000}', '\\'])(
    'refuses %s with a reason',
    (pattern) => {
      expect(() => new SafeRegex(pattern)).toThrow(RegexError);
    },
  );
});
