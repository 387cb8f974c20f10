import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entry, type Harness, rawRequest, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

/** A read with exactly this Accept header, or none. */
const read = (path: string, accept?: string) =>
  rawRequest(`${client.base}/${path}`, { headers: accept === undefined ? {} : { Accept: accept } });

describe('Binary (R4 binary.html#rest)', () => {
  it('a raw body of any type is kept and given back byte for byte', async () => {
    for (const [type, bytes] of [
      ['image/png', PNG],
      ['application/octet-stream', everyByte],
      ['text/plain; charset=utf-8', Buffer.from('Größe')],
      ['application/xml', Buffer.from('<a/>')],
      ['application/geo+json', Buffer.from('{"type":"Point"}')],
      ['text/json-seq', Buffer.from('\u001e{}\n')],
    ] as const) {
      const created = await client.post('Binary', bytes, { 'Content-Type': type });
      expect([type, created.status]).toEqual([type, 201]);
      const { id } = (
        await read(
          `Binary/${/Binary\/([^/]+)/.exec(created.header('location') as string)?.[1]}`,
          'application/fhir+json',
        )
      ).json;
      const raw = await read(`Binary/${id}`, '*/*');
      expect([raw.status, raw.header('content-type')]).toEqual([200, type]);
      expect(raw.bytes.equals(bytes)).toBe(true);
    }
  });

  it('is served raw unless a FHIR media type is asked for', async () => {
    const { id } = await client.create({
      resourceType: 'Binary',
      contentType: 'image/png',
      data: PNG.toString('base64'),
    });
    for (const accept of [
      undefined,
      '*/*',
      'image/png',
      'image/*, */*;q=0.1',
      'text/html,application/xhtml+xml,*/*;q=0.8',
    ]) {
      const answer = await read(`Binary/${id}`, accept);
      expect([accept, answer.status, answer.header('content-type')]).toEqual([accept, 200, 'image/png']);
      expect(answer.bytes.equals(PNG)).toBe(true);
      expect(answer.header('etag')).toBe('W/"1"');
    }
    for (const accept of [
      'application/fhir+json',
      'application/json',
      'application/fhir+json; fhirVersion=4.0',
    ]) {
      const answer = await read(`Binary/${id}`, accept);
      expect(answer.json).toMatchObject({
        resourceType: 'Binary',
        id,
        contentType: 'image/png',
        data: PNG.toString('base64'),
      });
    }
    expect((await read(`Binary/${id}?_format=json`, '*/*')).json.resourceType).toBe('Binary');
  });

  it('raw answers are no place for scripts: nosniff, and nothing is guessed', async () => {
    const created = await client.post('Binary', '<script>alert(1)</script>', { 'Content-Type': 'text/html' });
    const location = created.header('location') as string;
    const answer = await rawRequest(location.replace(/\/_history.*/, ''));
    expect(answer.header('x-content-type-options')).toBe('nosniff');
    expect(answer.header('content-security-policy')).toContain('sandbox');
  });

  it('a browser shows only what is plainly without scripts, and downloads the rest (OWASP ASVS 5.0, 5.2.2)', async () => {
    const pdf = Buffer.from('%PDF-1.7 x');
    for (const [type, bytes, isShown] of [
      ['image/png', PNG, true],
      ['application/pdf', pdf, true],
      ['text/plain; charset=utf-8', Buffer.from('x'), true],
      ['image/png', Buffer.from('<svg onload="x">'), false],
      ['application/pdf', Buffer.from('<html>'), false],
      ['text/html', Buffer.from('<p>x'), false],
      ['image/svg+xml', Buffer.from('<svg/>'), false],
      ['application/xhtml+xml', Buffer.from('<html/>'), false],
      ['constructor', Buffer.from('x'), false],
    ] as const) {
      const created = await client.post('Binary', bytes, { 'Content-Type': type });
      const raw = await rawRequest((created.header('location') as string).replace(/\/_history.*/, ''));
      expect([type, raw.header('content-disposition')]).toEqual([type, isShown ? null : 'attachment']);
      const policy = raw.header('content-security-policy') as string;
      expect(policy).toContain("default-src 'none'");
      expect([type, policy.includes('sandbox')]).toEqual([type, !(isShown && type === 'application/pdf')]);
      expect(raw.bytes.equals(bytes)).toBe(true);
    }
  });

  it('update by PUT of raw bytes: the id is the one of the URL, versions count', async () => {
    const first = await client.put('Binary/raw-put', 'one', { 'Content-Type': 'text/plain' });
    expect(first.status).toBe(201);
    const second = await client.put('Binary/raw-put', 'two', { 'Content-Type': 'text/plain' });
    expect(second.status).toBe(200);
    expect((await read('Binary/raw-put', 'text/plain')).text).toBe('two');
    expect((await read('Binary/raw-put/_history/1', 'text/plain')).text).toBe('one');
    const stale = await client.put('Binary/raw-put', 'three', {
      'Content-Type': 'text/plain',
      'If-Match': 'W/"1"',
    });
    expect(stale.status).toBe(412);
  });

  it('as a resource: JSON in, JSON out', async () => {
    const created = await client.put('Binary/as-json', {
      resourceType: 'Binary',
      id: 'as-json',
      contentType: 'text/plain',
      data: 'eA==',
    });
    expect(created.status).toBe(201);
    expect(created.json.data).toBe('eA==');
    expect((await read('Binary/as-json', 'text/plain')).text).toBe('x');
  });

  it('X-Security-Context becomes securityContext, and is a reference like any other', async () => {
    const patient = await client.create({ resourceType: 'Patient' });
    const created = await client.post('Binary', 'x', {
      'Content-Type': 'text/plain',
      'X-Security-Context': `Patient/${patient.id}`,
      Accept: 'application/fhir+json',
    });
    expect(created.status).toBe(201);
    expect(created.json.securityContext.reference).toBe(`Patient/${patient.id}`);
    const raw = await read(`Binary/${created.json.id}`, 'text/plain');
    expect(raw.header('x-security-context')).toBe(`Patient/${patient.id}`);
    expect(
      (
        await client.post('Binary', 'x', {
          'Content-Type': 'text/plain',
          'X-Security-Context': 'Patient/none',
        })
      ).status,
    ).toBe(422);
  });

  it('conditional read, HEAD, 404 and 410', async () => {
    await client.put('Binary/cond', 'x', { 'Content-Type': 'text/plain' });
    expect((await client.get('Binary/cond', { Accept: 'text/plain', 'If-None-Match': 'W/"1"' })).status).toBe(
      304,
    );
    const head = await client.head('Binary/cond', { Accept: 'text/plain' });
    expect([head.status, head.header('content-type'), head.header('content-length'), head.text]).toEqual([
      200,
      'text/plain',
      '1',
      '',
    ]);
    expect((await read('Binary/none', 'text/plain')).json.resourceType).toBe('OperationOutcome');
    await client.delete('Binary/cond');
    expect((await read('Binary/cond', 'text/plain')).status).toBe(410);
  });

  it('in bundles it is a resource', async () => {
    await client.put('Binary/in-bundle', 'x', { 'Content-Type': 'text/plain' });
    for (const kind of ['batch', 'transaction'] as const) {
      const answer = await client[kind]([entry('GET', 'Binary/in-bundle')]);
      expect(answer.json.entry[0].resource).toMatchObject({
        resourceType: 'Binary',
        contentType: 'text/plain',
        data: 'eA==',
      });
    }
  });

  it('broken base64 is refused (R4 datatypes.html#base64Binary)', async () => {
    const answer = await client.post('Binary', {
      resourceType: 'Binary',
      contentType: 'text/plain',
      data: '%%%',
    });
    expect([400, 422]).toContain(answer.status);
    expect(answer.expressions).toEqual(['Binary.data']);
  });
});
