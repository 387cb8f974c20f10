import { describe, expect, it } from 'vitest';
import { readCookie, writeCookie } from './cookies.ts';

const tenant = { id: 1, name: 'test' };

function written(secure: boolean, seconds?: number): string {
  let header = '';
  const response = { append: (_name: string, value: string) => void (header = value) };
  writeCookie(response as never, 'session', tenant, secure, 'abc', seconds);
  return header;
}

describe('cookies (RFC 6265bis)', () => {
  it('with https belong to the host alone, and never go unencrypted', () => {
    expect(written(true)).toBe('__Host-vesta-session-test=abc; Path=/; HttpOnly; SameSite=Lax; Secure');
    expect(written(false, 0)).toBe('vesta-session-test=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=0');
  });

  it('are read by their whole name', () => {
    const request = {
      headers: {
        cookie: 'x=1; vesta-session-test=plain; __Host-vesta-session-test=host; vesta-session-other=o',
      },
    };
    expect(readCookie(request, 'session', tenant, true)).toBe('host');
    expect(readCookie(request, 'session', tenant, false)).toBe('plain');
    expect(readCookie(request, 'language', tenant, false)).toBeUndefined();
    expect(readCookie({ headers: {} }, 'session', tenant, false)).toBeUndefined();
  });
});
