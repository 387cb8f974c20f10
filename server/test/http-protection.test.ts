import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessToken } from '../src/auth/token/access-token.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import type { AuthService } from '../src/http/auth-service.ts';
import type { RunningService } from '../src/http/service.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { trustedProxies } from '../src/security/limits/client-address.ts';
import type { RateLimits } from '../src/security/limits/limiter.ts';
import { rateLimitsOf } from '../src/security/settings.ts';
import { type Answer, type Harness, type Json, rawRequest, resourcesOf, startHarness } from './harness.ts';

const smart = { auth: { masterKeys: { keys: [newMasterKey()], reload() {} }, mail: async () => {} } };
const NONE = { rateAddress: 0, rateClient: 0, rateUser: 0, rateTenant: 0, rateAuth: 0 };

let open: Harness;
let closed: Harness;
let tokens: (fields: Partial<AccessToken>) => Promise<Record<string, string>>;

const tokensOf = (service: RunningService) => async (fields: Partial<AccessToken>) => {
  const { services } = service.auth as AuthService;
  const tenant = await services.findTenant('demo');
  if (tenant === undefined) throw new Error('demo');
  const base = { grantId: randomUUID(), clientId: 'app', subject: 'app', scopes: 'system/*.cruds' };
  const { jwt } = await mintAccessToken(services, tenant, { ...base, ...fields }, 300);
  return { authorization: `Bearer ${jwt}` };
};

beforeAll(async () => {
  [open, closed] = await Promise.all([
    startHarness({ tenants: ['demo'], service: { maxBodyBytes: 100_000, requestTimeout: 2000 } }),
    startHarness({ tenants: ['demo'], service: { ...smart, maxBodyBytes: 100_000 } }),
  ]);
  tokens = tokensOf(closed.service);
});
afterAll(() => Promise.all([open?.stop(), closed?.stop()]));

describe('headers of every answer (OWASP ASVS 5.0, 3.4, 14.3.2)', () => {
  const answers = async (headers: Record<string, string> = {}): Promise<[string, Answer][]> => {
    const admin = await tokens({});
    const paths = [
      ['GET', '/fhir/demo/metadata'],
      ['GET', '/fhir/demo/Patient'],
      ['GET', '/fhir/demo/Patient/none'],
      ['GET', '/fhir/none/Patient'],
      ['TRACE', '/fhir/demo/Patient'],
      ['GET', '/'],
      ['GET', '/nothing'],
      ['GET', '/%ff'],
      ['GET', '/health/live'],
      ['GET', '/auth/demo/login'],
      ['GET', '/auth/demo/nothing'],
      ['POST', '/auth/demo/token'],
      ['GET', '/auth/demo/jwks'],
      ['GET', `/auth/demo/login?x=${'x'.repeat(17_000)}`],
      ['GET', `/fhir/demo/Patient?name=${'x'.repeat(17_000)}`],
    ] as const;
    return await Promise.all(
      paths.map(
        async ([method, path]): Promise<[string, Answer]> => [
          path.slice(0, 40),
          await rawRequest(`${closed.url}${path}`, { method, headers: { ...admin, ...headers } }),
        ],
      ),
    );
  };

  it('nothing guesses the type, frames it, runs in it or learns its address; nothing is kept', async () => {
    for (const [path, answer] of await answers()) {
      const { status } = answer;
      expect([path, status < 500]).toEqual([path, true]);
      expect([path, answer.header('x-content-type-options')]).toEqual([path, 'nosniff']);
      expect([path, answer.header('x-frame-options')]).toEqual([path, 'DENY']);
      expect([path, answer.header('content-security-policy')]).toEqual([
        path,
        expect.stringMatching(/default-src 'none'.*frame-ancestors 'none'/),
      ]);
      expect([path, answer.header('referrer-policy')]).toEqual([
        path,
        expect.stringMatching(/no-referrer|same-origin/),
      ]);
      const kept = /metadata|jwks/.test(path);
      expect([path, answer.header('cache-control') === 'no-store']).toEqual([path, !kept]);
      expect(answer.header('x-powered-by')).toBeNull();
      expect([path, answer.header('strict-transport-security')]).toEqual([path, null]);
    }
  });

  it('HSTS where a trusted proxy says that TLS was used, for a year with subdomains (ASVS 3.4.1)', async () => {
    for (const [path, answer] of await answers({ 'X-Forwarded-Proto': 'https' }))
      expect([path, answer.header('strict-transport-security')]).toEqual([
        path,
        'max-age=31536000; includeSubDomains',
      ]);
  });

  it('answers under a token vary by it (RFC 9110, 12.5.5)', async () => {
    const answer = await rawRequest(`${closed.url}/fhir/demo/Patient`, { headers: await tokens({}) });
    for (const name of ['Accept', 'Accept-Encoding', 'Authorization', 'Origin', 'Prefer'])
      expect(answer.header('vary')?.split(', ')).toContain(name);
    const free = await rawRequest(`${open.url}/fhir/demo/Patient`);
    expect(free.header('vary')).not.toContain('Authorization');
    expect(free.header('cache-control')).toBe('no-cache');
  });

  it('X-Request-Id: the one that was sent, or a new one each, also of what fails (R4 http.html#custom)', async () => {
    for (const [path, answer] of await answers({ 'X-Request-Id': 'mine-1' }))
      expect([path, answer.header('x-request-id')]).toEqual([path, 'mine-1']);
    const made = (await answers()).map(([, answer]) => answer.header('x-request-id'));
    expect(new Set(made).size).toBe(made.length);
    const forged = await rawRequest(`${open.url}/fhir/demo/Patient`, {
      headers: { 'X-Request-Id': 'a b"c' },
    });
    expect(forged.header('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
  });

  it('X-Request-Id is the one that the AuditEvent names (R4 http.html#custom)', async () => {
    const admin = await tokens({});
    const answer = await rawRequest(`${closed.url}/fhir/demo/Patient?name=traced`, { headers: admin });
    const id = answer.header('x-request-id') as string;
    const events = resourcesOf(
      (await closed.client('demo').get('AuditEvent?_sort=-date&_count=20', admin)).json,
    );
    expect(events.filter((event) => JSON.stringify(event).includes(id))).toHaveLength(1);
  });
});

describe('CORS (SMART App Launch 2.2: apps in browsers reach discovery, metadata, token, FHIR)', () => {
  it.each([
    ['GET', '/fhir/demo/.well-known/smart-configuration'],
    ['GET', '/fhir/demo/metadata'],
    ['GET', '/fhir/demo/Patient/none'],
    ['GET', '/auth/demo/.well-known/openid-configuration'],
    ['GET', '/auth/demo/.well-known/smart-configuration'],
    ['GET', '/auth/demo/jwks'],
    ['GET', '/auth/demo/userinfo'],
    ['POST', '/auth/demo/token'],
    ['POST', '/auth/demo/introspect'],
    ['POST', '/auth/demo/revoke'],
  ])('%s %s is for any origin, without cookies, and its preflight asks for nothing', async (method, path) => {
    const headers = { Origin: 'https://app.example.org' };
    const answer = await rawRequest(`${closed.url}${path}`, { method, headers });
    expect(answer.header('access-control-allow-origin')).toBe('*');
    expect(answer.header('access-control-allow-credentials')).toBeNull();
    const preflight = await rawRequest(`${closed.url}${path}`, {
      method: 'OPTIONS',
      headers: {
        ...headers,
        'Access-Control-Request-Method': method,
        'Access-Control-Request-Headers': 'authorization, content-type',
      },
    });
    expect([preflight.status, preflight.bytes.length]).toEqual([204, 0]);
    expect(preflight.header('access-control-allow-methods')).toContain(method);
    expect(preflight.header('access-control-allow-headers')?.toLowerCase()).toContain('authorization');
    expect(Number(preflight.header('access-control-max-age'))).toBeGreaterThan(0);
  });

  it('an app may read what it is told in headers; pages are for no other origin', async () => {
    const answer = await rawRequest(`${closed.url}/fhir/demo/Patient`, {
      headers: { Origin: 'https://a.example' },
    });
    const exposed = answer.header('access-control-expose-headers')?.split(', ');
    for (const name of [
      'ETag',
      'Location',
      'Content-Location',
      'X-Request-Id',
      'Retry-After',
      'RateLimit',
      'WWW-Authenticate',
    ])
      expect(exposed).toContain(name);
    const page = await rawRequest(`${closed.url}/auth/demo/login`, {
      headers: { Origin: 'https://a.example' },
    });
    expect(page.header('access-control-allow-origin')).toBeNull();
  });
});

describe('rate limits over HTTP (issue 5, section 4; RFC 6585; draft-ietf-httpapi-ratelimit-headers)', () => {
  const limited = async (rates: Partial<typeof NONE>, of = closed) => {
    const limits: RateLimits = rateLimitsOf({ ...NONE, ...rates });
    const protection = { rates: limits, proxies: trustedProxies('loopback') };
    const started = await of.startAnother({ service: { ...(of === closed ? smart : {}), protection } });
    return Object.assign(started.client('demo'), { tokens: tokensOf(started.service) });
  };
  const expectRefused = (answer: Answer): void => {
    expect([answer.status, answer.issueCodes]).toEqual([429, ['throttled']]);
    expect(Number(answer.header('retry-after'))).toBeGreaterThan(0);
    expect(answer.header('ratelimit')).toMatch(/^"\w+";r=0;t=\d+$/);
    expect(answer.header('ratelimit-remaining')).toBe('0');
  };

  it('by client: a token of another one goes on', async () => {
    const demo = await limited({ rateClient: 8 });
    const [one, other] = [await demo.tokens({}), await demo.tokens({ clientId: 'b', subject: 'b' })];
    const first = await demo.get('Patient', one);
    expect([first.status, first.header('ratelimit-limit'), first.header('ratelimit-remaining')]).toEqual([
      200,
      '2',
      '1',
    ]);
    expect(first.header('ratelimit-policy')).toBe('"client";q=2;w=15');
    expect((await demo.get('Patient', one)).status).toBe(200);
    expectRefused(await demo.get('Patient', one));
    expect((await demo.get('Patient', other)).status).toBe(200);
    // Who has no token is somebody else.
    expect((await demo.get('metadata')).status).toBe(200);
  });

  it('by user, whatever app; a service is no user', async () => {
    const demo = await limited({ rateUser: 4 });
    const user = { subject: 'account', fhirUser: 'Practitioner/1', role: 'attending', scopes: 'user/*.rs' };
    expect((await demo.get('Patient', await demo.tokens({ ...user, clientId: 'x' }))).status).toBe(200);
    expectRefused(await demo.get('Patient', await demo.tokens({ ...user, clientId: 'y' })));
    const service = await demo.tokens({});
    for (let i = 0; i < 4; i++) expect((await demo.get('Patient', service)).status).toBe(200);
  });

  it('by tenant: strangers cannot use its share up', async () => {
    const demo = await limited({ rateTenant: 4 });
    for (let i = 0; i < 4; i++) expect((await demo.get('Patient')).status).toBe(401);
    expect((await demo.get('Patient', await demo.tokens({}))).status).toBe(200);
    expectRefused(await demo.get('Patient', await demo.tokens({ clientId: 'b', subject: 'b' })));
  });

  it('by address, in open mode too; what a trusted proxy names counts, else the peer', async () => {
    const demo = await limited({ rateAddress: 4 }, open);
    const from = (address: string) => demo.get('Patient', { 'X-Forwarded-For': address });
    expect((await from('198.51.100.1')).status).toBe(200);
    expectRefused(await from('198.51.100.1'));
    expect((await from('198.51.100.2')).status).toBe(200);
    expect((await from('2001:db8::1')).status).toBe(200);
    expectRefused(await from('2001:db8::2'));
  });

  it('a flood of refusals is recorded once, and counted', async () => {
    const demo = await limited({ rateClient: 4 });
    const flood = await demo.tokens({ clientId: 'flood', subject: 'flood' });
    for (let i = 0; i < 10; i++) await demo.get('Patient?name=flood', flood);
    const metrics = await rawRequest(`${demo.base.replace(/\/fhir.*/, '')}/metrics`);
    expect(metrics.text).toMatch(/rate_limited_requests_total\{dimension="client"\} 9/);
    const admin = await tokens({});
    const events = resourcesOf(
      (await closed.client('demo').get('AuditEvent?_sort=-date&_count=50', admin)).json,
    );
    const refusals = events.filter(
      (event: Json) =>
        JSON.stringify(event).includes('Too many requests from this client') &&
        JSON.stringify(event).includes('flood'),
    );
    expect(refusals).toHaveLength(1);
  });

  it('without limits there are no headers of them', async () => {
    const answer = await open.client().get('Patient');
    expect(answer.header('ratelimit')).toBeNull();
  });

  it('authorization: by address, a failed try for ten; documents are not counted', async () => {
    const demo = await limited({ rateAuth: 80 });
    const base = demo.base.replace('/fhir/', '/auth/');
    const guess = () =>
      demo.request('POST', `${base}/token`, 'grant_type=authorization_code&code=x&client_id=y', {
        'Content-Type': 'application/x-www-form-urlencoded',
      });
    const first = await guess();
    expect([first.status >= 400 && first.status < 429, first.header('ratelimit-limit')]).toEqual([
      true,
      '20',
    ]);
    await guess();
    const third = await guess();
    expect([third.status, third.json.error]).toEqual([429, 'temporarily_unavailable']);
    expect(Number(third.header('retry-after'))).toBeGreaterThan(0);
    expect((await demo.get(`${base}/jwks`)).status).toBe(200);
    const elsewhere = await demo.request('POST', `${base}/token`, 'grant_type=x', {
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-Forwarded-For': '198.51.100.9',
    });
    expect(elsewhere.status).toBe(400);
  });
});

describe('limits of requests, in open mode and with tokens (RFC 9110, 15.5; RFC 6585)', () => {
  const both = () => [open, closed] as const;

  it('a body is 413, a URL 414, and headers 431, each with an OperationOutcome', async () => {
    for (const harness of both()) {
      const headers: Record<string, string> = harness === closed ? await tokens({}) : {};
      const base = `${harness.url}/fhir/demo/Patient`;
      const body = JSON.stringify({ resourceType: 'Patient', name: [{ text: 'x'.repeat(100_000) }] });
      // A server that refuses a body by its length may close before all of it is sent.
      const sent = {
        'Content-Type': 'application/fhir+json',
        'Content-Length': String(body.length),
        Expect: '100-continue',
      };
      const large = await new Promise<string>((resolve, reject) => {
        const socket = connect(Number(new URL(base).port), '127.0.0.1', () =>
          socket.write(
            `POST /fhir/demo/Patient HTTP/1.1\r\nHost: x\r\n${Object.entries({
              ...headers,
              ...sent,
              Expect: '',
            })
              .filter(([, value]) => value !== '')
              .map(([name, value]) => `${name}: ${value}\r\n`)
              .join('')}\r\n`,
          ),
        );
        let text = '';
        socket.on('data', (chunk) => {
          text += String(chunk);
          if (text.includes('OperationOutcome')) socket.destroy();
        });
        socket.on('close', () => resolve(text));
        socket.on('error', reject);
      });
      expect(large).toMatch(/^HTTP\/1.1 413 [\s\S]*"too-long"/);
      const long = await rawRequest(`${base}?name=${'x'.repeat(17_000)}`, { headers });
      expect([long.status, long.issueCodes]).toEqual([414, ['too-long']]);
      const many = await rawRequest(base, { headers: { ...headers, 'X-Long': 'x'.repeat(40_000) } });
      expect([many.status, many.issueCodes]).toEqual([431, ['too-long']]);
      expect(many.header('x-content-type-options')).toBe('nosniff');
      expect((await rawRequest(`${harness.url}/auth/demo/token?${'x'.repeat(17_000)}`)).status).toBe(414);
    }
  });

  it('a body that unpacks to more than the limit is 413 (OWASP ASVS 5.2.3)', async () => {
    const { gzipSync } = await import('node:zlib');
    const body = gzipSync(
      JSON.stringify({ resourceType: 'Patient', name: [{ text: 'x'.repeat(5_000_000) }] }),
    );
    const answer = await rawRequest(`${open.url}/fhir/demo/Patient`, {
      method: 'POST',
      body,
      headers: {
        'Content-Type': 'application/fhir+json',
        'Content-Encoding': 'gzip',
        'Content-Length': String(body.length),
      },
    });
    expect(answer.status).toBe(413);
  });

  it('who sends too slowly is cut off with 408 (slowloris): headers, and bodies', async () => {
    const port = Number(new URL(open.url).port);
    const slow = (start: string) =>
      new Promise<string>((resolve, reject) => {
        let text = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(start));
        const drip = setInterval(() => socket.write('x'), 100);
        socket.on('data', (chunk) => (text += String(chunk)));
        socket.on('error', () => {});
        socket.on('close', () => {
          clearInterval(drip);
          resolve(text);
        });
        setTimeout(() => reject(new Error('it was not cut off')), 20_000).unref();
      });
    const [headers, body] = await Promise.all([
      slow('GET /fhir/demo/metadata HTTP/1.1\r\nHost: x\r\nX-Slow: '),
      slow(
        'POST /fhir/demo/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 90000\r\n\r\n{',
      ),
    ]);
    expect(headers).toMatch(/^HTTP\/1.1 408 [\s\S]*"timeout"/);
    expect(body).toMatch(/^HTTP\/1.1 4\d\d /);
  }, 30_000);
});
