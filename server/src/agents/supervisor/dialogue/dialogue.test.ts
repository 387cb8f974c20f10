import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Resource } from '../../../json/types.ts';
import { LANGUAGES } from '../language/types.ts';
import { understand } from '../language/understand.ts';
import { filledIn, STRINGS } from '../strings/index.ts';
import { beforeOf, GOALS, heldBy, STEPS, type State } from './state.ts';
import { changedBy, daysOf, partIn } from './wish.ts';

const TODAY = { year: 2026, month: 11, day: 21 };
const day = (of: number) => ({ year: 2026, month: 11, day: of });

describe('strings', () => {
  test('what is offered to be chosen is understood in the language that it is offered in', () => {
    for (const language of LANGUAGES) {
      const { myVisits, bookVisit, person, yes, no, moreTimes, waitingList } = STRINGS[language];
      const intent = (text: string) => understand(text, language, TODAY).intent;
      expect([language, intent(myVisits), intent(bookVisit), intent(person)]).toEqual([
        language,
        'visits',
        'book',
        'person',
      ]);
      expect([language, intent(moreTimes), intent(waitingList)]).toEqual([language, 'availability', 'wait']);
      expect(understand(yes, language, TODAY)).toMatchObject({ language, agrees: true });
      expect(understand(no, language, TODAY)).toMatchObject({ language, agrees: false });
    }
  });

  test('all languages have the same places to fill in', () => {
    const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
    for (const [name, text] of Object.entries(STRINGS.en))
      for (const language of LANGUAGES)
        expect([name, places(STRINGS[language][name as keyof typeof STRINGS.en])]).toEqual([
          name,
          places(text),
        ]);
  });

  test('what is filled in is no place itself', () => {
    expect(filledIn('{visit} {name}', { visit: '{name}', name: 'x' })).toBe('{name} x');
    expect(filledIn('{constructor}', {})).toBe('{constructor}');
  });
});

describe('state', () => {
  const state = fc.record(
    {
      step: fc.constantFrom(...STEPS),
      goal: fc.constantFrom(...GOALS),
      visit: fc.stringMatching(/^Appointment\/[a-z0-9]{1,10}$/),
      service: fc.string({ minLength: 1 }),
      from: fc.constant('2026-11-21'),
      seen: fc.string({ minLength: 1 }),
    },
    { requiredKeys: [] },
  );
  const option = fc.record({ label: fc.string({ minLength: 1 }), value: fc.string({ minLength: 1 }) });

  test('what a reply holds is read back as it was', () => {
    fc.assert(
      fc.property(state, fc.array(option, { maxLength: 6 }), (given, options) => {
        const appointment: Resource = { resourceType: 'Appointment', status: 'proposed', start: 'x' };
        const all = options.map((one, index) => (index % 2 === 0 ? { ...one, appointment } : one));
        const reply = {
          resourceType: 'Communication',
          sent: '2026',
          ...heldBy(given as State, all),
        } as Resource;
        expect(beforeOf(reply)).toEqual({ state: given, options: all, sent: '2026' });
        // Contained resources are referred to (R4 dom-3).
        for (const { id } of (reply['contained'] ?? []) as { id: string }[])
          expect(JSON.stringify(reply['extension'])).toContain(`"#${id}"`);
      }),
    );
  });

  test('what makes no sense is passed over', () => {
    for (const wrong of [
      undefined,
      { resourceType: 'Communication', contained: 'x', extension: [null, 1, { url: 'x' }] },
    ])
      expect(beforeOf(wrong as never)).toMatchObject({ state: {}, options: [] });
    const forged = heldBy({ step: 'format-disk' as never, goal: 'all' as never }, []);
    expect(beforeOf({ resourceType: 'Communication', ...forged } as never).state).toEqual({});
  });
});

describe('wishes', () => {
  const wish = { service: 'HealthcareService/1', from: '2026-11-23', to: '2026-11-29', part: 'afternoon' };

  test('days replace days, times times; who it is with stays', () => {
    expect(changedBy(wish, { part: 'morning' })).toEqual({ ...wish, part: 'morning' });
    expect(changedBy(wish, { from: day(24), to: day(24) })).toEqual({
      ...wish,
      from: '2026-11-24',
      to: '2026-11-24',
    });
    expect(changedBy(wish, { from: day(24), to: day(24), at: 600 })).toEqual({
      service: wish.service,
      from: '2026-11-24',
      to: '2026-11-24',
      at: '600',
    });
    expect(changedBy(wish, { soonest: true })).toEqual({ service: wish.service });
    expect(changedBy(wish, undefined)).toBe(wish);
  });

  test('a time tells its part of the day; days are of the list', () => {
    expect([partIn({ at: '600' }), partIn({ at: '720' }), partIn({ at: '1020' }), partIn({})]).toEqual([
      'morning',
      'afternoon',
      'evening',
      undefined,
    ]);
    expect(daysOf({ days: 'tue,nonsense,mon' })).toEqual(['mon', 'tue']);
    expect(daysOf({})).toBeUndefined();
  });
});
