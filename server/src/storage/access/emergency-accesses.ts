import type { BreakGlass } from '../../access/break-glass.ts';
import type { Tenant } from '../../access/scope.ts';
import type { Connections, Row } from '../connections.ts';
import type { Transaction } from '../transaction.ts';

/** An emergency access as it is stored. */
export interface StoredBreakGlass extends BreakGlass {
  /** UUID. */
  readonly id: string;
}

const COLUMNS = 'id, subject, patient, reason, purpose, opened, until';

/** The emergency accesses of a tenant that have not ended at a moment (epoch milliseconds). */
export async function openEmergencyAccesses(
  connections: Connections,
  tenant: Tenant,
  now: number,
): Promise<StoredBreakGlass[]> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      name: 'open-emergencies',
      text: `select ${COLUMNS} from tenant.emergency_access
        where tenant_id = $1 and until > $2 and ended is null order by opened, id`,
      values: [tenant.id, now],
    }),
  );
  return rows.map(accessOf);
}

/** Stores an emergency access. */
export async function addEmergencyAccess(transaction: Transaction, access: StoredBreakGlass): Promise<void> {
  const { id, subject, patient, reason, purposeOfUse, from, until } = access;
  await transaction.query({
    text: `insert into store.emergency_access (tenant_id, ${COLUMNS}) values ($1, $2::uuid, $3, $4, $5, $6, $7, $8)`,
    values: [transaction.tenant.id, id, subject, patient, reason, purposeOfUse, from, until],
  });
}

/**
 * Ends the emergency accesses to a patient's record that are open.
 * @param subject only those of this person; of anybody where it is undefined
 * @returns those that were ended
 */
export async function endEmergencyAccesses(
  transaction: Transaction,
  patient: string,
  subject: string | undefined,
  by: string,
  now: number,
): Promise<StoredBreakGlass[]> {
  const rows = await transaction.query({
    text: `update store.emergency_access set ended = $2, ended_by = $3
      where tenant_id = $1 and patient = $4 and ($5::text is null or subject = $5) and until > $2 and ended is null
      returning ${COLUMNS}`,
    values: [transaction.tenant.id, now, by, patient, subject ?? null],
  });
  return rows.map(accessOf);
}

function accessOf(row: Row): StoredBreakGlass {
  return {
    id: row[0] as string,
    subject: row[1] as string,
    patient: row[2] as string,
    reason: row[3] as string,
    purposeOfUse: row[4] as BreakGlass['purposeOfUse'],
    from: Number(row[5]),
    until: Number(row[6]),
  };
}
