import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, joinCanonical, pickVersion, splitCanonical, versionMatches } from './canonical.ts';

describe('canonical URLs (R4 references.html#canonical)', () => {
  it('have a version after a bar', () => {
    expect(splitCanonical('http://a/b|1.0')).toEqual({ url: 'http://a/b', version: '1.0' });
    expect(splitCanonical('http://a/b')).toEqual({ url: 'http://a/b' });
    expect(splitCanonical('http://a/b|')).toEqual({ url: 'http://a/b' });
    expect(joinCanonical('http://a/b', undefined)).toBe('http://a/b');
  });
});

describe('versions that are asked for (ecosystem: version patterns)', () => {
  it.each([
    ['1.2.0', '1.2.0', true],
    ['1.2.0', '1.2.1', false],
    ['1.x', '1.7.3', true],
    ['1.x', '2.0.0', false],
    ['1.2.x', '1.2.9', true],
    ['1.2.*', '1.3.0', false],
    ['1.2', '1.2.5', true],
    ['1', '1.2.5', true],
    ['1.2', '1.20.0', false],
    ['2024', '2024-03-01', true],
    ['2024-03', '20240301', false],
    ['202', '2024-03-01', false],
    ['1.?', '1.5', true],
    ['http://snomed.info/sct/731000124108', 'http://snomed.info/sct/731000124108/version/20240301', true],
    ['http://snomed.info/sct/731000', 'http://snomed.info/sct/731000124108/version/20240301', false],
  ])('%s is fulfilled by %s: %s', (asked, version, matches) => {
    expect(versionMatches(asked, version)).toBe(matches);
  });

  it('are never fulfilled by a definition without version', () => {
    expect(versionMatches('1', undefined)).toBe(false);
  });
});

describe('the newest version counts where none is asked for (R4 references.html#canonical)', () => {
  it.each([
    ['1.9.0', '1.10.0'],
    ['1.0.0-beta', '1.0.0'],
    ['2023-12-31', '2024-01-01'],
    ['4.0', '4.0.1'],
  ])('%s is older than %s', (older, newer) => {
    expect(compareVersions(older, newer)).toBeLessThan(0);
    expect(compareVersions(newer, older)).toBeGreaterThan(0);
    expect(pickVersion([{ version: newer }, { version: older }], undefined)?.version).toBe(newer);
  });

  it('one without version is older than any, and a pattern means the newest that fits', () => {
    expect(pickVersion([{}, { version: '1' }], undefined)).toEqual({ version: '1' });
    const all = ['1.0.0', '1.2.0', '2.0.0'].map((version) => ({ version }));
    expect(pickVersion(all, '1.x')?.version).toBe('1.2.0');
    expect(pickVersion(all, '3')).toBeUndefined();
  });

  it('is an order', () => {
    const version = fc.stringMatching(/^\d{1,2}(\.\d{1,2}){0,2}(-[ab]{1,2})?$/);
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
