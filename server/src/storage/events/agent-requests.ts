import type { AccessScope, Tenant } from '../../access/scope.ts';
import type { Connections } from '../connections.ts';

/** What an agent has asked a person to approve: on whose behalf, and under which access. The Task holds the what. */
export interface AgentRequest {
  readonly taskId: string;
  readonly agent: string;
  readonly action: string;
  /** The access of the run that asked. */
  readonly scope: AccessScope;
}

/** Keeps a request; one that is kept already stays as it is. */
export async function keepRequest(
  connections: Connections,
  tenant: Tenant,
  { taskId, agent, action, scope }: AgentRequest,
): Promise<void> {
  await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: `insert into store.agent_request (tenant_id, task_id, agent, action, scope, created)
        values ($1, $2, $3, $4, $5::jsonb, $6) on conflict do nothing`,
      values: [tenant.id, taskId, agent, action, JSON.stringify(scope), Date.now()],
    }),
  );
}

/** The request of a Task; undefined where no agent has made it, or it is settled. */
export async function findRequest(
  connections: Connections,
  tenant: Tenant,
  taskId: string,
): Promise<AgentRequest | undefined> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      text: 'select agent, action, scope from tenant.agent_request where tenant_id = $1 and task_id = $2',
      values: [tenant.id, taskId],
    }),
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const [agent, action, scope] = row as [string, string, AccessScope];
  // The tenant's name may have changed; its number is what rows are kept by.
  return { taskId, agent, action, scope: { ...scope, tenant } };
}

/** Removes the request of a Task that is settled. */
export async function settleRequest(connections: Connections, tenant: Tenant, taskId: string): Promise<void> {
  await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: 'delete from store.agent_request where tenant_id = $1 and task_id = $2',
      values: [tenant.id, taskId],
    }),
  );
}
