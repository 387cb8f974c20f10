// The search floor: the product's statements through bare `pg`. See sql.ts.
import pg from 'pg';
import { answerJob } from '../child-process.ts';
import { Samples } from '../statistics.ts';
import type { SqlJob, SqlResult } from './sql.ts';

answerJob(async (job: SqlJob): Promise<SqlResult> => {
  // Each searcher has a session of either kind that the product has, and uses one of them at a time.
  const searchers = await Promise.all(
    Array.from({ length: job.connections }, async () => ({
      custom: await connect(job, '-c plan_cache_mode=force_custom_plan'),
      automatic: await connect(job, ''),
    })),
  );
  const samples = new Samples();
  let next = 0;
  let rows = 0;
  const from = performance.now() + job.warmUp * 1000;
  const until = from + job.seconds * 1000;
  try {
    await Promise.all(
      searchers.map(async ({ custom, automatic }) => {
        for (;;) {
          const statements = job.searches[next++ % job.searches.length]!;
          const sent = performance.now();
          if (sent >= until) return;
          // One after the other, as the second may depend on what the first one found.
          for (const { customPlan, ...statement } of statements) {
            const client = customPlan ? custom : automatic;
            const result = await client.query({ ...statement, rowMode: 'array' } as pg.QueryArrayConfig);
            rows += result.rows.length;
          }
          const now = performance.now();
          if (sent >= from && now <= until) samples.add(now - sent);
        }
      }),
    );
  } finally {
    await Promise.all(searchers.flatMap(({ custom, automatic }) => [custom.end(), automatic.end()]));
  }
  return { rate: samples.length / job.seconds, latency: samples.latency(), rows };
});

async function connect(job: SqlJob, options: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: job.url,
    options,
    application_name: 'bench-floor',
  });
  await client.connect();
  await client.query(`select set_config('app.tenant', $1, false)`, [String(job.tenantId)]);
  return client;
}
