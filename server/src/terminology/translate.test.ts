import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../json/types.ts';
import { contextOf, LETTERS, SYSTEM, valueSet } from './test-support.ts';
import { type TranslationRequest, translate } from './translate.ts';

const OTHER = 'http://example.org/other';
const target = (code: string, equivalence: string, more: object = {}) => ({ code, equivalence, ...more });

const map = (group: object, more: object = {}) => ({
  resourceType: 'ConceptMap',
  url: 'http://example.org/map',
  status: 'active',
  group: [{ source: SYSTEM, target: OTHER, ...group }],
  ...more,
});

/** `result: equivalence code...` of a translation. */
async function run(maps: readonly object[], request: Partial<TranslationRequest> = {}): Promise<string> {
  const context = contextOf([LETTERS, ...maps]);
  const answer = await translate(context, {
    codings: [{ system: SYSTEM, code: 'a' }],
    reverse: false,
    dependencies: [],
    ...request,
  });
  const matches = answer
    .filter(({ name }) => name === 'match')
    .map(({ part }) => {
      const of = (name: string) => (part as JsonObject[]).find((one) => one['name'] === name);
      const concept = of('concept')?.['valueCoding'] as JsonObject | undefined;
      return `${of('equivalence')?.['valueCode']} ${concept?.['code'] ?? '-'}`;
    });
  return [String(answer[0]?.['valueBoolean']), ...matches].join(', ');
}

describe('ConceptMap/$translate (R4 conceptmap-operation-translate.html)', () => {
  const element = [
    { code: 'a', target: [target('1', 'equivalent'), target('2', 'wider')] },
    { code: 'b', target: [target('1', 'narrower')] },
    { code: 'c', target: [{ equivalence: 'unmatched' }] },
  ];

  it('gives the targets of a code; unmatched and disjoint are no translations', async () => {
    expect(await run([map({ element })])).toBe('true, equivalent 1, wider 2');
    expect(await run([map({ element })], { codings: [{ system: SYSTEM, code: 'c' }] })).toBe(
      'false, unmatched -',
    );
    expect(await run([map({ element })], { codings: [{ system: SYSTEM, code: 'e' }] })).toBe('false');
  });

  it('in reverse reads equivalences from the other side', async () => {
    const codings = [{ system: OTHER, code: '1' }];
    expect(await run([map({ element })], { codings, reverse: true })).toBe('true, equivalent a, wider b');
  });

  it.each(['constructor', '__proto__', 'toString'])(
    'knows no equivalence that JavaScript gives every object: %s',
    async (name) => {
      const named = [{ code: 'a', target: [{ code: '1', relationship: name }] }];
      expect(await run([map({ element: named })])).toBe('true, relatedto 1');
      const odd = [{ code: 'a', target: [target('1', name)] }];
      const codings = [{ system: OTHER, code: '1' }];
      expect(await run([map({ element: odd })], { codings, reverse: true })).toBe(`true, ${name} a`);
    },
  );

  it('keeps to the target system and leaves out retired maps', async () => {
    expect(await run([map({ element })], { targetSystem: 'http://example.org/third' })).toBe('false');
    expect(await run([map({ element }, { status: 'retired' })])).toBe('false');
  });

  it('keeps to the map’s source value set', async () => {
    const scope = valueSet({ include: [{ system: SYSTEM, concept: [{ code: 'b' }] }] });
    const scoped = map({ element }, { sourceUri: scope['url'] });
    expect(await run([scoped, scope])).toBe('false');
    expect(await run([scoped, scope], { codings: [{ system: SYSTEM, code: 'b' }] })).toBe('true, narrower 1');
  });

  it('takes a target with dependsOn only when the dependencies are given', async () => {
    const depending = map({
      element: [
        { code: 'a', target: [target('3', 'equal', { dependsOn: [{ property: 'http://p', value: 'v' }] })] },
      ],
    });
    expect(await run([depending])).toBe('false');
    const dependencies = [{ element: 'http://p', concept: { coding: [{ code: 'v' }] } }];
    expect(await run([depending], { dependencies })).toBe('true, equal 3');
  });

  it('for codes that are not listed does what unmapped says', async () => {
    const codings = [{ system: SYSTEM, code: 'e' }];
    const other = map(
      { element: [{ code: 'e', target: [target('9', 'inexact')] }] },
      { url: 'http://example.org/more' },
    );
    const unmapped = (more: object) =>
      run([map({ element, unmapped: more }), { ...other, status: 'retired' }], { codings });
    expect(await unmapped({ mode: 'provided' })).toBe('true, equal e');
    expect(await unmapped({ mode: 'fixed', code: 'unknown' })).toBe('true, inexact unknown');
    expect(await unmapped({ mode: 'other-map', url: 'http://example.org/more' })).toBe('true, inexact 9');
    await expect(unmapped({ mode: 'other-map', url: 'http://example.org/map' })).rejects.toThrow(/circular/);
    await expect(unmapped({ mode: 'other-map', url: 'http://example.org/none' })).rejects.toThrow(
      /not known/,
    );
  });
});
