import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hoursInWords, unavailableInWords } from './hours-in-words.ts';
import { scores, tellingWords } from './match.ts';

/* Issue 6, section 2: the FAQ agent answers from the tenant's own content, and knows when it does not know. */

const ENTRIES = [
  { questions: ['Where can I park?', 'Parking, garage'], text: 'Behind the house.' },
  { questions: ['How do I prepare for a blood test?', 'Fasting, breakfast'], text: 'Eat nothing.' },
  { questions: ['Which insurances do you accept?', 'Payment, Medicaid'], text: 'Most of them.' },
];

test('the text whose question names what is asked for scores highest; others, and nonsense, score low', () => {
  const [park = 0, blood = 0, insurance = 0] = scores('is there a parking garage', ENTRIES);
  expect(park).toBeGreaterThan(0.62);
  expect(Math.max(blood, insurance)).toBeLessThan(0.3);
  expect(Math.max(...scores('do you sell aeroplanes', ENTRIES))).toBeLessThan(0.45);
  expect(scores('what is the', ENTRIES)).toEqual([0, 0, 0]);
  expect(scores('parking', [])).toEqual([]);
});

test('scores are from 0 to 1 for any question', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (question) => {
      for (const score of scores(question, ENTRIES)) {
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1.0001);
      }
    }),
  );
});

test('words tell the same with other endings and accents', () => {
  expect(tellingWords('vacunas')).toEqual(tellingWords('vacuna'));
  expect(tellingWords('análisis')).toEqual(tellingWords('analisis'));
});

test('hours in words join days that are alike and name closed ones; R4 location.html#Location.hoursOfOperation', () => {
  const week = ['mon', 'tue', 'wed', 'thu', 'fri'];
  expect(
    hoursInWords(
      {
        resourceType: 'Location',
        hoursOfOperation: [{ daysOfWeek: week, openingTime: '08:00:00', closingTime: '18:00:00' }],
      },
      'en',
    ),
  ).toBe('Mon–Fri 08:00–18:00; Sat–Sun closed');
  const service = {
    resourceType: 'HealthcareService',
    availableTime: [
      { daysOfWeek: ['mon'], availableStartTime: '13:00:00', availableEndTime: '17:00:00' },
      { daysOfWeek: ['mon'], availableStartTime: '08:00:00', availableEndTime: '12:00:00' },
      { daysOfWeek: ['sat'], allDay: true },
    ],
    notAvailable: [
      { description: 'Holiday', during: { start: '2031-01-01', end: '2031-01-01' } },
      { description: 'Far away', during: { start: '2031-12-25', end: '2031-12-26' } },
      { description: 'Over', during: { start: '2030-12-25', end: '2030-12-26' } },
    ],
  };
  expect(hoursInWords(service, 'en')).toBe(
    'Mon 08:00–12:00, 13:00–17:00; Tue–Fri closed; Sat all day; Sun closed',
  );
  expect(unavailableInWords(service, 'en', '2030-12-30')).toEqual(['Not available 2031-01-01: Holiday']);
  expect(hoursInWords({ resourceType: 'Location' }, 'en')).toBeUndefined();
});
