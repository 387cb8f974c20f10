import { TASK } from '../../communication/terms.ts';
import type { Resource } from '../../json/types.ts';
import type { AgentContext } from '../agent.ts';
import { ROLE_SYSTEM, RUN_IDENTIFIER } from '../codes.ts';
import { idOf } from '../runtime/run-ids.ts';
import { TASK_TEXTS } from './task-texts.ts';

/** What people have to look after: Task.code. */
export type TaskCode = keyof typeof TASK_TEXTS;

/** Values follow from what a Task is about: there is one for each. */
const COMMUNICATION_TASK = 'https://vesta.health/fhir/identifier/communication-task';
const OPEN = ['requested', 'received', 'accepted', 'ready', 'in-progress', 'on-hold'];

/** Makes a Task for the front desk, once for each resource that it is about. @returns its reference */
export async function askPeople(
  { fhir, run, now, scope }: AgentContext,
  code: TaskCode,
  focus: string,
  reason: string,
  patient: string | undefined,
): Promise<string> {
  const value = idOf('communication-task', code, focus);
  const task: Resource = {
    resourceType: 'Task',
    identifier: [
      { system: RUN_IDENTIFIER, value: run.id },
      { system: COMMUNICATION_TASK, value },
    ],
    status: 'requested',
    intent: 'order',
    priority: 'routine',
    code: { coding: [{ system: TASK, code, display: TASK_TEXTS[code] }] },
    description: TASK_TEXTS[code],
    focus: { reference: focus },
    ...(patient === undefined ? {} : { for: { reference: patient } }),
    authoredOn: now().toISOString(),
    ...(scope.client === undefined ? {} : { requester: { reference: scope.client } }),
    performerType: [{ coding: [{ system: ROLE_SYSTEM, code: 'front_desk' }] }],
    reasonCode: { text: reason },
  };
  const made = await fhir.create(task, `identifier=${COMMUNICATION_TASK}|${value}`);
  return `Task/${String(made['id'])}`;
}

/** Nobody has to look after it any more. */
export async function settleTask(
  { fhir }: AgentContext,
  code: TaskCode,
  focus: string,
  reason: string,
): Promise<void> {
  const value = idOf('communication-task', code, focus);
  for (const task of await fhir.search('Task', [['identifier', `${COMMUNICATION_TASK}|${value}`]]))
    if (OPEN.includes(String(task['status'])))
      await fhir.update({ ...task, status: 'cancelled', statusReason: { text: reason } });
}
