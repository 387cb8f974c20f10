import type { AnyAgent } from '../agents/agent.ts';
import { type EndpointSettings, openAiCompatible } from '../agents/model/chat-endpoint.ts';
import { ConfiguredModels } from '../agents/model/configured-model.ts';
import { AGENTS } from '../agents/registry.ts';
import { agentsHealth } from '../agents/runtime/health.ts';
import { recordAsResources } from '../agents/runtime/record-resource.ts';
import { AgentRuntime } from '../agents/runtime/runtime.ts';
import { agentConsumers } from '../agents/runtime/wakes.ts';
import { conversations } from '../agents/supervisor/wake.ts';
import type { AuditTrail } from '../audit/trail.ts';
import { EventDispatcher } from '../events/dispatcher.ts';
import type { EventConsumer, ResourceEvent } from '../events/event.ts';
import { watchEvents } from '../events/metrics.ts';
import { Outbox } from '../events/outbox.ts';
import type { Pace } from '../events/pace.ts';
import type { FhirServer } from '../fhir/fhir-server.ts';
import type { JsonObject } from '../json/types.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { VisitUpkeep } from '../scheduling/upkeep.ts';
import type { Connections } from '../storage/connections.ts';
import { workflowConsumers } from '../workflows/consumer.ts';
import { WorkflowTimer } from '../workflows/timer.ts';

/** The language model of an installation. */
export interface ModelSettings extends EndpointSettings {
  /** Tokens that a tenant may use in a day, where its own setting says nothing. */
  readonly tokensPerDay: number;
}

export interface AgentEnvironment {
  readonly connections: Connections;
  /** The server, when it is first asked for: it is made with the outbox. */
  readonly server: () => FhirServer;
  /** The audit log, where access is controlled. */
  readonly audit: AuditTrail | undefined;
  readonly logger: Logger;
  /** The agents; all of the server by default. */
  readonly agents?: readonly AnyAgent[] | undefined;
  readonly model?: ModelSettings | undefined;
  /** What else is told of events. */
  readonly consumers?: readonly EventConsumer[];
  /** What consumers that can wait keep to. */
  readonly pace?: Pace | undefined;
}

/** The agents of this process, and the events that wake them. */
export interface AgentService {
  readonly runtime: AgentRuntime;
  readonly outbox: Outbox;
  readonly dispatcher: EventDispatcher;
  /** What is done with visits without being asked. */
  readonly upkeep: VisitUpkeep;
  /** What /health/agents answers. */
  health(): JsonObject;
  /** Shows the numbers of agents and events in /metrics. */
  watch(metrics: Metrics): void;
  /** Begins to take events. */
  start(): void;
  stop(): Promise<void>;
}

const SCHEDULING = 'scheduling';

/** Makes the agents of a process. */
export function agentService(environment: AgentEnvironment): AgentService {
  const { connections, server, audit, logger, agents = AGENTS, model, consumers = [], pace } = environment;
  const onError = (error: unknown, agent?: string) => logger.error({ err: error, agent }, 'agent failure');
  const models =
    model &&
    new ConfiguredModels({
      model: model.model,
      ask: openAiCompatible(model),
      connections,
      tokensPerDay: model.tokensPerDay,
      onFailure: (reason) => logger.warn({ reason }, 'language model failure'),
    });
  const runtime = new AgentRuntime({
    agents,
    fhir: server,
    connections,
    record:
      audit === undefined
        ? recordAsResources(server, onError)
        : (tenant, event) => audit.report(tenant, event),
    open: audit === undefined,
    models,
    onError,
  });
  const upkeep = new VisitUpkeep({
    connections,
    server,
    agent:
      runtime.agent(SCHEDULING) &&
      (async (context, work, signal) => {
        await runtime.run(context, SCHEDULING, { ...work }, { signal });
      }),
    onError,
  });
  const workflows = new WorkflowTimer(runtime);
  const all = [
    ...agentConsumers(runtime),
    ...conversations(runtime),
    ...workflowConsumers(runtime),
    upkeep.consumer(),
    ...consumers,
  ];
  const dispatcher = new EventDispatcher(connections, all, {
    pace,
    onError: (error, consumer) => logger.error({ err: error, consumer }, 'event failure'),
    onParked: (event, consumer) => {
      logger.error({ tenant: event.tenant.name, consumer, type: event.type }, 'an event was given up');
      return runtime.options.record(event.tenant, parkedEvent(event, consumer));
    },
  });
  return {
    runtime,
    dispatcher,
    upkeep,
    outbox: new Outbox(all, (consumers) => dispatcher.wake(consumers)),
    health: () => agentsHealth(runtime),
    watch(metrics) {
      runtime.measures.watch(metrics.registry);
      models?.measures.watch(metrics.registry);
      watchEvents(metrics.registry, dispatcher);
    },
    start: () => {
      dispatcher.start();
      upkeep.start();
      workflows.start();
    },
    stop: async () => {
      await Promise.all([dispatcher.stop(), upkeep.stop(), workflows.stop()]);
    },
  };
}

function parkedEvent({ type, resourceId, version, attempt, id }: ResourceEvent, consumer: string) {
  return {
    kind: 'event-parked',
    outcome: 8,
    agent: 'vesta',
    client: 'vesta',
    what: `${type}/${resourceId}`,
    version,
    detail: { consumer, event: id, attempts: String(attempt) },
  } as const;
}
