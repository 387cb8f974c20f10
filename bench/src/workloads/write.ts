import type { LoadRequest } from '../load/types.ts';
import { SEQUENCE } from '../load/types.ts';
import { Random } from '../random.ts';
import { format } from '../report.ts';
import { repeated } from '../statistics.ts';
import { costOf, type LoadedBench, loadProduct, type ProductLoad } from './bench.ts';
import { collectResources } from './read.ts';

const CONNECTIONS = 16;
/** Observations that are created again and again, and those that are updated. */
const TEMPLATES = 1000;
const UPDATED = 2000;

interface Observation {
  id?: string;
  meta?: { versionId?: string; lastUpdated?: string };
  note?: { text: string }[];
}

/** create and update of single Observations. */
export async function measureWrite(bench: LoadedBench): Promise<void> {
  const { database, report, model, options } = bench;
  const settings = await database.settings(['fsync', 'synchronous_commit', 'full_page_writes']);
  report.heading('Write');
  const durable = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  report.data.facts['durability'] = durable.join(', ');
  if (Object.values(settings).some((value) => value !== 'on')) {
    report.fail('write', [{ request: 'show', problem: `commits are not durable: ${durable.join(', ')}` }]);
  }
  const random = new Random(options.seed + 2);
  const observations = model.references.filter((reference) => reference.startsWith('Observation/'));
  const chosen = random.sample(observations, TEMPLATES + UPDATED);
  // In small data sets there are less of them.
  const templates = chosen.slice(0, Math.ceil(chosen.length / 3));
  const updated = chosen.slice(templates.length);
  await measureCreate(bench, templates);
  await measureUpdate(bench, updated);
}

async function measureCreate(bench: LoadedBench, references: readonly string[]): Promise<void> {
  const { product, report } = bench;
  const { texts } = await collectResources(bench, references, 'create');
  const requests = [...texts.values()].map((text): LoadRequest => {
    const { id: _, ...observation } = changing(text);
    return {
      method: 'POST',
      path: `${product.base}/Observation`,
      body: JSON.stringify(observation),
      expect: { status: 201 },
    };
  });
  const before = await countObservations(bench);
  const loads = await repeatLoad(bench, 'create', requests);
  addRow(bench, 'create of Observations', loads);
  const acknowledged = loads.reduce((sum, load) => sum + load.acknowledged, 0);
  const found = (await countObservations(bench)) - before;
  if (found !== acknowledged) {
    report.fail('create', [
      {
        request: 'Observation?_summary=count',
        problem: `${found} more than before, ${acknowledged} creates were acknowledged`,
      },
    ]);
  }
}

async function measureUpdate(bench: LoadedBench, references: readonly string[]): Promise<void> {
  const { product, report } = bench;
  const { texts, etags } = await collectResources(bench, references, 'update');
  const requests = [...texts].map(
    ([reference, text]): LoadRequest => ({
      method: 'PUT',
      path: `${product.base}/${reference}`,
      body: JSON.stringify(changing(text)),
      expect: { status: 200 },
    }),
  );
  const loads = await repeatLoad(bench, 'update', requests);
  addRow(bench, 'update of Observations', loads);
  const after = await collectResources(bench, references, 'updated');
  const acknowledged = loads.reduce((sum, load) => sum + load.acknowledged, 0);
  const versions = sumOfVersions(after.etags) - sumOfVersions(etags);
  if (versions !== acknowledged) {
    report.fail('update', [
      {
        request: 'ETags of what was updated',
        problem: `${versions} new versions, ${acknowledged} updates were acknowledged`,
      },
    ]);
  }
}

/** The resource as a client would send it, with a note that is different each time. */
function changing(text: string): Observation {
  const { meta, ...observation } = JSON.parse(text) as Observation;
  const { versionId: _, lastUpdated: __, ...kept } = meta ?? {};
  return {
    ...observation,
    ...(Object.keys(kept).length > 0 ? { meta: kept } : {}),
    note: [{ text: `Written by the benchmark: ${SEQUENCE}` }],
  };
}

async function repeatLoad(
  bench: LoadedBench,
  name: string,
  requests: readonly LoadRequest[],
): Promise<ProductLoad[]> {
  const loads: ProductLoad[] = [];
  for (let i = 0; i < bench.options.repetitions; i++) {
    loads.push(await loadProduct(bench, name, requests, CONNECTIONS));
  }
  bench.report.slow(name, loads.at(-1)!.slowest.slice(0, 2));
  bench.report.detail(name, loads);
  return loads;
}

function addRow({ report }: LoadedBench, name: string, loads: readonly ProductLoad[]): void {
  const rates = repeated(loads.map(({ rate }) => rate));
  const p50 = repeated(loads.map(({ latency }) => latency.p50));
  const p99 = repeated(loads.map(({ latency }) => latency.p99));
  report.add({
    group: 'Write',
    name: `${name}, ${CONNECTIONS} connections`,
    value: rates.median,
    unit: '/s',
    spread: [rates.min, rates.max],
    bar: 'at least 1,500/s, durable',
    pass: rates.median >= 1500,
    note: `p50 ${format(p50.median)} ms, p99 ${format(p99.median)} ms; ${costOf(loads)}`,
  });
}

async function countObservations({ product }: LoadedBench): Promise<number> {
  const { total } = (await product.json(`${product.base}/Observation?_summary=count`)) as { total: number };
  return total;
}

/** ETags are `W/"version"` (R4 http.html#versioning). */
function sumOfVersions(etags: readonly string[]): number {
  return etags.reduce((sum, etag) => sum + Number(/^W\/"(\d+)"$/.exec(etag)?.[1] ?? Number.NaN), 0);
}
