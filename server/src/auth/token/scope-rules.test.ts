import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allows } from '../scopes/intersect.ts';
import { parseScopes } from '../scopes/parse.ts';
import { granted, narrowed, resourceOnly, systemOnly } from './scope-rules.ts';

const SCOPES = [
  'openid',
  'launch',
  'offline_access',
  'patient/*.rs',
  'patient/*.read',
  'patient/*.cruds',
  'patient/Observation.rs',
  'patient/Observation.r',
  'patient/Observation.rs?category=laboratory',
  'user/Patient.rs',
  'system/*.rs',
  'system/Group.read',
  'nonsense',
];
const some = fc.subarray(SCOPES).map((list) => list.join(' '));

describe('granted', () => {
  it.each([
    ['system/Patient.read', 'system/Patient.rs', 'system/Patient.read'],
    ['system/*.rs', 'system/Patient.rs system/Group.r', 'system/Patient.rs system/Group.r'],
    ['patient/Observation.cruds', 'patient/*.rs', 'patient/Observation.rs'],
    ['user/*.rs', 'patient/*.rs', ''],
    ['openid  openid profile', 'openid', 'openid'],
    ['nonsense', 'nonsense', ''],
    ['', 'patient/*.rs', ''],
  ])('%s of %s is %s', (asked, allowed, expected) => expect(granted(asked, allowed)).toBe(expected));

  it('is never more than is allowed, and all of what is asked that is', () => {
    fc.assert(
      fc.property(some, some, (asked, allowed) => {
        const [have, got, want] = [
          parseScopes(allowed),
          parseScopes(granted(asked, allowed)),
          parseScopes(asked),
        ];
        for (const scope of got.resources) {
          expect(allows(have.resources, scope)).toBe(true);
          expect(allows(want.resources, scope)).toBe(true);
        }
        for (const scope of want.resources) {
          if (allows(have.resources, scope)) expect(allows(got.resources, scope)).toBe(true);
        }
        expect(got.context).toEqual(want.context.filter((one) => have.context.includes(one)));
        expect(got.unknown).toEqual([]);
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});

describe('narrowed (RFC 6749 6)', () => {
  it.each([
    ['patient/Observation.r', 'openid patient/*.rs', 'patient/Observation.r'],
    [
      'patient/Observation.rs?category=x openid',
      'openid patient/Observation.read',
      'patient/Observation.rs?category=x openid',
    ],
    ['patient/Observation.cruds', 'patient/*.rs', undefined],
    ['profile', 'openid', undefined],
    ['openid nonsense', 'openid nonsense', undefined],
    ['  ', 'openid', undefined],
  ])('%s of %s is %s', (asked, have, expected) => expect(narrowed(asked, have)).toBe(expected));

  it('accepts just what granted leaves as it is', () => {
    fc.assert(
      fc.property(some, some, (asked, have) => {
        const kept = granted(asked, have) === asked && asked !== '';
        expect(narrowed(asked, have)).toBe(kept ? asked : undefined);
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});

it('systemOnly and resourceOnly leave the rest out', () => {
  const all = 'openid launch patient/*.rs system/*.rs nonsense';
  expect(systemOnly(all)).toBe('system/*.rs');
  expect(resourceOnly(all)).toBe('patient/*.rs system/*.rs');
});
