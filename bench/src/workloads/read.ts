import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { startExpress } from '../floors/express.ts';
import { runJob } from '../load/client.ts';
import type { LoadRequest, LoadResult } from '../load/types.ts';
import { Random } from '../random.ts';
import { format } from '../report.ts';
import { repeated } from '../statistics.ts';
import { costOf, type LoadedBench, loadProduct, type ProductLoad } from './bench.ts';

const CONNECTIONS = 16;
/** Different resources that are read; bare Express holds them in memory. */
const RESOURCES = 20_000;

/** Requests that read resources, each of which must answer with its own id. */
export function readRequests(base: string, references: readonly string[]): LoadRequest[] {
  return references.map((reference) => ({
    method: 'GET',
    path: `${base}/${reference}`,
    expect: { status: 200, contains: reference.slice(reference.indexOf('/') + 1) },
  }));
}

/** Gets resources once each. @returns their texts by `Type/id`, and the file they lie in */
export async function collectResources(
  { product, report, directory }: LoadedBench,
  references: readonly string[],
  name: string,
): Promise<{ file: string; texts: Map<string, string>; etags: readonly string[] }> {
  const file = join(directory, `${name}.bodies`);
  const requests = readRequests(product.base, references);
  const { failures, etags } = await runJob({
    kind: 'collect',
    host: product.host,
    port: product.port,
    connections: 4,
    requests,
    file,
  });
  report.fail(name, failures);
  const lines = readFileSync(file, 'utf8').split('\n');
  return {
    file,
    texts: new Map(
      references.map((reference, index) => [reference, lines[index]!.slice(lines[index]!.indexOf('\t') + 1)]),
    ),
    etags,
  };
}

/** read by id beside bare Express, in turns. */
export async function measureRead(bench: LoadedBench): Promise<void> {
  const { options, report, product, model } = bench;
  const random = new Random(options.seed + 1);
  const references = random.sample(model.references, RESOURCES);
  const { file } = await collectResources(bench, references, 'read');
  const requests = readRequests(product.base, references);
  const workers = availableParallelism();
  const express = await startExpress(file, 'on', workers);
  const plain = await startExpress(file, 'off', workers);
  const loads: ProductLoad[] = [];
  const withEtag: LoadResult[] = [];
  const withoutEtag: LoadResult[] = [];
  const floor = async (port: number) => {
    const result = await runJob({
      kind: 'load',
      host: '127.0.0.1',
      port,
      connections: CONNECTIONS,
      seconds: options.seconds,
      warmUp: 1,
      sequence: 0,
      requests,
    });
    report.fail('bare Express', result.failures);
    return result;
  };
  try {
    for (let i = 0; i < options.repetitions; i++) {
      loads.push(await loadProduct(bench, 'read', requests, CONNECTIONS));
      withEtag.push(await floor(express.port));
      withoutEtag.push(await floor(plain.port));
    }
  } finally {
    await express.stop();
    await plain.stop();
  }
  report.heading('Read');
  const rates = repeated(loads.map(({ rate }) => rate));
  const floors = repeated(withEtag.map(({ rate }) => rate));
  const plainRates = repeated(withoutEtag.map(({ rate }) => rate));
  report.add({
    group: 'Read',
    name: `read by id, ${CONNECTIONS} connections`,
    value: rates.median,
    unit: '/s',
    spread: [rates.min, rates.max],
    floor: floors.median,
    floorSpread: [floors.min, floors.max],
    bar: 'at least 70 % of bare Express',
    pass: rates.median >= 0.7 * floors.median,
    note:
      `${format(references.length)} resources of ${format(loads[0]!.meanBytes)} bytes; the floor is Express from memory with its etag, ` +
      `without etag it does ${format(plainRates.median)}/s; ${costOf(loads)}; the client takes ${loads[0]!.clientCpu.toFixed(2)} of a core`,
  });
  const p50 = repeated(loads.map(({ latency }) => latency.p50));
  const p99 = repeated(loads.map(({ latency }) => latency.p99));
  const floorP99 = repeated(withEtag.map(({ latency }) => latency.p99));
  report.add({
    group: 'Read',
    name: `p99 at ${CONNECTIONS} connections`,
    value: p99.median,
    unit: 'ms',
    spread: [p99.min, p99.max],
    floor: floorP99.median,
    floorSpread: [floorP99.min, floorP99.max],
    bar: 'under 10 times the p50',
    pass: p99.median < 10 * p50.median,
    note: `p50 ${format(p50.median)} ms, p99 / p50 is ${(p99.median / p50.median).toFixed(1)}, greatest ${format(Math.max(...loads.map(({ latency }) => latency.max)))} ms`,
  });
  report.slow('read', loads.at(-1)!.slowest);
  report.detail('read', { loads, express: withEtag, expressWithoutEtag: withoutEtag });
}
