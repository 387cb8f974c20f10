import { describe, expect, it } from 'vitest';
import type { CanonicalResolver } from '../../conformance/packages/package-set.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { PackageTerminology } from './package-terminology.ts';
import { against, check, observation, P, profile, withResources } from './test-support.ts';
import type { CodeResult } from './types.ts';
import { createValidators } from './validate.ts';

const SYSTEM = 'http://example.org/CodeSystem/s';
const SET = 'http://example.org/ValueSet/v';

/** A resolver by exact versions, the first given without one; each answer is a new copy, as after a cache has dropped it. */
function resolverOf(resources: readonly object[]): CanonicalResolver {
  const byUrl = new Map<string, Resource>();
  for (const one of resources as Resource[]) {
    const key = `${one.resourceType} ${one['url']}`;
    if (!byUrl.has(key)) byUrl.set(key, one);
    if (one['version'] !== undefined) byUrl.set(`${key}|${one['version']}`, one);
  }
  return {
    resolve: (type, canonical) => {
      const found = byUrl.get(`${type} ${canonical}`);
      return found === undefined ? undefined : { ...found };
    },
  };
}

const codeSystem = (version: string | undefined, codes: readonly string[], more: object = {}) => ({
  resourceType: 'CodeSystem',
  url: SYSTEM,
  ...(version === undefined ? {} : { version }),
  content: 'complete',
  concept: codes.map((code) => ({ code })),
  ...more,
});
const valueSet = (url: string, include: readonly object[], more: object = {}) => ({
  resourceType: 'ValueSet',
  url,
  compose: { include },
  ...more,
});

interface Asked {
  system?: string;
  version?: string;
  set?: string;
}
function ask(
  resources: readonly object[],
  code: string,
  { system = SYSTEM, version, set }: Asked = {},
): CodeResult {
  return new PackageTerminology(resolverOf(resources)).validateCode(
    system,
    code,
    undefined,
    set,
    undefined,
    version,
  );
}

describe('value sets that import one another (R4 valueset.html#compose: ValueSet.compose.include.valueSet)', () => {
  const level = (i: number) => `${SET}-${i}`;

  it('are asked once each, however many ways lead to them', () => {
    const depth = 60;
    const sets = Array.from({ length: depth }, (_, i) =>
      valueSet(level(i), [
        { valueSet: [level(i + 1)] },
        { valueSet: [level(i + 1)] },
        { system: `${SYSTEM}-${i}`, concept: [{ code: `c${i}` }] },
      ]),
    );
    const all = [...sets, valueSet(level(depth), [{ system: SYSTEM, concept: [{ code: 'last' }] }])];
    let resolved = 0;
    const resolver = resolverOf(all);
    const terminology = new PackageTerminology({
      resolve: (...args) => {
        resolved++;
        return resolver.resolve(...args);
      },
    });
    const asked = (system: string, code: string) =>
      terminology.validateCode(system, code, undefined, level(0)).result;
    expect(asked(SYSTEM, 'last')).toBe('yes');
    expect(asked(SYSTEM, 'other')).toBe('no');
    expect(asked(`${SYSTEM}-30`, 'c30')).toBe('yes');
    expect(resolved).toBeLessThan(3 * (depth + 1) * 3);
  });

  it('that import themselves come to an end', () => {
    const circular = [
      valueSet(level(0), [
        { valueSet: [level(1)] },
        { valueSet: [level(1)] },
        { system: SYSTEM, concept: [{ code: 'a' }] },
      ]),
      valueSet(level(1), [
        { valueSet: [level(0)] },
        { valueSet: [level(0)] },
        { system: SYSTEM, concept: [{ code: 'b' }] },
      ]),
    ];
    expect(ask(circular, 'a', { set: level(0) }).result).toBe('yes');
    expect(ask(circular, 'b', { set: level(0) }).result).toBe('yes');
    expect(ask(circular, 'c', { set: level(0) }).result).toBe('unknown');
  });
});

describe('the version of a code system (R4 datatypes.html#Coding.version)', () => {
  const old = codeSystem('1.0.0', ['a', 'old']);
  const current = codeSystem('2.0.0', ['a', 'new']);

  it('decides when it is there', () => {
    expect(ask([current, old], 'new').result).toBe('yes');
    expect(ask([current, old], 'new', { version: '1.0.0' })).toMatchObject({
      result: 'no',
      notInSystem: true,
    });
    expect(ask([current, old], 'old', { version: '1.0.0' }).result).toBe('yes');
    expect(ask([current, old], 'old', { version: '2.0.0' }).result).toBe('no');
  });

  it('leaves the code unchecked when only others are there', () => {
    for (const code of ['a', 'new']) {
      expect(ask([old], code, { version: '2.0.0' })).toMatchObject({
        result: 'unknown',
        unknownVersion: true,
      });
    }
    expect(ask([old], 'new')).toMatchObject({ result: 'no' });
    expect(ask([codeSystem(undefined, ['a'])], 'a', { version: '2.0.0' }).unknownVersion).toBe(true);
    expect(ask([], 'a', { version: '2.0.0' }).unknownVersion).toBeUndefined();
  });

  it('does not matter for systems that are computed', () => {
    expect(ask([], 'mg', { system: 'http://unitsofmeasure.org', version: '2.1' }).result).toBe('yes');
  });

  it('decides in a value set of the whole system', () => {
    const all = valueSet(SET, [{ system: SYSTEM }]);
    expect(ask([current, old, all], 'old', { set: SET }).result).toBe('no');
    expect(ask([current, old, all], 'old', { set: SET, version: '1.0.0' }).result).toBe('yes');
    expect(ask([old, all], 'new', { set: SET, version: '2.0.0' })).toMatchObject({
      result: 'unknown',
      unknownVersion: true,
    });
    // What the version that is here has is taken to be in others too.
    expect(ask([old, all], 'a', { set: SET, version: '2.0.0' }).result).toBe('yes');
  });

  it('does not matter where the value set lists its codes', () => {
    const listed = valueSet(SET, [{ system: SYSTEM, concept: [{ code: 'a' }] }]);
    expect(ask([old, listed], 'a', { set: SET, version: '2.0.0' }).result).toBe('yes');
    expect(ask([old, listed], 'new', { set: SET, version: '2.0.0' }).result).toBe('no');
  });

  it('is that of the include where it names one (R4 ValueSet.compose.include.version)', () => {
    const pinned = (version: string) => valueSet(SET, [{ system: SYSTEM, version }]);
    expect(ask([current, old, pinned('1.0.0')], 'old', { set: SET }).result).toBe('yes');
    expect(ask([current, old, pinned('1.0.0')], 'new', { set: SET }).result).toBe('no');
    expect(ask([old, pinned('2.0.0')], 'new', { set: SET }).result).toBe('unknown');
    expect(ask([current, old, pinned('*')], 'old', { set: SET }).result).toBe('no');
  });
});

describe('what a value set draws on', () => {
  it('is its systems and those of all that it imports', () => {
    const terminology = new PackageTerminology(
      resolverOf([
        valueSet(SET, [{ system: SYSTEM }, { valueSet: [`${SET}-2|1.0.0`] }]),
        valueSet(`${SET}-2`, [{ valueSet: [SET] }], {
          version: '1.0.0',
          compose: { include: [{ valueSet: [SET] }], exclude: [{ system: `${SYSTEM}-2` }] },
        }),
        {
          resourceType: 'ValueSet',
          url: `${SET}-3`,
          expansion: { contains: [{ contains: [{ system: SYSTEM, code: 'x' }] }] },
        },
      ]),
    );
    const { systems, valueSets } = terminology.drawsOn(SET);
    expect([...systems].sort()).toEqual([SYSTEM, `${SYSTEM}-2`]);
    expect([...valueSets].sort()).toEqual([SET, `${SET}-2`]);
    expect([...terminology.drawsOn(`${SET}-3`).systems]).toEqual([SYSTEM]);
    expect(terminology.drawsOn('http://example.org/none').systems.size).toBe(0);
  });
});

describe('a Coding that names a version (R4 datatypes.html#Coding.version)', () => {
  const bound = (strength: string) => [
    { id: 'Observation', path: 'Observation' },
    { id: 'Observation.code', path: 'Observation.code', binding: { strength, valueSet: SET } },
  ];
  const coded = (coding: JsonObject) => observation({ code: { coding: [{ system: SYSTEM, ...coding }] } });
  const definitions = [codeSystem('1.0.0', ['a']), valueSet(SET, [{ system: SYSTEM }])];
  const all = (strength: string, coding: JsonObject, options = {}) => {
    const validators = createValidators(
      withResources([...definitions, profile('Observation', bound(strength))]),
    );
    return check(coded(coding), validators, {
      profiles: [P],
      options,
      all: true,
    }).filter((issue) => /code/.test(issue));
  };

  it('that is not known is a warning, never an error', () => {
    expect(against(bound('required'), coded({ version: '2.0.0', code: 'new' }), definitions)).toEqual([]);
    expect(against(bound('required'), coded({ version: '1.0.0', code: 'new' }), definitions)).not.toEqual([]);
    expect(all('required', { version: '2.0.0', code: 'new' })).toEqual([
      'warning not-found Observation.code.coding[0].version',
      'warning not-supported Observation.code',
    ]);
    expect(all('required', { version: '2.0.0', code: 'a' })).toEqual([
      'warning not-found Observation.code.coding[0].version',
    ]);
    expect(all('required', { version: '2.0.0', code: 'new' }, { uncheckedCodes: 'ignore' })).toEqual([]);
  });

  it('that is known decides', () => {
    expect(all('required', { version: '1.0.0', code: 'a' })).toEqual([]);
    expect(all('required', { version: '1.0.0', code: 'new' })).toEqual([
      'error code-invalid Observation.code.coding[0].code',
      'error code-invalid Observation.code',
    ]);
  });
});
