import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Hierarchy } from './hierarchy.ts';

const codesAbove = (hierarchy: Hierarchy, code: string) =>
  hierarchy
    .ancestors(code)
    .map((place) => hierarchy.order[place])
    .sort()
    .join('');

describe('the closure of a hierarchy (R4 codesystem.html#hierarchy)', () => {
  it('lists parents before children and knows all that is above a code, by every way', () => {
    const hierarchy = new Hierarchy([
      ['d', ['b', 'c']],
      ['b', ['a']],
      ['c', ['a']],
      ['a', []],
    ]);
    expect(hierarchy.order.join('')).toBe('abdc');
    expect(codesAbove(hierarchy, 'd')).toBe('abc');
    expect(codesAbove(hierarchy, 'a')).toBe('');
  });

  it('bears circles and parents that are not there', () => {
    const hierarchy = new Hierarchy([
      ['a', ['b']],
      ['b', ['a']],
      ['c', ['nowhere']],
    ]);
    expect([...hierarchy.order].sort().join('')).toBe('abc');
    expect(codesAbove(hierarchy, 'a')).toBe('b');
    expect(codesAbove(hierarchy, 'c')).toBe('');
  });

  it('is transitive', () => {
    const codes = [...'abcdefgh'];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...codes), fc.constantFrom(...codes))), (edges) => {
        const entries = codes.map(
          (code) => [code, edges.filter(([below]) => below === code).map(([, above]) => above)] as const,
        );
        const hierarchy = new Hierarchy(entries);
        for (const code of codes) {
          const above = codesAbove(hierarchy, code);
          for (const one of above)
            for (const other of codesAbove(hierarchy, one))
              if (other !== code) expect(above).toContain(other);
        }
      }),
    );
  });
});
