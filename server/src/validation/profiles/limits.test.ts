import { describe, expect, it } from 'vitest';
import {
  against,
  check,
  core,
  observation,
  P,
  parsed,
  patient,
  profile,
  withResources,
} from './test-support.ts';
import { createValidators, validateResource } from './validate.ts';

/** Everything found by a profile with one constraint on Patient. */
function ruled(expression: string, resource: object = patient({ name: [{ family: 'x' }] })): string[] {
  const element = [
    { path: 'Patient', constraint: [{ key: 'r', severity: 'error', human: 'h', expression }] },
  ];
  const validators = createValidators(withResources([profile('Patient', element)]));
  return check(resource, validators, { profiles: [P], all: true });
}
const named = (family: string) => patient({ name: [{ family }] });
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/*
 * Each of these would take minutes or more without a bound: that they end at all within the test's time is what is tested.
 */
describe('rules of a profile that never end', () => {
  it('a pattern that explodes is matched in linear time', () => {
    const evil = `name.family.matches('^(a+)+$')`;
    expect(ruled(evil, named('a'.repeat(40)))).toEqual([]);
    expect(ruled(evil, named(`${'a'.repeat(40)}!`))).toEqual(['error invariant Patient r']);
    expect(ruled(`name.family.matches('(x+x+)+y')`, named('x'.repeat(5000)))).toEqual([
      'error invariant Patient r',
    ]);
    expect(ruled(`name.family.matches('a*a*a*a*a*a*b')`, named('a'.repeat(50_000)))).toEqual([
      'error invariant Patient r',
    ]);
    expect(ruled(`name.family.matches('^(a|aa)+$|^b*$')`, named('b'.repeat(100)))).toEqual([]);
  });
  it('a pattern without a linear form is given up', () => {
    expect(ruled(`name.family.matches('^(?=(a+)+b)')`, named('a'.repeat(60)))).toEqual([
      'warning processing Patient r',
    ]);
    expect(ruled(`name.family.replaceMatches('(a+)+b', 'x') = 'y'`, named('a'.repeat(60)))).toEqual([
      'warning processing Patient r',
    ]);
  });
  it('exponential expressions', () => {
    const deep = 'descendants()'.concat('.select($this | %resource.descendants())'.repeat(12));
    expect(ruled(`${deep}.exists()`, patient({ name: many(200, (i) => ({ family: `n${i}` })) }))).toEqual([
      'warning processing Patient r',
    ]);
    const nested = 'name.all('.repeat(6) + 'true' + ')'.repeat(6);
    expect(
      ruled(
        nested.replaceAll('name', '%resource.name'),
        patient({ name: many(200, () => ({ family: 'x' })) }),
      ),
    ).toEqual(['warning processing Patient r']);
  });
  it('expressions of the general engine', () => {
    const nested = `${'%resource.name.all('.repeat(5)}@2020 < @2021${')'.repeat(5)}`;
    expect(ruled(nested, patient({ name: many(300, () => ({ family: 'x' })) }))).toEqual([
      'warning processing Patient r',
    ]);
  });
  it('what is no expression, and functions that do not exist', () => {
    expect(ruled('name.(')).toEqual(['warning processing Patient r']);
    expect(ruled('name.nothing()')).toEqual(['warning processing Patient r']);
    expect(ruled("name.family.matches('(')")).toEqual(['warning processing Patient r']);
  });
});

describe('definitions that lead to themselves', () => {
  it('a base that is based on it, over several steps', () => {
    const loop = many(3, (i) =>
      profile('Patient', [{ path: 'Patient.name', min: 1 }], {
        url: `${P}${i}`,
        baseDefinition: `${P}${(i + 1) % 3}`,
      }),
    );
    const validators = createValidators(withResources(loop));
    expect(check(patient({}), validators, { profiles: [`${P}0`] })).toEqual(['error not-found Patient']);
  });
  it('a profile on the targets of its own references', () => {
    const link = profile('Patient', [
      { path: 'Patient.link.other', type: [{ code: 'Reference', targetProfile: [P] }] },
      { path: 'Patient.name', min: 1 },
    ]);
    const validators = createValidators(withResources([link]));
    const url = (i: number) => `http://example.org/Patient/${i}`;
    // Everybody is linked with everybody: without memory each path through them would be walked.
    const count = 40;
    const bundle = (name: object) => ({
      resourceType: 'Bundle',
      type: 'collection',
      entry: many(count, (i) => ({
        fullUrl: url(i),
        resource: patient({
          id: String(i),
          meta: { profile: [P] },
          ...name,
          link: many(count, (j) => ({ other: { reference: url(j) }, type: 'seealso' })),
        }),
      })),
    });
    expect(check(bundle({ name: [{ family: 'x' }] }), validators)).toEqual([]);
    expect(check(bundle({}), validators)).toContain('error required Bundle.entry[0].resource');
  });
  it('an extension that has itself in it', () => {
    const url = 'http://example.com/StructureDefinition/self';
    const self = profile(
      'Extension',
      [
        { id: 'Extension', path: 'Extension' },
        {
          id: 'Extension.extension',
          path: 'Extension.extension',
          slicing: { discriminator: [{ type: 'value', path: 'url' }], rules: 'open' },
        },
        {
          id: 'Extension.extension:self',
          path: 'Extension.extension',
          sliceName: 'self',
          max: '1',
          type: [{ code: 'Extension', profile: [url] }],
        },
        { id: 'Extension.url', path: 'Extension.url', fixedUri: url },
      ],
      { url, kind: 'complex-type', context: [{ type: 'element', expression: 'Element' }] },
    );
    const validators = createValidators(withResources([self]));
    let extension: object = { url, valueString: 'x' };
    for (let i = 0; i < 20; i++) extension = { url, extension: [extension] };
    expect(check(patient({ extension: [extension] }), validators)).toEqual([]);
    expect(
      check(
        patient({
          extension: [
            {
              url,
              extension: [
                { url, valueString: 'x' },
                { url, valueString: 'y' },
              ],
            },
          ],
        }),
        validators,
      ),
    ).toEqual(['error structure Patient.extension[0]']);
  });
  it('elements that are repeated by a content reference', () => {
    const element = [{ path: 'Questionnaire.item.item.text', min: 1 }];
    const validators = createValidators(withResources([profile('Questionnaire', element)]));
    let item: object = { linkId: 'x', type: 'string' };
    for (let i = 0; i < 20; i++) item = { linkId: `g${i}`, type: 'group', text: 't', item: [item] };
    const issues = check({ resourceType: 'Questionnaire', status: 'draft', item: [item] }, validators, {
      profiles: [P],
    });
    expect(issues.every((one) => one.startsWith('error required Questionnaire.item[0]'))).toBe(true);
  });
});

describe('value sets that import one another', () => {
  const url = (i: number) => `http://e.org/vs${i}`;
  const bound = (valueSet: string) => [
    { path: 'Observation.code', binding: { strength: 'required', valueSet } },
  ];
  const coded = observation({ code: { coding: [{ system: 'http://e.org', code: 'c' }] } });
  const set = (i: number, include: object[]) => ({
    resourceType: 'ValueSet',
    url: url(i),
    status: 'active',
    compose: { include },
  });
  it('in a circle: what cannot be told is no error', () => {
    const circle = [set(0, [{ valueSet: [url(1)] }]), set(1, [{ valueSet: [url(0)] }])];
    expect(against(bound(url(0)), coded, circle)).toEqual([]);
  });
  it('each of them several times: 10^15 ways', () => {
    const layers = many(16, (i) =>
      set(
        i,
        i === 15
          ? [{ system: 'http://e.org', concept: [{ code: 'd' }] }]
          : many(10, () => ({ valueSet: [url(i + 1)] })),
      ),
    );
    expect(against(bound(url(0)), coded, layers)).toEqual(['error code-invalid Observation.code']);
  });
});

describe('much data', () => {
  it('100,000 names: all checked, the issues bounded', () => {
    const names = many(100_000, () => ({ use: 'x', family: 'x' }));
    expect(validateResource(parsed(patient({ name: names })), core).length).toBeLessThan(1200);
    expect(check(patient({ name: names.map(() => ({ family: 'x' })) }), core)).toEqual([]);
  }, 30_000);
  it('20,000 entries, and as many contained resources with references', () => {
    const entries = many(20_000, (i) => ({
      fullUrl: `http://example.org/Patient/${i}`,
      resource: patient({ id: String(i) }),
    }));
    expect(check({ resourceType: 'Bundle', type: 'collection', entry: entries }, core)).toEqual([]);
    const contained = many(20_000, (i) => ({ resourceType: 'Practitioner', id: `p${i}` }));
    expect(
      check(
        patient({ contained, generalPractitioner: contained.map(({ id }) => ({ reference: `#${id}` })) }),
        core,
      ),
    ).toEqual([]);
  }, 30_000);
  it('a document of 5,000 linked entries', () => {
    const uuid = (i: number) => `urn:uuid:00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;
    const count = 5000;
    const section = { title: 's', entry: many(count, (i) => ({ reference: uuid(i + 2) })) };
    const composition = {
      resourceType: 'Composition',
      status: 'final',
      type: { text: 't' },
      date: '2020',
      title: 't',
      author: [{ reference: uuid(1) }],
      section: [section],
    };
    const entry = [
      { fullUrl: uuid(0), resource: composition },
      { fullUrl: uuid(1), resource: { resourceType: 'Practitioner' } },
      ...many(count, (i) => ({ fullUrl: uuid(i + 2), resource: observation({}) })),
    ];
    const identifier = { system: 'urn:ietf:rfc:3986', value: uuid(9) };
    const document = {
      resourceType: 'Bundle',
      type: 'document',
      identifier,
      timestamp: '2020-01-01T00:00:00Z',
      entry,
    };
    expect(check(document, core)).toEqual([]);
  }, 30_000);
});
