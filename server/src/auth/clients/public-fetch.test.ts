import { describe, expect, it } from 'vitest';
import { fetchPublic, isPublicAddress } from './public-fetch.ts';

describe('addresses (RFC 6890 and its updates)', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::1',
    '2001:db8::1',
    '2001::1',
    'nonsense',
  ])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '192.167.0.1', '2606:4700::1111', '2a00:1450:4001::1'])(
    '%s is public',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
});

describe('what is refused before anything is sent', () => {
  const options = { allowPrivate: false, timeout: 2000, maxBytes: 1000 };
  it.each([
    ['nonsense', /no URL/],
    ['http://example.org/jwks', /https/],
    ['file:///etc/passwd', /https/],
    ['https://user:secret@example.org/jwks', /credentials/],
    ['https://127.0.0.1/jwks', /not public/],
    ['https://2130706433/jwks', /not public/],
    ['https://0x7f.1/jwks', /not public/],
    ['https://[::1]/jwks', /not public/],
    ['https://[::ffff:10.0.0.1]/jwks', /not public/],
    ['https://localhost/jwks', /not public/],
  ])('%s', async (url, reason) => {
    await expect(fetchPublic(url, options)).rejects.toThrow(reason);
  });

  it('the setting for tests and development allows http, and no other scheme', async () => {
    await expect(fetchPublic('ftp://example.org/', { ...options, allowPrivate: true })).rejects.toThrow(
      /https/,
    );
  });
});
