import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FloorStatement, type SqlResult, sqlFloor, statementsOfSearch } from '../floors/sql.ts';
import { runJob } from '../load/client.ts';
import type { LoadRequest } from '../load/types.ts';
import { format } from '../report.ts';
import { repeated } from '../statistics.ts';
import { costOf, type LoadedBench, loadProduct, type ProductLoad } from './bench.ts';
import { problemOfBundle } from './check-bundle.ts';
import { type SearchCase, type SearchKind, searchKinds } from './search-cases.ts';

const CONNECTIONS = 8;

/** The searches, each beside its own SQL. */
export async function measureSearch(bench: LoadedBench): Promise<void> {
  const { options, report, database, model, product } = bench;
  report.heading('Search');
  const url = await database.servingUrl();
  const tenantId = await database.tenantId(product.tenant);
  const kinds = searchKinds(model, options.seed + 3, options.quick ? 100 : 200);
  for (const kind of kinds) {
    if (!(await allCorrect(bench, kind))) continue;
    const searches = await capture(bench, kind);
    const requests = kind.cases.map((one) => requestOf(bench, one));
    const floor = (connections: number) =>
      sqlFloor({
        url,
        tenantId,
        connections,
        seconds: options.seconds / 2,
        warmUp: 0.5,
        searches,
      });
    const single: ProductLoad[] = [];
    const many: ProductLoad[] = [];
    const singleFloor: SqlResult[] = [];
    const manyFloor: SqlResult[] = [];
    for (let i = 0; i < options.repetitions; i++) {
      single.push(await loadProduct(bench, `${kind.name} 1`, requests, 1, options.seconds / 2));
      singleFloor.push(await floor(1));
      many.push(await loadProduct(bench, `${kind.name} 8`, requests, CONNECTIONS));
      manyFloor.push(await floor(CONNECTIONS));
    }
    addRows(bench, kind, { single, many, singleFloor, manyFloor, searches });
  }
}

interface Measured {
  readonly single: readonly ProductLoad[];
  readonly many: readonly ProductLoad[];
  readonly singleFloor: readonly SqlResult[];
  readonly manyFloor: readonly SqlResult[];
  readonly searches: readonly (readonly FloorStatement[])[];
}

function addRows({ report }: LoadedBench, kind: SearchKind, measured: Measured): void {
  const { single, many, singleFloor, manyFloor, searches } = measured;
  const p50 = repeated(single.map(({ latency }) => latency.p50));
  const sqlP50 = repeated(singleFloor.map(({ latency }) => latency.p50));
  const statements = repeated(searches.map((one) => one.length));
  report.add({
    group: 'Search',
    name: `${kind.name}: p50, 1 connection`,
    value: p50.median,
    unit: 'ms',
    spread: [p50.min, p50.max],
    floor: sqlP50.median,
    floorSpread: [sqlP50.min, sqlP50.max],
    bar: 'under 3 times the SQL',
    pass: p50.median < 3 * sqlP50.median,
    note: `p99 ${format(repeated(single.map(({ latency }) => latency.p99)).median)} ms, SQL ${format(repeated(singleFloor.map(({ latency }) => latency.p99)).median)} ms; ${statements.min === statements.max ? statements.min : `${statements.min} to ${statements.max}`} statement(s); answers of ${format(single[0]!.meanBytes)} bytes`,
  });
  const rates = repeated(many.map(({ rate }) => rate));
  const sqlRates = repeated(manyFloor.map(({ rate }) => rate));
  report.add({
    group: 'Search',
    name: `${kind.name}: rate, ${CONNECTIONS} connections`,
    value: rates.median,
    unit: '/s',
    spread: [rates.min, rates.max],
    floor: sqlRates.median,
    floorSpread: [sqlRates.min, sqlRates.max],
    ...(kind.least === undefined
      ? {}
      : { bar: `at least ${format(kind.least)}/s`, pass: rates.median >= kind.least }),
    note: `p50 ${format(repeated(many.map(({ latency }) => latency.p50)).median)} ms, p99 ${format(repeated(many.map(({ latency }) => latency.p99)).median)} ms; ${costOf(many)}`,
  });
  report.slow(kind.name, single.at(-1)!.slowest.slice(0, 2));
  report.detail(kind.name, { single, many, singleFloor, manyFloor, example: searches[0] });
}

function requestOf({ product }: LoadedBench, one: SearchCase): LoadRequest {
  const path = `${product.base}/${one.path}`;
  if (one.total !== undefined) {
    return { method: 'GET', path, expect: { status: 200, contains: `"total":${one.total}` } };
  }
  const entries = one.included === undefined ? undefined : one.onPage + one.included.size;
  const plain = one.path.includes('include=') ? entries : one.onPage;
  return { method: 'GET', path, expect: { status: 200, ...(plain === undefined ? {} : { entries: plain }) } };
}

/** Asks every search of a kind once and looks at the answers closely. */
async function allCorrect(bench: LoadedBench, kind: SearchKind): Promise<boolean> {
  const { product, report, directory } = bench;
  const file = join(directory, 'search.bodies');
  await runJob({
    kind: 'collect',
    host: product.host,
    port: product.port,
    connections: 4,
    requests: kind.cases.map((one) => ({
      method: 'GET',
      path: `${product.base}/${one.path}`,
      // A refusal is shown like a wrong answer, with what the server says.
      expect: { status: 200 },
    })),
    file,
  }).then(({ failures }) => report.fail(kind.name, failures));
  const lines = readFileSync(file, 'utf8').split('\n');
  const failures = kind.cases.flatMap((one, index) => {
    const text = lines[index]!.slice(lines[index]!.indexOf('\t') + 1);
    const problem = text === '' ? 'no answer' : problemOfBundle(one, text);
    return problem === undefined ? [] : [{ request: `GET ${product.base}/${one.path}`, problem }];
  });
  report.fail(kind.name, failures.slice(0, 5));
  if (failures.length > 0) {
    report.fail(kind.name, [
      {
        request: kind.name,
        problem: `${failures.length} of ${kind.cases.length} searches are answered wrongly: not measured`,
      },
    ]);
  }
  return failures.length === 0;
}

/** The statements of each search. The first round lets the server learn and cache; the second one counts. */
async function capture({ product, database }: LoadedBench, kind: SearchKind): Promise<FloorStatement[][]> {
  return await database.capture(async (take) => {
    const searches: FloorStatement[][] = [];
    for (let round = 0; round < 2; round++) {
      searches.length = 0;
      for (const { path } of kind.cases) {
        take();
        await product.json(`${product.base}/${path}`);
        const captured = take();
        const statements = statementsOfSearch(captured);
        if (statements.length === 0) {
          throw new Error(
            `No SQL was seen of ${path}; PostgreSQL was sent: ${captured.map(({ text }) => text.slice(0, 80)).join('; ') || 'nothing'}`,
          );
        }
        searches.push(statements);
      }
    }
    return searches;
  });
}
