import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { startExpress } from '../floors/express.ts';
import { runJob } from '../load/client.ts';
import type { Options } from '../options.ts';
import type { Report } from '../report.ts';
import { repeated } from '../statistics.ts';
import type { PreparedData } from '../synthea/prepare.ts';
import { measureInsertFloor } from './ingest.ts';
import { readRequests } from './read.ts';

/** The floors that need no server: bare pg inserts, and bare Express with Synthea's own texts. */
export async function measureFloors(
  options: Options,
  report: Report,
  directory: string,
  data: PreparedData,
): Promise<void> {
  report.heading('Floors');
  const rates: number[] = [];
  for (let i = 0; i < options.repetitions; i++) {
    const { rows, seconds } = await measureInsertFloor(directory, data.patients);
    rates.push(rows / seconds);
  }
  add(report, 'bare pg, multi-row INSERT, 4 connections', 'resources/s', rates);
  const lines = data.patients
    .slice(0, 20)
    .flatMap(({ rowsFile }) => readFileSync(rowsFile, 'utf8').trimEnd().split('\n'));
  const resources = lines.map((line) => {
    const [type = '', id = ''] = line.split('\t', 2);
    return { reference: `${type}/${id}`, text: line.slice(type.length + id.length + 2) };
  });
  const file = join(directory, 'floor.bodies');
  writeFileSync(file, resources.map(({ reference, text }) => `/fhir/bench/${reference}\t${text}\n`).join(''));
  const requests = readRequests(
    '/fhir/bench',
    resources.map(({ reference }) => reference),
  );
  for (const etag of ['on', 'off'] as const) {
    const express = await startExpress(file, etag, availableParallelism());
    const results: number[] = [];
    for (let i = 0; i < options.repetitions; i++) {
      const { port } = express;
      const job = {
        kind: 'load',
        host: '127.0.0.1',
        port,
        connections: 16,
        seconds: options.seconds,
        warmUp: 1,
      } as const;
      const result = await runJob({ ...job, sequence: 0, requests });
      report.fail('bare Express', result.failures);
      results.push(result.rate);
    }
    await express.stop();
    add(report, `bare Express, etag ${etag}, 16 connections`, '/s', results);
  }
}

function add(report: Report, name: string, unit: string, values: readonly number[]): void {
  const { median, min, max } = repeated(values);
  report.add({ group: 'Floors', name, value: median, unit, spread: [min, max] });
}
