import { isObject } from '../../../json/objects.ts';
import type { JsonObject, Resource } from '../../../json/types.ts';
import { deadlineOf, referenceText, stateOf, waitsFor } from '../../../workflows/resources.ts';
import type { Step } from '../../../workflows/steps.ts';
import { loadWorkflow } from '../../../workflows/workflow.ts';
import { fhirError } from '../../outcome.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
import type { Route } from '../../route.ts';
import type { Services } from '../../services.ts';
import { answer, callerClient } from './call.ts';

/**
 * RequestGroup/{id}/$status: how far a workflow is, step by step in its order, as far as the caller may see its Tasks.
 * @returns 200 with Parameters @throws FhirError 404
 */
export async function workflowStatus(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const client = callerClient(services, request);
  const id = route.id as string;
  const workflow = await loadWorkflow(client, id);
  if (workflow === undefined)
    throw fhirError(404, 'not-found', `RequestGroup/${id} does not exist`, 'http.path');
  const { group, steps, tasks, escalations } = workflow;
  const plan = Array.isArray(group['instantiatesCanonical']) ? group['instantiatesCanonical'][0] : undefined;
  const parts: JsonObject[] = [
    { name: 'status', valueCode: group['status'] ?? null },
    ...(typeof plan === 'string' ? [{ name: 'definition', valueCanonical: plan }] : []),
    ...reference('subject', referenceText(group['subject'])),
    ...reference('encounter', referenceText(group['encounter'])),
    ...steps.flatMap((step) => {
      const task = tasks.get(step.id);
      return task === undefined ? [] : [stepPart(step, task, escalations.get(step.id) ?? [])];
    }),
  ];
  return answer(request, { resourceType: 'Parameters', parameter: parts });
}

const reference = (name: string, value: string | undefined): JsonObject[] =>
  value === undefined ? [] : [{ name, valueReference: { reference: value } }];

const dateTime = (name: string, value: unknown): JsonObject[] =>
  typeof value === 'string' ? [{ name, valueDateTime: value }] : [];

function stepPart(step: Step, task: Resource, escalations: readonly Resource[]): JsonObject {
  const { restriction, executionPeriod, statusReason, output } = task;
  const window = isObject(restriction) && isObject(restriction['period']) ? restriction['period'] : {};
  const work = isObject(executionPeriod) ? executionPeriod : {};
  const deadline = deadlineOf(task);
  const state = stateOf(task);
  const owner = referenceText(task['owner']);
  const reason = isObject(statusReason) ? statusReason['text'] : undefined;
  return {
    name: 'step',
    part: [
      { name: 'id', valueString: step.id },
      { name: 'code', valueCode: step.code },
      { name: 'title', valueString: step.title },
      { name: 'status', valueCode: task['status'] ?? null },
      ...(state === undefined ? [] : [{ name: 'state', valueCode: state }]),
      ...reference('task', `Task/${String(task['id'])}`),
      ...reference('owner', owner),
      ...(step.automated || step.performer === undefined
        ? []
        : [{ name: 'performer', valueCode: step.performer }]),
      ...dateTime('begun', window['start']),
      ...(deadline === undefined ? [] : dateTime('due', new Date(deadline).toISOString())),
      ...dateTime('started', work['start']),
      ...dateTime('ended', work['end']),
      ...(typeof reason === 'string' ? [{ name: 'reason', valueString: reason }] : []),
      ...reference('waits-for', waitsFor(task)),
      ...escalations.flatMap((one) => reference('escalation', `Task/${String(one['id'])}`)),
      { name: 'outputs', valueInteger: Array.isArray(output) ? output.length : 0 },
    ],
  };
}
