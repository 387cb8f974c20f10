import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tenant } from '../../access/scope.ts';
import { TestServer } from '../../jobs/test-support.ts';
import type { JsonObject } from '../../json/types.ts';
import type { Connections } from '../../storage/connections.ts';

let server: TestServer;
let north: Tenant;
let south: Tenant;

beforeAll(async () => {
  server = await TestServer.start();
  north = await server.tenant('north');
  south = await server.tenant('south');
  await server.send(north, 'PUT', 'Patient/one', {
    resourceType: 'Patient',
    id: 'one',
    name: [{ family: 'Berg' }],
  });
});

afterAll(() => server.stop());

const statusPath = (location: string | undefined): string =>
  (location as string).slice((location as string).indexOf('_async'));

describe('asynchronous pattern (R4 async.html)', () => {
  test('202 with Content-Location; while it waits 202 with X-Progress and Retry-After', async () => {
    const accepted = await server.send(north, 'GET', 'Patient?family=berg', undefined, { async: true });
    expect(accepted.status).toBe(202);
    expect(accepted.headers['Content-Location']).toMatch(
      /^http:\/\/localhost:8080\/fhir\/north\/_async\/[0-9a-f-]{36}$/,
    );
    const waiting = await server.send(north, 'GET', statusPath(accepted.headers['Content-Location']));
    expect(waiting.status).toBe(202);
    expect(waiting.headers['X-Progress']).toBe('waiting');
    expect(Number(waiting.headers['Retry-After'])).toBeGreaterThan(0);
    expect(waiting.body).toEqual({});

    // Another tenant, another subject, another path: none of them learns that it exists.
    const path = statusPath(accepted.headers['Content-Location']);
    expect((await server.send(south, 'GET', path)).status).toBe(404);
    expect((await server.send(south, 'DELETE', path)).status).toBe(404);
    const other = { tenant: north, subject: 'Practitioner/2', grants: [] };
    expect((await server.send(north, 'GET', path, undefined, { scope: other })).status).toBe(404);
    expect((await server.send(north, 'GET', `${path}/more`)).status).toBe(404);
    expect((await server.send(north, 'PUT', path)).status).toBe(405);
    expect((await server.send(north, 'GET', '_async/0190b6a0-0000-7000-8000-000000000000')).status).toBe(404);
    expect((await server.send(north, 'GET', '_async/nonsense')).status).toBe(404);

    server.startJobs();
    const done = await server.outcome(north, accepted);
    expect(done.status).toBe(200);
    expect(done.headers['Expires']).toBeDefined();
    expect(done.body).toMatchObject({ resourceType: 'Bundle', type: 'batch-response' });
    const [entry] = done.body['entry'] as JsonObject[];
    expect(entry).toMatchObject({ response: { status: '200 OK' }, resource: { type: 'searchset' } });
    // bdl-3: request only in requests and histories.
    expect(entry).not.toHaveProperty('request');
  });

  test('DELETE cancels or gives up the result: 202, then 404', async () => {
    const accepted = await server.send(north, 'GET', 'Patient', undefined, { async: true });
    const path = statusPath(accepted.headers['Content-Location']);
    await server.outcome(north, accepted);
    expect((await server.send(north, 'DELETE', path)).status).toBe(202);
    expect((await server.send(north, 'GET', path)).status).toBe(404);
    expect((await server.send(north, 'DELETE', path)).status).toBe(404);
  });

  test('a search that is cancelled asks the database nothing more', async () => {
    const { services } = server.fhir;
    const cancelled = new Error('cancelled');
    let asked = 0;
    const searchCancelledAt = (call: number): Promise<unknown> => {
      const controller = new AbortController();
      asked = 0;
      const connections: Connections = {
        global: (statement) => services.connections.global(statement),
        within(tenant, pool, work) {
          if (++asked === call) controller.abort(cancelled);
          return services.connections.within(tenant, pool, work);
        },
      };
      return server.send(north, 'GET', 'Patient?_include=Patient:organization', undefined, {
        signal: controller.signal,
        services: { ...services, connections },
      });
    };
    await searchCancelledAt(0);
    const whole = asked;
    expect(whole).toBeGreaterThan(1);
    for (let call = 1; call < whole; call++) {
      await expect(searchCancelledAt(call)).rejects.toBe(cancelled);
      expect(asked).toBe(call);
    }
    const signal = AbortSignal.abort(cancelled);
    await expect(server.send(north, 'GET', 'Patient/one', undefined, { signal })).rejects.toBe(cancelled);
  });

  test('a transaction is carried out once, decimals as written', async () => {
    const bundle = `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Observation","status":"final",
      "code":{"text":"x"},"valueQuantity":{"value":1.50}},"request":{"method":"POST","url":"Observation"}}]}`;
    const accepted = await server.send(north, 'POST', '', bundle, { async: true });
    const done = await server.outcome(north, accepted);
    const [entry] = done.body['entry'] as JsonObject[];
    expect(entry).toMatchObject({
      response: { status: '200 OK' },
      resource: {
        type: 'transaction-response',
        entry: [{ response: { status: expect.stringMatching(/^201/) } }],
      },
    });
    const rows = await server.owner('select content from store.resource where tenant_id = $1 and id <> $2', [
      north.id,
      'one',
    ]);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.['content']).toContain('"value":1.50');
  });

  test('an interaction that is refused is an entry with its status and OperationOutcome', async () => {
    const accepted = await server.send(
      north,
      'POST',
      '',
      { resourceType: 'Bundle', type: 'document' },
      { async: true },
    );
    const done = await server.outcome(north, accepted);
    expect(done.status).toBe(200);
    const [entry] = done.body['entry'] as JsonObject[];
    expect(entry).toMatchObject({
      response: { status: '400 Bad Request', outcome: { resourceType: 'OperationOutcome' } },
    });
  });

  test('it runs with the rights of who asked', async () => {
    const scope = { tenant: north, subject: 'anonymous', grants: [] };
    const accepted = await server.send(north, 'GET', 'Patient', undefined, { async: true, scope });
    const done = await server.outcome(north, accepted);
    const [entry] = done.body['entry'] as JsonObject[];
    expect(entry).toMatchObject({ response: { status: expect.stringMatching(/^403/) } });
  });

  test('a write that was interrupted is not begun again: its client is told to look', async () => {
    await server.owner(
      `insert into store.job (tenant_id, id, kind, state, request, body, progress, created, heartbeat)
        values ($1, '0190b6a0-0000-7000-8000-00000000000a', 'request', 'running', $2, '{}', '{"begun": true}', 0, 0)`,
      [
        north.id,
        JSON.stringify({
          subject: 'anonymous',
          method: 'POST',
          path: [],
          query: [],
          headers: {},
          body: 'text',
        }),
      ],
    );
    const accepted = {
      status: 202,
      headers: {
        'Content-Location': 'http://localhost:8080/fhir/north/_async/0190b6a0-0000-7000-8000-00000000000a',
      },
      body: {},
    };
    const done = await server.outcome(north, accepted);
    expect(done.status).toBe(500);
    expect(done.body).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'incomplete' }] });
  });

  test('an export whose worker died begins anew, without what that one had written; not for ever', async () => {
    const left = await server.jobs.keep(north, 'export-file', { subject: 'anonymous' }, '{}');
    const stored = (id: string, starts: number) =>
      server.owner(
        `insert into store.job (tenant_id, id, kind, state, request, progress, created, heartbeat)
          values ($1, $2, 'export', 'running', $3, $4, 0, 0)`,
        [
          north.id,
          id,
          JSON.stringify({
            subject: 'anonymous',
            access: { grants: [{ types: ['Patient'], interactions: '*' }] },
            url: 'http://localhost:8080/fhir/north/$export',
            transactionTime: '2026-01-01T00:00:00.000Z',
            level: { kind: 'system' },
            parameters: { filters: [], elements: [], withProvenance: false },
          }),
          JSON.stringify({ starts, files: [left] }),
        ],
      );
    const outcome = async (id: string) => {
      for (;;) {
        const job = await server.jobs.status(north, id);
        if (job?.state === 'done' || job?.state === 'failed') return job;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const [again, given] = ['00000000b', '00000000c'].map((end) => `0190b6a0-0000-7000-8000-000${end}`) as [
      string,
      string,
    ];
    await stored(again, 1);
    const done = await outcome(again);
    const { output } = JSON.parse(done.result ?? '') as { output: JsonObject[] };
    expect(output).toMatchObject([{ type: 'Patient', count: 1 }]);
    expect(done.progress['files']).not.toContain(left);
    expect((await server.jobs.status(north, left))?.state).toBe('cancelled');
    await stored(given, 5);
    expect((await outcome(given)).state).toBe('failed');
  });

  test('what nothing could handle is refused at once; a body that cannot be kept, too', async () => {
    expect((await server.send(north, 'POST', '$nothing', undefined, { async: true })).status).toBe(404);
    const body = '{"resourceType":"Bundle\0"}';
    expect((await server.send(north, 'POST', '', undefined, { async: true, body })).status).toBe(400);
  });

  test('no defect was logged', () => {
    expect(server.errors).toEqual([]);
  });
});
