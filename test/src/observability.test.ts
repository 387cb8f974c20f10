import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, type Incoming, type Outgoing } from './exchange.ts';
import { type Served, startServed, until } from './served.ts';

/*
 * Metrics and logs of a server of two processes (issue 3, section 7): Prometheus series by interaction and type, pools,
 * queues; JSON log lines with trace id (W3C Trace Context) and tenant, and nothing of a patient in them.
 */

const FHIR = { 'Content-Type': 'application/fhir+json' };
const BASE = '/fhir/north';

let served: Served;

beforeAll(async () => {
  served = await startServed(['north'], { VESTA_WORKERS: '2', VESTA_LOG_LEVEL: 'info' });
});
afterAll(async () => {
  await served?.stop();
});

const send = (outgoing: Outgoing): Promise<Incoming> => exchange(served.port, outgoing);
const get = (path: string, headers: Record<string, string> = {}) => send({ method: 'GET', path, headers });

interface Line {
  readonly level: string;
  readonly time: string;
  readonly pid: number;
  readonly traceId?: string;
  readonly requestId?: string;
  readonly tenant?: string;
  readonly interaction?: string;
  readonly type?: string;
  readonly method?: string;
  readonly status?: number;
  readonly ms?: number;
  readonly params?: string[];
}

/** The JSON lines so far. */
const lines = (): Line[] =>
  served.process.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);

/** The log line of the request with a trace id. */
async function lineOf(traceId: string): Promise<Line> {
  await until(`a line of trace ${traceId}`, () => served.process.output.includes(traceId));
  await sleep(50);
  return lines().find((line) => line.traceId === traceId)!;
}

/** The value of a series in Prometheus text; the sum of those that have all these labels. */
function value(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, content]) => `${label}="${content}"`);
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

describe('/metrics', () => {
  test('counts the requests of all processes by interaction, type and status, with latencies', async () => {
    const before = (await get('/metrics')).body.toString();
    const count = 60;
    // Each on a connection of its own: they are spread over both processes.
    await Promise.all(
      Array.from({ length: count }, (_, i) =>
        fetch(`${served.url}${BASE}/Patient?name=a${i}`, { headers: { Connection: 'close' } }).then(
          (answer) => answer.arrayBuffer(),
        ),
      ),
    );
    await send({
      method: 'POST',
      path: `${BASE}/Patient`,
      headers: FHIR,
      body: '{"resourceType":"Patient"}',
    });
    await get(`${BASE}/Patient/nobody`);
    const answer = await get('/metrics');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    const after = answer.body.toString();
    const grown = (name: string, labels: Record<string, string>) =>
      value(after, name, labels) - value(before, name, labels);
    expect(grown('fhir_requests_total', { interaction: 'search-type', status: '2xx' })).toBe(count);
    expect(
      grown('fhir_request_duration_seconds_count', { interaction: 'search-type', type: 'Patient' }),
    ).toBe(count);
    expect(
      grown('fhir_request_duration_seconds_bucket', {
        interaction: 'search-type',
        type: 'Patient',
        le: '+Inf',
      }),
    ).toBe(count);
    expect(grown('fhir_requests_total', { interaction: 'create', status: '2xx' })).toBe(1);
    const pids = new Set(
      lines()
        .filter(({ interaction }) => interaction === 'search-type')
        .map(({ pid }) => pid),
    );
    expect([...pids].sort()).toEqual(served.workers().sort());
    // Whichever process is asked, it answers for both.
    for (let i = 0; i < 4; i++) {
      const again = await (await fetch(`${served.url}/metrics`, { headers: { Connection: 'close' } })).text();
      expect(
        value(again, 'fhir_request_duration_seconds_count', { interaction: 'search-type', type: 'Patient' }),
      ).toBe(
        value(after, 'fhir_request_duration_seconds_count', { interaction: 'search-type', type: 'Patient' }),
      );
    }
  });

  test('has the pools and the queue depth', async () => {
    const text = (await get('/metrics')).body.toString();
    for (const pool of ['read', 'search', 'write']) {
      for (const state of ['active', 'idle', 'waiting'])
        expect(text).toMatch(
          new RegExp(
            `^database_pool_connections\\{[^}]*pool="${pool}"[^}]*state="${state}"[^}]*\\} \\d`,
            'm',
          ),
        );
    }
    expect(text).toMatch(/^job_queue_depth\{[^}]*\} \d/m);
    expect(text).toMatch(/^process_resident_memory_bytes(\{[^}]*\})? \d/m);
  });

  test('has no label that a client can make up', async () => {
    await get(`${BASE}/Secret${'x'.repeat(20)}/1`);
    await send({ method: 'GET', path: '/fhir/made-up-tenant/Patient/1' });
    const text = (await get('/metrics')).body.toString();
    expect(text).not.toContain('Secret');
    expect(text).not.toContain('made-up-tenant');
    expect(text).not.toContain('north');
  });
});

describe('logs', () => {
  const TRACE = '0af7651916cd43dd8448eb211c80319c';
  const traced = (traceId: string) => ({ traceparent: `00-${traceId}-b7ad6b7169203331-01` });
  const traceOf = (i: number) => `${i.toString(16).padStart(4, '0')}${TRACE.slice(4)}`;

  test('a line in JSON for each request, with the trace id of traceparent, tenant, interaction, type, status and time', async () => {
    await get(`${BASE}/Patient?name=zimmermann&_sort=-birthdate&code:text=x`, {
      ...traced(traceOf(1)),
      'X-Request-Id': 'request-7',
    });
    expect(await lineOf(traceOf(1))).toMatchObject({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      pid: expect.any(Number),
      traceId: traceOf(1),
      requestId: 'request-7',
      tenant: 'north',
      interaction: 'search-type',
      type: 'Patient',
      method: 'GET',
      status: 200,
      ms: expect.any(Number),
      params: ['name', '_sort', 'code:text'],
    });
  });

  test.each([
    ['no traceparent', {}],
    [
      'an invalid traceparent (W3C Trace Context 3.2.2: all zero)',
      { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` },
    ],
    ['one that is no traceparent', { traceparent: 'x'.repeat(60) }],
  ])('%s: a trace of its own', async (_, headers) => {
    const from = lines().length;
    await get(`${BASE}/Patient/a`, headers as Record<string, string>);
    await until('another line', () => lines().length > from);
    const { traceId } = lines()[from]!;
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(traceId).not.toBe('0'.repeat(32));
  });

  test('nothing of what clients send about patients is in them: bodies, ids, values, whatever becomes of the request', async () => {
    const secret = (i: number) => `geheim${i}x`;
    const patient = (i: number, more: object = {}) =>
      JSON.stringify({
        resourceType: 'Patient',
        id: secret(i),
        name: [{ family: secret(i) }],
        identifier: [{ system: `http://${secret(i)}.example`, value: secret(i) }],
        ...more,
      });
    const requests: Outgoing[] = [
      { method: 'PUT', path: `${BASE}/Patient/${secret(1)}`, headers: FHIR, body: patient(1) },
      { method: 'GET', path: `${BASE}/Patient/${secret(1)}` },
      { method: 'GET', path: `${BASE}/Patient/${secret(2)}` },
      { method: 'GET', path: `${BASE}/Patient?name=${secret(3)}&identifier=${secret(3)}&${secret(3)}` },
      { method: 'GET', path: `${BASE}/Patient?birthdate=${secret(4)}` },
      { method: 'GET', path: `${BASE}/${secret(5)}/${secret(5)}` },
      { method: 'GET', path: `/fhir/${secret(6)}/Patient/1` },
      {
        method: 'POST',
        path: `${BASE}/Patient/_search`,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: `name=${secret(7)}`,
      },
      { method: 'POST', path: `${BASE}/Patient`, headers: FHIR, body: patient(8, { gender: secret(8) }) },
      {
        method: 'POST',
        path: `${BASE}/Patient`,
        headers: FHIR,
        body: `{"resourceType":"Patient","name":"${secret(9)}`,
      },
      {
        method: 'PUT',
        path: `${BASE}/Patient/${secret(10)}`,
        headers: { ...FHIR, 'If-Match': `W/"${secret(10)}"` },
        body: patient(10),
      },
      {
        method: 'POST',
        path: `${BASE}/Patient`,
        headers: { ...FHIR, 'If-None-Exist': `identifier=${secret(11)}` },
        body: patient(11),
      },
      {
        method: 'PATCH',
        path: `${BASE}/Patient/${secret(1)}`,
        headers: { 'Content-Type': 'application/json-patch+json' },
        body: JSON.stringify([{ op: 'test', path: '/birthDate', value: secret(12) }]),
      },
      {
        method: 'POST',
        path: BASE,
        headers: FHIR,
        body: JSON.stringify({
          resourceType: 'Bundle',
          type: 'transaction',
          entry: [
            { resource: JSON.parse(patient(13)), request: { method: 'PUT', url: `Patient/${secret(13)}` } },
            {
              resource: {
                resourceType: 'Observation',
                status: 'final',
                code: { text: secret(14) },
                subject: { reference: `Patient/${secret(14)}` },
              },
              request: { method: 'POST', url: 'Observation' },
            },
          ],
        }),
      },
      { method: 'DELETE', path: `${BASE}/Patient?identifier=${secret(15)}` },
      { method: 'GET', path: `${BASE}/Patient/${secret(1)}/_history/${secret(16)}` },
      {
        method: 'GET',
        path: `${BASE}/Patient?<${secret(17)}>=1&${secret(17)}&_sort=${secret(17)}`,
        headers: {
          Authorization: `Bearer ${secret(18)}`,
          Cookie: `a=${secret(18)}`,
          'User-Agent': secret(18),
          Accept: secret(18),
          'X-Request-Id': `<${secret(18)}>`,
        },
      },
      { method: 'GET', path: `${BASE}/Patient?name=${'%zz'}${secret(19)}` },
      { method: 'GET', path: `/${secret(20)}?${secret(20)}` },
    ];
    for (const [i, { headers, ...rest }] of requests.entries()) {
      const answer = await send({ ...rest, headers: { ...headers, ...traced(traceOf(100 + i)) } });
      expect(answer.status).toBeGreaterThan(0);
      expect(answer.status).toBeLessThan(500);
    }
    await lineOf(traceOf(100 + requests.length - 2));
    const found = served.process.output.split('\n').filter((line) => /geheim/i.test(line));
    expect(found).toEqual([]);
    for (const line of lines())
      expect(line).toMatchObject({ level: expect.any(String), pid: expect.any(Number) });
  });
});
