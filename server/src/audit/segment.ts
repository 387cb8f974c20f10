import { randomUUID } from 'node:crypto';
import type { AuditRow } from './entry.ts';
import type { SpoolFile, SpoolLine } from './spool.ts';

interface Queue {
  /** How many of the tenant's lines of this segment are in the chain. */
  taken: number;
  rows: AuditRow[];
}

/**
 * Events of all tenants in the order of their recording: those of one spool file, or, without a file, those that only
 * memory holds until the database has them.
 */
export class Segment {
  readonly id: string;
  readonly file: SpoolFile | undefined;
  readonly #queues = new Map<number, Queue>();
  #pending = 0;
  /** The file holds more than memory does: it has to be read. */
  #spilled = false;

  constructor(file: SpoolFile | undefined, id: string = file?.id ?? randomUUID()) {
    this.file = file;
    this.id = id;
  }

  /** Rows that memory holds. */
  get pending(): number {
    return this.#pending;
  }

  get spilled(): boolean {
    return this.#spilled;
  }

  get tenants(): number[] {
    return [...this.#queues].filter(([, { rows }]) => rows.length > 0).map(([tenantId]) => tenantId);
  }

  /** Rows of a tenant that memory holds. */
  pendingOf(tenantId: number): number {
    return this.#queues.get(tenantId)?.rows.length ?? 0;
  }

  add(tenantId: number, row: AuditRow): void {
    let queue = this.#queues.get(tenantId);
    if (queue === undefined) this.#queues.set(tenantId, (queue = { taken: 0, rows: [] }));
    queue.rows.push(row);
    this.#pending++;
  }

  /** Gives up what memory holds: it will be read from the file. */
  spill(): void {
    if (this.file === undefined) throw new Error('Only what is in a file can be dropped from memory');
    this.#spilled = true;
    this.#queues.clear();
    this.#pending = 0;
  }

  /** The next rows of a tenant, given how many of the segment the chain has. */
  next(tenantId: number, taken: number, most: number): { rows: AuditRow[]; taken: number } {
    const queue = this.#queues.get(tenantId);
    // Given up while the chain was being asked for.
    if (queue === undefined) return { rows: [], taken };
    // The database may have committed a batch without our having heard of it.
    const known = Math.max(0, taken - queue.taken);
    const rows = queue.rows.slice(known, known + most);
    return { rows, taken: Math.max(taken, queue.taken) + rows.length };
  }

  /** Notes that the chain has so many rows of a tenant. @returns how many of them memory held until now */
  took(tenantId: number, taken: number): number {
    const queue = this.#queues.get(tenantId);
    if (queue === undefined) return 0;
    const count = Math.min(queue.rows.length, taken - queue.taken);
    queue.rows.splice(0, count);
    queue.taken += count;
    this.#pending -= count;
    return count;
  }

  /** A segment of lines that a file holds, to be written as any other. Lines that are no entries are left out. */
  static of(
    id: string,
    lines: readonly SpoolLine[],
    rowOf: (line: SpoolLine) => AuditRow | undefined,
  ): { segment: Segment; damaged: number } {
    const segment = new Segment(undefined, id);
    let damaged = 0;
    for (const line of lines) {
      const row = rowOf(line);
      if (row === undefined) damaged++;
      else segment.add(line.tenantId, row);
    }
    return { segment, damaged };
  }
}
