import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../random.ts';
import { format } from '../report.ts';
import { repeated } from '../statistics.ts';
import type { LoadedBench } from './bench.ts';

/** Start to the first answers on the data that is there, after a proper end and after the end of everything by SIGKILL. */
export async function measureStart({ product, report, model, options }: LoadedBench): Promise<void> {
  report.heading('Start');
  const reference = new Random(options.seed + 4).pick(model.references);
  const paths = [`${product.base}/metadata`, `${product.base}/${reference}`];
  const proper: (readonly number[])[] = [];
  for (let i = 0; i < 3; i++) {
    await product.stop();
    proper.push((await product.start(paths)).milliseconds);
  }
  await product.stop('SIGKILL');
  const killed = (await product.start(paths)).milliseconds;
  for (const [index, what] of ['/metadata', 'a read'].entries()) {
    const seconds = repeated(proper.map((times) => times[index]! / 1000));
    report.add({
      group: 'Start',
      name: `start to first 200 of ${what}`,
      value: seconds.median,
      unit: 's',
      spread: [seconds.min, seconds.max],
      bar: 'under 3 s',
      pass: seconds.median < 3,
      note: `after kill -9 of everything, PostgreSQL too: ${format(killed[index]! / 1000)} s`,
    });
  }
  report.detail('start', { paths, proper, killed });
}

const REST = 10_000;

/** Memory of the server's processes together, after 10 s of rest. */
export async function measureMemory(
  { product, report }: LoadedBench,
  when: 'after all this work' | 'after a start and one read',
): Promise<void> {
  await sleep(REST);
  const processes = product.serverMemory();
  const sum = (of: 'rss' | 'pss') => processes.reduce((total, memory) => total + memory[of], 0) / 1e6;
  const fresh = when === 'after a start and one read';
  for (const kind of ['rss', 'pss'] as const) {
    report.add({
      group: 'Memory',
      name: `idle, all server processes, ${when}: ${kind.toUpperCase()}`,
      value: sum(kind),
      unit: 'MB',
      ...(fresh ? { bar: 'under 400 MB', pass: sum(kind) < 400 } : {}),
      note: `${processes.length} processes (launcher, primary, workers): ${processes.map((memory) => format(memory[kind] / 1e6)).join(' + ')} MB${kind === 'pss' ? '; shared pages counted once' : ''}`,
    });
  }
  report.detail(`memory ${when}`, processes);
}
