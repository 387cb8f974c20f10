import { expect, test } from 'vitest';
import type { JsonObject } from '../json/types.ts';
import { stepInput } from './step.ts';

/* What agents of steps are given (issue 6, section 2): wrong input is a 400 that names the member. */

const task = { resourceType: 'Task' };
const group = { resourceType: 'RequestGroup' };

test('what a step is given is read as it is', () => {
  const whole: JsonObject = {
    task,
    group,
    subject: 'Patient/1',
    encounter: 'Encounter/2',
    intake: {
      text: 'x',
      language: 'ur',
      patient: { resourceType: 'Patient' },
      response: { resourceType: 'QuestionnaireResponse' },
    },
    earlier: { triage: [{ valueString: 'y' }] },
  };
  expect(stepInput(whole)).toEqual(whole);
  expect(stepInput({ task, group })).toEqual({ task, group, earlier: {} });
});

test.each<[JsonObject, string]>([
  [{ group }, 'task'],
  [{ task: { resourceType: 'Basic' }, group }, 'task'],
  [{ task }, 'group'],
  [{ task, group, subject: 'nobody' }, 'subject'],
  [{ task, group, encounter: 7 }, 'encounter'],
  [{ task, group, intake: 'x' }, 'intake'],
  [{ task, group, intake: { text: 7 } }, 'intake.text'],
  [{ task, group, intake: { patient: group } }, 'intake.patient'],
  [{ task, group, intake: { response: group } }, 'intake.response'],
  [{ task, group, intake: { language: [] } }, 'intake.language'],
])('%j is refused: %s', (value, at) => {
  let thrown: unknown;
  try {
    stepInput(value);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ status: 400, issues: [{ expression: at }] });
});
