import { runJob } from '../load/client.ts';
import type { LoadRequest, LoadResult } from '../load/types.ts';
import type { Model } from '../model.ts';
import type { Options } from '../options.ts';
import type { ProductDatabase } from '../product/database.ts';
import { profiled } from '../product/profile.ts';
import type { Product } from '../product/server.ts';
import type { Report } from '../report.ts';
import type { PreparedData } from '../synthea/prepare.ts';

/** What every workload works with. */
export interface Bench {
  readonly options: Options;
  readonly report: Report;
  /** Directory for temporary files. */
  readonly directory: string;
  /** Where CPU profiles go. */
  readonly results: string;
  readonly data: PreparedData;
  readonly product: Product;
  readonly database: ProductDatabase;
}

/** A bench whose server has been loaded. */
export interface LoadedBench extends Bench {
  readonly model: Model;
}

/** A load on the product, with what it cost. */
export interface ProductLoad extends LoadResult {
  /** Milliseconds of processor time for each request: of all server processes, and of PostgreSQL. */
  readonly serverCpu: number;
  readonly databaseCpu: number;
}

/** Seconds before a measurement: compiled code, warm caches. */
const WARM_UP = 1;
let sequence = 1;

/** Runs a load against the product. Wrong answers go into the report. */
export async function loadProduct(
  bench: Bench,
  name: string,
  requests: readonly LoadRequest[],
  connections: number,
  seconds = bench.options.seconds,
): Promise<ProductLoad> {
  const { product, report, options } = bench;
  const before = product.cpu();
  // Far enough apart that two runs never use the same number.
  sequence += 100_000_000;
  const run = () =>
    runJob({
      kind: 'load',
      host: product.host,
      port: product.port,
      connections,
      seconds,
      warmUp: WARM_UP,
      sequence,
      requests,
    });
  const result = options.profile ? await profiled(product, bench.results, name, run) : await run();
  const after = product.cpu();
  if (result.failed > 0) {
    report.fail(name, result.failures);
    if (result.failed > result.failures.length) {
      report.fail(name, [{ request: name, problem: `${result.failed} answers were wrong in all` }]);
    }
  }
  const answers = Math.max(1, result.acknowledged + result.failed);
  return {
    ...result,
    serverCpu: ((after.server - before.server) * 1000) / answers,
    databaseCpu: ((after.database - before.database) * 1000) / answers,
  };
}

/** Where the time of a request goes, in words. */
export function costOf(loads: readonly ProductLoad[]): string {
  const mean = (of: (load: ProductLoad) => number) =>
    loads.reduce((sum, load) => sum + of(load), 0) / loads.length;
  return `processor time of a request: server ${mean((l) => l.serverCpu).toFixed(2)} ms, PostgreSQL ${mean((l) => l.databaseCpu).toFixed(2)} ms`;
}
