import type { JsonObject } from '../../json/types.ts';
import type { AgentRuntime } from './runtime.ts';

/** Failures in a row after which an agent counts as failing. */
const FAILING = 3;

/**
 * What /health/agents answers: of every agent its version and how its runs in this process have ended, and whether the
 * language model answers. Nothing of tenants. An agent without its model is still up: it goes by its rules.
 */
export function agentsHealth(runtime: AgentRuntime): JsonObject {
  const agents = runtime.options.agents.map((agent): JsonObject => {
    const counts = runtime.measures.of(agent.name);
    return {
      name: agent.name,
      title: agent.title,
      version: agent.version,
      status: counts.failing >= FAILING ? 'failing' : 'up',
      runs: counts.runs,
      failures: counts.failures,
      timeouts: counts.timeouts,
      ...(counts.runs === 0 ? {} : { averageMilliseconds: Math.round(counts.milliseconds / counts.runs) }),
      ...(counts.lastFailure === undefined
        ? {}
        : { lastFailure: new Date(counts.lastFailure).toISOString() }),
    };
  });
  const model = runtime.options.models?.health();
  const status = agents.some((agent) => agent['status'] === 'failing') ? 'degraded' : 'up';
  return { status, agents, model: model === undefined ? { state: 'none' } : { ...model } };
}
