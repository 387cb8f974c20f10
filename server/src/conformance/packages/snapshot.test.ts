import { describe, expect, it } from 'vitest';
import type { Resource } from '../../json/types.ts';
import {
  hasUsCore,
  profile,
  US_CORE_VERSIONS,
  usCore,
  withResources,
} from '../../validation/profiles/test-support.ts';
import { type ElementDefinition, snapshotOf } from '../../validation/profiles/types.ts';
import { withSnapshot } from './snapshot.ts';

function made(type: string, elements: object[], more: Resource[] = []): Map<string, ElementDefinition> {
  const result = withSnapshot(profile(type, elements), withResources(more));
  return new Map((snapshotOf(result) ?? []).map((element) => [element.id ?? '', element]));
}

describe('snapshots (profiling.html#snapshot)', () => {
  it('every element of the base is there, with what the differential says', () => {
    const elements = made('Patient', [{ path: 'Patient.name', min: 1, mustSupport: true, short: 's' }]);
    expect(elements.get('Patient.name')).toMatchObject({ min: 1, max: '*', mustSupport: true, short: 's' });
    expect(elements.get('Patient.contact.name')?.min).toBe(0);
    expect(elements.get('Patient.name')?.constraint?.map(({ key }) => key)).toContain('ele-1');
  });
  it('elements of a data type are unfolded where the differential goes below', () => {
    const elements = made('Patient', [{ path: 'Patient.name.family', min: 1 }]);
    expect(elements.get('Patient.name.family')).toMatchObject({ min: 1, base: { path: 'HumanName.family' } });
    expect(elements.has('Patient.name.given')).toBe(true);
    expect(elements.has('Patient.address.city')).toBe(false);
  });
  it('slices have the elements of what they slice; reslices come after their slice', () => {
    const elements = made('Observation', [
      {
        id: 'Observation.component',
        path: 'Observation.component',
        slicing: { discriminator: [{ type: 'pattern', path: 'code' }], rules: 'open' },
      },
      { id: 'Observation.component:a', path: 'Observation.component', sliceName: 'a', min: 1 },
      {
        id: 'Observation.component:a.code',
        path: 'Observation.component.code',
        patternCodeableConcept: { text: 'a' },
      },
      { id: 'Observation.component:a/b', path: 'Observation.component', sliceName: 'a/b', max: '1' },
      { id: 'Observation.component:c', path: 'Observation.component', sliceName: 'c' },
    ]);
    expect(elements.get('Observation.component:a')).toMatchObject({ min: 1, sliceName: 'a' });
    expect(elements.get('Observation.component:a.code')).toMatchObject({
      min: 1,
      patternCodeableConcept: { text: 'a' },
    });
    expect(elements.get('Observation.component:c.code')).not.toHaveProperty('patternCodeableConcept');
    expect(elements.has('Observation.component:c.value[x]')).toBe(true);
    expect([...elements.keys()].filter((id) => /component(:[^.]*)?$/.test(id))).toEqual([
      'Observation.component',
      'Observation.component:a',
      'Observation.component:a/b',
      'Observation.component:c',
    ]);
  });
  it('a slash in a name whose first part is no slice makes no reslice', () => {
    const elements = made('Observation', [
      {
        path: 'Observation.category',
        slicing: { discriminator: [{ type: 'pattern', path: '$this' }], rules: 'open' },
      },
      { path: 'Observation.category', sliceName: 'us-core/history', min: 1 },
    ]);
    expect([...elements.keys()].filter((id) => id.includes('category:'))).toEqual([
      'Observation.category:us-core/history',
    ]);
  });
  it('many profiles over one another, each of them used often, are made once', () => {
    // Without that each step doubles the work: 2^30.
    const url = (i: number): string => `http://e.org/chain${i}`;
    const chain = Array.from({ length: 30 }, (_, i) =>
      profile(
        'HumanName',
        [{ path: 'HumanName.period', type: [{ code: 'Period' }] }],
        i === 0 ? { url: url(0) } : { url: url(i), baseDefinition: url(i - 1) },
      ),
    );
    const elements = made(
      'Patient',
      ['name', 'contact.name'].flatMap((name) => [
        { path: `Patient.${name}`, type: [{ code: 'HumanName', profile: [url(29)] }] },
        { path: `Patient.${name}.family`, min: 1 },
      ]),
      chain,
    );
    expect(elements.get('Patient.contact.name.family')?.min).toBe(1);
  });
  it('a type in place of [x] is a slice by type', () => {
    const elements = made('Observation', [{ path: 'Observation.valueQuantity', min: 1 }]);
    expect(elements.get('Observation.value[x]')?.slicing).toMatchObject({
      discriminator: [{ type: 'type', path: '$this' }],
      rules: 'closed',
    });
    expect(elements.get('Observation.value[x]:valueQuantity')?.type).toMatchObject([{ code: 'Quantity' }]);
  });
  it('an element that refers to another gets the children of that', () => {
    const elements = made('Questionnaire', [{ path: 'Questionnaire.item.item.text', min: 1 }]);
    expect(elements.get('Questionnaire.item.item.text')?.min).toBe(1);
    expect(elements.get('Questionnaire.item.text')?.min).toBe(0);
  });
  it('slices of extensions are by url without saying so', () => {
    const elements = made('Patient', [
      {
        id: 'Patient.extension:a',
        path: 'Patient.extension',
        sliceName: 'a',
        type: [{ code: 'Extension', profile: ['http://e.org/a'] }],
      },
    ]);
    expect(elements.get('Patient.extension')?.slicing).toMatchObject({
      discriminator: [{ type: 'value', path: 'url' }],
    });
  });
  it('a base with a differential only gets its snapshot first', () => {
    const base = profile('Patient', [{ path: 'Patient.name', min: 1 }], { url: 'http://e.org/base' });
    const derived = profile('Patient', [{ path: 'Patient.gender', min: 1 }], {
      baseDefinition: 'http://e.org/base',
    });
    const elements = snapshotOf(withSnapshot(derived, withResources([base])))!;
    expect(elements.find(({ path }) => path === 'Patient.name')?.min).toBe(1);
    expect(snapshotOf(base)).toBeUndefined();
  });
  it('what cannot be made is said', () => {
    const url = 'http://example.org/StructureDefinition/p';
    expect(() => made('Patient', [{ path: 'Patient.nothing' }])).toThrow('Patient.nothing');
    const loop = profile('Patient', [], { baseDefinition: url });
    expect(() => withSnapshot(loop, withResources([loop]))).toThrow('based on itself');
    const lost = profile('Patient', [], { baseDefinition: 'http://nowhere.org/x' });
    expect(() => withSnapshot(lost, withResources([]))).toThrow('http://nowhere.org/x');
  });
});

/** What is compared of an element. */
function essence(element: ElementDefinition): string {
  const types = (element.type ?? [])
    .map(({ code, profile: profiles = [], targetProfile = [] }) => [
      code,
      [...profiles].sort(),
      [...targetProfile].sort(),
    ])
    .sort();
  const values = Object.entries(element).filter(([name]) =>
    /^(fixed|pattern|minValue|maxValue|maxLength)/.test(name),
  );
  const { min, max, sliceName, binding, slicing } = element;
  const text = JSON.stringify([
    min,
    max,
    sliceName,
    types,
    values,
    binding && [binding.strength, binding.valueSet],
    slicing && [slicing.discriminator, slicing.rules, slicing.ordered ?? false],
  ]);
  return text.replace(/\|\d[\d.]*/g, '');
}

describe.skipIf(!hasUsCore)('the snapshots of US Core made again', () => {
  it.each(US_CORE_VERSIONS)('%s: nearly all elements are the same', (version) => {
    const { set } = usCore(version);
    let same = 0;
    let total = 0;
    for (const { entry, package: from } of set.list('StructureDefinition')) {
      if (from !== set.packages[0]) continue;
      const published = set.resolve('StructureDefinition', `${entry.url}|${entry.version}`)!;
      // Its base is in a package that is not here.
      if (/\/uv\/sdc\//.test(String(published['baseDefinition']))) continue;
      const { snapshot: _, ...rest } = published;
      const resolver = {
        resolve: (type: string, url: string, origin?: object) =>
          set.resolve(type, url, origin === rest ? published : origin),
      };
      const elements = new Map(
        snapshotOf(withSnapshot(rest as Resource, resolver))!.map((one) => [one.id, essence(one)]),
      );
      const expected = new Map(snapshotOf(published)!.map((one) => [one.id, essence(one)]));
      for (const id of new Set([...elements.keys(), ...expected.keys()])) {
        total++;
        if (elements.get(id) === expected.get(id)) same++;
      }
    }
    expect(total).toBeGreaterThan(1000);
    // What differs are habits of publisher versions: whether a shortcut such as valueQuantity closes the choice, whether what
    // is said below a sliced element is repeated in its slices, and children of what may not be there.
    expect(same / total).toBeGreaterThan(0.98);
  });
});
