import type { AccessScope, Tenant } from '../../access/scope.ts';
import { int2Array, int4Array, textArray } from '../binary-array.ts';
import type { SqlStatement } from '../connections.ts';
import type { NewVersion } from '../rows.ts';

/** An event for one consumer. */
export interface NewEvent {
  readonly consumer: string;
  readonly type: string;
  /** Told before what is not, however long that has waited. */
  readonly urgent: boolean;
  readonly version: Pick<NewVersion, 'id' | 'version' | 'method'>;
}

/** Rows in one statement. */
const CHUNK = 2000;

/** Statements that put events into the outbox, in their order. */
export function insertEvents(
  tenant: Tenant,
  { subject, role }: AccessScope,
  events: readonly NewEvent[],
): SqlStatement[] {
  const statements: SqlStatement[] = [];
  for (let i = 0; i < events.length; i += CHUNK) {
    const chunk = events.slice(i, i + CHUNK);
    statements.push({
      name: 'insert-events',
      text: `insert into store.outbox (tenant_id, consumer, type, resource_id, version, method, subject, role, urgent)
        select $1::int, consumer, type, resource_id, version, method, $2, $3, urgent
        from unnest($4::text[], $5::text[], $6::text[], $7::int[], $8::smallint[], $9::boolean[])
          with ordinality as u(consumer, type, resource_id, version, method, urgent, place) order by place`,
      values: [
        tenant.id,
        subject,
        role ?? null,
        textArray(chunk.map(({ consumer }) => consumer)),
        textArray(chunk.map(({ type }) => type)),
        textArray(chunk.map(({ version }) => version.id)),
        int4Array(chunk.map(({ version }) => version.version)),
        int2Array(chunk.map(({ version }) => version.method)),
        chunk.map(({ urgent }) => urgent),
      ],
    });
  }
  return statements;
}
