import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allows,
  describeScope,
  formatScope,
  formatScopes,
  grantedScopes,
  interactionsOf,
  intersectScopes,
  normalized,
  type ParsedScopes,
  PERMISSIONS,
  parseResourceScope,
  parseScopes,
  type ResourceScope,
  subScopesOf,
} from './index.ts';

const permissions = fc.subarray([...PERMISSIONS], { minLength: 1 });
const search = fc.array(
  fc.tuple(
    fc.constantFrom('category', 'code', 'status'),
    fc.constantFrom('a', 'http://x|b', 'c,d', 'ä ö&=?%+'),
  ),
  { maxLength: 2 },
);
const resource: fc.Arbitrary<ResourceScope> = fc.oneof(
  fc.record({
    context: fc.constantFrom('patient' as const, 'user' as const, 'system' as const),
    type: fc.constantFrom('Observation', 'Condition', 'Patient'),
    permissions,
    search,
    version: fc.constant(2 as const),
  }),
  fc.record({
    context: fc.constantFrom('patient' as const, 'user' as const),
    type: fc.constantFrom('Observation', '*'),
    permissions: fc.constantFrom(['r', 's'] as const, ['c', 'u', 'd'] as const, PERMISSIONS),
    search: fc.constant([]),
    version: fc.constant(1 as const),
  }),
);
const scopes: fc.Arbitrary<ParsedScopes> = fc.record({
  resources: fc.array(resource, { maxLength: 4 }),
  context: fc.subarray(['launch', 'openid', 'offline_access'] as const),
  unknown: fc.constant([]),
});

/** What a set of scopes allows, without how it is worded. */
const meaning = ({ resources, context }: ParsedScopes) => [
  normalized(resources.map((one) => ({ ...one, version: 2 as const }))).map(formatScope),
  [...context].sort(),
];

describe('SMART App Launch 2.2: grammar of scopes', () => {
  test.each([
    ['patient/Observation.rs', 'rs'],
    ['user/*.cruds', 'cruds'],
    ['system/Group.r', 'r'],
    ['patient/Observation.read', 'rs'],
    ['patient/*.write', 'cud'],
    ['user/Patient.*', 'cruds'],
  ])('%s', (text, letters) => {
    const scope = parseResourceScope(text) as ResourceScope;
    expect(scope.permissions.join('')).toBe(letters);
    expect(formatScope(scope)).toBe(text);
  });

  test.each([
    'patient/Observation.sr', // the order is cruds
    'patient/Observation.rr',
    'patient/Observation.',
    'patient/Observation',
    'patient/observation.rs',
    'patient/Nothing.rs', // no resource type of R4
    'patient/Observation.read?category=x', // version 1 has no parameters
    'patient/*.rs?category=x',
    'patient/Observation.rs?',
    'patient/Observation.rs?=x',
    'patient/Observation.rs?category',
    'someone/Observation.rs',
    'launch/practitioner',
  ])('%s is no scope', (text) => {
    expect(parseScopes(text)).toEqual({ resources: [], context: [], unknown: [text] });
  });

  test('granular scopes keep the separators of their values; repeated scopes count once (RFC 6749 3.3)', () => {
    const text =
      'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory';
    expect(formatScopes(parseScopes(`${text} launch ${text}  openid launch`))).toBe(`launch openid ${text}`);
  });

  test('parse(format(x)) = x', () => {
    fc.assert(
      fc.property(resource, (scope) => {
        expect(parseResourceScope(formatScope(scope))).toEqual(scope);
      }),
    );
  });

  test('no text makes the parser fail, and what it accepts has no spaces when written', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const one of parseScopes(text).resources) expect(formatScope(one)).not.toMatch(/\s/);
      }),
    );
  });

  test('r is reading, past versions and the history of one; s all other searches and histories', () => {
    expect(interactionsOf(['r'])).toEqual(['read', 'vread', 'history-instance']);
    expect(interactionsOf(['s'])).toEqual(['search-type', 'search-system', 'history-type', 'history-system']);
    expect(interactionsOf(['c', 'u', 'd'])).toEqual(['create', 'update', 'patch', 'delete']);
  });
});

describe('intersection', () => {
  test('is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(scopes, scopes, scopes, (a, b, c) => {
        expect(meaning(intersectScopes(a, b))).toEqual(meaning(intersectScopes(b, a)));
        expect(meaning(intersectScopes(a, a))).toEqual(meaning(a));
        expect(meaning(intersectScopes(intersectScopes(a, b), c))).toEqual(
          meaning(intersectScopes(a, intersectScopes(b, c))),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('is never wider than either, and has all that both allow', () => {
    fc.assert(
      fc.property(scopes, scopes, resource, (a, b, probe) => {
        const both = intersectScopes(a, b);
        for (const one of both.resources) {
          expect(allows(a.resources, one)).toBe(true);
          expect(allows(b.resources, one)).toBe(true);
        }
        expect(allows(both.resources, probe)).toBe(allows(a.resources, probe) && allows(b.resources, probe));
      }),
      { numRuns: 500 },
    );
  });

  test('what is granted keeps the words of what was asked where all of it is allowed', () => {
    const asked = parseScopes('openid patient/*.read patient/Observation.read user/Patient.cruds launch');
    const allowed = parseScopes('openid patient/*.cruds user/Patient.rs');
    expect(formatScopes(grantedScopes(asked, allowed))).toBe(
      'openid patient/*.read patient/Observation.read user/Patient.rs',
    );
    fc.assert(
      fc.property(scopes, scopes, (a, b) => {
        expect(meaning(grantedScopes(a, b))).toEqual(meaning(intersectScopes(a, b)));
      }),
    );
  });

  test('a granular scope and one for the type give the granular one', () => {
    const granular = 'patient/Observation.rs?category=laboratory';
    expect(formatScopes(intersectScopes(parseScopes(granular), parseScopes('patient/*.cruds')))).toBe(
      granular,
    );
    expect(
      formatScopes(intersectScopes(parseScopes(granular), parseScopes('patient/Observation.r?status=final'))),
    ).toBe('patient/Observation.r?category=laboratory&status=final');
  });
});

describe('consent page', () => {
  test('US Core: Condition and Observation have granular sub-scopes, which the scope allows', () => {
    const whole = parseResourceScope('patient/*.rs') as ResourceScope;
    const parts = subScopesOf(whole);
    expect(parts).toHaveLength(8);
    for (const part of parts) {
      expect(allows([whole], part)).toBe(true);
      expect(parseResourceScope(formatScope(part))).toEqual(part);
    }
    expect(subScopesOf(parseResourceScope('patient/Encounter.rs') as ResourceScope)).toEqual([]);
  });

  test('each scope is told in words, in each language', () => {
    const [granular] = subScopesOf(parseResourceScope('patient/Observation.rs') as ResourceScope);
    expect(describeScope(granular as ResourceScope)).toBe(
      'May read and search measurements and test results of the chosen patient, only: laboratory results',
    );
    fc.assert(
      fc.property(resource, fc.constantFrom('en', 'es-MX', 'ur', 'de'), (scope, language) => {
        expect(describeScope(scope, language)).not.toMatch(/undefined|[{}]/);
      }),
    );
    expect(describeScope('offline_access', 'es')).toMatch(/acceso/);
  });
});
