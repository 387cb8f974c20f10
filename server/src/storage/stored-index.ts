import type { Tenant } from '../access/scope.ts';
import type { BusyEntry, IndexEntries } from '../search/index-model.ts';
import type { Row, SqlStatement } from './connections.ts';
import { hashToText } from './rows.ts';

/** The index entries of a current row as they lie in the database, each as a text that equal entries share. */
export interface StoredIndex {
  readonly dateLow: string;
  readonly dateHigh: string;
  readonly patient: string;
  /** Bigints as PostgreSQL prints them; the first `referenceCount` are those of references. */
  readonly tokens: readonly string[];
  readonly referenceCount: number;
  readonly present: readonly string[];
  /** `param low high` */
  dates: string[];
  /** `param value` */
  strings: string[];
  /** `param key unit low high` */
  quantities: string[];
  /** `schedule start end expires`, one at most. */
  busy: string[];
}

/** The columns of store.resource that {@link storedIndex} reads, in its order. Arrays as text: split here, they cost less. */
export const INDEX_COLUMNS = 'date_low, date_high, patient, reference_count, tokens::text, present::text';

/** What {@link INDEX_COLUMNS} gave, beginning at a column of a row; without the rows of the side tables. */
export function storedIndex(row: Row, at: number): StoredIndex {
  return {
    dateLow: (row[at] as string | null) ?? '',
    dateHigh: (row[at + 1] as string | null) ?? '',
    patient: (row[at + 2] as string | null) ?? '',
    referenceCount: row[at + 3] as number,
    tokens: elements(row[at + 4] as string),
    present: elements(row[at + 5] as string),
    dates: [],
    strings: [],
    quantities: [],
    busy: [],
  };
}

/** `{1,2}` as `['1', '2']`. */
function elements(array: string): string[] {
  return array.length <= 2 ? [] : array.slice(1, -1).split(',');
}

/** The side tables' entries of these rows, to be given to {@link addSideRows} in the same order. */
export function sideTableStatements(tenant: Tenant, rids: readonly string[]): SqlStatement[] {
  const values = [tenant.id, `{${rids.join(',')}}`];
  const from = (table: string) => `from store.${table} where tenant_id = $1::int and rid = any($2::bigint[])`;
  return [
    { name: 'stored-dates', text: `select rid, param, low, high ${from('index_date')}`, values },
    { name: 'stored-strings', text: `select rid, param, value ${from('index_string')}`, values },
    {
      name: 'stored-quantities',
      text: `select rid, param, key, unit, low, high ${from('index_quantity')}`,
      values,
    },
    {
      name: 'stored-busy',
      text: `select rid, schedule, lower(during), upper(during), coalesce(expires::text, '') ${from('busy')}`,
      values,
    },
  ];
}

/** Adds what {@link sideTableStatements} gave to the entries of the rows that it belongs to. */
export function addSideRows(
  byRid: ReadonlyMap<string, StoredIndex>,
  results: readonly (readonly Row[])[],
): void {
  const lists = ['dates', 'strings', 'quantities', 'busy'] as const;
  lists.forEach((list, i) => {
    for (const row of results[i] ?? []) byRid.get(row[0] as string)?.[list].push(row.slice(1).join(' '));
  });
}

/** The same form of the entries that a resource's content gives. */
export function expectedIndex(entries: IndexEntries): StoredIndex {
  return {
    dateLow: entries.dateLow === null ? '' : String(entries.dateLow),
    dateHigh: entries.dateHigh === null ? '' : String(entries.dateHigh),
    patient: entries.patient === null ? '' : hashToText(entries.patient),
    tokens: entries.tokens.map(hashToText),
    referenceCount: entries.referenceCount,
    present: entries.present.map(String),
    dates: entries.dates.map(({ param, low, high }) => `${param} ${low} ${high}`),
    strings: entries.strings.map(({ param, value }) => `${param} ${value}`),
    quantities: entries.quantities.map(
      ({ param, key, unit, low, high }) => `${param} ${hashToText(key)} ${hashToText(unit)} ${low} ${high}`,
    ),
    busy: entries.busy === undefined ? [] : [busyText(entries.busy)],
  };
}

/** Which entries may differ while a tenant's own search parameters wait for $reindex. */
export interface Tolerance {
  /** What must be there at least: the entries of all parameters that are ready. */
  readonly required: StoredIndex;
  /** Whether rows of this parameter must agree: it is ready. */
  readonly strict: (param: string) => boolean;
}

/**
 * How stored entries differ from the expected ones: one line for each part, without values. Empty if they agree.
 * Tokens and parameters that are present are compared as sets, rows of the side tables as multisets.
 */
export function indexDifferences(
  stored: StoredIndex,
  expected: StoredIndex,
  tolerance?: Tolerance,
): string[] {
  const found: string[] = [];
  const required = tolerance?.required ?? expected;
  for (const column of ['dateLow', 'dateHigh', 'patient'] as const) {
    if (stored[column] !== expected[column]) found.push(`${COLUMNS[column]} differs`);
  }
  const add = (part: string, line: string | undefined): void => {
    if (line !== undefined) found.push(`${part}: ${line}`);
  };
  const anyToken = tolerance === undefined ? undefined : () => false;
  add('tokens', setDifference(stored.tokens, expected.tokens, required.tokens, anyToken));
  if (tolerance === undefined) {
    const references = (index: StoredIndex) => index.tokens.slice(0, index.referenceCount);
    const line = setDifference(references(stored), references(expected), references(expected), undefined);
    if (stored.referenceCount !== expected.referenceCount || line !== undefined) {
      found.push('reference_count: the first tokens are not those of the references');
    }
  }
  add('present', setDifference(stored.present, expected.present, required.present, tolerance?.strict));
  for (const list of ['dates', 'strings', 'quantities'] as const) {
    add(TABLES[list], rowDifference(stored[list], expected[list], required[list], tolerance?.strict));
  }
  // A hold that has ended may have made way.
  const needed = expected.busy.filter((row) => !hasEnded(row));
  add('busy', rowDifference(stored.busy, expected.busy, needed, undefined));
  return found;
}

const COLUMNS = { dateLow: 'date_low', dateHigh: 'date_high', patient: 'patient' } as const;
const TABLES = { dates: 'index_date', strings: 'index_string', quantities: 'index_quantity' } as const;

function busyText({ schedule, start, end, expires }: BusyEntry): string {
  return `${hashToText(schedule)} ${start} ${end} ${expires ?? ''}`;
}

function hasEnded(busy: string): boolean {
  const expires = busy.slice(busy.lastIndexOf(' ') + 1);
  return expires !== '' && Number(expires) <= Date.now();
}

type Strict = ((param: string) => boolean) | undefined;

/** @param strict whether an unexpected element counts; all do when undefined */
function setDifference(
  stored: readonly string[],
  expected: readonly string[],
  required: readonly string[],
  strict: Strict,
): string | undefined {
  if (sameInOrder(stored, expected)) return undefined;
  const have = new Set(stored);
  const wanted = new Set(expected);
  let missing = 0;
  for (const value of new Set(required)) if (!have.has(value)) missing++;
  let extra = 0;
  for (const value of have) if (!wanted.has(value) && (strict === undefined || strict(value))) extra++;
  return counted(missing, extra);
}

function rowDifference(
  stored: readonly string[],
  expected: readonly string[],
  required: readonly string[],
  strict: Strict,
): string | undefined {
  if (sameInOrder(stored, expected)) return undefined;
  const missing = without(required, stored).length;
  const extra = without(stored, expected).filter(
    (row) => strict === undefined || strict(row.slice(0, row.indexOf(' '))),
  ).length;
  return counted(missing, extra);
}

/** The members of a multiset that another one has not. */
function without(all: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const value of others) counts.set(value, (counts.get(value) ?? 0) + 1);
  return all.filter((value) => {
    const count = counts.get(value) ?? 0;
    if (count === 0) return true;
    counts.set(value, count - 1);
    return false;
  });
}

/** The usual case: entries lie as they were written. */
function sameInOrder(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function counted(missing: number, extra: number): string | undefined {
  if (missing === 0 && extra === 0) return undefined;
  const parts = [missing > 0 ? `${missing} missing` : '', extra > 0 ? `${extra} unexpected` : ''];
  return parts.filter((part) => part !== '').join(', ');
}
