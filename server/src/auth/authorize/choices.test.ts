import { describe, expect, it } from 'vitest';
import { parseScopes } from '../scopes/index.ts';
import { choicesOf, everything, isWithin, needsPatient, tickedScopes } from './choices.ts';

const CLIENT =
  'launch launch/patient openid fhirUser offline_access online_access patient/*.cruds user/*.cruds';
const CONTEXT = 'launch launch/patient openid fhirUser profile offline_access online_access';
const role = (text: string) => parseScopes(`${CONTEXT} ${text}`);
const granted = (asked: string, client: string, mayDo: string, ticked?: string[]) => {
  const choices = choicesOf(asked, client, role(mayDo));
  return tickedScopes(choices, ticked === undefined ? everything(choices) : new Set(ticked))
    .split(' ')
    .sort();
};

const LAB = 'category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory';

describe('what is granted (SMART App Launch 2.2, scopes; RFC 6749 3.3)', () => {
  it('is what was asked, the client may have, the role may do and the person ticked', () => {
    expect(
      granted('openid patient/Patient.cruds user/Observation.rs', CLIENT, 'patient/Patient.rus'),
    ).toEqual(['openid', 'patient/Patient.rus']);
    expect(granted('openid patient/Patient.rs', 'patient/Patient.r', 'patient/Patient.rs')).toEqual([
      'patient/Patient.r',
    ]);
    expect(
      granted('patient/Patient.rs patient/Condition.rs', CLIENT, 'patient/Patient.rs patient/Condition.rs', [
        'patient/Condition.rs',
      ]),
    ).toEqual(['patient/Condition.rs']);
    expect(granted('patient/Patient.rs', CLIENT, 'patient/Patient.rs', ['patient/Observation.rs'])).toEqual([
      '',
    ]);
  });

  it('system scopes and unknown ones are never granted to people', () => {
    expect(
      granted('system/Patient.rs patient/Patient.rs nonsense', `${CLIENT} system/*.rs`, 'patient/Patient.rs'),
    ).toEqual(['patient/Patient.rs']);
  });

  it('keeps the words of version 1', () => {
    expect(granted('patient/Patient.read', CLIENT, 'patient/Patient.rs')).toEqual(['patient/Patient.read']);
    expect(granted('patient/*.read', CLIENT, 'patient/Patient.rs patient/Condition.cruds')).toEqual([
      'patient/Condition.read',
      'patient/Patient.read',
    ]);
  });

  it('a wildcard stays one where the role has all types', () => {
    expect(granted('user/*.rs', CLIENT, 'user/*.cruds')).toEqual(['user/*.rs']);
    const choices = choicesOf('user/*.rs', CLIENT, role('user/*.cruds'));
    expect(tickedScopes(choices, new Set(['user/*.rs user/Condition.rs']))).toBe('user/Condition.rs');
  });

  it('sub-scopes count when the whole is not ticked, and only those that were offered (US Core)', () => {
    const whole = 'patient/Observation.rs';
    expect(granted(whole, CLIENT, whole, [`${whole} ${whole}?${LAB}`])).toEqual([`${whole}?${LAB}`]);
    expect(granted(whole, CLIENT, whole, [whole, `${whole} ${whole}?${LAB}`])).toEqual([whole]);
    expect(granted(whole, CLIENT, whole, [`${whole} patient/Observation.rs?code=1`])).toEqual(['']);
    expect(granted(`${whole}?${LAB}`, CLIENT, whole)).toEqual([`${whole}?${LAB}`]);
  });

  it('context follows from the launch; time alone is nothing to grant', () => {
    expect(
      granted('launch/patient offline_access patient/Patient.rs', CLIENT, 'patient/Patient.rs', [
        'patient/Patient.rs',
      ]),
    ).toEqual(['launch/patient', 'patient/Patient.rs']);
    expect(
      granted('launch/patient offline_access patient/Patient.rs', CLIENT, 'patient/Patient.rs', [
        'offline_access',
      ]),
    ).toEqual(['']);
    expect(granted('openid offline_access online_access', CLIENT, '')).toEqual(['offline_access', 'openid']);
  });
});

it('an earlier consent covers what is within it', () => {
  const choices = choicesOf('openid patient/Patient.r', CLIENT, role('patient/Patient.rs'));
  expect(isWithin(choices, 'openid patient/*.rs')).toBe(true);
  expect(isWithin(choices, 'patient/Patient.rs')).toBe(false);
  expect(isWithin(choices, 'openid patient/Patient.s')).toBe(false);
});

it('a patient is needed for launch/patient and for patient scopes that can be granted', () => {
  expect(needsPatient(choicesOf('launch/patient openid', CLIENT, role('')))).toBe(true);
  expect(
    needsPatient(choicesOf('user/Patient.rs patient/Patient.rs', CLIENT, role('patient/Patient.rs'))),
  ).toBe(true);
  expect(needsPatient(choicesOf('user/Patient.rs patient/Patient.rs', CLIENT, role('user/Patient.rs')))).toBe(
    false,
  );
});
