import { shownText } from '../../../access/hidden-elements.ts';
import { type AccessScope, grantsFor } from '../../../access/scope.ts';
import type { AgentRuntime } from '../../../agents/runtime/runtime.ts';
import { isObject } from '../../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../../json/types.ts';
import { taskIdOf, workflowIdOf } from '../../../workflows/resources.ts';
import type { Step } from '../../../workflows/steps.ts';
import { stepsOf } from '../../../workflows/steps.ts';
import { InternalClient } from '../../internal-client.ts';
import { fhirError } from '../../outcome.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
import type { Services } from '../../services.ts';

/** FHIR as the caller of an operation may use it. @param scope in place of the caller's */
export function callerClient(
  services: Services,
  request: FhirRequest,
  scope = request.scope,
): InternalClient {
  const { context, actor, signal } = request;
  return new InternalClient({ services, handle: services.handle }, context, scope, {
    ...(actor === undefined ? {} : { actor }),
    ...(signal === undefined ? {} : { signal }),
    // The operation is what the audit log tells of; what is written is told of by the write engine.
    audited: false,
  });
}

/** @throws FhirError 501 in a process without agents */
export function runtimeOf({ agents }: Services): AgentRuntime {
  if (agents !== undefined) return agents;
  throw fhirError(501, 'not-supported', 'There are no workflows here', 'http.path');
}

/** @throws FhirError 403 */
export function assertMay(scope: AccessScope, type: string, interaction: 'create' | 'update'): void {
  if (grantsFor(scope, type, interaction).length === 0)
    throw fhirError(403, 'forbidden', `To ${interaction} a ${type} is not allowed`, 'http.path');
}

/** `Type/id` of a parameter that is a Reference or such a text. @throws FhirError 400 */
export function localReference(
  value: JsonValue | undefined,
  type: string,
  name: string,
  baseUrl: string,
): string | undefined {
  if (value === undefined) return undefined;
  const stated = isObject(value) ? value['reference'] : value;
  const text = typeof stated === 'string' ? stated : '';
  const local = text.startsWith(`${baseUrl}/`) ? text.slice(baseUrl.length + 1) : text;
  const pattern = /^([A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/.exec(local);
  if (pattern?.[1] === type) return local;
  throw fhirError(400, 'value', `${name} must refer to a ${type}`, parameter(name));
}

export const parameter = (name: string): string => `Parameters.parameter.where(name='${name}')`;

/** A step's Task with its workflow, as the caller may see them. */
export interface StepCall {
  readonly task: Resource;
  readonly group: Resource;
  readonly step: Step;
}

/** @throws FhirError 404 for a Task that the caller may not see, 422 for one that is no step of a workflow under way */
export async function readStep(
  client: InternalClient,
  reader: InternalClient,
  id: string,
): Promise<StepCall> {
  const task = (await client.call('GET', ['Task', id])) as Resource;
  const groupId = workflowIdOf(task);
  const group = groupId === undefined ? undefined : await reader.read('RequestGroup', groupId);
  const step =
    group === undefined
      ? undefined
      : stepsOf(group['action'], 'RequestGroup.action').find(
          (one) => taskIdOf(groupId as string, one.id) === id,
        );
  if (group === undefined || step === undefined)
    throw fhirError(422, 'business-rule', `Task/${id} is no step of a workflow`, 'http.path');
  if (group['status'] !== 'active' && group['status'] !== 'on-hold')
    throw fhirError(422, 'business-rule', `The workflow of Task/${id} has ended`, 'http.path');
  return { task, group, step };
}

/** The answer with a resource. */
export function answer({ scope }: FhirRequest, resource: JsonObject, status = 200): FhirResponse {
  return {
    status,
    text: shownText(JSON.stringify(resource), scope.hidden),
    interaction: 'operation',
    type: String(resource['resourceType']),
  };
}
