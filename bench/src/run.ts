import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onEnd } from './cleanup.ts';
import type { InsertResult } from './floors/insert-child.ts';
import { describeMachine } from './machine.ts';
import { GROUPS, type Options } from './options.ts';
import { ProductDatabase } from './product/database.ts';
import { Product } from './product/server.ts';
import { format, Report } from './report.ts';
import { readSynthea } from './synthea/patients.ts';
import { type PreparedData, prepareData } from './synthea/prepare.ts';
import { measureAccess } from './workloads/access.ts';
import type { Bench, LoadedBench } from './workloads/bench.ts';
import { measureFloors } from './workloads/floors-only.ts';
import { ingest, measureInsertFloor } from './workloads/ingest.ts';
import { measureRead } from './workloads/read.ts';
import { measureScheduling } from './workloads/scheduling.ts';
import { measureSearch } from './workloads/search.ts';
import { measureMemory, measureStart } from './workloads/start.ts';
import { measureWrite } from './workloads/write.ts';

const RESULTS = resolve(import.meta.dirname, '../results');
const TENANT = 'bench';

/**
 * Runs the benchmark as the options say and writes the report.
 * @returns whether all answers were right
 */
export async function run(options: Options): Promise<boolean> {
  mkdirSync(RESULTS, { recursive: true });
  const synthea = readSynthea(options.data);
  const directory = mkdtempSync(join(tmpdir(), 'vesta-bench-'));
  // PostgreSQL runs as another user when this is root's.
  const remove = onEnd(directory, () => rmSync(directory, { recursive: true, force: true }));
  try {
    const machine = describeMachine(directory);
    const report = new Report(machine);
    console.log(
      `${machine.cores} cores (${machine.processor}), Node ${machine.node}; 8 kB are on disk after ${format(machine.sync)} ms`,
    );
    console.log(`Preparing ${format(options.resources)} resources from ${options.data}`);
    const data = prepareData(synthea, options.resources, options.seed, join(directory, 'bundles'));
    report.data.facts['data'] = describeData(data, synthea.patients.length, options.seed);
    report.data.facts['seconds of each measurement'] = options.seconds;
    report.data.facts['repetitions'] = options.repetitions;
    let complete = !options.quick && !options.floorsOnly && options.only.size === GROUPS.length;
    try {
      if (options.floorsOnly) await measureFloors(options, report, directory, data);
      else await measureProduct(options, report, directory, data);
    } catch (error) {
      // What was measured so far is kept.
      complete = false;
      report.fail('run', [{ request: 'the benchmark was broken off', problem: (error as Error).message }]);
    }
    if (!options.profile) {
      const path = join(RESULTS, complete ? 'latest' : 'partial');
      report.write(path);
      console.log(`\n${path}.md`);
    }
    return report.data.failures.length === 0;
  } finally {
    await remove();
  }
}

async function measureProduct(
  options: Options,
  report: Report,
  directory: string,
  data: PreparedData,
): Promise<void> {
  const floors: InsertResult[] = [];
  if (options.only.has('ingest')) floors.push(await measureInsertFloor(directory, data.patients));
  const product = await Product.create(join(directory, 'data'), TENANT);
  console.log('Starting the server');
  await product.start(['/health/ready']);
  await product.settled();
  let database: ProductDatabase | undefined;
  try {
    await product.command('tenant', 'create', TENANT);
    database = await ProductDatabase.open(product.dataDirectory);
    report.data.facts['PostgreSQL'] = await database.version();
    report.data.facts['server processes'] = product.workers().length;
    if (product.workers().length !== availableParallelism()) {
      throw new Error(`${product.workers().length} server processes run on ${availableParallelism()} cores`);
    }
    console.log(`Loading ${format(data.resources)} resources`);
    const bench: Bench = { options, report, directory, results: RESULTS, data, product, database };
    const loaded: LoadedBench = { ...bench, model: await ingest(bench, floors) };
    const { only } = options;
    if (only.has('read')) await measureRead(loaded);
    if (only.has('search')) await measureSearch(loaded);
    if (only.has('access')) await measureAccess(loaded);
    if (only.has('write')) await measureWrite(loaded);
    if (only.has('scheduling')) await measureScheduling(loaded);
    await database.close();
    database = undefined;
    if (only.has('memory')) {
      report.heading('Memory');
      await measureMemory(loaded, 'after all this work');
    }
    if (only.has('start')) await measureStart(loaded);
    if (only.has('memory')) {
      await product.stop();
      await product.start([`${product.base}/metadata`, `${product.base}/${loaded.model.references[0]}`]);
      report.heading('Memory');
      await measureMemory(loaded, 'after a start and one read');
    }
  } catch (error) {
    const output = product.output();
    if (output !== '') console.error(`\nThe server's last words:\n${output}\n`);
    throw error;
  } finally {
    await database?.close();
    await product.stop();
  }
}

function describeData(data: PreparedData, patients: number, seed: number): string {
  const identities = Math.max(...data.patients.map(({ identity }) => identity.number));
  return (
    `${format(data.resources)} Synthea resources in ${data.patients.length} transaction bundles (${format(data.bytes / 1e6)} MB of JSON, ` +
    `the greatest has ${format(Math.max(...data.patients.map(({ resources }) => resources)))} resources): ${patients} patients under up to ${identities} identities, seed ${seed}`
  );
}
