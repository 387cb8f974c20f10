import { describe, expect, test } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import type { FhirError } from '../fhir/outcome.ts';
import { validateStructure } from '../validation/structure.ts';
import {
  agentProvenance,
  authorsProvenance,
  provenanceFor,
  provenanceOfHeader,
  provenanceRequest,
} from './provenance.ts';

const context = { definitions: loadDefinitions() };
const good = {
  resourceType: 'Provenance',
  recorded: '2026-01-05T10:00:00Z',
  agent: [{ who: { reference: 'Practitioner/1' } }],
};

function refusal(header: string): { status: number; expression: string | undefined } {
  try {
    provenanceOfHeader(header, context);
  } catch (error) {
    const { status, issues } = error as FhirError;
    return { status, expression: issues[0]?.expression };
  }
  throw new Error('it was accepted');
}

describe('X-Provenance (R4 provenance.html#header)', () => {
  test('a Provenance without target gets the written versions as target', () => {
    const read = provenanceOfHeader(JSON.stringify(good), context);
    const written = [
      { type: 'Patient', id: 'a', version: 2 },
      { type: 'Observation', id: 'b', version: 1 },
    ];
    const request = provenanceRequest(read as never);
    const told = request.describe?.(written.map((one) => ({ ...one, kind: 'update', isNew: false })));
    expect(request).toMatchObject({ kind: 'create', type: 'Provenance' });
    expect(told?.['target']).toEqual([
      { reference: 'Patient/a/_history/2' },
      { reference: 'Observation/b/_history/1' },
    ]);
    expect(validateStructure(told as never, context.definitions)).toEqual([]);
  });

  test('no header, no Provenance; nothing written, none either', () => {
    expect(provenanceOfHeader(undefined, context)).toBeUndefined();
    expect(provenanceOfHeader('  ', context)).toBeUndefined();
    expect(provenanceRequest(good as never).describe?.([])).toBeUndefined();
  });

  test('text beyond ASCII arrives as UTF-8 bytes', () => {
    const text = { ...good, agent: [{ who: { display: 'Dr. Müller' } }] };
    const header = Buffer.from(JSON.stringify(text)).toString('latin1');
    expect(provenanceOfHeader(header, context)?.['agent']).toEqual([{ who: { display: 'Dr. Müller' } }]);
  });

  test.each([
    ['no JSON', '{"resourceType"', 'http.x-provenance'],
    ['another resource', '{"resourceType":"Patient"}', 'http.x-provenance'],
    [
      'a target of its own',
      JSON.stringify({ ...good, target: [{ reference: 'Patient/1' }] }),
      'Provenance.target',
    ],
    ['an id', JSON.stringify({ ...good, id: 'x' }), 'Provenance.id'],
    ['no agent', JSON.stringify({ ...good, agent: undefined }), 'Provenance.agent'],
    ['an unknown element', JSON.stringify({ ...good, nonsense: 1 }), 'Provenance.nonsense'],
    ['too much of it', ' '.repeat(40_000) + '{}', 'http.x-provenance'],
  ])('%s is a 400 that names it', (_what, header, expression) => {
    expect(refusal(header)).toEqual({ status: 400, expression });
  });

  test("an agent's write has a Provenance that is valid R4 once it has its target", () => {
    const made = agentProvenance({
      who: { reference: 'Device/agent' },
      onBehalfOf: { reference: 'Practitioner/1' },
      time: 0,
      purposeOfUse: 'TREAT',
      sources: ['Observation/1'],
      activity: 'CREATE',
    });
    const whole = provenanceFor(made, [{ type: 'Task', id: '1', version: 1 }]);
    expect(validateStructure(whole as never, context.definitions)).toEqual([]);
    expect(provenanceOfHeader(JSON.stringify(made), context)).toEqual(made);
  });
});

test('who has an operation write is its author: a person by any app, or a client that acts for nobody', () => {
  const written = [
    { kind: 'update', type: 'Slot', id: 's', version: 1, isNew: true },
    { kind: 'patch', type: 'Appointment', id: 'a', version: 3, isNew: false },
  ] as const;
  const told = (subject: string, client?: string, of = written.slice()) => {
    const scope = { tenant: { id: 1, name: 't' }, subject, grants: [], ...(client && { client }) };
    return authorsProvenance(scope, ['Appointment'], () => 0).describe?.(of);
  };
  const person = told('Patient/p', 'app');
  expect(validateStructure(person as never, context.definitions)).toEqual([]);
  expect(person).toMatchObject({
    target: [{ reference: 'Appointment/a/_history/3' }],
    activity: { coding: [{ code: 'UPDATE' }] },
    agent: [{ type: { coding: [{ code: 'author' }] }, who: { reference: 'Patient/p' } }],
  });
  expect(told('loader', 'loader')).toMatchObject({ agent: [{ who: { identifier: { value: 'loader' } } }] });
  expect(told('anonymous')).toMatchObject({ agent: [{ who: { display: 'anonymous' } }] });
  expect(told('Patient/p', 'app', [written[0]])).toBeUndefined();
});
