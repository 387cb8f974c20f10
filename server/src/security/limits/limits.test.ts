import type { AddressInfo } from 'node:net';
import express from 'express';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { operationOutcome } from '../../fhir/outcome.ts';
import { LIMIT_OPTIONS, rateLimitsOf } from '../settings.ts';
import { Buckets } from './bucket.ts';
import { addressKey, cameByTls, clientAddress, plainAddress, trustedProxies } from './client-address.ts';
import { limitAuthRequests } from './express.ts';
import { rateLimitError, rateLimitHeaders } from './headers.ts';
import { RateLimiter, type RateLimits, type RateVerdict } from './limiter.ts';

const state = () => ({ remaining: 0, fullAfter: 0, retryAfter: 0 });
const NONE: RateLimits = { fhir: {}, auth: {} };

describe('token buckets', () => {
  test('at any time at most the burst and what the rate has refilled is let through, and all of that is', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 1, max: 4 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: 4, max: 50 }),
        steps,
        (rate, burst, asked) => {
          const buckets = new Buckets({ perMinute: rate, burst }, 10);
          // The plain way to do it: a number of tokens that is refilled.
          let tokens = burst;
          let now = 0;
          for (const [wait, cost] of asked) {
            now += wait;
            tokens = Math.min(burst, tokens + (wait * rate) / 60_000);
            const seen = buckets.look('a', now, cost, state());
            expect(seen.remaining).toBeLessThanOrEqual(tokens + 1e-6);
            expect(seen.remaining).toBeGreaterThanOrEqual(tokens - 1 - 1e-6);
            const enough = tokens + 1e-6 >= cost;
            if (Math.abs(tokens - cost) > 1e-5) expect(seen.retryAfter === 0).toBe(enough);
            if (seen.retryAfter > 0) {
              const later = buckets.look('a', now + seen.retryAfter, cost, state());
              expect(later.retryAfter).toBe(0);
              continue;
            }
            buckets.take('a', now, cost);
            tokens -= cost;
          }
        },
      ),
    );
  });

  test('memory is bounded, and one that is in use is not pushed out by others', () => {
    const buckets = new Buckets({ perMinute: 1, burst: 1000 }, 100);
    for (let i = 0; i < 10_000; i++) {
      buckets.take(`other ${i}`, 0, 1);
      if (i % 50 === 0 && i < 5000) buckets.take('busy', 0, 1);
    }
    expect(buckets.size).toBeLessThanOrEqual(200);
    const busy = new Buckets({ perMinute: 1, burst: 1000 }, 100);
    for (let i = 0; i < 500; i++) {
      for (let k = 0; k < 99; k++) busy.take(`other ${i} ${k}`, 0, 1);
      busy.take('busy', 0, 1);
    }
    expect(busy.look('busy', 0, 1, state()).remaining).toBe(500);
  });

  test('a cost above the burst is let through when the bucket is full, and paid for after', () => {
    const buckets = new Buckets({ perMinute: 60, burst: 5 }, 10);
    expect(buckets.look('a', 0, 20, state()).retryAfter).toBe(0);
    buckets.take('a', 0, 20);
    expect(buckets.look('a', 0, 1, state()).retryAfter).toBe(16_000);
  });
});

describe('rate limits (issue 5, section 4: per client, user, tenant and address)', () => {
  const clock = () => {
    let now = 0;
    return { now: () => now, pass: (ms: number) => (now += ms) };
  };

  test.each(['address', 'client', 'user', 'tenant'] as const)('by %s: its own bucket each', (dimension) => {
    const { now } = clock();
    const limits: RateLimits = { ...NONE, fhir: { [dimension]: { perMinute: 60, burst: 2 } } };
    const limiter = new RateLimiter(limits, { now });
    const subject = { tenant: 't', [dimension]: 'a' };
    expect(limiter.check('fhir', subject)?.allowed).toBe(true);
    expect(limiter.check('fhir', subject)?.allowed).toBe(true);
    expect(limiter.check('fhir', subject)).toMatchObject({
      allowed: false,
      dimension,
      retryAfter: 1,
      remaining: 0,
    });
    expect(limiter.check('fhir', { ...subject, [dimension]: 'b' })?.allowed).toBe(true);
    expect(limiter.check('auth', subject)).toBeUndefined();
    if (dimension !== 'tenant') expect(limiter.check('fhir', { tenant: 't' })).toBeUndefined();
  });

  test('a user of one tenant is another than the user of that name of another', () => {
    const limiter = new RateLimiter({ ...NONE, fhir: { user: { perMinute: 1, burst: 1 } } });
    expect(limiter.check('fhir', { tenant: 'a', user: '1' })?.allowed).toBe(true);
    expect(limiter.check('fhir', { tenant: 'b', user: '1' })?.allowed).toBe(true);
    expect(limiter.check('fhir', { tenant: 'a', user: '1' })?.allowed).toBe(false);
  });

  test('a refused request is counted nowhere: who waits as told gets through', () => {
    const { now, pass } = clock();
    const limiter = new RateLimiter(
      { ...NONE, fhir: { address: { perMinute: 600, burst: 100 }, user: { perMinute: 60, burst: 1 } } },
      { now },
    );
    const subject = { address: '1.1.1.1', tenant: 't', user: 'u' };
    limiter.check('fhir', subject);
    for (let i = 0; i < 200; i++) expect(limiter.check('fhir', subject)?.allowed).toBe(false);
    expect(limiter.check('fhir', { address: '1.1.1.1' })?.remaining).toBe(98);
    pass(1000);
    expect(limiter.check('fhir', subject)?.allowed).toBe(true);
  });

  test('what a request turns out to cost besides is taken, even below nothing', () => {
    const { now, pass } = clock();
    const limiter = new RateLimiter({ ...NONE, auth: { address: { perMinute: 60, burst: 5 } } }, { now });
    const subject = { address: '1.1.1.1' };
    expect(limiter.check('auth', subject)?.remaining).toBe(4);
    limiter.charge('auth', subject, 9);
    expect(limiter.check('auth', subject)).toMatchObject({ allowed: false, retryAfter: 6 });
    expect(limiter.refused).toEqual({ address: 1, client: 0, user: 0, tenant: 0 });
    pass(6000);
    expect(limiter.check('auth', subject)?.allowed).toBe(true);
    expect([limiter.counts('auth', 'address'), limiter.counts('auth', 'user')]).toEqual([true, false]);
  });

  test('by default no address and no tenant is limited, and open mode therefore not at all', () => {
    const rates = Object.fromEntries(LIMIT_OPTIONS.map(({ key, fallback }) => [key, fallback]));
    const { fhir, auth } = rateLimitsOf(rates as unknown as Parameters<typeof rateLimitsOf>[0]);
    expect(Object.keys(fhir).sort()).toEqual(['client', 'user']);
    // Five thousand requests a second of one service for a minute.
    expect(fhir.client?.perMinute).toBeGreaterThanOrEqual(300_000);
    expect(auth.address?.perMinute).toBe(1200);
  });

  test('the tightest dimension is the one that is told', () => {
    const limiter = new RateLimiter(
      { ...NONE, fhir: { address: { perMinute: 60, burst: 10 }, user: { perMinute: 60, burst: 3 } } },
      { now: () => 0 },
    );
    const verdict = limiter.check('fhir', { address: 'a', tenant: 't', user: 'u' });
    expect(verdict).toMatchObject({ dimension: 'user', remaining: 2, reset: 1, allowed: true });
  });

  test('settings: requests a minute, a quarter of them at once, 0 for none', () => {
    const limits = rateLimitsOf({
      rateAddress: 100,
      rateClient: 0,
      rateUser: 1,
      rateTenant: 0,
      rateAuth: 60,
    });
    expect(limits).toEqual({
      fhir: { address: { perMinute: 100, burst: 25 }, user: { perMinute: 1, burst: 1 } },
      auth: { address: { perMinute: 60, burst: 15 } },
    });
  });
});

describe('rate limit headers', () => {
  const verdict: RateVerdict = {
    allowed: true,
    dimension: 'address',
    limit: { perMinute: 600, burst: 100 },
    remaining: 42,
    reset: 6,
    retryAfter: 0,
    policies: '"address";q=100;w=10, "user";q=5;w=60',
  };

  test('RateLimit and RateLimit-Policy of the draft, and the older three fields', () => {
    expect(rateLimitHeaders(verdict)).toEqual({
      'RateLimit-Limit': '100',
      'RateLimit-Remaining': '42',
      'RateLimit-Reset': '6',
      'RateLimit-Policy': '"address";q=100;w=10, "user";q=5;w=60',
      RateLimit: '"address";r=42;t=6',
    });
    const limiter = new RateLimiter({
      ...NONE,
      fhir: { address: { perMinute: 600, burst: 100 }, user: { perMinute: 5, burst: 5 } },
    });
    expect(limiter.check('fhir', { address: 'a' })?.policies).toBe(verdict.policies);
  });

  test('a refusal is 429 with Retry-After and an OperationOutcome throttled (RFC 6585)', () => {
    const error = rateLimitError({ ...verdict, allowed: false, remaining: 0, retryAfter: 3 });
    expect(error.status).toBe(429);
    expect(error.headers).toMatchObject({ 'Retry-After': '3', 'RateLimit-Remaining': '0' });
    expect(operationOutcome(error.issues).issue[0]).toMatchObject({ severity: 'error', code: 'throttled' });
    expect(rateLimitHeaders({ ...verdict, allowed: false })['Retry-After']).toBe('1');
  });
});

describe('addresses behind proxies', () => {
  const proxies = trustedProxies('loopback, 10.0.0.0/8, 2001:db8:1::/48');

  test.each([
    ['a direct peer is itself, whatever it says', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['a trusted proxy names its client', '10.1.1.1', '198.51.100.7', '198.51.100.7'],
    ['what the client has put before is not believed', '10.1.1.1', '1.1.1.1, 198.51.100.7', '198.51.100.7'],
    ['trusted proxies in a row are passed over', '127.0.0.1', '198.51.100.7, 10.2.2.2', '198.51.100.7'],
    ['all trusted: the first of them', '127.0.0.1', '10.9.9.9, 10.2.2.2', '10.9.9.9'],
    [
      'a hop that is no address: the one after it',
      '127.0.0.1',
      '198.51.100.7, unknown, 10.2.2.2',
      '10.2.2.2',
    ],
    ['an IPv4 peer on an IPv6 socket', '::ffff:10.1.1.1', '198.51.100.7:4711', '198.51.100.7'],
    ['IPv6 with brackets and port', '2001:db8:1::5', '[2001:DB8:9::1]:443', '2001:db8:9::1'],
    ['an empty header', '127.0.0.1', '', '127.0.0.1'],
  ])('%s', (_, peer, header, expected) => {
    expect(clientAddress(peer, header, proxies)).toBe(expected);
  });

  test('without trusted proxies the header is never looked at', () => {
    expect(clientAddress('127.0.0.1', '1.2.3.4', trustedProxies(''))).toBe('127.0.0.1');
  });

  test('a wrong range is refused by name', () => {
    for (const text of ['10.0.0.0/33', 'proxy', '10.0.0.0/8/8', '::1/129', '10.0.0.0/'])
      expect(() => trustedProxies(text)).toThrow(RangeError);
  });

  test('X-Forwarded-Proto counts from trusted proxies only', () => {
    expect(cameByTls(false, '10.1.1.1', 'https', proxies)).toBe(true);
    expect(cameByTls(false, '203.0.113.9', 'https', proxies)).toBe(false);
    expect(cameByTls(false, '10.1.1.1', 'https, http', proxies)).toBe(false);
    expect(cameByTls(true, '203.0.113.9', 'http', proxies)).toBe(true);
  });

  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:1:2::', '2001:db8:1:2'],
    ['::1', '0:0:0:0'],
    ['2001:0db8:0001:0002::9', '2001:db8:1:2'],
    ['64:ff9b::1.2.3.4', '64:ff9b:0:0'],
  ])('%s counts as %s: an IPv6 customer has a /64', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  test('what is no address is none', () => {
    expect(plainAddress('unknown')).toBeUndefined();
    expect(plainAddress('_hidden')).toBeUndefined();
    expect(plainAddress('999.1.1.1')).toBeUndefined();
    expect(plainAddress('fe80::1%eth0')).toBe('fe80::1');
  });
});

test('endpoints of authorization: 429 with an OAuth error for programs and a text for browsers', async () => {
  const limiter = new RateLimiter({ ...NONE, auth: { address: { perMinute: 1, burst: 2 } } });
  const app = express();
  app.use(limitAuthRequests(limiter, trustedProxies('loopback'), () => 't'));
  app.use((_request, response) => {
    response.json({ ok: true });
  });
  const server = app.listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth/t/token`;
    const ask = (from: string, accept: string) =>
      fetch(url, { headers: { 'X-Forwarded-For': from, Accept: accept } });
    const first = await ask('198.51.100.7', 'application/json');
    expect([first.status, first.headers.get('ratelimit-remaining')]).toEqual([200, '1']);
    await ask('198.51.100.7', 'application/json');
    const refused = await ask('198.51.100.7', 'application/json');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(await refused.json()).toMatchObject({ error: 'temporarily_unavailable' });
    const page = await ask('198.51.100.7', 'text/html');
    expect([page.status, page.headers.get('content-type')]).toEqual([429, 'text/plain; charset=utf-8']);
    expect((await ask('198.51.100.8', 'application/json')).status).toBe(200);
  } finally {
    server.close();
  }
});
