import { answered, given, type OperationText } from '../vesta-definitions/parameter.ts';

/** What the OperationDefinition of $agent-runs says. */
export const AGENT_RUNS_TEXT: OperationText = {
  title: 'Runs of agents, step by step',
  description:
    'The AuditEvents of the runs of agents that were about something, the oldest run first, each run before its steps and these in the order in which they began. With several parameters a run is about all that they name.',
  parameters: [
    given('task', '0..1', 'string', 'A Task: its id.'),
    given('encounter', '0..1', 'string', 'An Encounter: its id.'),
    given('patient', '0..1', 'string', 'A Patient: the id.'),
    given(
      'group',
      '0..1',
      'string',
      'A workflow: the id of its RequestGroup. Runs of its Tasks belong to it.',
    ),
    given('run', '0..1', 'string', 'A run: its id.'),
    given('_count', '0..1', 'integer', 'Runs at most, the newest; 20 by default, 100 at most.'),
    answered('return', '1..1', 'Bundle', 'A searchset of AuditEvents.'),
  ],
};
