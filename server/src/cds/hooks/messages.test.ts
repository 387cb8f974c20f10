import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FhirError } from '../../fhir/outcome.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { parseDiscovery } from './discovery.ts';
import { parseFeedback } from './feedback.ts';
import { parseRequest } from './request.ts';
import { parseResponse } from './response.ts';
import type { Hook } from './types.ts';

const BUNDLE = { resourceType: 'Bundle', type: 'collection', entry: [] };
const CONTEXTS: Record<Hook, JsonObject> = {
  'patient-view': { userId: 'Practitioner/1', patientId: 'p' },
  'order-select': {
    userId: 'PractitionerRole/1',
    patientId: 'p',
    selections: ['MedicationRequest/1'],
    draftOrders: BUNDLE,
  },
  'order-sign': { userId: 'Practitioner/1', patientId: 'p', draftOrders: BUNDLE },
  'appointment-book': { userId: 'Patient/p', patientId: 'p', appointments: BUNDLE },
  'encounter-start': { userId: 'Practitioner/1', patientId: 'p', encounterId: 'e' },
  'encounter-discharge': { userId: 'Practitioner/1', patientId: 'p', encounterId: 'e' },
};
const request = (hook: Hook, context: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  hook,
  hookInstance: 'd1577c69-dfbe-44ad-ba6d-3e05e953b2ea',
  context: { ...CONTEXTS[hook], ...context },
  ...more,
});

/** The field that a refusal names. */
function refusedAt(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof FhirError && error.status === 400) return error.issues[0]?.expression;
    throw error;
  }
  return 'accepted';
}

describe('requests (CDS Hooks 2.0, HTTP Request; CDS Hooks Library)', () => {
  it('takes the smallest context of each hook', () => {
    for (const hook of Object.keys(CONTEXTS) as Hook[]) {
      expect(parseRequest(request(hook), hook).context).toEqual(CONTEXTS[hook]);
      const withNull = request(hook, hook.startsWith('encounter') ? { other: null } : { encounterId: null });
      expect(parseRequest(withNull, hook).context).toEqual(CONTEXTS[hook]);
    }
  });

  it('names the field of the context that is missing or wrong', () => {
    const cases: [Hook, JsonObject, string][] = [
      ...(Object.keys(CONTEXTS) as Hook[]).flatMap((hook): [Hook, JsonObject, string][] => [
        [hook, { userId: null }, 'context.userId'],
        [hook, { userId: 'p' }, 'context.userId'],
        [hook, { userId: 'Device/1' }, 'context.userId'],
        [hook, { patientId: null }, 'context.patientId'],
        [hook, { patientId: 'Patient/p' }, 'context.patientId'],
        [hook, { encounterId: 1 }, 'context.encounterId'],
      ]),
      ['order-sign', { userId: 'Patient/p' }, 'context.userId'],
      ['order-sign', { draftOrders: null }, 'context.draftOrders'],
      ['order-sign', { draftOrders: { resourceType: 'Patient' } }, 'context.draftOrders'],
      ['order-sign', { draftOrders: { ...BUNDLE, entry: [{}] } }, 'context.draftOrders.entry[0].resource'],
      ['order-select', { draftOrders: null }, 'context.draftOrders'],
      ['order-select', { selections: null }, 'context.selections'],
      ['order-select', { selections: ['1'] }, 'context.selections[0]'],
      ['appointment-book', { appointments: null }, 'context.appointments'],
      [
        'appointment-book',
        { appointments: { ...BUNDLE, entry: [{ resource: { resourceType: 'Patient' } }] } },
        'context.appointments.entry[0].resource',
      ],
      ['encounter-start', { encounterId: null }, 'context.encounterId'],
      ['encounter-discharge', { encounterId: null }, 'context.encounterId'],
    ];
    for (const [hook, context, at] of cases) {
      expect(
        refusedAt(() => parseRequest(request(hook, context), hook)),
        `${hook} ${JSON.stringify(context)}`,
      ).toBe(at);
    }
  });

  it('names what else is wrong', () => {
    const authorization = {
      access_token: 'a',
      token_type: 'Bearer',
      expires_in: 1,
      scope: 's',
      subject: 'c',
    };
    const fhirServer = 'https://ehr.example/fhir';
    const cases: [JsonObject, string][] = [
      [{ hook: 'order-sign' }, 'hook'],
      [{ hookInstance: 'x' }, 'hookInstance'],
      [{ context: null }, 'context'],
      [{ fhirServer: 'ftp://ehr.example' }, 'fhirServer'],
      [{ fhirAuthorization: authorization }, 'fhirServer'],
      [
        { fhirServer, fhirAuthorization: { ...authorization, access_token: 'a\r\nb: c' } },
        'fhirAuthorization.access_token',
      ],
      [
        { fhirServer, fhirAuthorization: { ...authorization, expires_in: '1' } },
        'fhirAuthorization.expires_in',
      ],
      [{ prefetch: { patient: 'x' } }, 'prefetch.patient'],
    ];
    for (const [more, at] of cases)
      expect(refusedAt(() => parseRequest(request('patient-view', {}, more), 'patient-view'))).toBe(at);
  });

  it('takes null of a prefetch key as "nothing", and an OperationOutcome as missing', () => {
    const prefetch = { a: null, b: { resourceType: 'OperationOutcome' }, c: { resourceType: 'Patient' } };
    expect(parseRequest(request('patient-view', {}, { prefetch }), 'patient-view').prefetch).toEqual({
      a: null,
      c: { resourceType: 'Patient' },
    });
  });
});

describe('responses (CDS Hooks 2.0, CDS Service Response)', () => {
  const card = { summary: 's', indicator: 'info', source: { label: 'l' } };

  it('keeps all that the specification names', () => {
    const whole = {
      ...card,
      uuid: 'u',
      detail: '**d**',
      source: {
        label: 'l',
        url: 'https://a.example',
        icon: 'https://a.example/i.png',
        topic: { system: 's', code: 'c' },
      },
      suggestions: [
        {
          label: 'x',
          uuid: 'v',
          isRecommended: true,
          actions: [
            { type: 'create', description: 'd', resource: { resourceType: 'Basic' } },
            { type: 'delete', description: 'd', resourceId: 'Basic/1' },
          ],
        },
      ],
      selectionBehavior: 'at-most-one',
      overrideReasons: [{ system: 's', code: 'c', display: 'd' }],
      links: [{ label: 'l', url: 'https://app.example/launch', type: 'smart', appContext: '{}' }],
      extension: { 'com.example': 1 },
    };
    const systemActions = [
      { type: 'update', description: 'd', resource: { resourceType: 'Basic', id: '1' } },
    ];
    expect(parseResponse({ cards: [whole], systemActions }, 'me')).toEqual({
      cards: [whole],
      systemActions,
      problems: [],
    });
  });

  it('gives a card without source the name of its service', () => {
    for (const source of [undefined, null, {}, { label: '' }]) {
      const { cards } = parseResponse(
        {
          cards: [
            {
              ...card,
              ...(source === undefined ? {} : { source }),
              ...(source === undefined ? { source: null } : {}),
            },
          ],
        },
        'me',
      );
      expect(cards[0]?.source).toEqual({ label: 'me' });
    }
  });

  it('drops a card that breaks a rule, and only that one', () => {
    for (const wrong of [
      { ...card, summary: '' },
      { ...card, indicator: 'hard-stop' },
      { ...card, suggestions: [{ label: 'x' }] },
      { ...card, suggestions: [{ label: 'x' }], selectionBehavior: 'all' },
      { ...card, overrideReasons: [{ system: 's', code: 'c' }] },
      { ...card, suggestions: [{ label: 'x', actions: [{ type: 'delete' }] }], selectionBehavior: 'any' },
      // What is updated has an id.
      {
        ...card,
        suggestions: [{ label: 'x', actions: [{ type: 'update', resource: { resourceType: 'Basic' } }] }],
        selectionBehavior: 'any',
      },
      'card',
    ]) {
      const { cards, problems } = parseResponse({ cards: [wrong, card] }, 'me');
      expect(cards).toEqual([card]);
      expect(problems).toHaveLength(1);
    }
  });

  it('drops links that run scripts, and appContext of absolute links', () => {
    const links = [
      { label: 'a', url: 'javascript:alert(1)', type: 'absolute' },
      { label: 'b', url: 'https://a.example', type: 'absolute', appContext: 'x' },
    ];
    expect(parseResponse({ cards: [{ ...card, links }] }, 'me').cards[0]?.links).toEqual([
      { label: 'b', url: 'https://a.example', type: 'absolute' },
    ]);
  });

  it('shortens a summary of 140 characters or more, which stands whole in the detail', () => {
    const of = (summary: string) =>
      parseResponse({ cards: [{ ...card, summary, detail: 'd' }] }, 'me').cards[0];
    expect(of('a'.repeat(139))).toEqual({ ...card, summary: 'a'.repeat(139), detail: 'd' });
    const long = `${'a'.repeat(139)} *<b>`;
    expect(of(long)?.summary).toHaveLength(139);
    expect(of(long)?.detail).toBe(`${'a'.repeat(139)} \\*&lt;b\\>\n\nd`);
  });

  it('lets no HTML through, also where the service has escaped it already', () => {
    const detail = '<b> \\<b> \\\\<b>';
    expect(parseResponse({ cards: [{ ...card, detail }] }, 'me').cards[0]?.detail).toBe(
      '&lt;b> &lt;b> \\\\&lt;b>',
    );
  });

  it('leaves out what is empty, and describes actions that nothing is said of (Null and empty JSON elements)', () => {
    const empty = { uuid: '', detail: '', links: [], overrideReasons: [], extension: {}, suggestions: [] };
    expect(parseResponse({ cards: [{ ...card, ...empty }], systemActions: [] }, 'me')).toEqual({
      cards: [card],
      problems: [],
    });
    const { cards, systemActions } = parseResponse(
      {
        cards: [
          {
            ...card,
            suggestions: [
              { label: 'x', uuid: '', actions: [] },
              { label: 'y', actions: [{ type: 'delete', resourceId: 'Basic/1' }] },
            ],
            selectionBehavior: 'any',
          },
        ],
        systemActions: [{ type: 'update', resource: { resourceType: 'Basic', id: '1' } }],
      },
      'me',
    );
    expect(cards[0]?.suggestions).toEqual([
      { label: 'x' },
      { label: 'y', actions: [{ type: 'delete', description: 'y', resourceId: 'Basic/1' }] },
    ]);
    expect(systemActions?.[0]?.description).toBe('update Basic');
  });

  it('uses the most urgent of more cards than anybody reads, and none of too many system actions', () => {
    const cards = Array.from({ length: 60 }, (_, index) => ({
      ...card,
      summary: `${index}`,
      indicator: index === 59 ? 'critical' : 'info',
    }));
    const action = { type: 'delete', resourceId: 'Basic/1' };
    const found = parseResponse({ cards, systemActions: Array.from({ length: 51 }, () => action) }, 'me');
    expect(found.cards).toHaveLength(50);
    expect(found.cards.at(-1)?.indicator).toBe('critical');
    expect(found.systemActions).toBeUndefined();
    expect(found.problems).toHaveLength(2);
    expect(parseResponse({ cards: Array.from({ length: 1000 }, () => 1) }, 'me').problems).toHaveLength(21);
  });

  it('refuses what has no cards', () => {
    expect(refusedAt(() => parseResponse({}, 'me'))).toBe('cards');
    expect(refusedAt(() => parseResponse([], 'me'))).toBe('');
  });
});

describe('discovery and feedback (CDS Hooks 2.0)', () => {
  it('leaves out services without hook, id or description', () => {
    const good = { hook: 'patient-view', id: 'a', description: 'd' };
    expect(parseDiscovery({ services: [good, { ...good, id: '' }, { hook: 'x', id: 'b' }] })).toEqual([good]);
  });

  it('names the field of feedback that is missing', () => {
    const good = { card: 'c', outcome: 'overridden', outcomeTimestamp: '2020-12-11T00:00:00Z' };
    expect(parseFeedback({ feedback: [good] })).toEqual([good]);
    const cases: [JsonObject, string][] = [
      [{ card: null }, 'feedback[0].card'],
      [{ outcome: 'ignored' }, 'feedback[0].outcome'],
      [{ outcome: 'accepted' }, 'feedback[0].acceptedSuggestions'],
      [{ outcome: 'accepted', acceptedSuggestions: [{}] }, 'feedback[0].acceptedSuggestions[0].id'],
      [{ outcomeTimestamp: 'yesterday' }, 'feedback[0].outcomeTimestamp'],
      [{ outcomeTimestamp: '2026-02-30T00:00:00Z' }, 'feedback[0].outcomeTimestamp'],
      [{ overrideReason: { reason: { code: 'x' } } }, 'feedback[0].overrideReason.reason.system'],
    ];
    // Empty elements are not handed on.
    expect(parseFeedback({ feedback: [{ ...good, overrideReason: {} }] })).toEqual([good]);
    for (const [more, at] of cases)
      expect(refusedAt(() => parseFeedback({ feedback: [{ ...good, ...more }] }))).toBe(at);
    expect(refusedAt(() => parseFeedback({ feedback: [] }))).toBe('feedback');
    expect(refusedAt(() => parseFeedback({}))).toBe('feedback');
  });
});

describe('all messages', () => {
  it('are read or refused with 400, whatever they are', () => {
    const names = [
      'hook',
      'context',
      'prefetch',
      'cards',
      'services',
      'feedback',
      'userId',
      'patientId',
      'url',
      'links',
    ];
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(fc.constantFrom(...names), tie('value'), { noNullPrototype: true }),
        fc.array(tie('value'), { maxLength: 3 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(...(Object.keys(CONTEXTS) as Hook[])), (any, hook) => {
        const message = any as JsonValue;
        for (const read of [
          () => parseRequest(message, hook),
          () => parseRequest({ hook, hookInstance: randomUUID(), context: message }, hook),
          () => parseResponse(message, 'x'),
          () => parseResponse({ cards: [message] }, 'x'),
          () => parseDiscovery(message),
          () => parseFeedback(message),
        ])
          refusedAt(read);
      }),
    );
  });
});
