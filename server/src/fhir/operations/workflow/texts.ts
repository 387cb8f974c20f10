import { answered, given, type OperationText } from '../../vesta-definitions/parameter.ts';

const TASK = answered('return', '1..1', 'Task', 'The step as it is stored now.');
const OUTPUT = given(
  'output',
  '0..*',
  [
    given('type', '1..1', 'Any', 'What it is: a CodeableConcept, or a text.'),
    given('value', '1..1', 'Any', 'The value, of any type that Task.output takes.'),
  ],
  'What came of the step: for Task.output.',
);

/** What the OperationDefinitions of the operations on workflows say, by the last part of their URLs. */
export const WORKFLOW_TEXTS: Readonly<Record<string, OperationText>> = {
  'workflow-start': {
    title: 'Start a workflow',
    description:
      'Begins the workflow that a PlanDefinition defines: a RequestGroup with a Task for each step. Agents begin with the first steps at once, under the access of who has started it.',
    parameters: [
      given('subject', '0..1', 'Reference', 'The Patient, where it is known.'),
      given('encounter', '0..1', 'Reference', 'The Encounter that it belongs to.'),
      given(
        'intake',
        '0..*',
        'Any',
        'What it starts with: a text as it was typed or said (string), a QuestionnaireResponse, or one of each.',
      ),
      given(
        'patient',
        '0..1',
        'Patient',
        'Demographics as they were given; nothing is stored under them yet.',
      ),
      given('language', '0..1', 'code', 'Language of the intake (BCP 47).'),
      answered('return', '1..1', 'RequestGroup', 'The workflow.'),
    ],
  },
  'workflow-status': {
    title: 'State of a workflow',
    description: 'How far a workflow is, step by step in its order, as far as the caller may see its Tasks.',
    parameters: [
      answered('status', '1..1', 'code', 'RequestGroup.status.'),
      answered('definition', '0..1', 'canonical', 'The PlanDefinition.'),
      answered('subject', '0..1', 'Reference', 'The Patient, where it is known by now.'),
      answered('encounter', '0..1', 'Reference', 'The Encounter.'),
      answered(
        'step',
        '0..*',
        [
          answered('id', '1..1', 'string', 'Id of the action.'),
          answered('code', '1..1', 'code', 'Code of workflow-step.'),
          answered('title', '1..1', 'string', 'What people read.'),
          answered('status', '1..1', 'code', 'Task.status; draft while its turn has not come.'),
          answered('state', '0..1', 'code', 'Code of workflow-step-state.'),
          answered('task', '1..1', 'Reference', 'The Task.'),
          answered('owner', '0..1', 'Reference', 'The Device of the agent, or who has taken it.'),
          answered('performer', '0..1', 'code', 'The role that does it.'),
          answered('begun', '0..1', 'dateTime', 'When its turn came.'),
          answered('due', '0..1', 'dateTime', 'When its time is over.'),
          answered('started', '0..1', 'dateTime', 'When its agent began.'),
          answered('ended', '0..1', 'dateTime', 'When it was over.'),
          answered('reason', '0..1', 'string', 'Why it is as it is.'),
          answered('waits-for', '0..1', 'Reference', 'The Task that a person must settle first.'),
          answered('escalation', '0..*', 'Reference', 'A Task that asks somebody to look after it.'),
          answered('outputs', '1..1', 'integer', 'How many outputs it has.'),
        ],
        'A step.',
      ),
    ],
  },
  'workflow-cancel': {
    title: 'Cancel a workflow',
    description:
      'Ends a workflow before its end. Open steps are cancelled; visits that it booked are cancelled and what it only planned or asked for is withdrawn; what was found or told stays.',
    parameters: [
      given('reason', '1..1', 'string', 'Why.'),
      answered('return', '1..1', 'RequestGroup', 'The workflow, revoked.'),
    ],
  },
  'workflow-complete': {
    title: 'Complete a step',
    description: 'A person has done a step of a workflow. It is for the role that the step names.',
    parameters: [OUTPUT, given('note', '0..1', 'string', 'What there is to say about it.'), TASK],
  },
  'workflow-override': {
    title: 'Override a step',
    description:
      'A physician decides about a step against its course. The reason is kept in a Provenance of the Task and in the audit log.',
    parameters: [
      given('reason', '1..1', 'string', 'Why, 3 to 2000 characters.'),
      given(
        'mode',
        '1..1',
        'code',
        '`skip`: the workflow goes on without it. `complete`: it counts as done. `retry`: it is done again.',
      ),
      OUTPUT,
      TASK,
    ],
  },
};
