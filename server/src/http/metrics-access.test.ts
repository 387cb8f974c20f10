import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { metricsAccess } from './metrics-access.ts';

const from = (remoteAddress: string, headers: Record<string, string> = {}) =>
  ({ headers, socket: { remoteAddress } }) as unknown as IncomingMessage;

test('/metrics is for this machine, not for whom a proxy of it asks (OWASP ASVS 5.0, 13.4.5)', () => {
  const mayRead = metricsAccess(undefined, 'http://localhost:8080');
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
    expect([address, mayRead(from(address))]).toEqual([address, true]);
  for (const address of ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', ''])
    expect([address, mayRead(from(address))]).toEqual([address, false]);
  for (const header of ['x-forwarded-for', 'forwarded', 'via'])
    expect(mayRead(from('127.0.0.1', { [header]: '127.0.0.1' }))).toBe(false);
  // A public name means a proxy, which need not say that it is one.
  expect(metricsAccess(undefined, 'https://fhir.example.org')(from('127.0.0.1'))).toBe(false);
});

test('with VESTA_METRICS_TOKEN it is for its bearer, from wherever', () => {
  const mayRead = metricsAccess('secret', 'https://fhir.example.org');
  expect(mayRead(from('192.0.2.1', { authorization: 'Bearer secret' }))).toBe(true);
  for (const authorization of ['Bearer other', 'Basic secret', 'Bearer ', 'Bearer secret2'])
    expect(mayRead(from('192.0.2.1', { authorization }))).toBe(false);
  expect(mayRead(from('127.0.0.1'))).toBe(false);
});
