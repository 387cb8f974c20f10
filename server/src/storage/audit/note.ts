import type { Tenant } from '../../access/scope.ts';
import type { AuditRow } from '../../audit/entry.ts';
import type { SqlStatement } from '../connections.ts';
import { ROW_TYPES, rowColumns } from './rows.ts';

const NOTE = `select store.audit_note($1::int, ${ROW_TYPES.map((type, i) => `$${i + 2}::${type}`).join(', ')})`;

/** Statements that add events to the tenant's inbox, in the transaction that they are about. */
export function noteStatements(tenant: Tenant, rows: readonly AuditRow[]): SqlStatement[] {
  if (rows.length === 0) return [];
  return [{ name: 'audit-note', text: NOTE, values: [tenant.id, ...rowColumns(rows)] }];
}
