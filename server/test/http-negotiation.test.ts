import { brotliCompressSync, brotliDecompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, type Json, rawRequest, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;
let id: string;

beforeAll(async () => {
  harness = await startHarness({ service: { maxBodyBytes: 1_000_000 } });
  client = harness.client();
  id = (await client.create({ resourceType: 'Patient', name: [{ family: 'Größe', given: ['😀'] }] })).id;
});
afterAll(() => harness?.stop());

const JSON_TYPE = 'application/fhir+json; charset=utf-8';

describe('media types of answers (R4 http.html#mime-type, #parameters)', () => {
  it.each([
    'application/fhir+json',
    'application/json',
    'application/fhir+json; fhirVersion=4.0',
    'application/fhir+json;charset=utf-8',
    'text/html, application/fhir+json;q=0.9',
    'text/turtle;q=0.5, application/fhir+json',
    '*/*',
    'application/*',
    'text/html,*/*;q=0.8',
  ])('Accept: %s is answered in JSON', async (accept) => {
    const answer = await client.get(`Patient/${id}`, { Accept: accept });
    expect([answer.status, answer.header('content-type')]).toEqual([200, JSON_TYPE]);
  });

  it.each([
    'text/turtle',
    'image/png',
    'application/fhir+json;q=0',
    'text/turtle, application/fhir+json;q=0',
  ])('Accept: %s is a 406 with an OperationOutcome in JSON', async (accept) => {
    const answer = await client.get(`Patient/${id}`, { Accept: accept });
    expect(answer.status).toBe(406);
    expect(answer.header('content-type')).toBe(JSON_TYPE);
    expect(answer.json.resourceType).toBe('OperationOutcome');
  });

  it('a 406 is answered before anything is written', async () => {
    const body = { resourceType: 'Patient', identifier: [{ value: 'not-acceptable' }] };
    expect((await client.post('Patient', body, { Accept: 'text/turtle' })).status).toBe(406);
    expect((await client.get('Patient?identifier=not-acceptable')).json.total).toBe(0);
  });

  it.each(['json', 'application/json', 'application/fhir%2Bjson', 'application/fhir+json', 'text/json'])(
    '_format=%s goes before Accept',
    async (format) => {
      const answer = await client.get(`Patient/${id}?_format=${format}`, { Accept: 'text/turtle' });
      expect([answer.status, answer.json.id]).toEqual([200, id]);
    },
  );

  it.each(['ttl', 'text/turtle', 'html', 'nonsense'])('_format=%s is a 406', async (format) => {
    expect((await client.get(`Patient/${id}?_format=${format}`, { Accept: 'application/json' })).status).toBe(
      406,
    );
  });

  it('_format in a POST _search body counts', async () => {
    const search = (body: string) =>
      client.post('Patient/_search', body, { 'Content-Type': 'application/x-www-form-urlencoded' });
    expect((await search('_format=json')).status).toBe(200);
    expect((await search('_format=ttl')).status).toBe(406);
  });
});

describe('media types of bodies (R4 http.html#mime-type)', () => {
  const body = JSON.stringify({ resourceType: 'Patient' });

  it.each([
    'application/fhir+json',
    'application/json',
    'application/fhir+json; charset=UTF-8; fhirVersion=4.0',
    'text/json',
  ])('%s is read', async (type) => {
    expect((await client.post('Patient', body, { 'Content-Type': type })).status).toBe(201);
  });

  it('no Content-Type is read as JSON', async () => {
    const answer = await rawRequest(`${client.base}/Patient`, {
      method: 'POST',
      body,
      headers: { 'Content-Length': String(body.length) },
    });
    expect(answer.status).toBe(201);
  });

  it.each(['text/turtle', 'text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream'])(
    '%s is a 415 with an OperationOutcome that names the header',
    async (type) => {
      for (const [method, path] of [
        ['POST', 'Patient'],
        ['PUT', `Patient/${id}`],
        ['POST', ''],
      ] as const) {
        const answer = await client.request(method, path, '[] a fhir:Patient .', {
          'Content-Type': type,
        });
        expect([answer.status, answer.expressions]).toEqual([415, ['http.content-type']]);
      }
    },
  );

  it('text is UTF-8: umlauts and emoji come back as they were, a byte order mark is passed over', async () => {
    expect((await client.get(`Patient/${id}`)).json.name[0]).toEqual({ family: 'Größe', given: ['😀'] });
    expect((await client.post('Patient', `\uFEFF${body}`)).status).toBe(201);
    const latin = Buffer.from('{"resourceType":"Patient","name":[{"family":"Gr\xF6\xDFe"}]}', 'latin1');
    const answer = await client.post('Patient', latin);
    expect([answer.status, answer.expressions]).toEqual([400, ['http.body']]);
  });
});

describe('_pretty (R4 http.html#parameters)', () => {
  it('true indents, and changes white space only', async () => {
    const plain = await client.get(`Patient/${id}`);
    const pretty = await client.get(`Patient/${id}?_pretty=true`);
    expect(pretty.text).toContain('\n  "id"');
    expect(pretty.json).toEqual(plain.json);
    expect((await client.get(`Patient/${id}?_pretty=false`)).text).toBe(plain.text);
    expect((await client.get('Patient/none?_pretty=true')).text).toContain('\n');
  });
});

describe('compression (R4 http.html#compression, RFC 9110 8.4, 12.5.3)', () => {
  let long: Json;
  beforeAll(async () => {
    long = await client.create({ resourceType: 'Patient', name: [{ text: 'lorem ipsum '.repeat(500) }] });
  });

  it.each([
    ['gzip', 'gzip', gunzipSync],
    ['br', 'br', brotliDecompressSync],
    ['gzip, br', 'br', brotliDecompressSync],
    ['br;q=0.5, gzip', 'gzip', gunzipSync],
    ['*', 'gzip', gunzipSync],
  ] as const)('Accept-Encoding: %s is answered in %s', async (accepted, coding, decode) => {
    const answer = await rawRequest(`${client.base}/Patient/${long.id}`, {
      headers: { 'Accept-Encoding': accepted },
    });
    expect(answer.header('content-encoding')).toBe(coding);
    expect(answer.header('vary')).toMatch(/accept-encoding/i);
    expect(Number(answer.header('content-length'))).toBe(answer.bytes.length);
    expect(JSON.parse(decode(answer.bytes).toString('utf8'))).toEqual(long);
  });

  it.each([undefined, 'identity', 'gzip;q=0', 'zstd'])(
    'Accept-Encoding: %s is answered as it is',
    async (accepted) => {
      const headers: Record<string, string> = accepted === undefined ? {} : { 'Accept-Encoding': accepted };
      const answer = await rawRequest(`${client.base}/Patient/${long.id}`, { headers });
      expect(answer.header('content-encoding')).toBeNull();
      expect(answer.json).toEqual(long);
    },
  );

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
    ['GZIP', gzipSync],
  ] as const)('a body in %s is read', async (coding, encode) => {
    const body = encode(JSON.stringify({ resourceType: 'Patient', name: [{ family: 'Größe' }] }));
    const answer = await client.post('Patient', body, { 'Content-Encoding': coding });
    expect(answer.status).toBe(201);
    expect(answer.json.name[0].family).toBe('Größe');
  });

  it('an unknown coding is a 415, a broken one a 400', async () => {
    expect((await client.post('Patient', 'x', { 'Content-Encoding': 'zstd' })).status).toBe(415);
    expect((await client.post('Patient', 'no gzip', { 'Content-Encoding': 'gzip' })).status).toBe(400);
    const cut = gzipSync(JSON.stringify({ resourceType: 'Patient' })).subarray(0, 15);
    expect((await client.post('Patient', cut, { 'Content-Encoding': 'gzip' })).status).toBe(400);
  });

  it('the limit of bodies counts what comes out of them (413)', async () => {
    const bomb = gzipSync(
      JSON.stringify({ resourceType: 'Patient', name: [{ text: 'x'.repeat(5_000_000) }] }),
    );
    expect(bomb.length).toBeLessThan(100_000);
    expect((await client.post('Patient', bomb, { 'Content-Encoding': 'gzip' })).status).toBe(413);
    expect((await client.get(`Patient/${id}`)).status).toBe(200);
  });

  it('HEAD has the same coding, without the body', async () => {
    const answer = await rawRequest(`${client.base}/Patient/${long.id}`, {
      method: 'HEAD',
      headers: { 'Accept-Encoding': 'gzip' },
    });
    expect([answer.status, answer.header('content-encoding'), answer.bytes.length]).toEqual([200, 'gzip', 0]);
  });
});

describe('CORS (Fetch standard; CapabilityStatement.rest.security.cors)', () => {
  it('a preflight allows methods and the headers that are asked for', async () => {
    const answer = await client.request('OPTIONS', `Patient/${id}`, undefined, {
      Origin: 'https://app.example.org',
      'Access-Control-Request-Method': 'PUT',
      'Access-Control-Request-Headers': 'content-type, if-match, authorization',
    });
    expect([200, 204]).toContain(answer.status);
    expect(answer.header('access-control-allow-origin')).toBe('*');
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      expect(answer.header('access-control-allow-methods')).toContain(method);
    }
    for (const name of ['content-type', 'if-match', 'authorization']) {
      expect(answer.header('access-control-allow-headers')?.toLowerCase()).toContain(name);
    }
  });

  it('answers, errors too, may be read and show the headers of FHIR', async () => {
    for (const path of [`Patient/${id}`, 'Patient/none']) {
      const answer = await client.get(path, { Origin: 'https://app.example.org' });
      expect(answer.header('access-control-allow-origin')).toBe('*');
      for (const name of ['ETag', 'Location', 'Content-Location', 'Last-Modified']) {
        expect(answer.header('access-control-expose-headers')).toContain(name);
      }
    }
  });
});

describe('Prefer: handling (R4 search.html#errors)', () => {
  it('strict: an unknown parameter is a 400; lenient and none: it is left out and named', async () => {
    const strict = await client.get('Patient?nonsense=1', { Prefer: 'handling=strict' });
    expect([strict.status, strict.json.resourceType]).toEqual([400, 'OperationOutcome']);
    for (const headers of [{ Prefer: 'handling=lenient' }, {}] as Record<string, string>[]) {
      const { status, json } = await client.get('Patient?nonsense=1&_count=1', headers);
      expect(status).toBe(200);
      expect(json.link[0].url).not.toContain('nonsense');
      expect(json.entry.at(-1)).toMatchObject({
        search: { mode: 'outcome' },
        resource: { resourceType: 'OperationOutcome' },
      });
    }
  });
});

describe('searches in part (R4 search.html#summary, #elements)', () => {
  beforeAll(async () => {
    await client.create({
      resourceType: 'Patient',
      identifier: [{ value: 'part' }],
      text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
      maritalStatus: { text: 'single' },
    });
  });
  const one = async (query: string): Promise<Json> =>
    (await client.get(`Patient?identifier=part&${query}`)).json;
  const subsetted = (resource: Json) =>
    resource.meta?.tag?.some((tag: Json) => tag.code === 'SUBSETTED') ?? false;

  it('_summary=true, text, data, false', async () => {
    for (const [value, has, lacks] of [
      ['true', 'identifier', 'maritalStatus'],
      ['text', 'text', 'identifier'],
      ['data', 'maritalStatus', 'text'],
    ] as const) {
      const { resource } = (await one(`_summary=${value}`)).entry[0];
      expect([value, has in resource, lacks in resource, subsetted(resource)]).toEqual([
        value,
        true,
        false,
        true,
      ]);
    }
    const { resource } = (await one('_summary=false')).entry[0];
    expect([resource.maritalStatus.text, 'text' in resource, subsetted(resource)]).toEqual([
      'single',
      true,
      false,
    ]);
  });

  it('_summary=count: the total alone', async () => {
    const bundle = await one('_summary=count');
    expect([bundle.total, 'entry' in bundle]).toEqual([1, false]);
  });

  it('_elements', async () => {
    const { resource } = (await one('_elements=maritalStatus')).entry[0];
    expect(Object.keys(resource).sort()).toEqual(['id', 'maritalStatus', 'meta', 'resourceType']);
    expect(subsetted(resource)).toBe(true);
  });
});
