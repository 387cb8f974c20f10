import type { ChainState, StoredBatch, StoredRow } from '../storage/audit/chains.ts';
import { monthStart, RETENTION_MONTHS } from '../storage/audit/partitions.ts';
import { batchHash, CHAIN_START, type ChainKey, sameHash } from './chain.ts';
import { keyTexts, type RowMaker, readEntry } from './entry.ts';

/** What is wrong at a place of a chain. */
export interface ChainProblem {
  /** Time of the batch, epoch milliseconds. */
  readonly written: number;
  readonly text: string;
}

export interface ChainReport {
  readonly batches: number;
  readonly events: number;
  /** Events of writes that wait for the chain. */
  readonly waiting: number;
  /** The end of the chain, to be kept elsewhere and given as an anchor later: `written:hash`; undefined for an empty one. */
  readonly anchor: string | undefined;
  readonly problems: readonly ChainProblem[];
}

export interface VerifyOptions {
  readonly tenantId: number;
  /** Keys that batches may be made with. */
  readonly keys: readonly ChainKey[];
  readonly rows: RowMaker;
  /** Anchors that were noted earlier: their batches must still be there. */
  readonly anchors?: readonly string[];
  /** Only problems of batches written at or after this time are told; the chain is followed from its start. */
  readonly since?: number;
  readonly now?: number;
}

/** Most problems that are told. */
const MAX_PROBLEMS = 1000;

/**
 * Follows a tenant's chain from its start and tells where events or batches were changed, removed, inserted or moved.
 * What was cut off at the end together with the record of the end shows by anchors only.
 */
export async function verifyChain(
  state: ChainState,
  batches: AsyncIterable<StoredBatch> | Iterable<StoredBatch>,
  options: VerifyOptions,
): Promise<ChainReport> {
  const { now = Date.now(), since = 0 } = options;
  const problems: ChainProblem[] = [];
  const tell = (written: number, text: string): void => {
    if (written >= since && problems.length < MAX_PROBLEMS) problems.push({ written, text });
  };
  const { dropped, head } = state;
  if (dropped !== undefined && dropped.written >= monthStart(now, -RETENTION_MONTHS)) {
    tell(dropped.written, 'events were removed before the end of their retention');
  }
  const expected = new Map((options.anchors ?? []).map((anchor) => readAnchor(anchor)));
  let previous: Buffer = dropped?.hash ?? CHAIN_START;
  let last: { written: number; hash: Buffer } | undefined = dropped;
  let count = 0;
  let events = 0;
  for await (const batch of batches) {
    events += batch.events.length;
    const { link, written } = batch;
    if (link === undefined) {
      tell(
        written,
        `${batch.events.length} events belong to no batch: they were inserted, or their batch was removed`,
      );
      continue;
    }
    count++;
    if (!sameHash(link.previous, previous))
      tell(written, 'the batch before it was removed, inserted or changed');
    checkBatch(batch, link, options, (text) => tell(written, text));
    const anchored = expected.get(written);
    if (anchored !== undefined) {
      expected.delete(written);
      if (anchored !== link.hash.toString('hex')) tell(written, 'the batch is not the one of the anchor');
    }
    previous = link.hash;
    last = { written, hash: link.hash };
  }
  const end = last?.written ?? 0;
  if (
    head === undefined
      ? count > 0
      : (head.written > 0 || count > 0) && !(last && sameHash(head.hash, last.hash))
  )
    tell(head?.written ?? end, 'the end of the chain is missing, or is not the one that was recorded');
  for (const [written] of expected) {
    if (dropped === undefined || written > dropped.written)
      tell(written, 'the batch of the anchor is missing');
  }
  return {
    batches: count,
    events,
    waiting: state.waiting,
    anchor: last && `${last.written}:${last.hash.toString('hex')}`,
    problems,
  };
}

function checkBatch(
  batch: StoredBatch,
  link: NonNullable<StoredBatch['link']>,
  { tenantId, keys, rows }: VerifyOptions,
  tell: (text: string) => void,
): void {
  const { events, written } = batch;
  if (events.length !== link.count) tell(`it has ${events.length} events, but had ${link.count}`);
  const gap = events.findIndex((event, i) => event.n !== i);
  if (gap >= 0) tell(`the event at place ${gap} is missing`);
  const key = keys.find(({ id }) => id === link.keyId);
  if (key === undefined) tell(`it was made with a key that is not known here (${link.keyId})`);
  else {
    const entries = events.map(({ entry }) => entry);
    if (!sameHash(batchHash(key, tenantId, link.previous, written, entries), link.hash))
      tell('its events, their order or its hash were changed');
  }
  for (const event of events) {
    const wrong = wrongColumn(event, tenantId, rows);
    if (wrong !== undefined) tell(`the event at place ${event.n} says another ${wrong} than its entry`);
  }
}

/** The column that does not follow from the entry. */
function wrongColumn(event: StoredRow, tenantId: number, rows: RowMaker): string | undefined {
  let row: ReturnType<RowMaker['row']>;
  try {
    row = rows.row(tenantId, readEntry(event.entry));
  } catch {
    return 'entry';
  }
  if (row.happened !== event.happened) return 'time';
  if (row.kind !== event.kind) return 'kind';
  if (row.outcome !== event.outcome) return 'outcome';
  return keyTexts(row.keys).join() === event.keys.join() ? undefined : 'keys';
}

/** @throws RangeError for a text that is no anchor */
export function readAnchor(text: string): [written: number, hash: string] {
  const [, written, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (written === undefined || hash === undefined) throw new RangeError(`"${text}" is no anchor`);
  return [Number(written), hash];
}
