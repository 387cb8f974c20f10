import { expect, test } from 'vitest';
import { mayDo } from './scopes.ts';

test.each<[string, 'c' | 'r' | 'u' | 'd' | 's', string, boolean]>([
  ['patient/*.rs', 'r', 'Patient', true],
  ['patient/*.rs', 'c', 'Patient', false],
  ['patient/Observation.cruds', 'd', 'Observation', true],
  ['patient/Observation.cruds', 'd', 'Condition', false],
  ['user/*.*', 'u', 'Task', true],
  ['user/Task.read', 's', 'Task', true],
  ['user/Task.read', 'c', 'Task', false],
  ['user/Task.write', 'd', 'Task', true],
  ['user/Task.write', 'r', 'Task', false],
  ['openid launch/patient', 'r', 'Patient', false],
  ['patient/Observation.rs?category=laboratory', 's', 'Observation', true],
])('%s: %s of %s is %s (SMART App Launch 2.2, scopes of versions 1 and 2)', (scopes, action, type, may) => {
  expect(mayDo({ scopes }, action, type)).toBe(may);
});
