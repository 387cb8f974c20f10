import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accepted, approvalOf, pathLabel, rejected, withEdits } from './approvals.ts';
import { fromBase64, toBase64 } from './base64.ts';
import {
  acceptedFeedback,
  answerOf,
  type CdsCard,
  feedbackUrl,
  hookBody,
  hookUrl,
  isHookIssuer,
  overriddenFeedback,
  suggestionBundle,
} from './cds.ts';
import type { Bundle, Resource, Task } from './fhir.ts';
import { documentBundle, type IntakeForm, intakeProblems, intakeText, startParameters } from './intake.ts';
import { codeText, fitting, ofChart, ofExpansion, ofFormulary, together } from './medicine-search.ts';
import { draftOrder, orderProblems, signed } from './order.ts';
import { runsOf } from './runs.ts';
import { completedTask } from './tasks.ts';

const now = new Date('2026-11-21T12:00:00Z');

test('base64 of text goes there and back, whatever the signs', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      (text) => fromBase64(toBase64(text)) === text.toWellFormed(),
    ),
  );
  expect(toBase64(new Uint8Array(100_000)).length).toBe(Math.ceil(100_000 / 3) * 4);
});

describe('Tasks of agents that wait for approval', () => {
  const bundle: Bundle = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        request: { method: 'POST', url: 'Communication' },
        resource: {
          resourceType: 'Communication',
          status: 'completed',
          subject: { reference: 'Patient/p' },
          payload: [{ contentString: 'Come in — today' }],
        } as Resource,
      },
    ],
  };
  const part = (code: string) => ({
    coding: [{ system: 'https://vesta.health/fhir/CodeSystem/agent-task-part', code }],
  });
  const task: Task = {
    resourceType: 'Task',
    id: 't',
    meta: { versionId: '3' },
    status: 'requested',
    intent: 'proposal',
    code: { coding: [{ system: 'https://vesta.health/fhir/CodeSystem/agent-action', code: 'triage.page' }] },
    description: 'Page somebody',
    reasonCode: { text: 'It is urgent' },
    for: { reference: 'Patient/p' },
    statusReason: { text: 'came back' },
    input: [
      { type: part('other'), valueString: 'kept' },
      { type: part('transaction'), valueBase64Binary: toBase64(JSON.stringify(bundle)) },
    ],
  };

  test('say what would be done, value by value; what things are and point to cannot be edited', () => {
    const approval = approvalOf(task);
    expect(approval).toMatchObject({
      action: 'triage.page',
      title: 'Page somebody',
      reason: 'It is urgent',
      patient: 'Patient/p',
      remark: 'came back',
    });
    expect(approval.entries.map(({ method, type }) => [method, type])).toEqual([['POST', 'Communication']]);
    expect(approval.entries[0]?.fields).toEqual([
      { path: ['status'], value: 'completed', isEditable: true },
      { path: ['subject', 'reference'], value: 'Patient/p', isEditable: false },
      { path: ['payload', 0, 'contentString'], value: 'Come in — today', isEditable: true },
    ]);
    expect(pathLabel(['payload', 1, 'contentString'])).toBe('payload › 2 › content string');
  });

  test('are accepted with what was edited in the place of what was proposed', () => {
    const edited = withEdits(bundle, [
      { index: 0, path: ['payload', 0, 'contentString'], value: 'Come tomorrow' },
    ]);
    const done = accepted(task, edited);
    expect([done.status, done.statusReason]).toEqual(['accepted', undefined]);
    expect(done.input?.[0]).toEqual(task.input?.[0]);
    expect(JSON.parse(fromBase64(done.input?.[1]?.valueBase64Binary ?? ''))).toEqual(edited);
    expect(JSON.stringify(bundle)).toContain('Come in — today');
    expect(accepted(task).input).toEqual(task.input);
  });

  test('keep the kind of a value that is edited; what is no number is refused', () => {
    const numbers = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource: { resourceType: 'X', n: 1, b: false } as Resource }],
    } as Bundle;
    expect(
      withEdits(numbers, [
        { index: 0, path: ['n'], value: '2.5' },
        { index: 0, path: ['b'], value: 'true' },
      ]).entry?.[0]?.resource,
    ).toEqual({ resourceType: 'X', n: 2.5, b: true });
    expect(() => withEdits(numbers, [{ index: 0, path: ['n'], value: 'many' }])).toThrow(RangeError);
  });

  test('are rejected with the reason; one whose transaction cannot be read has nothing to accept', () => {
    expect(rejected(task, 'No need')).toMatchObject({
      status: 'rejected',
      statusReason: { text: 'No need' },
    });
    const broken = { ...task, input: [{ type: part('transaction'), valueBase64Binary: '!' }] };
    expect(approvalOf(broken).bundle).toBeUndefined();
  });
});

test('a Task that a person has done says what came of it, and who somebody is where that was asked', () => {
  const task: Task = {
    resourceType: 'Task',
    id: 't',
    status: 'requested',
    intent: 'order',
    note: [{ text: 'before' }],
  };
  expect(completedTask(task, { note: ' after ' })).toEqual({
    ...task,
    status: 'completed',
    note: [{ text: 'before' }, { text: 'after' }],
  });
  expect(completedTask(task, { note: '', patient: 'Patient/p' }).output).toEqual([
    { type: { text: 'Patient' }, valueReference: { reference: 'Patient/p' } },
  ]);
});

describe('runs of agents', () => {
  const event = (recorded: string, details: Record<string, string>, outcome = '0'): Resource =>
    ({
      resourceType: 'AuditEvent',
      recorded,
      outcome,
      entity: [
        { what: { reference: 'Patient/p' } },
        { detail: Object.entries(details).map(([type, valueString]) => ({ type, valueString })) },
      ],
    }) as Resource;
  const of = (...events: Resource[]): Bundle => ({
    resourceType: 'Bundle',
    type: 'searchset',
    entry: events.map((resource) => ({ resource })),
  });

  test('have their steps in order, steps in steps, with times, failures and what else is recorded', () => {
    const base = { agent: 'triage', version: '1.0.0', run: 'r1' };
    const [run, open] = runsOf(
      of(
        event('2026-11-21T12:00:03Z', {
          ...base,
          step: '3',
          name: 'score',
          parent: '2',
          milliseconds: '4',
          model: 'm',
          tokens: '12',
        }),
        event('2026-11-21T12:00:02Z', { ...base, step: '2', name: 'assess', milliseconds: '9' }, '8'),
        event('2026-11-21T12:00:01Z', {
          ...base,
          step: '1',
          name: 'read',
          milliseconds: '1',
          input: '{"a":1}',
        }),
        event('2026-11-21T12:00:00Z', { ...base, milliseconds: '20', output: '{"esi":2}' }),
        event('2026-11-21T12:00:09Z', { agent: 'faq', version: '2', run: 'r2', step: '1', name: 'look' }),
        event('2026-11-21T12:00:09Z', { login: 'x' }),
      ),
    );
    expect(run).toMatchObject({
      id: 'r1',
      agent: 'triage',
      version: '1.0.0',
      milliseconds: 20,
      isOpen: false,
      output: '{"esi":2}',
    });
    expect(run?.steps.map(({ name, failed }) => [name, failed])).toEqual([
      ['read', false],
      ['assess', true],
    ]);
    expect(run?.steps[1]?.steps).toMatchObject([
      {
        name: 'score',
        details: [
          { name: 'model', value: 'm' },
          { name: 'tokens', value: '12' },
        ],
      },
    ]);
    expect(open).toMatchObject({ id: 'r2', agent: 'faq', isOpen: true });
  });
});

describe('CDS Hooks 2.0', () => {
  const card: CdsCard = {
    uuid: 'c1',
    summary: 's',
    indicator: 'warning',
    source: { label: 'x' },
    extension: { 'health.vesta.service': 'own/allergy-check' },
  };

  test('addresses of hooks and feedback follow from the FHIR base; other servers have none', () => {
    expect(hookUrl('https://h.org/x/fhir/demo', 'order-sign')).toBe(
      'https://h.org/x/cds-hooks/demo/order-sign',
    );
    expect(hookUrl('https://launch.smarthealthit.org/v/r4/fhir', 'order-sign')).toBeUndefined();
    expect(feedbackUrl('https://h.org/fhir/demo/', card)).toBe(
      'https://h.org/cds-hooks/demo/own/allergy-check/feedback',
    );
    const { extension: _, ...plain } = card;
    expect(feedbackUrl('https://h.org/fhir/demo', plain)).toBeUndefined();
  });

  test('contexts: draft orders with the orders, selections only with order-select', () => {
    const order = { ...draftOrder({ medicine: 'X', dosage: 'daily' }, 'p', 'e', 'Practitioner/d'), id: 'o1' };
    const context = { patientId: 'p', encounterId: 'e', draftOrders: [order] };
    expect(hookBody('patient-view', { patientId: 'p' }, 'i')).toEqual({
      hookInstance: 'i',
      context: { patientId: 'p' },
    });
    expect(hookBody('order-select', context, 'i')).toMatchObject({
      context: { selections: ['MedicationRequest/o1'], draftOrders: { entry: [{ resource: { id: 'o1' } }] } },
    });
    expect(hookBody('order-sign', context, 'i')).not.toHaveProperty('context.selections');
  });

  test('a suggestion is one transaction of its actions', () => {
    const resource = { resourceType: 'MedicationRequest', id: 'o2' } as Resource;
    expect(
      suggestionBundle({
        label: 'x',
        actions: [
          { type: 'delete', resourceId: 'MedicationRequest/o1' },
          { type: 'create', resource },
          { type: 'update', resource },
        ],
      })?.entry?.map(({ request }) => `${request?.method} ${request?.url}`),
    ).toEqual(['DELETE MedicationRequest/o1', 'POST MedicationRequest', 'PUT MedicationRequest/o2']);
    expect(suggestionBundle({ label: 'nothing' })).toBeUndefined();
  });

  test('an answer has cards and how services fared; what a service would do by itself is a card to be taken', () => {
    const answer = answerOf({
      cards: [card],
      systemActions: [
        {
          type: 'create',
          description: 'Note it',
          resource: { resourceType: 'Flag' },
          extension: { 'health.vesta.service': 'x/y' },
        },
      ],
      extension: {
        'health.vesta.services': [{ id: 'x/y', title: 'X', status: 'unavailable', reason: 'failure' }],
      },
    });
    expect(answer.cards[0]).toBe(card);
    expect(answer.cards[1]).toMatchObject({
      summary: 'Note it',
      source: { label: 'x/y' },
      suggestions: [{ actions: [{ type: 'create' }] }],
    });
    expect(answer.services).toEqual([{ id: 'x/y', title: 'X', status: 'unavailable', reason: 'failure' }]);
    expect(answerOf({})).toEqual({ cards: [], services: [] });
  });

  test('feedback says what was accepted, or why it was overridden', () => {
    expect(acceptedFeedback(card, [{ label: 'x', uuid: 's1' }], now)).toEqual({
      feedback: [
        {
          card: 'c1',
          outcome: 'accepted',
          acceptedSuggestions: [{ id: 's1' }],
          outcomeTimestamp: '2026-11-21T12:00:00.000Z',
        },
      ],
    });
    const reason = { system: 'x', code: 'no-alternative', display: 'y' };
    expect(overriddenFeedback(card, reason, ' why ', now)).toMatchObject({
      feedback: [{ outcome: 'overridden', overrideReason: { reason, userComment: 'why' } }],
    });
    expect(overriddenFeedback(card, undefined, ' ', now)).not.toHaveProperty('feedback.0.overrideReason');
  });
});

test('an order is a draft until it is signed (R4 medicationrequest.html, status)', () => {
  expect(orderProblems({ medicine: ' ', dosage: '' })).toEqual(['medicine', 'dosage']);
  const draft = draftOrder(
    { medicine: ' Aspirin ', coding: { code: '1191' }, dosage: '81 mg daily' },
    'p',
    undefined,
    undefined,
  );
  expect(draft).toEqual({
    resourceType: 'MedicationRequest',
    status: 'draft',
    intent: 'order',
    medicationCodeableConcept: { coding: [{ code: '1191' }], text: 'Aspirin' },
    subject: { reference: 'Patient/p' },
    dosageInstruction: [{ text: '81 mg daily' }],
  });
  expect(signed(draft, now)).toMatchObject({ status: 'active', authoredOn: '2026-11-21T12:00:00.000Z' });
});

describe('codes of medicines', () => {
  const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
  const rx = (code: string, display?: string) => ({
    system: RXNORM,
    code,
    ...(display === undefined ? {} : { display }),
  });
  const bundle = (...resources: object[]): Bundle =>
    ({
      resourceType: 'Bundle',
      type: 'searchset',
      entry: resources.map((resource) => ({ resource })),
    }) as Bundle;
  const medication = (status: string, ...coding: object[]) => ({
    resourceType: 'Medication',
    status,
    code: { coding },
  });

  test('of an expansion: nested ones too, none that is abstract, inactive or without a system (R4 valueset.html)', () => {
    const contains = [
      { ...rx('1', 'group'), abstract: true, contains: [rx('2', 'Aspirin 81 MG')] },
      { ...rx('3', 'old'), inactive: true },
      { code: '4', display: 'no system' },
    ];
    const expanded = { resourceType: 'ValueSet', expansion: { contains } } as Resource;
    expect(ofExpansion(expanded)).toEqual([{ label: 'Aspirin 81 MG', coding: rx('2', 'Aspirin 81 MG') }]);
    expect(ofExpansion({ resourceType: 'ValueSet' })).toEqual([]);
  });

  test("of resources: what is in use, by RxNorm's code where there are several", () => {
    const ndc = { system: 'http://hl7.org/fhir/sid/ndc', code: '0409', display: 'Aspirin bottle' };
    expect(
      ofFormulary(
        bundle(medication('active', ndc, rx('2', 'Aspirin 81 MG')), medication('inactive', rx('3', 'x'))),
      ),
    ).toEqual([{ label: 'Aspirin 81 MG', coding: rx('2', 'Aspirin 81 MG') }]);
    const request = (status: string, concept: object) => ({
      resourceType: 'MedicationRequest',
      status,
      medicationCodeableConcept: concept,
    });
    const chart = bundle(
      request('active', { coding: [rx('5')], text: 'Iron' }),
      request('entered-in-error', { coding: [rx('6', 'x')] }),
      request('active', { text: 'as the patient says' }),
    );
    expect(ofChart(chart)).toEqual([{ label: 'Iron', coding: rx('5') }]);
  });

  test('found by every word that is typed, in any order, case and accent; each code once', () => {
    const all = [
      { label: 'Amoxicillin 500 MG', coding: rx('1') },
      { label: 'Amoxicilina 250 MG', coding: rx('2') },
    ];
    expect(fitting(all, '500 AMOX')).toEqual([all[0]]);
    expect(fitting(all, 'amoxicilína')).toEqual([all[1]]);
    expect(together(all, [{ label: 'the same', coding: rx('1') }])).toEqual(all);
    expect(codeText(rx('1'))).toBe('RxNorm 1');
  });

  test('hooks are asked of a server whose issuer is that of its tenant, and of no other one', () => {
    expect(isHookIssuer('https://h/fhir/demo', 'https://h/auth/demo')).toBe(true);
    expect(isHookIssuer('https://h/fhir/demo', 'https://h/auth/other')).toBe(false);
    expect(isHookIssuer('https://h/fhir/r4', 'https://h/oauth')).toBe(false);
    expect(isHookIssuer('https://h/r4', undefined)).toBe(false);
  });
});

describe('the emergency intake', () => {
  const empty: IntakeForm = {
    text: '',
    vitals: {},
    givenName: '',
    familyName: '',
    birthDate: '',
    gender: '',
    phone: '',
  };

  test.each<[string, Partial<IntakeForm>, string[]]>([
    ['nothing', {}, ['text empty']],
    ['a text', { text: '62, crushing chest pain' }, []],
    ['vital signs alone', { vitals: { heartRate: '120' } }, []],
    ['a word for a number', { vitals: { heartRate: 'fast' } }, ['heartRate number']],
    [
      'what nobody has',
      { vitals: { oxygenSaturation: '101', temperature: '370' } },
      ['oxygenSaturation range', 'temperature range'],
    ],
    ['a decimal comma', { vitals: { temperature: '38,5' } }, []],
    ['pressures exchanged', { vitals: { systolic: '60', diastolic: '90' } }, ['diastolic pair']],
    ['a day that there is not', { text: 'x', birthDate: '2001-02-30' }, ['birthDate date']],
    ['a birth to come', { text: 'x', birthDate: '2027-01-01' }, ['birthDate date']],
    ['a year alone', { text: 'x', birthDate: '1964' }, []],
  ])('%s', (_name, form, expected) => {
    expect(intakeProblems({ ...empty, ...form }, now).map(({ field, kind }) => `${field} ${kind}`)).toEqual(
      expected,
    );
  });

  test('puts what was measured behind the words', () => {
    const form = {
      ...empty,
      text: '62, crushing chest pain ',
      vitals: {
        systolic: '90',
        diastolic: '60',
        heartRate: '118',
        oxygenSaturation: '93',
        temperature: '38,5',
      },
      consciousness: 'confused' as const,
    };
    expect(intakeText(form)).toBe(
      '62, crushing chest pain. BP 90/60 mmHg, HR 118, SpO2 93%, Temp 38.5 C, new confusion',
    );
    expect(intakeText({ ...empty, vitals: { respiratoryRate: '30' } })).toBe('RR 30');
  });

  test('starts with demographics as typed, or with the patient who was chosen', () => {
    const typed = startParameters(
      {
        ...empty,
        text: 'x',
        givenName: 'Ann B',
        familyName: 'Ashby',
        birthDate: '1964-02-03',
        gender: 'female',
        phone: ' 555 0100 ',
      },
      'es',
    );
    expect(typed.parameter).toEqual([
      { name: 'intake', valueString: 'x' },
      {
        name: 'patient',
        resource: {
          resourceType: 'Patient',
          name: [{ family: 'Ashby', given: ['Ann', 'B'] }],
          birthDate: '1964-02-03',
          gender: 'female',
          telecom: [{ system: 'phone', value: '555 0100' }],
        },
      },
      { name: 'language', valueCode: 'es' },
    ]);
    const chosen = startParameters({ ...empty, text: 'x', givenName: 'Ann', subject: 'Patient/p' }, 'en');
    expect(chosen.parameter?.map(({ name }) => name)).toEqual(['subject', 'intake', 'language']);
  });

  test('keeps a photo as Binary, and a DocumentReference that points to it', () => {
    const { entry = [] } = documentBundle(
      { name: 'referral.jpg', contentType: 'image/jpeg', data: 'AAAA' },
      { group: 'RequestGroup/g', author: 'Practitioner/n' },
      now,
    );
    const [binary, document] = entry.map(({ resource }) => resource);
    expect(binary).toEqual({ resourceType: 'Binary', contentType: 'image/jpeg', data: 'AAAA' });
    expect(document).toMatchObject({
      description: 'referral.jpg',
      author: [{ reference: 'Practitioner/n' }],
      content: [{ attachment: { url: entry[0]?.fullUrl, contentType: 'image/jpeg' } }],
      context: { related: [{ reference: 'RequestGroup/g' }] },
    });
    expect(document).not.toHaveProperty('subject');
  });
});
