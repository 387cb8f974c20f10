import { describe, expect, test } from 'vitest';
import { fhirHeaders, htmlHeaders, sourceOf, strictTransportSecurity } from './headers.ts';

const directives = (headers: Readonly<Record<string, string>>): Map<string, string> =>
  new Map(
    (headers['Content-Security-Policy'] as string).split('; ').map((text) => {
      const at = text.indexOf(' ');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );

describe('security headers', () => {
  test('HSTS by TLS only (RFC 6797, 7.2), for a year and subdomains (ASVS 3.4.1)', () => {
    expect(strictTransportSecurity({ secure: false })).toBeUndefined();
    expect(strictTransportSecurity({ secure: true })).toBe('max-age=31536000; includeSubDomains');
    expect(strictTransportSecurity({ secure: true, hstsSeconds: 60, hstsSubdomains: false })).toBe(
      'max-age=60',
    );
    expect(strictTransportSecurity({ secure: true, hstsSeconds: 0 })).toBeUndefined();
    expect(fhirHeaders({ secure: false, cache: 'no-store' })).not.toHaveProperty('Strict-Transport-Security');
    expect(htmlHeaders({ secure: true })).toHaveProperty('Strict-Transport-Security');
  });

  test('a FHIR answer that a browser shows can do nothing (ASVS 3.2.1, 3.4.4 to 3.4.6)', () => {
    const headers = fhirHeaders({ secure: true, cache: 'no-store' });
    expect(headers).toMatchObject({
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
      'X-Frame-Options': 'DENY',
    });
    const policy = directives(headers);
    expect(policy.get('default-src')).toBe("'none'");
    expect(policy.get('frame-ancestors')).toBe("'none'");
    expect(policy.has('sandbox')).toBe(true);
    expect(fhirHeaders({ secure: true, cache: 'no-cache' })['Cache-Control']).toBe('no-cache');
  });

  test('a page runs no script without its nonce (ASVS 3.4.3)', () => {
    const plain = directives(htmlHeaders({ secure: true }));
    expect(plain.get('default-src')).toBe("'none'");
    expect(plain.has('script-src')).toBe(false);
    expect(plain.get('base-uri')).toBe("'none'");
    expect(plain.get('object-src')).toBe("'none'");
    expect(plain.get('frame-ancestors')).toBe("'none'");
    const scripted = directives(htmlHeaders({ secure: true, nonce: 'AbCdEfGhIjKlMnOpQr==' }));
    expect(scripted.get('script-src')).toBe("'nonce-AbCdEfGhIjKlMnOpQr=='");
    expect(() => htmlHeaders({ secure: true, nonce: "x'; script-src *" })).toThrow(RangeError);
    expect(() => htmlHeaders({ secure: true, nonce: 'short' })).toThrow(RangeError);
  });

  test('a form may end up at its app: redirects after it are held to form-action by browsers', () => {
    const policy = directives(
      htmlHeaders({
        secure: true,
        formTargets: ['https://app.example.org/cb?x=1', 'org.example.app:/cb', 'http://[::1]:3000/cb'],
        imageOrigins: ['https://logos.example.org/a.png'],
      }),
    );
    expect(policy.get('form-action')).toBe("'self' https://app.example.org org.example.app: http:");
    expect(policy.get('img-src')).toBe("'self' data: https://logos.example.org");
  });

  test.each(['javascript:alert(1)', 'data:text/html,x', 'nothing', 'https://a b/'])(
    '%s is no target',
    (url) => {
      expect(() => sourceOf(url)).toThrow(RangeError);
    },
  );

  test('a source cannot end its directive', () => {
    expect(sourceOf('https://a.example;script-src/*')).not.toContain(';');
  });

  test('the opener is cut off for pages that no app opens', () => {
    expect(htmlHeaders({ secure: true, opener: 'same-origin' })['Cross-Origin-Opener-Policy']).toBe(
      'same-origin',
    );
    expect(htmlHeaders({ secure: true })).not.toHaveProperty('Cross-Origin-Opener-Policy');
  });
});
