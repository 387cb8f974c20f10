import type { Resource } from '../../json/types.ts';
import { DIRECTORY } from '../../scheduling/desk.ts';
import type { StepOutput } from '../../workflows/step.ts';
import type { AgentDefinition } from '../agent.ts';
import { fillFreed, fillWaiting, type Given } from './fill.ts';
import { followUp } from './follow-up.ts';
import { remind } from './remind.ts';
import { type SchedulingWork, schedulingWork } from './work.ts';

type Outcome = StepOutput | { readonly given: readonly Given[] } | { readonly message: Resource | undefined };

/**
 * Looks after visits: gives freed times to those who wait, reminds patients, and has follow-up visits made in workflows.
 * Those who wait have said themselves whether a time is to be booked or offered to them.
 */
export const scheduling: AgentDefinition<SchedulingWork, Outcome> = {
  name: 'scheduling',
  title: 'Scheduling',
  version: '1.0.0',
  description:
    'Fills freed times from the waiting list, reminds patients of visits, and makes follow-up visits.',
  wakes: [{ kind: 'step', code: 'scheduling' }],
  grants: [
    {
      types: ['Appointment'],
      interactions: ['read', 'search-type', 'create', 'update', 'patch', 'transaction'],
    },
    { types: ['CommunicationRequest'], interactions: ['read', 'search-type', 'create'] },
    { types: ['Patient', 'Task'], interactions: ['read'] },
    ...DIRECTORY,
  ],
  timeout: 60_000,
  actions: [{ code: 'follow-up', title: 'Make a follow-up visit', autonomy: 'acts', approver: 'scheduler' }],
  input: schedulingWork,
  async run(work, context) {
    switch (work.kind) {
      case 'fill':
        return {
          given:
            'freed' in work ? await fillFreed(context, work.freed) : await fillWaiting(context, work.waiting),
        };
      case 'remind':
        return { message: await remind(context, work.appointment, work.lead) };
      case 'step':
        return followUp(context, work.step);
    }
  },
};
