import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessToken } from '../src/auth/token/access-token.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import type { AuthService } from '../src/http/auth-service.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import {
  type Harness,
  type Json,
  rawRequest,
  resourcesOf,
  startHarness,
  type TestClient,
} from './harness.ts';

let harness: Harness;
let auth: AuthService;
let demo: TestClient;
let admin: Record<string, string>;
let id: string;

beforeAll(async () => {
  harness = await startHarness({
    tenants: ['demo', 'other'],
    service: { auth: { masterKeys: { keys: [newMasterKey()], reload() {} }, mail: async () => {} } },
  });
  auth = harness.service.auth as AuthService;
  demo = harness.client('demo');
  admin = await token({ scopes: 'system/*.cruds' });
  const made = await demo.post('Binary', '<b>first</b>', { ...admin, 'Content-Type': 'text/html' });
  id = /Binary\/([^/]+)/.exec(made.header('location') as string)?.[1] as string;
});
afterAll(() => harness?.stop());

async function token(fields: Partial<AccessToken>, name = 'demo'): Promise<Record<string, string>> {
  const tenant = await auth.services.findTenant(name);
  if (tenant === undefined) throw new Error(name);
  const base = { grantId: randomUUID(), clientId: 'viewer', subject: 'viewer', scopes: '' };
  const { jwt } = await mintAccessToken(auth.services, tenant, { ...base, ...fields }, 300);
  return { authorization: `Bearer ${jwt}` };
}

const linkTo = async (query = '', headers = admin): Promise<{ url: string; expires: number }> => {
  const { parameter } = (await demo.get(`Binary/${id}/$link${query}`, headers)).json;
  const value = (name: string) => parameter.find((one: Json) => one.name === name);
  return { url: value('url').valueUrl, expires: Date.parse(value('expires').valueInstant) };
};

describe('links to a Binary that need no token (issue 5, section 4: short-lived and bound to the tenant)', () => {
  it('give the version that was there, raw, to who has no token, and to the page of an app', async () => {
    const { url, expires } = await linkTo();
    expect(expires - Date.now()).toBeGreaterThan(290_000);
    expect(expires - Date.now()).toBeLessThanOrEqual(300_000);
    await demo.put(`Binary/${id}`, 'second', { ...admin, 'Content-Type': 'text/plain' });
    const got = await rawRequest(url, { headers: { Accept: 'image/*' } });
    expect([got.status, got.text, got.header('content-type')]).toEqual([200, '<b>first</b>', 'text/html']);
    expect(got.header('cross-origin-resource-policy')).toBe('cross-origin');
    expect(got.header('cache-control')).toBe('no-store');
    expect(got.header('content-disposition')).toBe('attachment');
    const head = await rawRequest(url, { method: 'HEAD' });
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
  });

  it('end, and are good for no other path, tenant, method or maker', async () => {
    const { url } = await linkTo('?seconds=1');
    const refused = async (link: string, method = 'GET') => (await rawRequest(link, { method })).status;
    expect(await refused(url.replace('/_history/2', '/_history/1'))).toBe(403);
    expect(await refused(url.replace(/\/_history\/\d+/, ''))).toBe(403);
    expect(await refused(url.replace('/demo/', '/other/'))).toBe(403);
    expect(
      await refused(
        url.replace(/_by=[^&]+/, `_by=${Buffer.from('["admin",null,null]').toString('base64url')}`),
      ),
    ).toBe(403);
    expect(await refused(url, 'DELETE')).toBe(401);
    expect(await refused(url, 'PUT')).toBe(401);
    expect(await refused(`${url}&_pretty=true`)).toBe(403);
    expect(await refused(url.replace(/[?].*/, ''))).toBe(401);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const late = await rawRequest(url);
    expect([late.status, late.issueCodes]).toEqual([403, ['forbidden']]);
  });

  it('are made by who may read the Binary, for an hour at most', async () => {
    const elsewhere = await token({ scopes: 'system/Patient.rs' });
    expect((await demo.get(`Binary/${id}/$link`, elsewhere)).status).toBe(403);
    expect((await demo.get('Binary/none/$link', admin)).status).toBe(404);
    expect((await demo.get(`Binary/${id}/$link`)).status).toBe(401);
    for (const seconds of ['0', '3601', 'x', '-1'])
      expect((await demo.get(`Binary/${id}/$link?seconds=${seconds}`, admin)).status).toBe(400);
  });

  it('are recorded as an access of who made them', async () => {
    const maker = await token({ clientId: 'portal', subject: 'portal', scopes: 'system/Binary.rs' });
    const { url } = await linkTo('', maker);
    expect((await rawRequest(url, { headers: { 'X-Request-Id': 'by-link' } })).status).toBe(200);
    const found = (await demo.get('AuditEvent?_sort=-date&_count=20', admin)).json;
    const event = resourcesOf(found).find((one) => JSON.stringify(one).includes('by-link'));
    expect(event?.subtype[0].code).toBe('vread');
    expect(JSON.stringify(event?.agent)).toContain('portal');
  });
});

describe('without access control', () => {
  it('there are no links', async () => {
    const open = await harness.startAnother({ tenants: ['demo'] });
    expect((await open.client('demo').get(`Binary/${id}/$link`)).status).toBe(404);
  });
});
