import { shownText } from '../access/hidden-elements.ts';
import type { AccessScope, Interaction } from '../access/scope.ts';
import { fhirError, type Issue } from '../fhir/outcome.ts';
import type { CursorCodec } from '../search/cursor.ts';
import { badValue, parameterExpression, shown } from '../search/query/errors.ts';
import { type AuditCondition, countRows, type ReadRow, readPage } from '../storage/audit/read.ts';
import type { Connections } from '../storage/connections.ts';
import { type RowMaker, readEntry } from './entry.ts';
import { parseAuditQuery } from './query.ts';
import type { ReferenceContext } from './reference-condition.ts';
import { auditEventResource, eventId, placeOf } from './resource.ts';
import { type AuditAccess, auditAccess } from './scope-condition.ts';

/** What the log is read with. */
export interface AuditReader {
  readonly connections: Connections;
  readonly rows: RowMaker;
  readonly cursors: CursorCodec;
}

/** The part of TenantContext that AuditEvents are made with. */
export interface AuditTenant {
  /** `http://host:port/fhir/tenant` */
  readonly baseUrl: string;
}

export interface AuditSearchOptions {
  /** `Prefer: handling=strict`: what is unknown is an error. */
  readonly strict?: boolean;
  readonly defaultCount: number;
  readonly maxCount: number;
}

/** A page of AuditEvents. */
export interface AuditPage {
  readonly entries: readonly { readonly id: string; readonly text: string }[];
  /** `_cursor` of the next page; undefined at the end. */
  readonly next: string | undefined;
  /** When it was asked for, or costs nothing. */
  readonly total: number | undefined;
  readonly issues: readonly Issue[];
  /** Parameters that took effect, for links. */
  readonly applied: readonly (readonly [string, string])[];
}

/**
 * search-type of AuditEvent over the audit log (R4 auditevent.html#search): the newest first unless `_sort=date`, with
 * `_count`, `_total`, `_summary=count` and paging by `_cursor`. Projections (`_elements`, `_summary`) are the caller's.
 * @throws FhirError 400 for malformed parameters and, under strict handling, unknown ones; 403 where AuditEvent may not be
 *   searched
 */
export async function auditSearch(
  reader: AuditReader,
  scope: AccessScope,
  tenant: AuditTenant,
  query: readonly (readonly [string, string])[],
  options: AuditSearchOptions,
): Promise<AuditPage> {
  const context = referenceContext(reader, scope, tenant);
  const access = accessOf(scope, 'search-type', context);
  const parsed = parseAuditQuery(query, context);
  const control = controlOf(query, options);
  const issues = [...parsed.ignored, ...control.ignored].map(({ name, reason }): Issue => {
    if (options.strict) throw fhirError(400, 'not-supported', `${reason}.`, parameterExpression(name));
    return {
      severity: 'warning',
      code: 'not-supported',
      diagnostics: `${reason}: it was ignored.`,
      expression: parameterExpression(name),
    };
  });
  const condition = flattened(parsed.condition, access.condition);
  const applied = [...parsed.applied, ...control.applied];
  const fingerprint = `audit-log ${JSON.stringify([parsed.applied, control.descending])}`;
  const after =
    control.cursor === undefined ? undefined : placeOfCursor(reader, scope, fingerprint, control.cursor);
  const size = after?.size ?? control.count;
  const [rows, counted] = await Promise.all([
    control.countOnly || size === 0
      ? []
      : readPage(reader.connections, scope.tenant, {
          condition,
          descending: control.descending,
          limit: size + 1,
          ...(after === undefined ? {} : { after }),
        }),
    control.total || control.countOnly || size === 0
      ? countRows(reader.connections, scope.tenant, condition)
      : undefined,
  ]);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  const next =
    rows.length > size && last !== undefined
      ? reader.cursors.encode(scope.tenant.id, fingerprint, {
          keys: [String(last.written)],
          rid: String(last.n),
          size,
        })
      : undefined;
  const isWhole = next === undefined && after === undefined && !control.countOnly && size > 0;
  return {
    entries: page.map((row) => ({
      id: eventId(row.written, row.n),
      text: textOf(row, scope, tenant, access),
    })),
    next,
    total: counted ?? (isWhole && control.wantsTotal ? page.length : undefined),
    issues,
    applied,
  };
}

/**
 * read (and vread of version 1) of an AuditEvent of the log.
 * @returns JSON text and time of writing; undefined when there is none that the scope may see, or the id is no log id:
 *   then a stored AuditEvent may have it
 * @throws FhirError 403 where AuditEvent may not be read
 */
export async function auditRead(
  reader: AuditReader,
  scope: AccessScope,
  tenant: AuditTenant,
  id: string,
  interaction: 'read' | 'vread' | 'history-instance' = 'read',
): Promise<{ text: string; lastUpdated: number } | undefined> {
  const place = placeOf(id);
  if (place === undefined) return undefined;
  const context = referenceContext(reader, scope, tenant);
  const access = accessOf(scope, interaction, context);
  const condition = flattened({ kind: 'place', places: [place] }, access.condition);
  const [row] = await readPage(reader.connections, scope.tenant, {
    // The time of writing is in the id: it tells the partition.
    condition: flattened({ kind: 'written', low: place.written, high: place.written }, condition),
    descending: false,
    limit: 1,
  });
  return row && { text: textOf(row, scope, tenant, access), lastUpdated: row.written };
}

export function referenceContext(
  { rows }: Pick<AuditReader, 'rows'>,
  scope: AccessScope,
  { baseUrl }: AuditTenant,
): ReferenceContext {
  return { tenantId: scope.tenant.id, baseUrl, rows };
}

function accessOf(scope: AccessScope, interaction: Interaction, context: ReferenceContext): AuditAccess {
  const access = auditAccess(scope, interaction, context);
  if (access !== undefined) return access;
  throw fhirError(403, 'forbidden', 'AuditEvents are not for you to see', 'http.path');
}

/** Both, with the parts of an outer `all` side by side: time bounds are looked for there. */
function flattened(a: AuditCondition, b: AuditCondition): AuditCondition {
  return { kind: 'all', of: [...(a.kind === 'all' ? a.of : [a]), ...(b.kind === 'all' ? b.of : [b])] };
}

function textOf(row: ReadRow, scope: AccessScope, { baseUrl }: AuditTenant, access: AuditAccess): string {
  const { patients } = access;
  const resource = auditEventResource(
    { written: row.written, n: row.n, entry: readEntry(row.entry) },
    { baseUrl, ...(patients === undefined ? {} : { patients }) },
  );
  return shownText(JSON.stringify(resource), scope.hidden);
}

function placeOfCursor(
  { cursors }: AuditReader,
  scope: AccessScope,
  fingerprint: string,
  cursor: string,
): { written: number; n: number; size: number } {
  const { keys, rid, size } = cursors.decode(scope.tenant.id, fingerprint, cursor);
  return { written: Number(keys[0]), n: Number(rid), size };
}

interface Control {
  readonly count: number;
  readonly total: boolean;
  /** Whether the total is given where it costs nothing. */
  readonly wantsTotal: boolean;
  readonly countOnly: boolean;
  readonly descending: boolean;
  readonly cursor: string | undefined;
  readonly ignored: readonly { name: string; reason: string }[];
  readonly applied: readonly (readonly [string, string])[];
}

function controlOf(query: readonly (readonly [string, string])[], options: AuditSearchOptions): Control {
  const value = (name: string): string | undefined => query.find(([key]) => key === name)?.[1];
  const ignored: { name: string; reason: string }[] = [];
  const sort = value('_sort');
  const isKnownSort = sort === undefined || /^-?(date|_lastUpdated)$/.test(sort);
  if (!isKnownSort) ignored.push({ name: '_sort', reason: `AuditEvents cannot be sorted by ${shown(sort)}` });
  const total = value('_total');
  if (total !== undefined && !['none', 'estimate', 'accurate'].includes(total))
    throw badValue('_total', `${shown(total)} is none of none, estimate, accurate.`);
  const count = value('_count');
  if (count !== undefined && !/^\d{1,9}$/.test(count))
    throw badValue('_count', `${shown(count)} is no whole number.`);
  return {
    count: Math.min(options.maxCount, count === undefined ? options.defaultCount : Number(count)),
    total: total === 'accurate' || total === 'estimate',
    wantsTotal: total !== 'none',
    countOnly: value('_summary') === 'count',
    descending: !(isKnownSort && sort !== undefined && !sort.startsWith('-')),
    cursor: value('_cursor'),
    ignored,
    applied: query.filter(([name]) => ['_sort', '_count', '_total', '_summary', '_elements'].includes(name)),
  };
}
