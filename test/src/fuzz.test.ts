import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bombs } from './bombs.ts';
import { exchange, type Incoming, inParallel, type Outgoing } from './exchange.ts';
import { type Case, hostileRequest } from './hostile-requests.ts';
import { Random } from './random.ts';
import { SEEDED } from './random-resource.ts';
import { type Served, startServed } from './served.ts';

/*
 * Hostile input (issue 3, section 7): whatever comes, the answer is the client's error with an OperationOutcome (R4
 * http.html#Status-Codes), in bounded time and memory, from the same process. VESTA_FUZZ_SEED repeats a run,
 * VESTA_FUZZ_RUNS makes a longer one.
 */

// CI judges a change, so it sends the same requests each time; everybody else's runs look further.
const SEED = Number(
  process.env['VESTA_FUZZ_SEED'] ?? (process.env['CI'] ? 2106908518 : Date.now() % 0x7fffffff),
);
const RUNS = Number(process.env['VESTA_FUZZ_RUNS'] ?? 3000);
const VERBOSE = process.env['VESTA_FUZZ_VERBOSE'] !== undefined;
const BASE = '/fhir/north';
const FHIR = { 'Content-Type': 'application/fhir+json' };
/** Whoever has no answer after so many milliseconds has none, on however busy a machine. */
const PATIENCE = 60_000;
/**
 * Milliseconds of the server process: a request that takes more is one that a few others like it could stop the server
 * with. Statements of the database have a time limit of their own, after which the answer would be a 503.
 */
const DEAREST = 10_000;

let served: Served;
let workers: number[];

beforeAll(async () => {
  console.log(`fuzz seed ${SEED} (VESTA_FUZZ_SEED=${SEED} repeats it)`);
  served = await startServed(['north'], {
    VESTA_WORKERS: '1',
    VESTA_MAX_BODY_MB: '4',
    VESTA_LOG_LEVEL: 'error',
  });
  await seed();
  workers = served.workers();
});
afterAll(async () => {
  await served?.stop();
});

async function seed(): Promise<void> {
  for (const id of SEEDED) {
    const patient = {
      resourceType: 'Patient',
      id,
      name: [{ family: 'Anna', given: ['b', 'c'] }],
      birthDate: '2020-02-29',
    };
    await send({
      method: 'PUT',
      path: `${BASE}/Patient/${id}`,
      headers: FHIR,
      body: JSON.stringify(patient),
    });
  }
}

const send = (outgoing: Outgoing): Promise<Incoming> => exchange(served.port, outgoing, PATIENCE);

/** What is wrong with an answer; undefined when it is as it should be. */
function fault(
  { method, path }: Outgoing,
  { status, headers, body, error, milliseconds }: Incoming,
): string | undefined {
  if (status <= 0) return `${error ?? 'no answer'} after ${Math.round(milliseconds)} ms`;
  const text = body.toString('utf8');
  if (status >= 500 && status !== 501) return `${status} ${text.slice(0, 300)}`;
  const json = (headers['content-type'] ?? '').includes('json') && headers['content-encoding'] === undefined;
  let parsed:
    | { resourceType?: string; issue?: { severity?: string; code?: string; diagnostics?: string }[] }
    | undefined;
  try {
    if (json && text !== '') parsed = JSON.parse(text);
  } catch {
    return `${status} with a body that is no JSON: ${text.slice(0, 200)}`;
  }
  const ofFhir = path.startsWith('/fhir/');
  if (status < 400 || headers['content-encoding'] !== undefined || method === 'HEAD' || !ofFhir)
    return undefined;
  if (text.includes('<OperationOutcome') && /<issue>.*<diagnostics /.test(text)) return undefined;
  const issues = parsed?.resourceType === 'OperationOutcome' ? (parsed.issue ?? []) : [];
  if (issues.length === 0) return `${status} without an issue: ${text.slice(0, 200)}`;
  if (issues.some(({ severity, code, diagnostics }) => !severity || !code || !diagnostics))
    return `${status} with an empty issue: ${text.slice(0, 300)}`;
  return undefined;
}

const shown = ({ method, path, headers, body }: Outgoing): string =>
  `${method} ${path.slice(0, 400)} ${JSON.stringify(headers ?? {}).slice(0, 200)} ${JSON.stringify(String(body ?? '').slice(0, 700))}`;

/** Sends all and gives a line for each that was not answered as it should be. */
async function faultsOf(cases: readonly Case[], width = 8): Promise<string[]> {
  const faults: string[] = [];
  await inParallel(cases, width, async ({ kind, outgoing }, index) => {
    if (index % 500 === 499) await seed();
    const answer = await send(outgoing);
    const wrong = fault(outgoing, answer);
    if (wrong !== undefined) faults.push(`${kind}: ${wrong}\n    ${shown(outgoing)}`);
    if (VERBOSE) slowest.push({ milliseconds: answer.milliseconds, what: shown(outgoing) });
  });
  return faults;
}

/** Of a verbose run. */
const slowest: { milliseconds: number; what: string }[] = [];

/** The distinct lines that the server has logged, without what changes from one to the next. */
function logged(): string {
  const lines = served.process.output
    .split('\n')
    .map((line) => line.replace(/"(time|traceId|requestId)":"[^"]*",?/g, ''));
  return [...new Set(lines)].slice(0, 60).join('\n');
}

/** Processor time that the server process has used, in milliseconds (proc(5): utime and stime, in hundredths of a second). */
function used(): number {
  const stat = readFileSync(`/proc/${workers[0]}/stat`, 'latin1');
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(utime) + Number(stime)) * 10;
}

/** Resident memory of the server process in bytes. */
function resident(): number {
  const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${workers[0]}/status`, 'utf8'))?.[1];
  return Number(kb) * 1024;
}

describe('hostile requests (issue 3, section 7)', () => {
  test(`${RUNS} random ones`, { timeout: 300_000 }, async () => {
    const numbers = fc.sample(fc.noShrink(fc.nat(0xffffffff)), { seed: SEED, numRuns: RUNS });
    const cases = numbers.map((number) => hostileRequest(BASE, new Random(number)));
    const faults = await faultsOf(cases);
    if (VERBOSE)
      console.log(slowest.sort((a, b) => b.milliseconds - a.milliseconds).slice(0, 25), resident() / 1e6);
    if (faults.length > 0) console.log(logged());
    expect(faults).toEqual([]);
    expect(served.workers()).toEqual(workers);
  });

  test('bombs: small requests that would be dear', { timeout: 300_000 }, async () => {
    const evil = { resourceType: 'Patient', id: 'evil', name: [{ family: `${'a'.repeat(60)}!` }] };
    await send({ method: 'PUT', path: `${BASE}/Patient/evil`, headers: FHIR, body: JSON.stringify(evil) });
    const before = resident();
    const faults: string[] = [];
    for (const { name, outgoing, expected } of bombs(BASE)) {
      const earlier = used();
      const answer = await send(outgoing);
      const cost = used() - earlier;
      const wrong =
        fault(outgoing, answer) ??
        (expected.includes(answer.status)
          ? undefined
          : `${answer.status} ${answer.body.toString().slice(0, 300)}`) ??
        (cost > DEAREST ? `${cost} ms of the processor` : undefined);
      if (wrong !== undefined) faults.push(`${name}: ${wrong}`);
      // The server is busy with the last one still: the others would wait in vain.
      if (answer.status < 0) break;
      if (VERBOSE)
        console.log(answer.status, cost, Math.round(answer.milliseconds), Math.round(resident() / 1e6), name);
    }
    if (faults.length > 0) console.log(logged());
    expect(faults).toEqual([]);
    expect(served.workers()).toEqual(workers);
    expect(resident() - before).toBeLessThan(600_000_000);
  });
});
