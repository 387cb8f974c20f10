import type { Tenant } from '../access/scope.ts';
import { noteStatements } from '../storage/audit/note.ts';
import type { SealingConnection } from '../storage/audit/sealing.ts';
import type { SqlStatement } from '../storage/connections.ts';
import { batchHash, type ChainKey } from './chain.ts';
import {
  type AuditEntry,
  type AuditInput,
  type AuditRow,
  entriesOf,
  type RowMaker,
  readEntry,
} from './entry.ts';
import { Segment } from './segment.ts';
import { leftFiles, readSpool, removeLeft, SpoolFile, type SpoolLine, setAside, spoolSize } from './spool.ts';

/**
 * When an event counts as recorded, so that the answer may be sent.
 * - `written`: its line is in the spool file: it survives the end of the process and an outage of the database.
 * - `synced`: the line is on the disk: it survives the loss of power as well.
 */
export type Durability = 'written' | 'synced';

export interface AuditOptions {
  readonly connection: Pick<SealingConnection, 'add' | 'waiting' | 'close'>;
  readonly rows: RowMaker;
  readonly key: ChainKey;
  /** Where spool files lie. Without it, events count as recorded when the database has them. */
  readonly spoolDirectory?: string;
  readonly durability?: Durability;
  /** Told of every entry when it is recorded: detection. Must not throw. */
  readonly observe?: (tenant: Tenant, entry: AuditEntry) => void;
  /** Told what went wrong with spool or database; events are kept meanwhile. */
  readonly onError?: (error: unknown) => void;
  /** Milliseconds between two batches; default 250. */
  readonly interval?: number;
  /** Milliseconds between two syncs of the spool file with durability `written`; default 100. */
  readonly syncInterval?: number;
  /** Rows in memory beyond which they are read from the spool file again; default 20,000. */
  readonly maxInMemory?: number;
  /** Bytes of spool files beyond which events are refused; default 2 GB. */
  readonly maxSpoolBytes?: number;
}

/** Numbers for /metrics. */
export interface AuditStats {
  /** Events recorded and events added to the chain by this process. */
  readonly recorded: number;
  readonly sealed: number;
  /** Events that wait in memory. */
  readonly pending: number;
  /** Failed tries to write to spool or database. */
  readonly failures: number;
  /** Lines of spool files that could not be read. */
  readonly damaged: number;
}

/** Thrown by {@link AuditLog.record} when the event can be kept nowhere: what it is about must not be answered. */
export class AuditUnavailable extends Error {}

const BATCH = 2000;
/** A file is done with after so many bytes or milliseconds, once the database has all of it. */
const ROTATE_BYTES = 1_000_000;
const ROTATE_AGE = 600_000;
const MAX_FILE_BYTES = 8_000_000;
const MAX_PAUSE = 10_000;
const SWEEP = 60_000;

interface Turn {
  readonly lines: SpoolLine[];
  readonly rows: { tenantId: number; row: AuditRow }[];
  readonly done: PromiseWithResolvers<void>;
}

/** The audit log of one process: events in, batches of the tenants' chains out. */
export class AuditLog {
  readonly #options: AuditOptions;
  #turn: Turn | undefined;
  /** Segments that the chain does not have whole yet, the oldest first; the last one may be open. */
  readonly #segments: Segment[] = [];
  #current: Segment | undefined;
  /** Files by their ids that are to be read: of other processes, and those that memory had no room for. */
  readonly #left = new Map<string, string>();
  /** Who waits for the database, because there is no spool file. */
  #waiting: { segment: Segment; done: PromiseWithResolvers<void> }[] = [];
  #unsynced: PromiseWithResolvers<void>[] = [];
  #dirty = false;
  #syncing: Promise<void> | undefined;
  /** Tenants whose inbox has events of committed writes. */
  #written = new Set<number>();
  #draining: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  readonly #sweeper: NodeJS.Timeout;
  #pause = 0;
  #stopped = false;
  #recorded = 0;
  #sealed = 0;
  #failures = 0;
  #damaged = 0;
  #spooled = 0;

  /** Takes over at once what processes that have ended left behind. */
  constructor(options: AuditOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.sweep(), SWEEP);
    this.#sweeper.unref();
    setImmediate(() => this.sweep());
  }

  /**
   * Records an event.
   * @returns when it is recorded as {@link AuditOptions.durability} has it: the answer must not be sent before. Events
   *   of the same turn of the event loop share one write.
   * @throws AuditUnavailable (rejects) when it can be kept nowhere
   */
  record(tenant: Tenant, input: AuditInput): Promise<void> {
    if (this.#turn === undefined) {
      this.#turn = { lines: [], rows: [], done: Promise.withResolvers() };
      // Whoever does not wait for it must not end the process.
      this.#turn.done.promise.catch(() => {});
      // When all that has come in together, by whatever connections, has been recorded.
      setImmediate(() => this.#endTurn());
    }
    const turn = this.#turn;
    for (const entry of entriesOf(input)) {
      const row = this.#options.rows.row(tenant.id, entry);
      turn.rows.push({ tenantId: tenant.id, row });
      turn.lines.push({ tenantId: tenant.id, entry: row.entry });
      this.#recorded++;
      this.#options.observe?.(tenant, entry);
    }
    return turn.done.promise;
  }

  /**
   * Statements that record the events of a write in its own transaction. When that has been committed, call
   * {@link committed}.
   */
  statements(tenant: Tenant, inputs: readonly AuditInput[]): SqlStatement[] {
    const entries = inputs.flatMap((input) => entriesOf(input));
    return noteStatements(
      tenant,
      entries.map((entry) => this.#options.rows.row(tenant.id, entry)),
    );
  }

  /** Tells that a transaction with {@link statements} was committed: its events join the chain with the next batch. */
  committed(tenant: Tenant, inputs: readonly AuditInput[] = []): void {
    this.#written.add(tenant.id);
    for (const entry of inputs.flatMap((input) => entriesOf(input))) {
      this.#recorded++;
      this.#options.observe?.(tenant, entry);
    }
    this.#schedule();
  }

  /** Waits until the database has all that was recorded before. @throws Error when it cannot be reached */
  async flush(): Promise<void> {
    this.#endTurn();
    await this.#draining?.catch(() => {});
    while (this.#isBehind()) await this.#drain();
  }

  stats(): AuditStats {
    return {
      recorded: this.#recorded,
      sealed: this.#sealed,
      pending: this.#pending(),
      failures: this.#failures,
      damaged: this.#damaged,
    };
  }

  /** Looks for what other processes have left behind: spool files, and events of writes. */
  sweep(): void {
    if (this.#stopped) return;
    for (const { file } of this.#segments) file?.touch();
    this.#options.connection
      .waiting()
      .then((tenants) => {
        for (const tenant of tenants) this.#written.add(tenant);
        const { spoolDirectory } = this.#options;
        if (spoolDirectory !== undefined) {
          this.#spooled = spoolSize(spoolDirectory);
          for (const { id, path } of leftFiles(spoolDirectory)) this.#left.set(id, path);
        }
        if (this.#isBehind()) this.#schedule();
      })
      .catch((error: unknown) => this.#failed(error));
  }

  /**
   * Ends: what is recorded goes to the database. If that cannot be reached within the time, it stays in the spool file
   * for the next process.
   * @param patience milliseconds
   */
  async stop(patience = 5000): Promise<void> {
    this.#endTurn();
    clearInterval(this.#sweeper);
    let late: NodeJS.Timeout | undefined;
    const given = new Promise<void>((resolve) => {
      late = setTimeout(resolve, patience);
    });
    await Promise.race([this.flush().catch(() => {}), given]);
    clearTimeout(late);
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#syncTimer);
    await this.#sync().catch(() => {});
    for (const segment of this.#segments) {
      if (segment.pending === 0 && !segment.spilled) segment.file?.remove();
      else segment.file?.close();
    }
    for (const { done } of this.#waiting.splice(0))
      done.reject(new AuditUnavailable('The server is stopping'));
    await this.#options.connection.close();
  }

  /** Spools what was recorded in this turn, and lets its answers go. */
  #endTurn(): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    const segment = this.#spool(turn.lines);
    if (segment === undefined) {
      turn.done.reject(new AuditUnavailable('The audit log cannot take any more events'));
      return;
    }
    for (const { tenantId, row } of turn.rows) if (!segment.spilled) segment.add(tenantId, row);
    if (segment.file === undefined) {
      this.#waiting.push({ segment, done: turn.done });
      this.#schedule(0);
      return;
    }
    if (this.#pending() > (this.#options.maxInMemory ?? 20_000)) segment.spill();
    this.#dirty = true;
    if (this.#options.durability === 'synced') {
      this.#unsynced.push(turn.done);
      this.#startSync();
    } else {
      turn.done.resolve();
      this.#syncTimer ??= setTimeout(() => {
        this.#syncTimer = undefined;
        this.#startSync();
      }, this.#options.syncInterval ?? 100);
    }
    this.#schedule(this.#pending() >= BATCH ? 0 : undefined);
  }

  /** The segment whose file has the lines; one without a file when that cannot be; undefined when memory is full too. */
  #spool(lines: readonly SpoolLine[]): Segment | undefined {
    const { spoolDirectory, maxSpoolBytes = 2_000_000_000 } = this.#options;
    if (spoolDirectory !== undefined && this.#spooled <= maxSpoolBytes) {
      try {
        if (this.#current?.file === undefined || this.#current.file.bytes > MAX_FILE_BYTES) {
          this.#rotate();
          this.#current = new Segment(new SpoolFile(spoolDirectory));
          this.#segments.push(this.#current);
        }
        const file = this.#current.file as SpoolFile;
        const before = file.bytes;
        file.append(lines);
        this.#spooled += file.bytes - before;
        return this.#current;
      } catch (error) {
        this.#failed(error);
        this.#rotate();
      }
    }
    if (this.#pending() > (this.#options.maxInMemory ?? 20_000)) return undefined;
    if (this.#current === undefined || this.#current.file !== undefined) {
      this.#rotate();
      this.#current = new Segment(undefined);
      this.#segments.push(this.#current);
    }
    return this.#current;
  }

  /** Appends no more to the current segment. */
  #rotate(): void {
    this.#current = undefined;
  }

  #startSync(): void {
    this.#sync().catch((error: unknown) => this.#failed(error));
  }

  /** Syncs all that was appended so far; one at a time, so that those who wait share the next one. */
  #sync(): Promise<void> {
    this.#syncing ??= this.#syncAll().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  async #syncAll(): Promise<void> {
    while (this.#dirty) {
      this.#dirty = false;
      const waiting = this.#unsynced.splice(0);
      const files = this.#segments.flatMap(({ file }) => (file === undefined || file.closed ? [] : [file]));
      try {
        await Promise.all(files.map((file) => file.sync()));
      } catch (error) {
        // A file that was taken over whole meanwhile is gone, and needs no sync.
        if (files.every((file) => !file.closed)) {
          for (const done of waiting) done.reject(new AuditUnavailable('The spool file cannot be synced'));
          throw error;
        }
      }
      for (const done of waiting) done.resolve();
    }
  }

  #schedule(delay = this.#options.interval ?? 250): void {
    if (this.#stopped || this.#draining !== undefined) return;
    if (this.#timer !== undefined && (delay > 0 || this.#pause > 0)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#drain().catch((error: unknown) => this.#failed(error));
      },
      Math.max(delay, this.#pause),
    );
    this.#timer.unref();
  }

  #drain(): Promise<void> {
    this.#draining ??= this.#drainAll()
      .then(
        () => {
          this.#pause = 0;
        },
        (error: unknown) => {
          this.#pause = Math.min(MAX_PAUSE, Math.max(500, this.#pause * 2));
          for (const { file } of this.#segments) file?.touch();
          throw error;
        },
      )
      .finally(() => {
        this.#draining = undefined;
        if (this.#isBehind()) this.#schedule(this.#waiting.length > 0 ? 0 : undefined);
      });
    return this.#draining;
  }

  async #drainAll(): Promise<void> {
    for (const segment of [...this.#segments]) {
      if (segment.spilled) {
        await this.#leave(segment);
        continue;
      }
      await this.#drainSegment(segment);
      this.#release(segment);
    }
    for (const [id, path] of [...this.#left]) {
      await this.#takeOver(id, path);
      this.#left.delete(id);
    }
    for (const tenantId of [...this.#written]) {
      this.#written.delete(tenantId);
      try {
        await this.#add(tenantId, undefined);
      } catch (error) {
        this.#written.add(tenantId);
        throw error;
      }
    }
  }

  /** Adds what a segment has now. What comes meanwhile waits for the next batch: many small ones would cost far more. */
  async #drainSegment(segment: Segment): Promise<void> {
    for (const tenantId of segment.tenants) {
      for (let left = segment.pendingOf(tenantId); left > 0; ) {
        const added = await this.#add(tenantId, segment);
        // Given up while the chain was being asked for.
        if (added === 0) break;
        left -= added;
      }
    }
    this.#waiting = this.#waiting.filter((waiting) => {
      if (waiting.segment !== segment || segment.pending > 0) return true;
      waiting.done.resolve();
      return false;
    });
  }

  /**
   * Adds the next batch of a tenant: what its inbox has, and rows of the segment.
   * @returns how many rows of the segment it has let go, those too that the chain had already
   */
  async #add(tenantId: number, segment: Segment | undefined): Promise<number> {
    const { connection, key } = this.#options;
    let taken = 0;
    let count = 0;
    let more = false;
    await connection.add(tenantId, segment?.id, (end) => {
      const next = segment?.next(tenantId, end.taken, BATCH) ?? { rows: [], taken: 0 };
      taken = next.taken;
      count = end.inbox.length + next.rows.length;
      more = segment === undefined && end.inbox.length > 0;
      if (count === 0) return undefined;
      const entries = [...end.inbox.map(({ entry }) => entry), ...next.rows.map(({ entry }) => entry)];
      return {
        hash: batchHash(key, tenantId, end.hash, end.written, entries),
        keyId: key.id,
        inboxIds: end.inbox.map(({ id }) => id),
        rows: next.rows,
        ...(segment === undefined ? {} : { source: { id: segment.id, taken } }),
      };
    });
    this.#sealed += count;
    // The inbox may hold more than one batch.
    if (more) this.#written.add(tenantId);
    return segment?.took(tenantId, taken) ?? 0;
  }

  /** Closes the file of a segment whose rows were given up, for it to be read. */
  async #leave(segment: Segment): Promise<void> {
    if (segment === this.#current) this.#rotate();
    const { file } = segment;
    if (file === undefined) return;
    await file.sync();
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    file.close();
    this.#left.set(file.id, file.path);
  }

  /** Adds what is in a file, one that another process may be taking over as well: each line is taken once. */
  async #takeOver(id: string, path: string): Promise<void> {
    let read: ReturnType<typeof readSpool>;
    try {
      read = readSpool(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    const { segment, damaged } = Segment.of(id, read.lines, ({ tenantId, entry }) => {
      try {
        return this.#options.rows.row(tenantId, readEntry(entry));
      } catch {
        return undefined;
      }
    });
    await this.#drainSegment(segment);
    this.#damaged += damaged + read.damaged;
    if (damaged + read.damaged === 0) removeLeft(path);
    else setAside(path);
  }

  /** Lets go of a segment that the chain has whole. */
  #release(segment: Segment): void {
    if (segment.pending > 0 || segment.spilled) return;
    const { file } = segment;
    if (segment === this.#current) {
      const isDue =
        file === undefined || file.bytes > ROTATE_BYTES || Date.now() - file.made > ROTATE_AGE || file.closed;
      if (!isDue || this.#unsynced.length > 0) return;
      this.#current = undefined;
    }
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    if (file !== undefined) {
      this.#spooled = Math.max(0, this.#spooled - file.bytes);
      file.remove();
    }
  }

  #isBehind(): boolean {
    return (
      this.#written.size > 0 ||
      this.#left.size > 0 ||
      this.#segments.some(({ pending, spilled }) => pending > 0 || spilled)
    );
  }

  #pending(): number {
    let pending = 0;
    for (const segment of this.#segments) pending += segment.pending;
    return pending;
  }

  #failed(error: unknown): void {
    this.#failures++;
    this.#options.onError?.(error);
  }
}
