import { insertFloor } from '../floors/insert.ts';
import type { InsertResult } from '../floors/insert-child.ts';
import { runJob } from '../load/client.ts';
import type { IngestResult } from '../load/types.ts';
import { buildModel, type Model } from '../model.ts';
import { profiled } from '../product/profile.ts';
import { format } from '../report.ts';
import { repeated } from '../statistics.ts';
import type { PreparedBundle, PreparedPatient } from '../synthea/prepare.ts';
import type { Bench } from './bench.ts';

const CONNECTIONS = 4;
const LONGEST_REST = 90;

/** Runs the insert floor once. */
export async function measureInsertFloor(
  directory: string,
  patients: readonly PreparedPatient[],
): Promise<InsertResult> {
  return await insertFloor(`${directory}/insert-floor`, patients, CONNECTIONS);
}

/**
 * Loads all data: hospitals and practitioners, then the patients' transactions at concurrency 4.
 * @param floors results of the insert floor, before; another one is made after the load
 */
export async function ingest(bench: Bench, floors: InsertResult[]): Promise<Model> {
  const { product, database, data, report, options } = bench;
  const emptySize = await database.size();
  await post(bench, data.shared, 1, 'hospitals');
  const cpuBefore = product.cpu();
  const load = () => post(bench, data.patients, CONNECTIONS, 'ingest');
  const result = options.profile ? await profiled(product, bench.results, 'ingest', load) : await load();
  const cpuAfter = product.cpu();
  const memory = product.serverMemory();
  const model = buildModel(data.shared, data.patients);
  await checkCounts(bench, model);

  const rest = await database.settle(LONGEST_REST);
  await database.checkpoint();
  const size = (await database.size()) - emptySize;
  const tables = await database.tableSizes();
  if (!options.only.has('ingest')) return model;

  floors.push(await measureInsertFloor(bench.directory, data.patients));
  const total = data.shared.reduce((sum, { resources }) => sum + resources, data.resources);
  const seconds = Math.max(...result.times.map(({ answered }) => answered)) / 1000;
  const rate = data.resources / seconds;
  const floorRates = repeated(floors.map((floor) => floor.rows / floor.seconds));
  report.heading('Ingest');
  report.add({
    group: 'Ingest',
    name: `transaction bundles over HTTP, concurrency ${CONNECTIONS}`,
    value: rate,
    unit: 'resources/s',
    floor: floorRates.median,
    floorSpread: [floorRates.min, floorRates.max],
    bar: 'at least 3,000/s and 35 % of the floor',
    pass: rate >= 3000 && rate >= 0.35 * floorRates.median,
    note:
      `${format(data.resources)} resources, ${data.patients.length} bundles, ${format(data.bytes / 1e6)} MB in ${seconds.toFixed(1)} s; ` +
      `the floor is bare pg, multi-row INSERT, before and after the load; ` +
      `processor time of a resource: server ${costPer(cpuAfter.server - cpuBefore.server, data.resources)} ms, PostgreSQL ${costPer(cpuAfter.database - cpuBefore.database, data.resources)} ms`,
  });
  const tenths = tenthsOf(result.times, data.patients);
  report.add({
    group: 'Ingest',
    name: 'last tenth beside first tenth (the same patients)',
    value: tenths.at(-1)!,
    unit: 'resources/s',
    floor: tenths[0]!,
    bar: 'not over 20 % slower',
    pass: tenths.at(-1)! >= 0.8 * tenths[0]!,
    note: `each tenth: ${tenths.map(format).join(', ')}`,
  });
  const peaks = memory.map(({ peak }) => peak / 1e6);
  report.add({
    group: 'Ingest',
    name: 'greatest memory of a server process while it loads',
    value: Math.max(...peaks),
    unit: 'MB',
    bar: 'under 700 MB',
    pass: Math.max(...peaks) < 700,
    note: `peak RSS (VmHWM) of each: ${peaks.map(format).join(', ')} MB`,
  });
  report.add({
    group: 'Ingest',
    name: 'database size of a resource',
    value: size / total / 1000,
    unit: 'kB',
    bar: 'under 5 kB',
    pass: size / total < 5000,
    note: tables
      .slice(0, 6)
      .map(
        ({ name, table, indexes }) => `${name} ${format(table / total)} + ${format(indexes / total)} bytes`,
      )
      .join(', ')
      .concat(' (table + indexes)'),
  });
  report.data.facts['autovacuum'] = rest.settled
    ? `at rest ${rest.seconds.toFixed(0)} s after the load; the searches come then`
    : `still at work after ${LONGEST_REST} s`;
  report.detail('ingest', {
    seconds,
    tenths,
    floors,
    memory,
    size,
    tables,
    clientCpu: result.clientCpu,
    times: result.times,
  });
  return model;
}

function costPer(cpuSeconds: number, resources: number): string {
  return ((cpuSeconds * 1000) / resources).toFixed(3);
}

async function post(
  { product }: Bench,
  bundles: readonly PreparedBundle[],
  connections: number,
  what: string,
): Promise<IngestResult> {
  const result = await runJob({
    kind: 'ingest',
    host: product.host,
    port: product.port,
    connections,
    path: product.base,
    bundles: bundles.map(({ file, resources, bytes }) => ({ file, resources, bytes })),
  });
  if (result.failures.length > 0) {
    const [first] = result.failures;
    throw new Error(
      `${what}: ${result.failures.length} of ${bundles.length} bundles failed, the first is ${first!.request}: ${first!.problem}\n${product.output()}`,
    );
  }
  return result;
}

/** Each type must be there as often as it was loaded. */
async function checkCounts({ product, report }: Bench, model: Model): Promise<void> {
  for (const [type, expected] of model.counts) {
    const path = `${product.base}/${type}?_summary=count`;
    const { total } = (await product.json(path)) as { total?: number };
    if (total !== expected) {
      report.fail('ingest', [
        { request: `GET ${path}`, problem: `total is ${total}, ${expected} were loaded` },
      ]);
    }
  }
}

/**
 * Resources per second in each tenth of the resources. A bundle's resources count as done evenly between its sending and
 * its answer: when it is answered all at once, a great one would make one tenth slow and the next one fast.
 */
export function tenthsOf(
  times: readonly { readonly sent: number; readonly answered: number }[],
  bundles: readonly { readonly resources: number }[],
): number[] {
  const total = bundles.reduce((sum, { resources }) => sum + resources, 0);
  const doneAt = (time: number) =>
    times.reduce((sum, { sent, answered }, index) => {
      const share = Math.min(1, Math.max(0, (time - sent) / (answered - sent)));
      return sum + share * bundles[index]!.resources;
    }, 0);
  const end = Math.max(...times.map(({ answered }) => answered));
  const marks = Array.from({ length: 11 }, (_, tenth) => timeOf((tenth / 10) * total, doneAt, end));
  marks[10] = end;
  return Array.from({ length: 10 }, (_, tenth) => total / 10 / ((marks[tenth + 1]! - marks[tenth]!) / 1000));
}

/** When so many were done, by bisection; the count never falls. */
function timeOf(count: number, doneAt: (time: number) => number, end: number): number {
  let low = 0;
  let high = end;
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2;
    if (doneAt(middle) < count) low = middle;
    else high = middle;
  }
  return high;
}
