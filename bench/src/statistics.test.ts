import { expect, it } from 'vitest';
import { median, Samples } from './statistics.ts';
import { tenthsOf } from './workloads/ingest.ts';

it('gives exact percentiles by nearest rank, beyond the first block of memory too', () => {
  const samples = new Samples();
  for (let i = 100_000; i >= 1; i--) samples.add(i);
  expect(samples.latency()).toEqual({ p50: 50_000, p95: 95_000, p99: 99_000, max: 100_000, mean: 50_000.5 });
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

it('finds the rate of each tenth of a load', () => {
  // Ten bundles of 100 resources, one after the other, of 100 ms each; the last one takes 200 ms.
  const bundles = Array.from({ length: 10 }, () => ({ resources: 100 }));
  const times = bundles.map((_, index) => ({
    sent: index * 100,
    answered: (index + 1) * 100 + (index === 9 ? 100 : 0),
  }));
  const tenths = tenthsOf(times, bundles).map(Math.round);
  expect(tenths.slice(0, 9)).toEqual(Array(9).fill(1000));
  expect(tenths[9]).toBe(500);
});
