import type { AccessScope } from '../../access/scope.ts';
import { parseResponse } from '../../cds/hooks/response.ts';
import { HOOKS, type Hook } from '../../cds/hooks/types.ts';
import type { CdsContext, CdsService } from '../../cds/service/service.ts';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import type { AnyAgent, Wake } from '../agent.ts';
import type { AgentRuntime } from './runtime.ts';

type HookWake = Extract<Wake, { kind: 'hook' }>;

/**
 * The agents that hooks wake, as CDS services: one for each such wake. The agent's input is
 * `{ hook, hookInstance, context, prefetch }`, its output `{ cards, systemActions? }` of CDS Hooks. It acts for who has
 * called: what of the tenant's record is closed to them is closed to the agent, which then has the prefetched data only.
 * @throws Error for a hook that this server does not know
 */
export function hookServices(runtime: AgentRuntime): CdsService[] {
  return runtime.options.agents.flatMap((agent) =>
    agent.wakes
      .filter((wake): wake is HookWake => wake.kind === 'hook')
      .map((wake) => serviceOf(runtime, agent, wake)),
  );
}

function serviceOf(runtime: AgentRuntime, agent: AnyAgent, wake: HookWake): CdsService {
  const hook = wake.hook as Hook;
  if (!HOOKS.includes(hook)) throw new Error(`The agent ${agent.name} is woken by an unknown hook "${hook}"`);
  return {
    id: wake.id,
    hook,
    title: agent.title,
    description: agent.description,
    prefetch: wake.prefetch,
    timeout: agent.timeout,
    run: async ({ hookInstance, context }, { tenant, caller, prefetch, signal }) => {
      const input: JsonObject = { hook, hookInstance, context, prefetch };
      try {
        const { output } = await runtime.run(tenant, agent.name, input, {
          caller: caller ?? nobody(tenant),
          signal,
        });
        return checked(agent, output);
      } catch (error) {
        throw error instanceof FhirError && CLOSED.includes(error.status)
          ? withoutAccess(agent, error)
          : error;
      }
    },
  };
}

/** An EHR that has sent what is needed, and has no access to this tenant's record. */
const nobody = ({ tenant }: CdsContext['tenant']): AccessScope => ({
  tenant,
  subject: 'cds-client',
  grants: [],
});

/** What of the record is not open, or is not there: for who calls the service it is all the same. */
const CLOSED: readonly number[] = [403, 404, 410];

/** What the agent needs of the record is closed to who has called (CDS Hooks 2.0, HTTP Status Codes: 412). */
const withoutAccess = (agent: AnyAgent, { message }: FhirError): FhirError =>
  fhirError(
    412,
    'incomplete',
    `${agent.title} needs data that is not open to you: ${message}`,
    'fhirAuthorization',
  );

/** What breaks a rule of CDS Hooks is left out; what is no answer at all is the agent's fault, not the caller's. */
function checked(agent: AnyAgent, output: unknown) {
  try {
    const { cards, systemActions } = parseResponse(output as JsonValue | undefined, agent.title);
    return systemActions === undefined ? { cards } : { cards, systemActions };
  } catch (error) {
    throw error instanceof FhirError
      ? new Error(`The agent ${agent.name} has given no answer of CDS Hooks: ${error.message}`)
      : error;
  }
}
