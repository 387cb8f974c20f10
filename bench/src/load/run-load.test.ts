import { createServer, type Server } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { runLoad } from './run-load.ts';
import { type LoadRequest, SEQUENCE } from './types.ts';

let server: Server | undefined;
afterEach(() => server?.close());

const listen = (answer: (body: string) => { status: number; body: string }): Promise<number> =>
  new Promise((resolve) => {
    server = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const { status, body } = answer(Buffer.concat(pieces).toString());
      response.writeHead(status, { 'Content-Length': Buffer.byteLength(body) }).end(body);
    }).listen(0, '127.0.0.1', () => resolve((server!.address() as { port: number }).port));
  });

const load = (port: number, request: LoadRequest) =>
  runLoad({
    kind: 'load',
    host: '127.0.0.1',
    port,
    connections: 3,
    seconds: 0.2,
    warmUp: 0.05,
    sequence: 41,
    requests: [request],
  });

it('counts answers, and sends another number in each body', async () => {
  const bodies: string[] = [];
  const port = await listen((body) => {
    bodies.push(body);
    return { status: 201, body: 'made' };
  });
  const body = `"${SEQUENCE}"`;
  const result = await load(port, {
    method: 'POST',
    path: '/x',
    body,
    expect: { status: 201, contains: 'made' },
  });
  expect(result.failed).toBe(0);
  expect(result.acknowledged).toBe(bodies.length);
  expect(result.completed).toBeGreaterThan(0);
  expect(result.completed).toBeLessThanOrEqual(bodies.length);
  expect(new Set(bodies).size).toBe(bodies.length);
  expect(bodies[0]).toBe('"000000000041"');
});

it.each([
  [{ status: 404, body: '' }, 'status 404'],
  [{ status: 200, body: '{"id":"other"} "fullUrl" "fullUrl"' }, 'lacks'],
  [{ status: 200, body: '{"id":"this"} "fullUrl"' }, '1 entries instead of 2'],
])('reports %j as wrong', async (answer, problem) => {
  const port = await listen(() => answer);
  const request = {
    method: 'GET',
    path: '/x',
    expect: { status: 200, contains: '"this"', entries: 2 },
  } as const;
  const result = await load(port, request);
  expect(result.acknowledged).toBe(0);
  expect(result.failed).toBeGreaterThan(0);
  expect(result.failures[0]?.problem).toContain(problem);
});
