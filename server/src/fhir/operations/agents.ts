import type { AnyAgent, OperationInput } from '../../agents/agent.ts';
import { isResource, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import { jsonBody } from '../resource-body.ts';
import type { Services } from '../services.ts';
import type { TenantContext } from '../tenant-context.ts';
import type { OperationText } from '../vesta-definitions/parameter.ts';
import { checkStructure } from '../write/prepare.ts';
import type { Operation, OperationHandler } from './operations.ts';

const OWN = 'https://vesta.health/fhir/OperationDefinition/';

/** The operations that wake agents. */
export function agentOperations(agents: readonly AnyAgent[]): Operation[] {
  return agents.flatMap((agent) =>
    agent.wakes
      .filter((wake) => wake.kind === 'operation')
      .map(({ name, types, levels, safe = false, definition, text }) => ({
        name,
        definition: definition ?? OWN + name,
        types,
        levels: levels ?? (types.length === 0 ? ['system'] : ['type']),
        safe,
        handle: handlerOf(agent.name, name, text),
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

function handlerOf(agent: string, name: string, text: OperationText | undefined): OperationHandler {
  return async (services, request, { type, id }): Promise<FhirResponse> => {
    const parameters = parametersOf(request);
    assertParameters(request.context, parameters, text);
    const input: OperationInput = {
      operation: { name, ...(type === undefined ? {} : { type }), ...(id === undefined ? {} : { id }) },
      parameters,
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

/**
 * Checks what an agent is given before it is woken: that nothing is given several times of which it takes one, because it
 * would read the first and pass over the others, and that resources are as R4 has them.
 * @throws FhirError 400, 422 naming the parameter or element
 */
function assertParameters(
  context: TenantContext,
  { parameter }: JsonObject,
  text: OperationText | undefined,
) {
  const parts = objectsOf(parameter);
  for (const { name, use, max } of text?.parameters ?? []) {
    if (use === 'in' && max === '1' && parts.filter((part) => part['name'] === name).length > 1)
      throw fhirError(
        400,
        'structure',
        `${name} may be given once`,
        `Parameters.parameter.where(name='${name}')`,
      );
  }
  for (const [index, { resource }] of parts.entries()) {
    if (isResource(resource)) checkStructure(context, resource, `Parameters.parameter[${index}].resource`);
  }
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
