import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRIMITIVES } from './primitives.ts';

const isRight = (type: string, text: string): boolean => PRIMITIVES.get(type)?.(text) === undefined;

describe('codes and OIDs (R4 datatypes.html#code, #oid)', () => {
  it('are what their regular expressions say', () => {
    const code = /^[^\s\u0000-\u001f]+(\s[^\s\u0000-\u001f]+)*$/;
    const oid = /^urn:oid:[0-2](\.(0|[1-9][0-9]*))+$/;
    const text = (characters: string, maxLength = 8) =>
      fc.string({ unit: fc.constantFrom(...characters), maxLength });
    fc.assert(
      fc.property(text('ab \t\n\u0001\u00a0-'), text('012.'), (some, numbers) => {
        expect(isRight('code', some), JSON.stringify(some)).toBe(code.test(some));
        const name = `urn:oid:${numbers}`;
        expect(isRight('oid', name), name).toBe(oid.test(name));
      }),
      { numRuns: 2000 },
    );
  });

  it('of any length: as many words and numbers as a body can hold', () => {
    expect(isRight('code', `${'a '.repeat(8_000_000)}a`)).toBe(true);
    expect(isRight('code', 'a '.repeat(8_000_000))).toBe(false);
    expect(isRight('oid', `urn:oid:1${'.1'.repeat(8_000_000)}`)).toBe(true);
    expect(isRight('oid', `urn:oid:1${'.1'.repeat(8_000_000)}.`)).toBe(false);
  });
});
