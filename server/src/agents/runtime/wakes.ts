import type { EventConsumer, ResourceEvent } from '../../events/event.ts';
import { InternalClient } from '../../fhir/internal-client.ts';
import { FhirError } from '../../fhir/outcome.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { AnyAgent, Wake } from '../agent.ts';
import { approvals } from './approvals.ts';
import { idOf } from './run-ids.ts';
import type { AgentRuntime } from './runtime.ts';
import { agentScope, consumerName } from './scope.ts';

type EventWake = Extract<Wake, { kind: 'event' }>;

/** What tells agents of events: a consumer for each agent that events wake, and the one for approvals. */
export function agentConsumers(runtime: AgentRuntime): EventConsumer[] {
  const woken = runtime.options.agents.flatMap((agent) => {
    const wakes = agent.wakes.filter((wake): wake is EventWake => wake.kind === 'event');
    return wakes.length === 0 ? [] : [consumerOf(runtime, agent, wakes)];
  });
  const asks = runtime.options.agents.some(({ actions }) => actions.length > 0);
  return asks ? [...woken, approvals(runtime)] : woken;
}

/**
 * Runs an agent by itself, under its own grants, for every event that wakes it. Its input is
 * `{ event: { type, id, version, method }, resource? }`; of a deletion there is no resource.
 */
function consumerOf(runtime: AgentRuntime, agent: AnyAgent, wakes: readonly EventWake[]): EventConsumer {
  return {
    name: consumerName(agent),
    wants: wakes,
    canWait: agent.canWait === true,
    async handle(event, signal) {
      const context = await runtime.options.fhir().tenants.recent(event.tenant);
      const device = await runtime.devices.referenceOf(context, agent);
      const resource = await resourceOf(runtime, context, agent, device, event, signal);
      if (event.method !== 'delete' && resource === undefined) return;
      const woken = wakes.some(
        (wake) =>
          wake.type === event.type &&
          wake.methods.includes(event.method) &&
          (resource === undefined || wake.when === undefined || wake.when(resource)),
      );
      if (!woken) return;
      const { type, resourceId: id, version, method } = event;
      const input: JsonObject = {
        event: { type, id, version, method },
        ...(resource === undefined ? {} : { resource }),
      };
      try {
        await runtime.run(context, agent.name, input, {
          signal,
          runId: idOf(agent.name, String(event.tenant.id), event.id),
        });
      } catch (error) {
        // A refusal is recorded with the run, and stays one however often it is tried.
        if (
          !(error instanceof FhirError) ||
          error.status >= 500 ||
          error.status === 409 ||
          error.status === 429
        )
          throw error;
      }
    },
  };
}

/** The version that the event tells of; undefined for a deletion, or when the agent may not see it. */
async function resourceOf(
  runtime: AgentRuntime,
  context: TenantContext,
  agent: AnyAgent,
  device: string,
  { type, resourceId, version, method }: ResourceEvent,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  if (method === 'delete') return undefined;
  const scope = agentScope(agent, context.tenant, device, undefined);
  const client = new InternalClient(runtime.options.fhir(), context, scope, {
    actor: { agent: device, client: device },
    signal,
  });
  try {
    return (await client.call('GET', [type, resourceId, '_history', String(version)])) as Resource;
  } catch (error) {
    if (error instanceof FhirError && (error.status === 403 || error.status === 404 || error.status === 410))
      return undefined;
    throw error;
  }
}
