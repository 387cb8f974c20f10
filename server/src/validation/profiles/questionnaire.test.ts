import { describe, expect, it } from 'vitest';
import { check, core } from './test-support.ts';

const coding = (code: string) => ({ system: 'http://e.org', code });
const questionnaire = (...item: object[]) => ({
  resourceType: 'Questionnaire',
  id: 'q',
  status: 'active',
  item,
});
/** Errors of a response to a questionnaire that it contains. */
function respond(questions: object[], item: object[], status = 'completed', severities = false): string[] {
  return check(
    {
      resourceType: 'QuestionnaireResponse',
      status,
      questionnaire: '#q',
      contained: [questionnaire(...questions)],
      ...(item.length > 0 ? { item } : {}),
    },
    core,
    { all: severities },
  );
}
const Q = 'QuestionnaireResponse';

describe('questionnaires (questionnaire.html)', () => {
  const when = (question: string, more: object = {}) => ({
    enableWhen: [{ question, operator: 'exists', answerBoolean: true }],
    ...more,
  });
  it.each<[string, object[], string[]]>([
    [
      'a condition',
      [
        { linkId: 'a', type: 'string' },
        { linkId: 'b', type: 'string', ...when('a') },
      ],
      [],
    ],
    [
      'a condition on nothing',
      [{ linkId: 'b', type: 'string', ...when('c') }],
      ['error business-rule Questionnaire.item[0]'],
    ],
    [
      'a condition on itself',
      [{ linkId: 'b', type: 'string', ...when('b') }],
      ['error business-rule Questionnaire.item[0]'],
    ],
    [
      'a condition on what is below',
      [{ linkId: 'g', type: 'group', ...when('b'), item: [{ linkId: 'b', type: 'string' }] }],
      ['error business-rule Questionnaire.item[0]'],
    ],
    [
      'que-1: a display has no items',
      [{ linkId: 'd', type: 'display', text: 'x', item: [{ linkId: 'e', type: 'string' }] }],
      ['error invariant Questionnaire.item[0] que-1'],
    ],
    [
      'que-1: a group has items',
      [{ linkId: 'd', type: 'group' }],
      ['error invariant Questionnaire.item[0] que-1'],
    ],
    [
      'que-4: either options or a value set',
      [
        {
          linkId: 'd',
          type: 'choice',
          answerOption: [{ valueString: 'x' }],
          answerValueSet: 'http://e.org/vs',
        },
      ],
      ['error invariant Questionnaire.item[0] que-4'],
    ],
    [
      'que-5: only a choice has options',
      [{ linkId: 'd', type: 'boolean', answerOption: [{ valueInteger: 1 }] }],
      ['error invariant Questionnaire.item[0] que-5'],
    ],
    [
      'que-7: exists is asked with a boolean',
      [
        { linkId: 'a', type: 'string' },
        {
          linkId: 'b',
          type: 'string',
          enableWhen: [{ question: 'a', operator: 'exists', answerString: 'x' }],
        },
      ],
      ['error invariant Questionnaire.item[1].enableWhen[0] que-7'],
    ],
    [
      'que-8: a group has no initial value',
      [
        {
          linkId: 'g',
          type: 'group',
          initial: [{ valueString: 'x' }],
          item: [{ linkId: 'b', type: 'string' }],
        },
      ],
      ['error invariant Questionnaire.item[0] que-8'],
    ],
    [
      'que-10: only texts have a maximum length',
      [{ linkId: 'b', type: 'date', maxLength: 3 }],
      ['error invariant Questionnaire.item[0] que-10'],
    ],
  ])('%s', (_, list, expected) => expect(check(questionnaire(...list), core)).toEqual(expected));
});

describe('responses (questionnaireresponse.html)', () => {
  const text = (linkId: string, more: object = {}) => ({ linkId, type: 'string', ...more });
  const answer = (linkId: string, ...values: object[]) => ({ linkId, answer: values });
  const group = (linkId: string, item: object[], more: object = {}) => ({
    linkId,
    type: 'group',
    item,
    ...more,
  });
  it.each<[string, object[], object[], string[]]>([
    ['a group', [group('g', [text('a')])], [{ linkId: 'g', item: [answer('a', { valueString: 'x' })] }], []],
    [
      'an item at another level',
      [group('g', [text('a')])],
      [answer('a', { valueString: 'x' })],
      [`error structure ${Q}.item[0]`],
    ],
    [
      'a group that is answered itself',
      [group('g', [text('a')])],
      [answer('g', { valueString: 'x' })],
      [`error structure ${Q}.item[0]`],
    ],
    [
      'a group that repeats',
      [group('g', [text('a')], { repeats: true })],
      [1, 2].map(() => ({ linkId: 'g', item: [answer('a', { valueString: 'x' })] })),
      [],
    ],
    [
      'a group that does not repeat',
      [group('g', [text('a')])],
      [1, 2].map(() => ({ linkId: 'g', item: [answer('a', { valueString: 'x' })] })),
      [`error invalid ${Q}`],
    ],
    [
      'a required item in a group',
      [group('g', [text('a', { required: true }), text('b')])],
      [{ linkId: 'g', item: [answer('b', { valueString: 'x' })] }],
      [`error required ${Q}.item[0]`],
    ],
    [
      'a required item without answer',
      [text('a', { required: true })],
      [{ linkId: 'a' }],
      [`error required ${Q}.item[0]`],
    ],
    [
      'several answers',
      [text('a')],
      [answer('a', { valueString: 'x' }, { valueString: 'y' })],
      [`error invalid ${Q}.item[0]`],
    ],
    [
      'several answers of a question that repeats',
      [text('a', { repeats: true })],
      [answer('a', { valueString: 'x' }, { valueString: 'y' })],
      [],
    ],
    [
      'items below an answer',
      [text('a', { item: [text('b', { required: true })] })],
      [{ linkId: 'a', answer: [{ valueString: 'x' }] }],
      [`error required ${Q}.item[0].answer[0]`],
    ],
    [
      'an item below a question, not below its answer',
      [text('a', { item: [text('b')] })],
      [{ linkId: 'a', answer: [{ valueString: 'x' }], item: [answer('b', { valueString: 'y' })] }],
      [`error invariant ${Q}.item[0] qrs-1`, `error structure ${Q}.item[0]`],
    ],
    [
      'a display that is answered',
      [{ linkId: 'd', type: 'display', text: 'x' }],
      [answer('d', { valueString: 'x' })],
      [`error structure ${Q}.item[0]`],
    ],
    [
      'a text that is too long',
      [text('a', { maxLength: 2 })],
      [answer('a', { valueString: 'abc' })],
      [`error too-long ${Q}.item[0].answer[0]`],
    ],
    [
      'another text than that of the question',
      [text('a', { text: 'Name?' })],
      [{ ...answer('a', { valueString: 'x' }), text: 'Age?' }],
      [`error invalid ${Q}.item[0]`],
    ],
    [
      'an open choice with a text of its own',
      [{ linkId: 'a', type: 'open-choice', answerOption: [{ valueCoding: coding('x') }] }],
      [answer('a', { valueString: 'other' })],
      [],
    ],
    [
      'a choice with a text where codes are the options',
      [{ linkId: 'a', type: 'choice', answerOption: [{ valueCoding: coding('x') }] }],
      [answer('a', { valueString: 'other' })],
      [`error code-invalid ${Q}.item[0].answer[0]`],
    ],
    [
      'a code that is not in the value set',
      [
        {
          linkId: 'a',
          type: 'choice',
          answerValueSet: 'http://hl7.org/fhir/ValueSet/administrative-gender',
        },
      ],
      [answer('a', { valueCoding: { system: 'http://example.org/marital', code: 'male' } })],
      [`error code-invalid ${Q}.item[0].answer[0]`],
    ],
    [
      'a decimal as integer',
      [{ linkId: 'a', type: 'decimal' }],
      [answer('a', { valueInteger: 1 })],
      [`error structure ${Q}.item[0].answer[0]`],
    ],
    ['without linkId', [text('a')], [{ answer: [{ valueString: 'x' }] }], [`error required ${Q}.item[0]`]],
  ])('%s', (_, questions, items, expected) => expect(respond(questions, items)).toEqual(expected));

  it('what is in progress may lack answers, but not have wrong ones', () => {
    const questions = [text('a', { required: true })];
    expect(respond(questions, [], 'in-progress')).toEqual([]);
    expect(respond(questions, [answer('a', { valueInteger: 1 })], 'in-progress')).toHaveLength(1);
  });

  describe('enableWhen (questionnaire.html#Questionnaire.item.enableWhen)', () => {
    const conditions = (enableBehavior: string) => [
      { linkId: 'a', type: 'boolean' },
      { linkId: 'n', type: 'integer' },
      text('t', {
        required: true,
        enableBehavior,
        enableWhen: [
          { question: 'a', operator: '=', answerBoolean: true },
          { question: 'n', operator: '>', answerInteger: 5 },
        ],
      }),
    ];
    const given = (a: boolean, n: number, t?: string) => [
      answer('a', { valueBoolean: a }),
      answer('n', { valueInteger: n }),
      ...(t === undefined ? [] : [answer('t', { valueString: t })]),
    ];
    it.each<[string, boolean, number, string | undefined, string[]]>([
      ['all', true, 6, undefined, [`error required ${Q}`]],
      ['all', true, 5, undefined, []],
      ['all', true, 5, 'x', [`error invalid ${Q}.item[2]`]],
      ['any', true, 5, undefined, [`error required ${Q}`]],
      ['any', false, 5, 'x', [`error invalid ${Q}.item[2]`]],
      ['any', false, 6, 'x', []],
    ])('%s: %s and %s', (behavior, a, n, t, expected) =>
      expect(respond(conditions(behavior), given(a, n, t))).toEqual(expected),
    );
    it('of a group that repeats, the answers of the same repetition count', () => {
      const questions = [
        group(
          'g',
          [
            { linkId: 'a', type: 'boolean' },
            text('t', {
              required: true,
              enableWhen: [{ question: 'a', operator: '=', answerBoolean: true }],
            }),
          ],
          { repeats: true },
        ),
      ];
      const repetition = (a: boolean, t?: string) => ({
        linkId: 'g',
        item: [
          answer('a', { valueBoolean: a }),
          ...(t === undefined ? [] : [answer('t', { valueString: t })]),
        ],
      });
      expect(respond(questions, [repetition(true, 'x'), repetition(false)])).toEqual([]);
      expect(respond(questions, [repetition(true), repetition(false, 'x')])).toEqual([
        `error required ${Q}.item[0]`,
        `error invalid ${Q}.item[1].item[1]`,
      ]);
    });
  });

  it('how many answers there may be, and which stand alone (questionnaire-minOccurs, -maxOccurs, -optionExclusive)', () => {
    const core = (name: string, value: object) => ({
      url: `http://hl7.org/fhir/StructureDefinition/questionnaire-${name}`,
      ...value,
    });
    const texts = {
      linkId: 'a',
      type: 'string',
      repeats: true,
      extension: [core('minOccurs', { valueInteger: 2 }), core('maxOccurs', { valueInteger: 3 })],
    };
    const given = (count: number) => [
      { linkId: 'a', answer: Array.from({ length: count }, () => ({ valueString: 'x' })) },
    ];
    expect(respond([texts], given(2))).toEqual([]);
    expect(respond([texts], given(1))).toEqual([`error invalid ${Q}.item[0]`]);
    expect(respond([texts], given(1), 'in-progress')).toEqual([]);
    expect(respond([texts], given(4))).toEqual([`error invalid ${Q}.item[0]`]);
    const none = core('optionExclusive', { valueBoolean: true });
    const choice = {
      linkId: 'a',
      type: 'choice',
      repeats: true,
      answerOption: [{ valueCoding: coding('x') }, { valueCoding: coding('none'), extension: [none] }],
    };
    const chosen = (...codes: string[]) => [
      { linkId: 'a', answer: codes.map((code) => ({ valueCoding: coding(code) })) },
    ];
    expect(respond([choice], chosen('none'))).toEqual([]);
    expect(respond([choice], chosen('x', 'none'))).toEqual([`error invalid ${Q}.item[0].answer[1]`]);
  });
  it('a required group that is empty, an answer to an item of the abstract type question', () => {
    const group = { linkId: 'g', type: 'group', required: true, item: [{ linkId: 'a', type: 'string' }] };
    expect(respond([group], [{ linkId: 'g' }])).toEqual([`error required ${Q}.item[0]`]);
    expect(
      respond([{ linkId: 'q', type: 'question' }], [{ linkId: 'q', answer: [{ valueString: 'x' }] }]),
    ).toContain(`error structure ${Q}.item[0]`);
  });
  it('what is no questionnaire (questionnaireresponse.html#QuestionnaireResponse.questionnaire)', () => {
    const questionnaire = 'http://hl7.org/fhir/ValueSet/administrative-gender';
    expect(check({ resourceType: Q, status: 'completed', questionnaire }, core)).toEqual([
      `error invalid ${Q}.questionnaire`,
    ]);
  });

  it('a questionnaire that is not known is told of (a warning)', () => {
    const response = { resourceType: Q, status: 'completed', questionnaire: 'http://nowhere.org/q' };
    expect(check(response, core, { all: true })).toEqual([`warning not-found ${Q}.questionnaire`]);
  });
});
