import type { AccessScope, Tenant } from '../../access/scope.ts';
import type { Connections } from '../connections.ts';

/** A workflow whose time has come, and until when this process alone looks at it (epoch milliseconds). */
export interface DueWorkflow {
  readonly groupId: string;
  readonly claimed: number;
}

const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

/** Keeps under which access a workflow's steps are done; what is kept already stays as it is. */
export async function keepWorkflow(
  connections: Connections,
  tenant: Tenant,
  groupId: string,
  scope: AccessScope,
): Promise<void> {
  await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: `insert into store.workflow (tenant_id, group_id, scope, started) values ($1, $2, $3::jsonb, ${NOW})
        on conflict do nothing`,
      values: [tenant.id, groupId, JSON.stringify(scope)],
    }),
  );
}

/** The access of who has started a workflow; undefined for a RequestGroup that is none, or has ended. */
export async function workflowScope(
  connections: Connections,
  tenant: Tenant,
  groupId: string,
): Promise<AccessScope | undefined> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      name: 'workflow-scope',
      text: 'select scope from tenant.workflow where tenant_id = $1 and group_id = $2',
      values: [tenant.id, groupId],
    }),
  );
  const scope = rows[0]?.[0] as AccessScope | undefined;
  // The tenant's name may have changed; its number is what rows are kept by.
  return scope === undefined ? undefined : { ...scope, tenant };
}

/** Has a workflow looked at no later than a moment. @param due epoch milliseconds */
export async function noteDue(
  connections: Connections,
  tenant: Tenant,
  groupId: string,
  due: number,
): Promise<void> {
  await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: `update store.workflow set due = $3::bigint
        where tenant_id = $1 and group_id = $2 and (due is null or due > $3::bigint)`,
      values: [tenant.id, groupId, Math.round(due)],
    }),
  );
}

/** The tenants in which a workflow is due. */
export async function tenantsWithDue(connections: Connections): Promise<Tenant[]> {
  const rows = await connections.global({
    text: 'select tenant_id, tenant_name from store.due_workflows()',
    values: [],
  });
  return rows.map(([id, name]) => ({ id: id as number, name: name as string }));
}

/** Takes workflows that are due: nobody else gets them for a while, and then again if nobody has settled them. */
export async function claimDue(
  connections: Connections,
  tenant: Tenant,
  most: number,
  lease: number,
): Promise<DueWorkflow[]> {
  const { rows } = await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: `update store.workflow w set due = ${NOW} + $3::bigint
        from (
          select group_id from store.workflow where tenant_id = $1 and due <= ${NOW}
          order by due limit $2 for update skip locked
        ) t
        where w.tenant_id = $1 and w.group_id = t.group_id returning w.group_id, w.due`,
      values: [tenant.id, most, lease],
    }),
  );
  return rows.map(([groupId, claimed]) => ({ groupId: groupId as string, claimed: Number(claimed) }));
}

/** Sets when a workflow that was claimed is due next, unless it was made due earlier meanwhile. */
export async function settleDue(
  connections: Connections,
  tenant: Tenant,
  { groupId, claimed }: DueWorkflow,
  next: number | undefined,
): Promise<void> {
  await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: `update store.workflow set due = $4::bigint
        where tenant_id = $1 and group_id = $2 and due = $3::bigint`,
      values: [tenant.id, groupId, claimed, next === undefined ? null : Math.round(next)],
    }),
  );
}

/** Forgets a workflow that has ended. */
export async function forgetWorkflow(
  connections: Connections,
  tenant: Tenant,
  groupId: string,
): Promise<void> {
  await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: 'delete from store.workflow where tenant_id = $1 and group_id = $2',
      values: [tenant.id, groupId],
    }),
  );
}
