import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { accessScopeOf } from '@vesta/server/src/access/access-scope-of.ts';
import { grantsFor } from '@vesta/server/src/access/scope.ts';
import { runJob } from '../load/client.ts';
import type { LoadRequest } from '../load/types.ts';
import type { StoredPatient } from '../model.ts';
import { type Mode, type ModeServer, startMode, type TokenFields } from '../product/mode.ts';
import { Random } from '../random.ts';
import { median, repeated } from '../statistics.ts';
import type { LoadedBench } from './bench.ts';
import { readRequests } from './read.ts';

const CONNECTIONS = 16;
const RESOURCES = 5000;
/** Patients whose own tokens are used. */
const PATIENTS = 40;
/** More rounds than elsewhere: what is compared differs by little. */
const ROUNDS_PER_REPETITION = 3;
const CLINICIAN: TokenFields = { scopes: 'user/*.rs', role: 'attending', fhirUser: 'Practitioner/bench' };

/** A request, and which of the tokens it carries where one is needed. */
interface Asked {
  readonly request: LoadRequest;
  readonly token: number;
}

interface AccessCase {
  readonly name: string;
  readonly asked: readonly Asked[];
}

/** A round of a mode. */
interface Round {
  readonly rate: number;
  /** Milliseconds of processor time for each request, of the server process and of PostgreSQL. */
  readonly server: number;
  readonly database: number;
}

const MODES: readonly Mode[] = ['open', 'smart', 'unaudited'];

/**
 * What tokens and the audit log cost: the same requests to three server processes on the same database, of which one asks
 * for no token and one does not write the log, in short rounds that take turns.
 */
export async function measureAccess(bench: LoadedBench): Promise<void> {
  const { options, report, product, database, directory } = bench;
  const { tokens, cases } = accessCases(bench);
  const masterKey = randomBytes(32);
  const servingUrl = await database.servingUrl();
  const servers = new Map<Mode, ModeServer>();
  report.heading('Access');
  try {
    for (const mode of MODES) {
      const spoolDirectory = join(directory, `spool-${mode}`);
      servers.set(
        mode,
        await startMode({ mode, servingUrl, masterKey, tenant: product.tenant, tokens, spoolDirectory }),
      );
    }
    for (const one of cases) {
      const rounds: Record<Mode, Round[]> = { open: [], smart: [], unaudited: [] };
      for (let i = 0; i < options.repetitions * ROUNDS_PER_REPETITION; i++) {
        // Each mode is as often first as the others.
        for (let turn = 0; turn < MODES.length; turn++) {
          const mode = MODES[(i + turn) % MODES.length]!;
          rounds[mode].push(await round(bench, one, servers.get(mode)!, i === 0));
        }
      }
      addRows(bench, one, rounds);
    }
  } finally {
    for (const server of servers.values()) await server.stop();
  }
}

function accessCases({ options, product, model }: LoadedBench): {
  tokens: TokenFields[];
  cases: AccessCase[];
} {
  const random = new Random(options.seed + 5);
  const readable = new Set(
    model.references.filter((reference) => mayAllRead(reference.slice(0, reference.indexOf('/')))),
  );
  const references = random.sample([...readable], RESOURCES);
  const patients = random.sample(model.patients, PATIENTS);
  const tokens: TokenFields[] = [
    { scopes: 'system/*.rs' },
    CLINICIAN,
    ...patients.map(({ id, reference }) => ({
      scopes: 'patient/*.rs',
      role: 'patient',
      fhirUser: reference,
      patient: id,
    })),
  ];
  const reads = readRequests(product.base, references);
  const own = patients.flatMap((patient, index) =>
    readRequests(
      product.base,
      random.sample(
        patient.references.filter((reference) => readable.has(reference)),
        100,
      ),
    ).map((request) => ({
      request,
      token: index + 2,
    })),
  );
  const searches = patients.map((patient, index) => ({
    request: search(product.base, patient),
    token: index + 2,
  }));
  const carrying = (token: number, requests: readonly LoadRequest[]) =>
    requests.map((request) => ({ request, token }));
  const found = searches.map(({ request }) => request);
  return {
    tokens,
    cases: [
      { name: 'read by id, system scope', asked: carrying(0, reads) },
      { name: 'read by id, user scope of a role', asked: carrying(1, reads) },
      { name: 'read by id, patient scope', asked: random.sample(own, own.length) },
      { name: 'small search, system scope', asked: carrying(0, found) },
      { name: 'small search, user scope of a role', asked: carrying(1, found) },
      { name: 'small search, patient scope', asked: searches },
    ],
  };
}

/** Whether the roles of the tokens may read a type at all: the requests are the same for all of them. */
function mayAllRead(type: string): boolean {
  const tenant = { id: 0, name: '' };
  const patient = { scopes: 'patient/*.rs', role: 'patient', fhirUser: 'Patient/1', patient: '1' };
  return [CLINICIAN, patient].every((token) => {
    const scope = accessScopeOf({ clientId: 'bench', subject: 'bench', ...token }, tenant);
    return grantsFor(scope, type, 'read').length > 0;
  });
}

/** A page of a patient's latest results. */
function search(base: string, { id, observations }: StoredPatient): LoadRequest {
  return {
    method: 'GET',
    path: `${base}/Observation?patient=${id}&_sort=-date&_count=5`,
    expect: { status: 200, entries: Math.min(5, observations.length) },
  };
}

async function round(
  { options, report, product }: LoadedBench,
  { name, asked }: AccessCase,
  server: ModeServer,
  first: boolean,
): Promise<Round> {
  const { host, port, tokens } = server;
  const requests = asked.map(({ request, token }) => {
    const bearer = tokens[token];
    return bearer === undefined ? request : { ...request, headers: { Authorization: `Bearer ${bearer}` } };
  });
  const before = { server: server.cpu(), database: product.cpu().database };
  const result = await runJob({
    kind: 'load',
    host,
    port,
    connections: CONNECTIONS,
    seconds: options.seconds / 2,
    warmUp: first ? 1.5 : 0.3,
    sequence: 0,
    requests,
  });
  report.fail(name, result.failures);
  const answers = Math.max(1, result.acknowledged + result.failed);
  return {
    rate: result.rate,
    server: ((server.cpu() - before.server) * 1000) / answers,
    database: ((product.cpu().database - before.database) * 1000) / answers,
  };
}

function addRows(
  { report }: LoadedBench,
  { name }: AccessCase,
  rounds: Record<Mode, readonly Round[]>,
): void {
  const rates = (mode: Mode) => repeated(rounds[mode].map(({ rate }) => rate));
  const costs = (mode: Mode) => repeated(rounds[mode].map(({ server, database }) => server + database));
  const cost = (mode: Mode) =>
    `${median(rounds[mode].map(({ server }) => server)).toFixed(3)} + ${median(rounds[mode].map(({ database }) => database)).toFixed(3)} ms`;
  const [open, smart] = [rates('open'), rates('smart')];
  report.add({
    group: 'Access',
    name: `${name}: rate with a token, beside open mode`,
    value: smart.median,
    unit: '/s',
    spread: [smart.min, smart.max],
    floor: open.median,
    floorSpread: [open.min, open.max],
    bar: 'at least 85 % of open mode',
    pass: smart.median >= 0.85 * open.median,
    note: `one server process, ${CONNECTIONS} connections; processor time of a request, server + PostgreSQL: ${cost('smart')} with a token, ${cost('open')} in open mode`,
  });
  const [audited, unaudited] = [costs('smart'), costs('unaudited')];
  report.add({
    group: 'Access',
    name: `${name}: processor time, beside none written to the audit log`,
    value: audited.median,
    unit: 'ms',
    spread: [audited.min, audited.max],
    floor: unaudited.median,
    floorSpread: [unaudited.min, unaudited.max],
    bar: 'under 15 % more',
    pass: audited.median < 1.15 * unaudited.median,
    note: `server and PostgreSQL, the hash chain's batches included: ${cost('smart')}, without the log ${cost('unaudited')}; rate without it ${Math.round(rates('unaudited').median)}/s`,
  });
  report.detail(`access: ${name}`, rounds);
}
