import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataKey, KeyRing } from '../keys/data-key.ts';
import { isSignedLink, LONGEST_LINK, signLink, verifyLink } from './signed-url.ts';

const NOW = 1_800_000_000_000;
const tenant = { id: 1, name: 'demo' };
const other = { id: 2, name: 'other' };
const ring = (tenantId: number, fill: number) =>
  new KeyRing(tenantId, [new DataKey(1, 0, Buffer.alloc(32, fill))]);
const keys = ring(1, 1);
const sign = (path: string, more: { client?: string; life?: number } = {}) => {
  const { client, life } = more;
  return signLink(
    keys,
    { tenant, path, ...(client === undefined ? {} : { client }) },
    { now: NOW, ...(life === undefined ? {} : { life }) },
  );
};

describe('signed links (issue 5, section 4: short-lived and bound to the tenant)', () => {
  test('a link is good for its path, and tells it', () => {
    const link = sign('/fhir/demo/Binary/1');
    expect(isSignedLink(link)).toBe(true);
    expect(verifyLink(keys, link, { tenant }, NOW)).toEqual({
      valid: true,
      path: '/fhir/demo/Binary/1',
      expires: NOW / 1000 + 300,
    });
    const withQuery = sign('/fhir/demo/Binary/1?_format=json&x=%20');
    expect(verifyLink(keys, withQuery, { tenant }, NOW)).toMatchObject({
      valid: true,
      path: '/fhir/demo/Binary/1?_format=json&x=%20',
    });
  });

  test('no character of it can be changed, left out or added', () => {
    const link = sign('/fhir/demo/bulk/7/Patient.ndjson?part=1', { client: 'app' });
    const check = (path: string) => verifyLink(keys, path, { tenant, client: 'app' }, NOW).valid;
    expect(check(link)).toBe(true);
    fc.assert(
      fc.property(fc.nat({ max: link.length - 1 }), fc.string({ minLength: 0, maxLength: 2 }), (at, put) => {
        const changed = link.slice(0, at) + put + link.slice(at + 1);
        // The last character of 43 holds two bits that base64url does not use.
        fc.pre(changed !== link && at < link.length - 1);
        expect(check(changed)).toBe(false);
      }),
      { numRuns: 1000 },
    );
    expect(check(`${link}&part=2`)).toBe(false);
    expect(check(link.replace('&_bound=true', ''))).toBe(false);
  });

  test('another tenant, key, or client cannot use it', () => {
    const link = sign('/fhir/demo/Binary/1');
    expect(verifyLink(ring(1, 2), link, { tenant }, NOW).valid).toBe(false);
    expect(verifyLink(keys, link, { tenant: other }, NOW).valid).toBe(false);
    const bound = sign('/fhir/demo/Binary/1', { client: 'app' });
    expect(verifyLink(keys, bound, { tenant, client: 'app' }, NOW).valid).toBe(true);
    expect(verifyLink(keys, bound, { tenant, client: 'app2' }, NOW).valid).toBe(false);
    expect(verifyLink(keys, bound, { tenant }, NOW).valid).toBe(false);
    expect(verifyLink(keys, link, { tenant, client: 'app' }, NOW).valid).toBe(true);
    expect(verifyLink(keys, link.replace('_key=1', '_key=2'), { tenant }, NOW).valid).toBe(false);
  });

  test('it ends, and a new end cannot be written into it', () => {
    const link = sign('/fhir/demo/Binary/1', { life: 10 });
    expect(verifyLink(keys, link, { tenant }, NOW + 9_999).valid).toBe(true);
    expect(verifyLink(keys, link, { tenant }, NOW + 10_000)).toEqual({ valid: false, reason: 'expired' });
    const longer = link.replace(/_expires=(\d+)/, (_, at) => `_expires=${Number(at) + 60}`);
    expect(verifyLink(keys, longer, { tenant }, NOW).valid).toBe(false);
  });

  test('a path without a permission is told from one with a wrong one', () => {
    expect(verifyLink(keys, '/fhir/demo/Binary/1', { tenant }, NOW)).toEqual({
      valid: false,
      reason: 'unsigned',
    });
    expect(verifyLink(keys, '/fhir/demo/Binary/1?_signature=x', { tenant }, NOW)).toEqual({
      valid: false,
      reason: 'invalid',
    });
  });

  test('lives and paths that make no sense are not signed', () => {
    expect(() => sign('/a', { life: LONGEST_LINK + 1 })).toThrow(RangeError);
    expect(() => sign('/a', { life: 0 })).toThrow(RangeError);
    for (const path of ['a', '/a#b', '/a b', '/a?_expires=1', '/a?x=1&_signature=y'])
      expect(() => sign(path)).toThrow(RangeError);
  });
});
