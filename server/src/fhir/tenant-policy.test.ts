import { describe, expect, it } from 'vitest';
import { checkSetting, DEFAULT_POLICY, PolicyError, policyOf } from './tenant-policy.ts';

const isType = (name: string) => name === 'Observation';

describe("a tenant's policy", () => {
  it('is the default when nothing is set', () => {
    expect(policyOf({})).toEqual(DEFAULT_POLICY);
  });

  it('takes what is set, and leaves out what it does not understand', () => {
    const policy = policyOf({
      'validation.writes': 'required',
      'validation.warnings': 'perhaps',
      'validation.required.Observation': ['http://example.org/p'],
      narrative: 'on',
      other: 1,
    });
    expect(policy.validation.writes).toBe('required');
    expect(policy.validation.warnings).toBe('report');
    expect(policy.validation.required.get('Observation')).toEqual(['http://example.org/p']);
    expect(policy.narrative).toBe(true);
  });

  it('checks each setting before it is kept', () => {
    expect(checkSetting('validation.writes', 'declared', isType)).toBe('declared');
    expect(checkSetting('validation.writes', '', isType)).toBeUndefined();
    expect(checkSetting('validation.required.Observation', 'http://a.org/x, urn:y', isType)).toEqual([
      'http://a.org/x',
      'urn:y',
    ]);
    expect(checkSetting('validation.required.Observation', '', isType)).toBeUndefined();
    expect(checkSetting('encryption.systems', 'http://a.org/id, urn:oid:1.2', isType)).toEqual([
      'http://a.org/id',
      'urn:oid:1.2',
    ]);
    expect(checkSetting('encryption.types', 'none', isType)).toEqual([]);
    expect(checkSetting('encryption.types', '', isType)).toBeUndefined();
    expect(() => checkSetting('encryption.systems', 'ssn', isType)).toThrow(PolicyError);
    expect(() => checkSetting('validation.writes', 'perhaps', isType)).toThrow(PolicyError);
    expect(() => checkSetting('validation.required.Nothing', 'http://a.org', isType)).toThrow(
      /no resource type/,
    );
    expect(() => checkSetting('validation.required.Observation', 'x', isType)).toThrow(/canonical/);
    expect(() => checkSetting('constructor', 'x', isType)).toThrow(/no setting/);
  });
});
