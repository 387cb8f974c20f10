import { writeFileSync } from 'node:fs';
import type { Failure } from './load/types.ts';
import type { Machine } from './machine.ts';

/** A line of the report: what was measured, what it could be at best, and what it has to be. */
export interface Row {
  readonly group: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Least and greatest value of the repetitions. */
  readonly spread?: readonly [number, number];
  /** What the bare thing does, in the same unit. */
  readonly floor?: number;
  readonly floorSpread?: readonly [number, number];
  /** Bars of the issue, in words, and whether all of them hold. */
  readonly bar?: string;
  readonly pass?: boolean;
  readonly note?: string;
}

/** Something slow, for whoever wants to make it faster. */
export interface SlowCase {
  readonly group: string;
  readonly request: string;
  /** Mean latency in milliseconds. */
  readonly mean: number;
}

export interface ReportData {
  readonly date: string;
  readonly machine: Machine;
  /** Versions, settings and sizes, by name. */
  readonly facts: Record<string, string | number>;
  readonly rows: Row[];
  readonly slow: SlowCase[];
  readonly failures: (Failure & { readonly group: string })[];
  /** Everything that was measured, for other programs. */
  readonly details: Record<string, unknown>;
}

/** value / floor, for rates; a latency's ratio is read the same way: how many times the floor it is. */
export function ratioOf({ value, floor }: Row): number | undefined {
  return floor === undefined || floor === 0 ? undefined : value / floor;
}

/** Collects what is measured and prints each line as it comes. */
export class Report {
  readonly data: ReportData;

  constructor(machine: Machine) {
    this.data = {
      date: new Date().toISOString(),
      machine,
      facts: {},
      rows: [],
      slow: [],
      failures: [],
      details: {},
    };
  }

  add(row: Row): void {
    this.data.rows.push(row);
    const [name, value, floor, ratio, bar, verdict] = cells(row);
    console.log(
      `  ${name!.padEnd(72)} ${value!.padStart(24)}  ${floor!.padStart(24)}  ${ratio!.padStart(7)}  ${verdict!.padEnd(6)} ${bar}`,
    );
  }

  fail(group: string, failures: readonly Failure[]): void {
    for (const failure of failures) {
      this.data.failures.push({ group, ...failure });
      console.log(`  WRONG  ${failure.request}\n         ${failure.problem}`);
    }
  }

  slow(group: string, cases: readonly { readonly request: string; readonly mean: number }[]): void {
    for (const { request, mean } of cases) this.data.slow.push({ group, request, mean });
  }

  detail(name: string, value: unknown): void {
    this.data.details[name] = value;
  }

  heading(text: string): void {
    console.log(`\n${text}`);
  }

  /** Writes `<path>.json` and `<path>.md`. */
  write(path: string): void {
    writeFileSync(`${path}.json`, `${JSON.stringify(this.data, null, 1)}\n`);
    writeFileSync(`${path}.md`, markdown(this.data));
  }
}

/** The report for people. */
export function markdown(data: ReportData): string {
  const { machine } = data;
  const misses = data.rows.filter(({ pass }) => pass === false);
  const bars = data.rows.filter(({ pass }) => pass !== undefined);
  const lines = [
    '# Benchmark of Vesta',
    '',
    `Made by \`npm run bench\` on ${data.date.slice(0, 16).replace('T', ' ')} UTC.`,
    '',
    `Machine: ${machine.cores} cores (${machine.processor}), ${(machine.memory / 2 ** 30).toFixed(0)} GiB of memory, Linux ${machine.kernel}; ` +
      `8 kB are on its disk after ${format(machine.sync)} ms. Node ${machine.node}. Client, server and PostgreSQL share the machine.`,
    '',
    ...Object.entries(data.facts).map(
      ([name, value]) => `- ${name}: ${typeof value === 'number' ? format(value) : value}`,
    ),
    '',
    `${bars.length - misses.length} of ${bars.length} bars hold.` +
      (data.failures.length > 0
        ? ` **${data.failures.length} wrong answers: the numbers do not count.**`
        : ''),
    '',
    'The value is the median of the repetitions, in parentheses their least and greatest. The ratio is value / floor: of a rate the share of the floor that is reached, of a latency how many times the floor it takes.',
    '',
  ];
  for (const [group, rows] of Map.groupBy(data.rows, (row) => row.group)) {
    lines.push(`## ${group}`, '', '| | value | floor | ratio | bar | |', '|---|---:|---:|---:|---|---|');
    for (const row of rows) {
      const [name, value, floor, ratio, bar, verdict] = cells(row);
      lines.push(
        `| ${name}${row.note === undefined ? '' : `<br>${row.note}`} | ${value} | ${floor} | ${ratio} | ${bar} | ${verdict} |`,
      );
    }
    lines.push('');
  }
  if (data.slow.length > 0) {
    lines.push('## Slow cases', '', '| part | request | mean ms |', '|---|---|---:|');
    for (const { group, request, mean } of data.slow) {
      const shown = request.length > 150 ? `${request.slice(0, 150)}...` : request;
      lines.push(`| ${group} | \`${shown.replaceAll('|', '%7C')}\` | ${format(mean)} |`);
    }
    lines.push('');
  }
  if (data.failures.length > 0) {
    lines.push('## Wrong answers', '');
    for (const { group, request, problem } of data.failures) {
      lines.push(`- ${group}: \`${request.slice(0, 200)}\`: ${problem.slice(0, 300).replaceAll('\n', ' ')}`);
    }
    lines.push('');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function cells(row: Row): string[] {
  const ratio = ratioOf(row);
  return [
    row.name,
    `${format(row.value)}${spread(row.spread)} ${row.unit}`,
    row.floor === undefined ? '' : `${format(row.floor)}${spread(row.floorSpread)}`,
    ratio === undefined ? '' : ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2),
    row.bar ?? '',
    row.pass === undefined ? '' : row.pass ? 'pass' : 'MISSED',
  ];
}

function spread(range: readonly [number, number] | undefined): string {
  return range === undefined || range[0] === range[1] ? '' : ` (${format(range[0])}-${format(range[1])})`;
}

/** Three significant digits, thousands grouped. */
export function format(value: number): string {
  if (!Number.isFinite(value)) return 'none';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}
