import type { SqlStatement } from './connections.ts';

/*
 * Walking all resources of a tenant in the order of their key (type, rid), a slice at a time, so that neither memory
 * nor a transaction grows with the tenant.
 */

/** Most rows of a slice, and most bytes of content in all; a single larger resource is a slice by itself. */
const ROWS = 500;
const BYTES = 8_000_000;

/** A place in the order: after this resource. */
export interface SlicePosition {
  /** Code of the resource type. */
  readonly type: number;
  /** Row id as PostgreSQL prints it. */
  readonly rid: string;
}

/** Before the first resource. */
export const START: SlicePosition = { type: 0, rid: '-9223372036854775808' };

/**
 * The next rows after a position, deletions included.
 * @param columns of store.resource, named as `r.column` or bare
 */
export function sliceStatement(tenantId: number, columns: string, after: SlicePosition): SqlStatement {
  return slice(tenantId, columns, '(type, rid) > ($2::smallint, $3::bigint)', [after.type, after.rid]);
}

/** As {@link sliceStatement}, within one type and up to a row id (inclusive). */
export function typeSliceStatement(
  tenantId: number,
  columns: string,
  after: SlicePosition,
  until: string,
): SqlStatement {
  const condition = 'type = $2::smallint and rid > $3::bigint and rid <= $4::bigint';
  return slice(tenantId, columns, condition, [after.type, after.rid, until]);
}

function slice(
  tenantId: number,
  columns: string,
  condition: string,
  values: readonly unknown[],
): SqlStatement {
  // The length of a content is known without reading it, also of one that is stored out of line.
  return {
    text: `select ${columns} from (
        select *, row_number() over w as place, sum(octet_length(content)) over w as bytes from (
          select * from store.resource where tenant_id = $1::int and ${condition} order by type, rid limit ${ROWS}
        ) s window w as (order by type, rid)
      ) r where place = 1 or bytes <= ${BYTES} order by type, rid`,
    values: [tenantId, ...values],
  };
}
