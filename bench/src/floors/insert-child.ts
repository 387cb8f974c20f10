// The insert floor: nothing but `pg` and PostgreSQL. See insert.ts.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { answerJob } from '../child-process.ts';

export interface InsertJob {
  readonly url: string;
  readonly connections: number;
  /** Files with a resource in each line: type TAB id TAB content. One transaction for each file. */
  readonly files: readonly string[];
  /** Rows of an INSERT statement at most. */
  readonly batch: number;
}

export interface InsertResult {
  readonly rows: number;
  readonly seconds: number;
}

answerJob(async (job: InsertJob): Promise<InsertResult> => {
  const clients = await Promise.all(
    Array.from({ length: job.connections }, async () => {
      const client = new pg.Client({ connectionString: job.url });
      await client.connect();
      return client;
    }),
  );
  try {
    await clients[0]!.query('drop table if exists resource');
    await clients[0]!.query(
      'create table resource (id text primary key, type text not null, content text not null)',
    );
    const began = performance.now();
    let next = 0;
    let rows = 0;
    await Promise.all(
      clients.map(async (client) => {
        while (next < job.files.length) {
          const inserted = await insertFile(client, job.files[next++]!, job.batch);
          rows += inserted;
        }
      }),
    );
    const seconds = (performance.now() - began) / 1000;
    const { rows: counted } = await clients[0]!.query('select count(*)::int as count from resource');
    if (counted[0].count !== rows)
      throw new Error(`${counted[0].count} rows are there, ${rows} were inserted`);
    return { rows, seconds };
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
});

async function insertFile(client: pg.Client, file: string, batch: number): Promise<number> {
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.pop();
  await client.query('begin');
  for (let from = 0; from < lines.length; from += batch) {
    const values: string[] = [];
    for (const line of lines.slice(from, from + batch)) {
      const type = line.indexOf('\t');
      const id = line.indexOf('\t', type + 1);
      values.push(line.slice(type + 1, id), line.slice(0, type), line.slice(id + 1));
    }
    await client.query(statement(values.length / 3), values);
  }
  await client.query('commit');
  return lines.length;
}

const statements = new Map<number, string>();

function statement(rows: number): string {
  let text = statements.get(rows);
  if (text === undefined) {
    const places = Array.from(
      { length: rows },
      (_, row) => `($${3 * row + 1},$${3 * row + 2},$${3 * row + 3})`,
    );
    text = `insert into resource (id, type, content) values ${places.join(',')}`;
    statements.set(rows, text);
  }
  return text;
}
