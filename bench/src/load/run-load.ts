import { Connection, encodeRequest, type Reply } from '../http-client.ts';
import { Samples } from '../statistics.ts';
import {
  type Failure,
  type LoadJob,
  type LoadRequest,
  type LoadResult,
  SEQUENCE,
  SEQUENCE_DIGITS,
} from './types.ts';

const SHOWN_FAILURES = 5;
const SHOWN_SLOW = 5;
const FULL_URL = Buffer.from('"fullUrl"');

/** A request as bytes, made once. */
export interface EncodedRequest {
  readonly request: LoadRequest;
  readonly bytes: Buffer;
  /** Where the sequence stands in the bytes; -1 when there is none. */
  readonly sequenceAt: number;
  readonly contains: Buffer | undefined;
}

/** Encodes requests for a host. */
export function encode(
  job: { readonly host: string; readonly port: number },
  request: LoadRequest,
): EncodedRequest {
  const bytes = encodeRequest(
    `${job.host}:${job.port}`,
    request.method,
    request.path,
    request.body,
    request.headers,
  );
  return {
    request,
    bytes,
    sequenceAt: bytes.indexOf(SEQUENCE),
    contains: request.expect.contains === undefined ? undefined : Buffer.from(request.expect.contains),
  };
}

/** What is wrong with an answer, or undefined. */
export function problemOf(
  { request: { expect }, contains }: EncodedRequest,
  reply: Reply,
): string | undefined {
  if (reply.status !== expect.status) {
    return `status ${reply.status} instead of ${expect.status}: ${reply.body.toString('utf8', 0, 300)}`;
  }
  if (contains !== undefined && !reply.body.includes(contains)) {
    return `the answer lacks ${expect.contains}: ${reply.body.toString('utf8', 0, 300)}`;
  }
  if (expect.entries !== undefined) {
    const count = occurrences(reply.body, FULL_URL);
    if (count !== expect.entries) return `${count} entries instead of ${expect.entries}`;
  }
  return undefined;
}

function occurrences(bytes: Buffer, text: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) count++;
  return count;
}

/** Keeps the first few failures and counts all. */
export class Failures {
  count = 0;
  readonly shown: Failure[] = [];

  add(request: LoadRequest, problem: string): void {
    this.count++;
    if (this.shown.length < SHOWN_FAILURES)
      this.shown.push({ request: `${request.method} ${request.path}`, problem });
  }
}

/** Runs a load in this process. @throws Error when nobody listens, or when a connection breaks */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const requests = job.requests.map((request) => encode(job, request));
  const connections = await Promise.all(
    Array.from({ length: job.connections }, () => Connection.open(job.host, job.port)),
  );
  try {
    return await new Load(job, requests, connections).run();
  } finally {
    for (const connection of connections) connection.close();
  }
}

class Load {
  readonly #job: LoadJob;
  readonly #requests: readonly EncodedRequest[];
  readonly #connections: readonly Connection[];
  readonly #samples = new Samples();
  readonly #failures = new Failures();
  readonly #sums: Float64Array;
  readonly #counts: Float64Array;
  #next = 0;
  #sequence: number;
  #bytes = 0;
  #acknowledged = 0;
  #from = 0;
  #until = 0;

  constructor(job: LoadJob, requests: readonly EncodedRequest[], connections: readonly Connection[]) {
    this.#job = job;
    this.#requests = requests;
    this.#connections = connections;
    this.#sums = new Float64Array(requests.length);
    this.#counts = new Float64Array(requests.length);
    this.#sequence = job.sequence;
  }

  async run(): Promise<LoadResult> {
    this.#from = performance.now() + this.#job.warmUp * 1000;
    this.#until = this.#from + this.#job.seconds * 1000;
    let cpu = process.cpuUsage();
    const mark = setTimeout(() => {
      cpu = process.cpuUsage();
    }, this.#job.warmUp * 1000);
    await Promise.all(this.#connections.map((connection) => this.#loop(connection)));
    clearTimeout(mark);
    const used = process.cpuUsage(cpu);
    const completed = this.#samples.length;
    return {
      completed,
      acknowledged: this.#acknowledged,
      rate: completed / this.#job.seconds,
      latency: this.#samples.latency(),
      meanBytes: this.#bytes / Math.max(1, completed),
      failed: this.#failures.count,
      failures: this.#failures.shown,
      slowest: this.#slowest(),
      clientCpu: (used.user + used.system) / 1e6 / this.#job.seconds,
    };
  }

  /** One connection until the time is over. An answer that comes later than that is not counted. */
  #loop(connection: Connection): Promise<void> {
    return new Promise((resolve, reject) => {
      const send = () => {
        const index = this.#next++ % this.#requests.length;
        const encoded = this.#requests[index]!;
        const sent = performance.now();
        if (sent >= this.#until) {
          resolve();
          return;
        }
        connection.exchange(
          this.#bytesOf(encoded),
          (reply) => {
            const now = performance.now();
            const problem = problemOf(encoded, reply);
            if (problem === undefined) this.#acknowledged++;
            else this.#failures.add(encoded.request, problem);
            if (sent >= this.#from && now <= this.#until) this.#count(index, now - sent, reply.body.length);
            send();
          },
          reject,
        );
      };
      send();
    });
  }

  #bytesOf({ bytes, sequenceAt }: EncodedRequest): Buffer {
    if (sequenceAt < 0) return bytes;
    const own = Buffer.from(bytes);
    own.write(String(this.#sequence++).padStart(SEQUENCE_DIGITS, '0'), sequenceAt, 'latin1');
    return own;
  }

  #count(index: number, milliseconds: number, bytes: number): void {
    this.#samples.add(milliseconds);
    this.#sums[index]! += milliseconds;
    this.#counts[index]! += 1;
    this.#bytes += bytes;
  }

  #slowest(): LoadResult['slowest'] {
    return this.#requests
      .map(({ request }, index) => ({
        request: `${request.method} ${request.path}`,
        mean: this.#sums[index]! / this.#counts[index]!,
        count: this.#counts[index]!,
      }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.mean - a.mean)
      .slice(0, SHOWN_SLOW);
  }
}
