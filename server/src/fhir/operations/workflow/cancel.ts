import { objectsOf } from '../../../json/objects.ts';
import type { Resource } from '../../../json/types.ts';
import { taskIdOf, versionOf } from '../../../workflows/resources.ts';
import { stepsOf } from '../../../workflows/steps.ts';
import { unlessConflict } from '../../../workflows/workflow.ts';
import { fhirError } from '../../outcome.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
import type { Route } from '../../route.ts';
import type { Services } from '../../services.ts';
import { OperationParameters } from '../parameters.ts';
import { answer, assertMay, callerClient, parameter } from './call.ts';

/**
 * RequestGroup/{id}/$cancel: ends a workflow before its end, with a `reason`. Its open steps are cancelled and what must
 * not stay is undone (workflows/undo.ts) as soon as this is written, also after a crash.
 * @returns 200 with the RequestGroup
 * @throws FhirError 400 without a reason, 403, 404, 422 for one that has ended or is no workflow
 */
export async function cancelWorkflow(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  assertMay(request.scope, 'RequestGroup', 'update');
  const reason = new OperationParameters(request).text('reason')?.trim() ?? '';
  if (reason === '') throw fhirError(400, 'required', '$cancel needs a reason', parameter('reason'));
  const client = callerClient(services, request);
  const id = route.id as string;
  const written = await unlessConflict(async () => {
    const group = (await client.call('GET', ['RequestGroup', id])) as Resource;
    assertWorkflow(group);
    if (group['status'] !== 'active' && group['status'] !== 'on-hold')
      throw fhirError(422, 'business-rule', `RequestGroup/${id} has ended`, 'RequestGroup.status');
    const note = [
      ...objectsOf(group['note']),
      { authorString: request.scope.subject, time: new Date().toISOString(), text: `Cancelled: ${reason}` },
    ];
    return client.update({ ...group, status: 'revoked', note }, versionOf(group));
  });
  return answer(request, written);
}

/** @throws FhirError 422 for a RequestGroup that is no workflow of this server */
function assertWorkflow(group: Resource): void {
  const id = String(group['id']);
  const [step] = stepsOf(group['action'], 'RequestGroup.action');
  const named = JSON.stringify(group['action']);
  if (step !== undefined && named.includes(`"Task/${taskIdOf(id, step.id)}"`)) return;
  throw fhirError(422, 'business-rule', `RequestGroup/${id} is no workflow`, 'http.path');
}
