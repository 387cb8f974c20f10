import { describe, expect, it } from 'vitest';
import type { CdsAction } from '../hooks/types.ts';
import { withinPatient } from './within-patient.ts';

const context = {
  patientId: 'p',
  draftOrders: {
    resourceType: 'Bundle',
    entry: [
      { resource: { resourceType: 'MedicationRequest', id: 'draft', subject: { reference: 'Patient/p' } } },
    ],
  },
};
const subject = (id: string) => ({ subject: { reference: `Patient/${id}` } });
const create = (more: object): CdsAction => ({ type: 'create', resource: { resourceType: 'Flag', ...more } });
const update = (id: string, more: object = subject('p')): CdsAction => ({
  type: 'update',
  resource: { resourceType: 'MedicationRequest', id, ...more },
});
const remove = (resourceId: string): CdsAction => ({ type: 'delete', resourceId });

const asked: string[] = [];
const ofPatient = async (reference: string) => {
  asked.push(reference);
  return reference.endsWith('/mine');
};
const card = (...actions: CdsAction[][]) => ({
  summary: 's',
  indicator: 'info' as const,
  source: { label: 'l' },
  suggestions: actions.map((one, index) => ({ label: `${index}`, actions: one })),
  selectionBehavior: 'any' as const,
});
/** The labels of the suggestions that are left of one for each list of actions. */
const left = async (...actions: CdsAction[][]): Promise<string[] | undefined> => {
  const { cards, problems } = await withinPatient(
    { cards: [card(...actions)], problems: [] },
    context,
    ofPatient,
  );
  const suggestions = cards[0]?.suggestions;
  expect(problems).toHaveLength(actions.length - (suggestions?.length ?? 0));
  expect(cards[0]?.selectionBehavior).toBe(suggestions === undefined ? undefined : 'any');
  return suggestions?.map(({ label }) => label);
};

describe('actions of services of others (CDS Hooks 2.0, Suggestion, System Action)', () => {
  it('write to the record of the patient in context, and to the drafts', async () => {
    expect(
      await left(
        [create(subject('p'))],
        [create({ code: { text: 'of nobody' } })],
        [update('draft'), remove('MedicationRequest/draft')],
        [update('mine'), remove('Observation/mine')],
        [],
      ),
    ).toEqual(['0', '1', '2', '3', '4']);
  });

  it('do not write to that of another: a suggestion goes as a whole, the card stays', async () => {
    const cases = [
      [create(subject('other'))],
      [create({ subject: { reference: 'https://fhir.example/Patient/other/_history/1' } })],
      [create({ ...subject('p'), contained: [{ resourceType: 'Basic', ...subject('other') }] })],
      [update('draft', subject('other'))],
      // It is of another now, and would be of this patient.
      [update('theirs')],
      [remove('Patient/other')],
      [create(subject('p')), remove('Observation/theirs')],
    ];
    for (const one of cases) expect(await left(one)).toBeUndefined();
    expect(await left([create(subject('p'))], cases[0] as CdsAction[])).toEqual(['0']);
  });

  it('are left out together where they are system actions', async () => {
    const run = (systemActions: CdsAction[]) =>
      withinPatient({ cards: [], systemActions, problems: ['before'] }, context, ofPatient);
    expect(await run([update('mine')])).toEqual({
      cards: [],
      systemActions: [update('mine')],
      problems: ['before'],
    });
    const { systemActions, problems } = await run([update('mine'), update('theirs')]);
    expect(systemActions).toBeUndefined();
    expect(problems).toHaveLength(2);
  });

  it('are looked up once each, and not without end', async () => {
    asked.length = 0;
    await left(Array.from({ length: 40 }, (_, index) => remove(`Observation/${index % 2}-mine/mine`)));
    expect(asked).toHaveLength(2);
    asked.length = 0;
    await left(...Array.from({ length: 40 }, (_, index) => [remove(`Observation/${index}`)]));
    expect(asked).toHaveLength(20);
  });
});
