import { describe, expect, it } from 'vitest';
import { FilterCache, Membership, prepareSet } from './compose.ts';
import { TxError } from './issues.ts';
import { contextOf, LETTERS, SYSTEM, valueSet } from './test-support.ts';

const missing = (reference: string) =>
  new TxError(422, { severity: 'error', code: 'not-found', type: 'not-found', text: `no ${reference}` });

/** The letters that belong to a value set. */
async function members(compose: object, others: readonly object[] = []): Promise<string> {
  const context = contextOf([LETTERS, ...others]);
  const set = await prepareSet(context, valueSet(compose), missing);
  const membership = new Membership(context, new FilterCache());
  const found: string[] = [];
  for (const code of ['a', 'b', 'c', 'd', 'e', 'x'])
    if (await membership.inSet(set, { system: SYSTEM, code })) found.push(code);
  return found.join('');
}

const letters = (...codes: string[]) => ({ system: SYSTEM, concept: codes.map((code) => ({ code })) });
const filtered = (...filters: (readonly [property: string, op: string, value: string])[]) => ({
  system: SYSTEM,
  filter: filters.map(([property, op, value]) => ({ property, op, value })),
});
const imported = (name: string, ...include: object[]) =>
  valueSet({ include }, { url: `http://example.org/${name}` });

describe('membership (R4 valueset.html#compositions)', () => {
  it('a code is in a value set when an include has it and no exclude', async () => {
    expect(await members({ include: [letters('a', 'b'), letters('b', 'e')] })).toBe('abe');
    expect(await members({ include: [{ system: SYSTEM }], exclude: [letters('b')] })).toBe('acde');
    expect(await members({ include: [letters('x')] })).toBe('');
  });

  it('within an include, system, filters and all value sets must agree', async () => {
    const one = imported('one', letters('a', 'b', 'c'));
    const two = imported('two', letters('b', 'c', 'd'));
    const both = { valueSet: ['http://example.org/one', 'http://example.org/two'] };
    expect(await members({ include: [both] }, [one, two])).toBe('bc');
    expect(await members({ include: [{ ...both, ...letters('c', 'd') }] }, [one, two])).toBe('c');
    expect(await members({ include: [filtered(['concept', 'is-a', 'a'], ['kind', '=', 'soft'])] })).toBe('c');
  });

  it('an exclude takes away only what all of it has', async () => {
    const exclude = [{ ...letters('b', 'c'), valueSet: ['http://example.org/one'] }];
    expect(
      await members({ include: [{ system: SYSTEM }], exclude }, [imported('one', letters('c', 'd'))]),
    ).toBe('abde');
  });

  it('compose.inactive = false leaves out inactive codes (R4 ValueSet.compose.inactive)', async () => {
    expect(await members({ inactive: false, include: [{ system: SYSTEM }] })).toBe('abce');
    expect(await members({ include: [{ system: SYSTEM }] })).toBe('abcde');
  });

  it('contained value sets are found by #id, in the value set that refers to them', async () => {
    const inner = { ...imported('x', letters('e')), id: 'in' };
    const context = contextOf([LETTERS]);
    const outer = valueSet({ include: [{ valueSet: ['#in'] }] }, { contained: [inner] });
    const set = await prepareSet(context, outer, missing);
    expect(await new Membership(context, new FilterCache()).inSet(set, { system: SYSTEM, code: 'e' })).toBe(
      true,
    );
  });

  it('a value set without compose has the codes of its expansion', async () => {
    const made = {
      ...imported('made'),
      compose: undefined,
      expansion: { contains: [{ system: SYSTEM, code: 'b', contains: [{ system: SYSTEM, code: 'd' }] }] },
    };
    expect(await members({ include: [{ valueSet: ['http://example.org/made'] }] }, [made])).toBe('bd');
  });

  it('an import that is not known, or that goes round in a circle, is refused by name', async () => {
    await expect(members({ include: [{ valueSet: ['http://example.org/none'] }] })).rejects.toThrow(
      'no http://example.org/none',
    );
    const one = imported('one', { valueSet: ['http://example.org/two'] });
    const two = imported('two', { valueSet: ['http://example.org/one'] });
    await expect(
      members({ include: [{ valueSet: ['http://example.org/one'] }] }, [one, two]),
    ).rejects.toThrow(/circularity.*http:\/\/example.org\/one/);
  });
});

describe('filters (R4 valueset-filter-operator)', () => {
  it.each([
    ['concept', 'is-a', 'b', 'bd'],
    ['concept', 'is-a', 'e', 'ce'],
    ['concept', 'descendent-of', 'a', 'bcd'],
    ['concept', 'is-not-a', 'b', 'ace'],
    ['concept', 'child-of', 'a', 'bc'],
    ['concept', 'descendent-leaf', 'a', 'cd'],
    ['concept', 'generalizes', 'd', 'abd'],
    ['concept', 'in', 'a, e,x', 'ae'],
    ['concept', 'not-in', 'a,e', 'bcd'],
    ['code', 'regex', '[a-c]', 'abc'],
    ['display', 'regex', '.*[DE]', 'de'],
    ['weight', '=', '2', 'b'],
    ['weight', 'exists', 'true', 'b'],
    ['weight', 'exists', 'false', 'acde'],
    ['kind', 'in', 'soft,hard', 'c'],
    ['kind', 'not-in', 'soft', 'abde'],
    ['http://example.org/kind', '=', 'open', 'e'],
    ['inactive', '=', 'true', 'd'],
    ['notSelectable', '=', 'true', 'a'],
    ['parent', '=', 'a', 'bc'],
    ['child', '=', 'd', 'b'],
  ])('%s %s %s: %s', async (property, op, value, expected) => {
    expect(await members({ include: [filtered([property, op, value])] })).toBe(expected);
  });

  it.each([
    [['colour', '=', 'red'], /"colour = red" is not understood/],
    [['concept', 'like', 'a'], /"concept like a" is not understood/],
    [['code', 'regex', '(a'], /is not valid/],
  ] as const)('%j is refused', async (filter, message) => {
    await expect(members({ include: [filtered(filter)] })).rejects.toThrow(message);
  });

  it('a filter without value is refused, and names its place', async () => {
    const include = [{ system: SYSTEM, filter: [{ property: 'concept', op: 'is-a' }] }];
    const refused = members({ include });
    await expect(refused).rejects.toMatchObject({
      status: 400,
      issues: [{ expression: 'ValueSet.compose.include[0].filter[0]' }],
    });
  });
});
