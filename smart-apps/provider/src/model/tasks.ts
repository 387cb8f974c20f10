import type { Task } from './fhir.ts';

/** Task.code of what people are asked besides steps of workflows and approvals. */
export const TASK = 'https://vesta.health/fhir/CodeSystem/task';

/** A Task that a person has done. @param patient `Patient/id`, where it was asked who somebody is */
export function completedTask(
  task: Task,
  { note, patient }: { readonly note: string; readonly patient?: string },
): Task {
  const text = note.trim();
  return {
    ...task,
    status: 'completed',
    ...(text === '' ? {} : { note: [...(task.note ?? []), { text }] }),
    ...(patient === undefined
      ? {}
      : {
          output: [
            ...(task.output ?? []),
            { type: { text: 'Patient' }, valueReference: { reference: patient } },
          ],
        }),
  };
}
