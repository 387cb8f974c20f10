import type { AnyAgent, OperationInput } from '../../agents/agent.ts';
import { isResource } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import { jsonBody } from '../resource-body.ts';
import type { Services } from '../services.ts';
import type { OperationText } from '../vesta-definitions/parameter.ts';
import type { Operation, OperationHandler } from './operations.ts';

const OWN = 'https://vesta.health/fhir/OperationDefinition/';

/** The operations that wake agents. */
export function agentOperations(agents: readonly AnyAgent[]): Operation[] {
  return agents.flatMap((agent) =>
    agent.wakes
      .filter((wake) => wake.kind === 'operation')
      .map(({ name, types, levels, safe = false, definition }) => ({
        name,
        definition: definition ?? OWN + name,
        types,
        levels: levels ?? (types.length === 0 ? ['system'] : ['type']),
        safe,
        handle: handlerOf(agent.name, name),
      })),
  );
}

/** What the OperationDefinitions of agents' own operations say, by name. */
export function agentOperationTexts(agents: readonly AnyAgent[]): Record<string, OperationText> {
  const texts: Record<string, OperationText> = {};
  for (const wake of agents.flatMap((agent) => agent.wakes)) {
    if (wake.kind === 'operation' && wake.text !== undefined) texts[wake.name] = wake.text;
  }
  return texts;
}

/**
 * Runs an agent for who makes a request, under the part of his access that is the agent's.
 * @returns the agent's output
 * @throws FhirError as the run does; 501 where the process has no agents
 */
export async function runAgent(
  { agents }: Services,
  { context, scope, signal }: FhirRequest,
  name: string,
  value: JsonValue,
): Promise<unknown> {
  if (agents === undefined) throw fhirError(501, 'not-supported', 'There are no agents here', 'http.path');
  const { output } = await agents.run(context, name, value, { caller: scope, signal });
  return output;
}

function handlerOf(agent: string, name: string): OperationHandler {
  return async (services, request, { type, id }): Promise<FhirResponse> => {
    const input: OperationInput = {
      operation: { name, ...(type === undefined ? {} : { type }), ...(id === undefined ? {} : { id }) },
      parameters: parametersOf(request),
    };
    const output = await runAgent(services, request, agent, input as unknown as JsonObject);
    return {
      status: 200,
      text: JSON.stringify(output),
      interaction: 'operation',
      ...(type === undefined ? {} : { type }),
    };
  };
}

/** The call's parameters, wherever they stand. @throws FhirError 400 for a body that is no Parameters resource */
function parametersOf(request: FhirRequest): JsonObject {
  const query = request.query.map(([name, valueString]): JsonObject => ({ name, valueString }));
  const parameters = (parameter: readonly JsonValue[]): JsonObject => ({
    resourceType: 'Parameters',
    ...(parameter.length === 0 ? {} : { parameter: [...parameter] }),
  });
  if (request.method !== 'POST' || (request.json === undefined && request.body === undefined))
    return parameters(query);
  const body = jsonBody(request);
  if (!isResource(body) || body.resourceType !== 'Parameters')
    throw fhirError(400, 'structure', 'The body must be a Parameters resource', 'http.body');
  const own = body['parameter'] ?? [];
  if (!Array.isArray(own))
    throw fhirError(400, 'structure', 'Parameters.parameter must be an array', 'Parameters.parameter');
  return parameters([...own, ...query]);
}
