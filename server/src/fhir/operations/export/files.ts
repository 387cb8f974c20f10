import type { Tenant } from '../../../access/scope.ts';
import type { JobQueue } from '../../../jobs/job-queue.ts';
import type { KeptScope } from '../../kept-scope.ts';
import { EXPORT_FILE } from './answers.ts';
import type { ExportRecord } from './records.ts';

/** A file that is kept. */
export interface ExportFile {
  readonly type: string;
  readonly id: string;
  readonly count: number;
}

/** From this many characters on a file is written, and the next one begun: each is in memory as a whole. */
const FILE_SIZE = 8_000_000;
/** All that may wait in memory for its files to fill. */
const MOST_WAITING = 32_000_000;

/** The files of an export, NDJSON of one resource type each; kept as results of jobs are: sealed, and for a time. */
export class ExportFiles {
  readonly #jobs: JobQueue;
  readonly #tenant: Tenant;
  readonly #owner: KeptScope;
  readonly #waiting = new Map<string, { lines: string[]; size: number }>();
  #size = 0;
  /** Those that are written. */
  readonly written: ExportFile[] = [];

  constructor(jobs: JobQueue, tenant: Tenant, owner: KeptScope) {
    this.#jobs = jobs;
    this.#tenant = tenant;
    this.#owner = owner;
  }

  /** @param records each is one line */
  async add(records: readonly ExportRecord[]): Promise<void> {
    for (const { type, text } of records) {
      const file = this.#waiting.get(type) ?? { lines: [], size: 0 };
      this.#waiting.set(type, file);
      file.lines.push(text);
      file.size += text.length;
      this.#size += text.length;
      if (file.size >= FILE_SIZE) await this.#write(type);
    }
    if (this.#size >= MOST_WAITING) await this.end();
  }

  /** Writes what still waits. */
  async end(): Promise<void> {
    for (const type of [...this.#waiting.keys()].sort()) await this.#write(type);
  }

  async #write(type: string): Promise<void> {
    const file = this.#waiting.get(type);
    if (file === undefined) return;
    this.#waiting.delete(type);
    this.#size -= file.size;
    const { subject, access } = this.#owner;
    const text = `${file.lines.join('\n')}\n`;
    const id = await this.#jobs.keep(this.#tenant, EXPORT_FILE, { subject, access }, text);
    this.written.push({ type, id, count: file.lines.length });
  }
}
