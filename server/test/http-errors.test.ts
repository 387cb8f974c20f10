import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, rawRequest, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;
let id: string;

beforeAll(async () => {
  harness = await startHarness({ service: { maxBodyBytes: 100_000 } });
  client = harness.client();
  id = (await client.create({ resourceType: 'Patient' })).id;
});
afterAll(() => harness?.stop());

describe('what there is not is a 4xx with an OperationOutcome (R4 http.html#status-codes, #Status-Codes)', () => {
  it.each([
    ['GET', 'Nonsense', 404],
    ['GET', 'nonsense', 404],
    ['GET', 'Resource', 404],
    ['GET', 'DomainResource/1', 404],
    ['POST', 'Nonsense', 404],
    ['PUT', 'Nonsense/1', 404],
    ['DELETE', 'Nonsense/1', 404],
    ['GET', 'Patient/1/2/3/4/5', 404],
    ['GET', 'Patient/1/Nonsense', 404],
    ['GET', 'Patient//1', 404],
    ['GET', 'Patient/%00', 404],
    ['GET', 'Patient/%F0', 400],
    ['GET', 'Patient/..%2F1', 404],
    ['GET', '_nonsense', 404],
    ['GET', '$nonsense', 404],
    ['POST', '$nonsense', 404],
    ['GET', 'Patient/$nonsense', 404],
    ['POST', 'Patient/1/$nonsense', 404],
    ['GET', 'Observation/1/$everything', 404],
    ['POST', 'Patient/$lastn', 404],
    ['PUT', 'Patient/$everything', 405],
    ['GET', 'Patient/1/$meta-add', 405],
    ['DELETE', '', 405],
    ['PUT', '', 405],
    ['PATCH', '', 405],
    ['POST', 'Patient/1', 405],
    ['GET', 'Patient/_search/x', 404],
    ['PUT', '_history', 405],
    ['DELETE', 'Patient/_history', 405],
    ['TRACE', 'Patient', 405],
    ['PROPFIND', 'Patient/1', 405],
    ['GET', '_async/none', 404],
  ])('%s %s', async (method, path, status) => {
    // Sent as it is: fetch would tidy the path and knows no TRACE.
    const answer = await rawRequest(`${client.base}/${path}`, { method });
    expect(answer.status).toBe(status);
    expect(answer.header('content-type')).toBe('application/fhir+json; charset=utf-8');
    expect(answer.json.resourceType).toBe('OperationOutcome');
    expect(answer.json.issue[0]).toMatchObject({ severity: 'error' });
  });

  it('an unknown tenant is a 404 with an OperationOutcome, whatever the name', async () => {
    for (const name of ['none', 'Test', 'test%20', '..', '%2e%2e', "x'--", 'x'.repeat(500), '']) {
      const answer = await rawRequest(`${harness.url}/fhir/${name}/Patient`);
      expect([name, answer.status]).toEqual([name, 404]);
    }
    const answer = await rawRequest(`${harness.url}/fhir/none/Patient`);
    expect(answer.json.resourceType).toBe('OperationOutcome');
  });

  it('a path ending in a slash is the same path', async () => {
    expect((await client.get(`Patient/${id}/`)).status).toBe(200);
    expect((await client.get('?_type=Patient')).status).toBe(200);
  });
});

describe('limits (RFC 9110 15.5)', () => {
  it('a body over the limit is a 413, told by length or found while reading', async () => {
    const body = JSON.stringify({ resourceType: 'Patient', name: [{ text: 'x'.repeat(150_000) }] });
    const told = await rawRequest(`${client.base}/Patient`, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/fhir+json' },
    }).catch((error) => error);
    // The server may end the connection before all of the body is sent.
    if (!(told instanceof Error))
      expect([told.status, told.json.resourceType]).toEqual([413, 'OperationOutcome']);
    expect((await client.get(`Patient/${id}`)).status).toBe(200);
  });

  it('a URL over the limit is a 414', async () => {
    const answer = await rawRequest(`${client.base}/Patient?name=${'x'.repeat(20_000)}`);
    expect([answer.status, answer.json.resourceType]).toEqual([414, 'OperationOutcome']);
  });

  it('headers over the limit are a 431', async () => {
    const answer = await rawRequest(`${client.base}/Patient`, { headers: { 'X-Long': 'x'.repeat(40_000) } });
    expect([answer.status, answer.json.resourceType]).toEqual([431, 'OperationOutcome']);
  });
});

describe('no error tells what it should not (issue 3, section 5)', () => {
  it('names no table, statement or file', async () => {
    const answers = await Promise.all([
      client.get("Patient?name=' or 1=1; --"),
      client.get('Patient?birthdate=eq9999999-01-01'),
      client.get('Patient?_sort=nonsense', { Prefer: 'handling=strict' }),
      client.get('Patient?_cursor=x'),
      client.post('Patient', '{'),
      client.put('Patient/x', { resourceType: 'Patient', id: 'x', name: [{ family: '\u0000' }] }),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBeLessThan(500);
      expect(answer.text).not.toMatch(/store\.|tenant\.resource|select |\.ts:|node_modules|postgres/i);
    }
    expect((await client.get(`Patient/${id}`)).status).toBe(200);
  });

  it('says nothing of the software in headers', async () => {
    const answer = await client.get('Patient/none');
    expect(answer.header('x-powered-by')).toBeNull();
    expect(answer.header('server')).toBeNull();
  });
});
