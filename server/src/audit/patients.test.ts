import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject } from '../json/objects.ts';
import type { JsonValue } from '../json/types.ts';
import { patientsIn } from './patients.ts';

/** The same, by walking through the parsed JSON. */
function walked(value: JsonValue, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const one of value) walked(one, found);
  else if (isObject(value)) {
    const { reference, resourceType, id } = value;
    const referred = typeof reference === 'string' && /^Patient\/([A-Za-z0-9.-]{1,64})/.exec(reference);
    if (referred) found.add(referred[1] as string);
    if (resourceType === 'Patient' && typeof id === 'string') found.add(id);
    for (const one of Object.values(value)) walked(one, found);
  }
  return found;
}

const id = fc.stringMatching(/^[A-Za-z0-9.-]{1,12}$/);
const text = fc.oneof(
  fc.string(),
  fc.constantFrom(
    'Patient',
    'Patient/x',
    '"reference":"Patient/y"',
    '"resourceType":"Patient","id":"z"',
    'Patient/',
  ),
);
const resource: fc.Arbitrary<JsonValue> = fc.letrec<{ node: JsonValue }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.record({
      reference: fc.oneof(
        text,
        id.map((one) => `Patient/${one}`),
        id.map((one) => `Group/${one}`),
      ),
    }),
    fc.record({ resourceType: fc.constantFrom('Patient', 'PatientX', 'Observation'), id, more: tie('node') }),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('subject', 'text', 'display', 'Patient'), tie('node'), { maxKeys: 3 }),
  ),
})).node;

describe('the patients that an AuditEvent names (IHE BALP, patient entity of each pattern)', () => {
  it('are those that are referred to or are there, whatever else the text says', () => {
    fc.assert(
      fc.property(resource, (value) => {
        expect(new Set(patientsIn(JSON.stringify(value)))).toEqual(walked(value));
      }),
      { numRuns: 500 },
    );
  });

  it('are named once each', () => {
    const one = { reference: 'Patient/a' };
    expect(patientsIn(JSON.stringify([one, { reference: 'Patient/b' }, one, one]))).toEqual(['a', 'b']);
  });
});
