import { describe, expect, it } from 'vitest';
import { entryOf, type FhirPackage, type PackageEntry } from '../../conformance/packages/package.ts';
import { PackageSet } from '../../conformance/packages/package-set.ts';
import type { Resource } from '../../json/types.ts';
import { check, withResources } from './test-support.ts';
import { createValidators } from './validate.ts';

const URL = 'http://example.org/StructureDefinition/Visit';
const PLACE = 'http://example.org/StructureDefinition/Place';
const model = (url: string, element: object[], more: object = {}) => {
  const root = url.slice(url.lastIndexOf('/') + 1);
  return {
    resourceType: 'StructureDefinition',
    url,
    name: root,
    status: 'draft',
    kind: 'logical',
    abstract: false,
    type: url,
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Base',
    derivation: 'specialization',
    snapshot: { element: [{ id: root, path: root, min: 0, max: '*' }, ...element] },
    ...more,
  };
};
const element = (path: string, code: string | undefined, min: number, max: string, more: object = {}) => ({
  id: path,
  path,
  min,
  max,
  base: { path, min, max },
  ...(code === undefined ? {} : { type: [{ code }] }),
  ...more,
});
const visit = model(URL, [
  element('Visit.on', 'date', 1, '1'),
  element('Visit.who', 'HumanName', 0, '*', {
    constraint: [{ key: 'v-1', severity: 'error', human: 'a family name', expression: 'family.exists()' }],
  }),
  element('Visit.gender', 'code', 0, '1', {
    binding: { strength: 'required', valueSet: 'http://hl7.org/fhir/ValueSet/administrative-gender' },
  }),
  element('Visit.part', 'BackboneElement', 0, '*'),
  element('Visit.part.note', 'string', 1, '1'),
  element('Visit.part.part', undefined, 0, '*', { contentReference: '#Visit.part' }),
  element('Visit.at', PLACE, 0, '1'),
]);
const place = model(PLACE, [element('Place.name', 'string', 1, '1')]);

describe('instances of logical models (R4 structuredefinition.html#kind)', () => {
  const validators = createValidators(withResources([visit, place]));
  const issues = (instance: object) => check({ resourceType: URL, ...instance }, validators);

  it('follow their model as resources follow theirs', () => {
    expect(
      issues({
        on: '2020-01-01',
        who: [{ family: 'x' }],
        gender: 'female',
        part: [{ note: 'n', part: [{ note: 'm' }] }],
        at: { name: 'here' },
      }),
    ).toEqual([]);
  });

  it.each<[string, object, string[]]>([
    ['what is missing', {}, ['error required Visit']],
    ['what is unknown', { on: '2020', other: 1 }, ['error structure Visit']],
    ['a wrong date', { on: 'today' }, ['error value Visit.on']],
    ['a single value for a list', { on: '2020', who: { family: 'x' } }, ['error structure Visit.who']],
    ['an invariant', { on: '2020', who: [{ text: 'x' }] }, ['error invariant Visit.who[0] v-1']],
    ['a code', { on: '2020', gender: 'x' }, ['error code-invalid Visit.gender']],
    ['a backbone', { on: '2020', part: [{ part: [{ note: 'n' }] }] }, ['error required Visit.part[0]']],
    [
      'a part of a part',
      { on: '2020', part: [{ note: 'n', part: [{ note: 1 }] }] },
      ['error structure Visit.part[0].part[0].note'],
    ],
    [
      'another model',
      { on: '2020', at: { nam: 'x' } },
      ['error structure Visit.at', 'error required Visit.at'],
    ],
  ])('%s is an error', (_, instance, expected) => {
    const found = issues(instance);
    for (const issue of expected) expect(found).toContain(issue);
    expect(found.length).toBeLessThanOrEqual(expected.length + 1);
  });

  it('may name the model as its package does, by the last part of its type', () => {
    const resources = [visit, place] as unknown as Resource[];
    const entries = resources.map((one, i) => entryOf(`${i}.json`, one, 'models') as PackageEntry);
    const models: FhirPackage = {
      manifest: { name: 'models', version: '1.0.0', fhirVersions: ['4.0.1'], dependencies: new Map() },
      path: 'models',
      entries,
      read: (entry) => resources[entries.indexOf(entry)] as Resource,
      examples: () => [],
    };
    const packaged = createValidators(new PackageSet([models]));
    expect(check({ resourceType: 'Visit', on: '2020' }, packaged)).toEqual([]);
    expect(check({ resourceType: 'Visit' }, packaged)).toEqual(['error required Visit']);
    expect(check({ resourceType: 'Visits' }, packaged)).toEqual(['error structure resourceType']);
  });

  it('may be of a model without snapshot, with the elements of its base', () => {
    const derived = {
      ...model('http://example.org/StructureDefinition/Stay', []),
      baseDefinition: URL,
      snapshot: undefined,
      differential: { element: [{ id: 'Stay', path: 'Stay' }, element('Stay.nights', 'integer', 1, '1')] },
    };
    const known = createValidators(withResources([visit, place, derived]));
    const stay = (more: object) => check({ resourceType: derived.url, ...more }, known);
    expect(stay({ on: '2020', nights: 2, part: [{ note: 'n', part: [{ note: 'm' }] }] })).toEqual([]);
    expect(stay({ nights: 2 })).toEqual(['error required Stay']);
    expect(stay({ on: '2020' })).toEqual(['error required Stay']);
  });

  it('are refused where the model is not known, is a constraint, or uses unknown types', () => {
    const refused = (resources: object[], resourceType = URL) =>
      check({ resourceType, on: '2020' }, createValidators(withResources(resources)));
    expect(refused([])).toEqual(['error structure resourceType']);
    expect(refused([{ ...visit, derivation: 'constraint' }])).toEqual(['error structure resourceType']);
    expect(refused([visit])).toEqual(['error structure resourceType']);
    const odd = (...elements: object[]) =>
      refused([model(URL, [element('Visit.on', 'date', 0, '1'), ...elements])]);
    expect(odd()).toEqual([]);
    expect(odd(element('Visit.group', 'BackboneElement', 0, '1'))).toEqual([]);
    expect(odd(element('Visit.x', undefined, 0, '1', { contentReference: '#Visit.none' }))).toHaveLength(1);
    expect(
      odd(...Array.from({ length: 40 }, (_, i) => element(`Visit.x${i}`, 'string', 1, '1'))),
    ).toHaveLength(1);
    expect(refused([visit, place], 'constructor')).toEqual(['error structure resourceType']);
  });
});
