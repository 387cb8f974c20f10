import { readFileSync, writeFileSync } from 'node:fs';
import { Connection, encodeHead, headerOf } from '../http-client.ts';
import { encode, Failures, problemOf } from './run-load.ts';
import type { CollectJob, CollectResult, Failure, IngestJob, IngestResult } from './types.ts';

/** Sends each request once and writes the answers' bodies to a file. */
export async function runCollect(job: CollectJob): Promise<CollectResult> {
  const failures = new Failures();
  const lines: Buffer[] = Array.from({ length: job.requests.length });
  const etags: string[] = Array.from({ length: job.requests.length });
  await inTurns(job, job.requests, async (connection, request, index) => {
    const encoded = encode(job, request);
    const reply = await connection.request(encoded.bytes);
    const problem = problemOf(encoded, reply);
    if (problem !== undefined) failures.add(request, problem);
    const body = reply.status === request.expect.status ? reply.body : Buffer.alloc(0);
    if (body.includes(10)) throw new Error(`${request.path}: the answer has line breaks`);
    lines[index] = Buffer.concat([Buffer.from(`${request.path}\t`), body, Buffer.from('\n')]);
    etags[index] = headerOf(reply.head, 'etag') ?? '';
  });
  writeFileSync(job.file, Buffer.concat(lines));
  return { failed: failures.count, failures: failures.shown, etags };
}

/** Posts bundles; the answers are written beside them when all is over. */
export async function runIngest(job: IngestJob): Promise<IngestResult> {
  const times: { sent: number; answered: number }[] = Array.from({ length: job.bundles.length });
  const statuses: number[] = Array.from({ length: job.bundles.length });
  const bodies: Buffer[] = Array.from({ length: job.bundles.length });
  const failures: Failure[] = [];
  const cpu = process.cpuUsage();
  const began = performance.now();
  await inTurns(job, job.bundles, async (connection, { file }, index) => {
    const body = readFileSync(file);
    const sent = performance.now() - began;
    // Answers of servers that would send every resource back would measure something else.
    const head = encodeHead(`${job.host}:${job.port}`, 'POST', job.path, body, { Prefer: 'return=minimal' });
    const reply = await connection.request([head, body]);
    times[index] = { sent, answered: performance.now() - began };
    statuses[index] = reply.status;
    bodies[index] = reply.body;
    if (reply.status !== 200) {
      failures.push({
        request: file,
        problem: `status ${reply.status}: ${reply.body.toString('utf8', 0, 500)}`,
      });
    }
  });
  const seconds = (performance.now() - began) / 1000;
  const used = process.cpuUsage(cpu);
  for (const [index, { file }] of job.bundles.entries()) writeFileSync(`${file}.response`, bodies[index]!);
  return { times, statuses, failures, clientCpu: (used.user + used.system) / 1e6 / seconds };
}

/** Each connection takes the next item as soon as it has finished the one before. */
async function inTurns<T>(
  job: { readonly host: string; readonly port: number; readonly connections: number },
  items: readonly T[],
  work: (connection: Connection, item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(job.connections, items.length) }, async () => {
      const connection = await Connection.open(job.host, job.port);
      try {
        while (next < items.length) {
          const index = next++;
          await work(connection, items[index] as T, index);
        }
      } finally {
        connection.close();
      }
    }),
  );
}
