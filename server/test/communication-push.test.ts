import {
  createDecipheriv,
  createECDH,
  createPublicKey,
  hkdfSync,
  randomBytes,
  randomUUID,
  verify,
} from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { desk, sql, until } from './communication-support.ts';
import { type Harness, type HeaderMap, type Json, startHarness } from './harness.ts';

/* Issue 6, section 2: web push (RFC 8030, encrypted by RFC 8291, signed by RFC 8292), where access is controlled. */

let harness: Harness;
let pushServer: Server;
let pushUrl: string;
let status = 201;
const received: { path: string; headers: IncomingHttpHeaders; body: Buffer }[] = [];
let system: HeaderMap;
let patient: HeaderMap;
let other: HeaderMap;
let d: ReturnType<typeof desk>;

const browser = createECDH('prime256v1');
browser.generateKeys();
const secret = randomBytes(16);
const keys = { p256dh: browser.getPublicKey().toString('base64url'), auth: secret.toString('base64url') };

beforeAll(async () => {
  pushServer = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ path: request.url as string, headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => pushServer.listen(0, '127.0.0.1', resolve));
  pushUrl = `http://127.0.0.1:${(pushServer.address() as { port: number }).port}`;
  const masterKeys = { keys: [newMasterKey()], reload() {} };
  harness = await startHarness({
    service: { auth: { masterKeys, mail: async () => {} }, communication: { allowPrivateAddresses: true } },
  });
  const services = harness.service.auth!.services;
  const tenant = (await services.findTenant('test'))!;
  const as = async (fields: { scopes: string; role?: string; fhirUser?: string; patient?: string }) => {
    const base = { grantId: randomUUID(), clientId: 'test', subject: 'test' };
    const { jwt } = await mintAccessToken(services, tenant, { ...base, ...fields }, 300);
    return { authorization: `Bearer ${jwt}` };
  };
  system = await as({ scopes: 'system/*.cruds' });
  const person = (id: string) =>
    as({ scopes: 'patient/*.cruds', role: 'patient', fhirUser: `Patient/${id}`, patient: id });
  d = desk(harness, system);
  for (const id of ['p', 'q']) await d.put({ resourceType: 'Patient', id, name: [{ given: ['Ana'] }] });
  [patient, other] = await Promise.all([person('p'), person('q')]);
}, 60_000);
afterAll(async () => {
  await harness?.stop();
  await new Promise((resolve) => pushServer?.close(resolve));
});

const parameters = (fields: Record<string, string>) => ({
  resourceType: 'Parameters',
  parameter: Object.entries(fields).map(([name, valueString]) => ({ name, valueString })),
});
const subscribe = (who: HeaderMap, fields: Record<string, string>, id = 'p') =>
  harness.client().post(`Patient/${id}/$push-subscribe`, parameters(fields), who);

/** What a browser makes of a message (RFC 8291 3.4, RFC 8188 2). */
function decrypted(body: Buffer): Json {
  const salt = body.subarray(0, 16);
  const length = body[20] as number;
  const sender = body.subarray(21, 21 + length);
  const shared = browser.computeSecret(sender);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), browser.getPublicKey(), sender]);
  const ikm = Buffer.from(hkdfSync('sha256', shared, secret, info, 32));
  const key = Buffer.from(hkdfSync('sha256', ikm, salt, 'Content-Encoding: aes128gcm\0', 16));
  const nonce = Buffer.from(hkdfSync('sha256', ikm, salt, 'Content-Encoding: nonce\0', 12));
  const text = body.subarray(21 + length);
  const decipher = createDecipheriv('aes-128-gcm', key, nonce);
  decipher.setAuthTag(text.subarray(-16));
  const plain = Buffer.concat([decipher.update(text.subarray(0, -16)), decipher.final()]);
  return JSON.parse(plain.subarray(0, plain.lastIndexOf(2)).toString('utf8'));
}

describe('push messages', () => {
  test('only the person subscribes; what is no subscription, or leads elsewhere, is refused', async () => {
    const endpoint = `${pushUrl}/ana`;
    const good = { endpoint, ...keys };
    expect((await subscribe(other, good)).status).toBe(403);
    expect((await subscribe(system, good)).status).toBe(403);
    expect((await subscribe(patient, good, 'q')).status).toBe(403);
    const bad: [Record<string, string>, string][] = [
      [{ ...keys }, 'endpoint'],
      [{ ...good, endpoint: 'file:///etc/passwd' }, 'endpoint'],
      [{ ...good, endpoint: 'https://user:password@push.example.org/' }, 'endpoint'],
      [{ ...good, p256dh: 'AAAA' }, 'p256dh'],
      [{ ...good, auth: 'AAAA' }, 'auth'],
    ];
    for (const [fields, name] of bad) {
      const answer = await subscribe(patient, fields);
      expect([answer.status, answer.expressions.join()]).toEqual([400, expect.stringContaining(`'${name}'`)]);
    }
    const answer = await subscribe(patient, good);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      resourceType: 'Device',
      status: 'active',
      patient: { reference: 'Patient/p' },
    });
    expect(answer.text).not.toContain(pushUrl);
  });

  test('where it goes is kept encrypted', async () => {
    const rows = await sql(harness, `select encode(sealed, 'escape') as text from store.push_subscription`);
    expect(rows).toHaveLength(1);
    expect(rows[0].text).not.toContain('127.0.0.1');
    const accounts = await sql(harness, `select kind from store.communication_account`);
    const key = await harness.client().get('Patient/$push-key', patient);
    expect(Buffer.from(key.json.parameter[0].valueString, 'base64url')).toHaveLength(65);
    expect((await harness.client().get('Patient/$push-key', patient)).text).toBe(key.text);
    expect(accounts.length).toBeLessThanOrEqual(1);
  });

  test('says that there is a message and not what it says, signed by the key that the browser knows', async () => {
    const request = await d.ask({
      subject: { reference: 'Patient/p' },
      payload: [{ contentString: 'Your HIV test is negative.' }],
    });
    const [done] = await d.settled(request, 'completed');
    expect(done.medium[0].coding[0].code).toBe('push');
    const [message] = received.filter(({ path }) => path === '/ana');
    if (message === undefined) throw new Error('nothing was sent');
    expect(message.headers).toMatchObject({ 'content-encoding': 'aes128gcm', urgency: 'high' });
    const payload = decrypted(message.body);
    expect(payload).toEqual({
      title: 'A message for you',
      body: 'There is a message from test. Sign in to read it.',
      language: 'en',
      communication: done.id,
    });
    const [, token, key] = /^vapid t=([^,]+), k=(.+)$/.exec(
      message.headers.authorization ?? '',
    ) as unknown as string[];
    const known = await harness.client().get('Patient/$push-key', patient);
    expect(key).toBe(known.json.parameter[0].valueString);
    const [header, claims, signature] = (token as string).split('.') as [string, string, string];
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ aud: pushUrl });
    const point = Buffer.from(key as string, 'base64url');
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    };
    const valid = verify(
      'sha256',
      Buffer.from(`${header}.${claims}`),
      { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    expect(valid).toBe(true);
  });

  test('a subscription that has ended (410) is forgotten, and the message goes on by another way', async () => {
    status = 410;
    const request = await d.ask({ subject: { reference: 'Patient/p' }, payload: [{ contentString: 'x' }] });
    const found = await until(async () => {
      const all = await d.of(request);
      return all.some((one: Json) => one.status === 'completed') && all;
    });
    status = 201;
    expect(found.map((one: Json) => [one.medium[0].coding[0].code, one.status]).sort()).toEqual([
      ['log', 'completed'],
      ['push', 'not-done'],
    ]);
    expect(await sql(harness, 'select 1 from store.push_subscription')).toEqual([]);
    const [device] = await d.all(
      'Device?type=https://vesta.health/fhir/CodeSystem/device-type|push-subscription',
    );
    expect(device.status).toBe('inactive');
  });

  test('the person ends it', async () => {
    const endpoint = `${pushUrl}/second`;
    await subscribe(patient, { endpoint, ...keys });
    const end = (who: HeaderMap) =>
      harness.client().post('Patient/p/$push-unsubscribe', parameters({ endpoint }), who);
    expect((await end(other)).status).toBe(403);
    expect((await end(patient)).status).toBe(200);
    expect((await end(patient)).status).toBe(404);
    const request = await d.ask({ subject: { reference: 'Patient/p' }, payload: [{ contentString: 'y' }] });
    const [done] = await d.settled(request, 'completed');
    expect(done.medium[0].coding[0].code).toBe('log');
    expect(received.some(({ path }) => path === '/second')).toBe(false);
  });
});
