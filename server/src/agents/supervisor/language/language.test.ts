import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addDays, compareDays, dayOfWeek } from '../../../scheduling/zone.ts';
import { wordsOf } from './normalize.ts';
import type { Language, Understanding, When } from './types.ts';
import { emergencyOf, understand } from './understand.ts';
import { whenOf } from './when.ts';

/* Issue 6, section 2: what a message means, by rules, in English, Spanish and Urdu (both scripts). */

/** A Saturday. */
const TODAY = { year: 2026, month: 11, day: 21 };
const day = (text: string) => {
  const [year = 0, month = 0, of = 0] = text.split('-').map(Number);
  return { year, month, day: of };
};
const span = (from: string, to = from) => ({ from: day(from), to: day(to) });
const read = (text: string, usual: Language = 'en') => understand(text, usual, TODAY);

describe('days and times', () => {
  const NEXT_WEEK = span('2026-11-23', '2026-11-29');
  const cases: [Language, string, When][] = [
    ['en', 'today', span('2026-11-21')],
    ['en', 'tomorrow morning', { ...span('2026-11-22'), part: 'morning' }],
    ['en', 'the day after tomorrow', span('2026-11-23')],
    ['en', 'this afternoon', { ...span('2026-11-21'), part: 'afternoon' }],
    ['en', 'next week in the afternoon', { ...NEXT_WEEK, part: 'afternoon' }],
    ['en', 'the week after next', span('2026-11-30', '2026-12-06')],
    ['en', 'in two weeks', span('2026-11-30', '2026-12-06')],
    ['en', 'in 3 days', span('2026-11-24')],
    ['en', 'within the next 10 days', span('2026-11-21', '2026-12-01')],
    ['en', 'next month', span('2026-12-01', '2026-12-31')],
    ['en', 'this weekend', span('2026-11-21', '2026-11-22')],
    ['en', 'Tuesday 10 am', { ...span('2026-11-24'), at: 600 }],
    ['en', 'Saturday', span('2026-11-28')],
    ['en', 'next Tuesday at 3', { ...span('2026-11-24'), at: 900 }],
    ['en', 'tuesday next week', { ...NEXT_WEEK, days: ['tue'] }],
    ['en', 'Monday or Wednesday', { ...span('2026-11-22', '2026-11-28'), days: ['mon', 'wed'] }],
    ['en', 'next tuesday or wednesday', { ...span('2026-11-23', '2026-11-29'), days: ['tue', 'wed'] }],
    ['en', 'December 3rd at 14:30', { ...span('2026-12-03'), at: 870 }],
    ['en', '3 December', span('2026-12-03')],
    ['en', 'on January 5th', span('2027-01-05')],
    ['en', '12/3', span('2026-12-03')],
    ['en', '2026-12-24', span('2026-12-24')],
    ['en', 'after 3pm', { after: 900 }],
    ['en', 'before noon', { before: 720 }],
    ['en', 'at noon', { at: 720 }],
    ['en', 'between 2 and 4 pm', { after: 840, before: 960 }],
    ['en', 'half past 9', { at: 570 }],
    ['en', 'quarter past 9 tomorrow', { ...span('2026-11-22'), at: 555 }],
    ['en', 'a quarter to one', { at: 765 }],
    ['en', 'nine thirty', { at: 570 }],
    ['en', 'Friday after next', span('2026-12-04')],
    ['en', 'Tuesday week at 10 am', { ...span('2026-12-01'), at: 600 }],
    ['en', 'a week from Tuesday', span('2026-12-01')],
    ['en', 'any day except Friday', { days: ['sun', 'mon', 'tue', 'wed', 'thu', 'sat'], soonest: true }],
    ['en', 'any day but Friday', { days: ['sun', 'mon', 'tue', 'wed', 'thu', 'sat'] }],
    ['en', 'not Monday or Tuesday', { days: ['sun', 'wed', 'thu', 'fri', 'sat'] }],
    ['en', 'not Monday but Wednesday', span('2026-11-25')],
    ['en', 'why not Monday', span('2026-11-23')],
    ['en', 'no, Monday', span('2026-11-23')],
    ['en', 'I fell last Tuesday, can I come on Friday', span('2026-11-27')],
    ['en', 'as soon as possible', { soonest: true }],
    ['en', 'at 10 a.m.', { at: 600 }],
    ['es', 'mañana', span('2026-11-22')],
    ['es', 'mañana por la mañana', { ...span('2026-11-22'), part: 'morning' }],
    ['es', 'pasado mañana', span('2026-11-23')],
    ['es', 'la semana que viene por la tarde', { ...NEXT_WEEK, part: 'afternoon' }],
    ['es', 'el martes a las 10', { ...span('2026-11-24'), at: 600 }],
    ['es', 'el viernes a las 3 de la tarde', { ...span('2026-11-27'), at: 900 }],
    ['es', 'a las cuatro y media', { at: 990 }],
    ['es', 'a las tres y cuarto', { at: 915 }],
    ['es', 'a las nueve menos cuarto', { at: 525 }],
    [
      'es',
      'la semana que viene menos el lunes',
      { ...NEXT_WEEK, days: ['sun', 'tue', 'wed', 'thu', 'fri', 'sat'] },
    ],
    ['es', '3 de diciembre', span('2026-12-03')],
    ['es', '3/12', span('2026-12-03')],
    ['es', 'dentro de dos semanas', span('2026-11-30', '2026-12-06')],
    ['es', 'después de las 5', { after: 1020 }],
    ['es', 'lo antes posible', { soonest: true }],
    ['ur', 'kal subah 10 baje', { ...span('2026-11-22'), at: 600 }],
    ['ur', 'agle hafte dopahar ko', { ...NEXT_WEEK, part: 'afternoon' }],
    ['ur', 'jumma ko sham 5 baje', { ...span('2026-11-27'), at: 1020 }],
    ['ur', 'hafte ko', span('2026-11-28')],
    ['ur', 'parson', span('2026-11-23')],
    ['ur', 'saadhe das baje', { at: 630 }],
    ['ur', 'paune nau baje', { at: 525 }],
    ['ur', 'سوا نو بجے', { at: 555 }],
    ['ur', 'jumme ke ilawa', { days: ['sun', 'mon', 'tue', 'wed', 'thu', 'sat'] }],
    ['ur', 'پیر کے علاوہ', { days: ['sun', 'tue', 'wed', 'thu', 'fri', 'sat'] }],
    ['ur', 'اگلے ہفتے دوپہر کو', { ...NEXT_WEEK, part: 'afternoon' }],
    ['ur', 'کل صبح ۱۰ بجے', { ...span('2026-11-22'), at: 600 }],
    ['ur', 'منگل کو شام ٤ بجے', { ...span('2026-11-24'), at: 960 }],
    ['ur', '3 دسمبر', span('2026-12-03')],
    ['ur', 'پرسوں', span('2026-11-23')],
    ['ur', 'جلد از جلد', { soonest: true }],
  ];
  test.each(cases)('%s: %s', (language, text, expected) => {
    expect(whenOf(wordsOf(text), language, TODAY)).toEqual(expected);
  });

  test('none where none is named', () => {
    for (const text of ['hello', 'I have a question', 'may I ask something', 'room 12'])
      expect(whenOf(wordsOf(text), 'en', TODAY)).toBeUndefined();
    expect(whenOf(wordsOf('31/02/2027'), 'en', TODAY)).toBeUndefined();
  });

  test('spans begin no later than they end, and a named day of the week is that day', () => {
    const names = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
    const codes = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 0, max: 6 }), (ahead, index) => {
        const today = addDays(TODAY, ahead);
        for (const text of [
          `${names[index]}`,
          `next ${names[index]}`,
          'next week',
          'this week',
          'next month',
        ]) {
          const { from, to } = whenOf(wordsOf(text), 'en', today) as Required<When>;
          expect(compareDays(from, to)).toBeLessThanOrEqual(0);
          expect(compareDays(to, today)).toBeGreaterThanOrEqual(0);
          if (text.includes('day') && !text.includes('week')) expect(dayOfWeek(from)).toBe(codes[index]);
        }
      }),
    );
  });

  test('every clock time is read back as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), (hour, minute) => {
        const clock = `${hour % 12 === 0 ? 12 : hour % 12}:${String(minute).padStart(2, '0')} ${hour < 12 ? 'am' : 'pm'}`;
        expect(whenOf(wordsOf(clock), 'en', TODAY)?.at).toBe(hour * 60 + minute);
      }),
    );
  });
});

describe('wishes', () => {
  const cases: [string, Partial<Understanding>][] = [
    ['I need a cardiology visit next week in the afternoon', { intent: 'book', specialty: 'cardiology' }],
    ['book me with Dr. Kim tomorrow', { intent: 'book', doctor: 'kim' }],
    ['can I see a dermatologist?', { intent: 'book', specialty: 'dermatology' }],
    ['is anything available on Friday?', { intent: 'availability' }],
    ['move it to Friday at 3', { intent: 'move', when: { ...span('2026-11-27'), at: 900 } }],
    [
      'reschedule my tuesday visit to next week',
      { intent: 'move', which: span('2026-11-24'), when: span('2026-11-23', '2026-11-29') },
    ],
    ['please cancel my appointment', { intent: 'cancel' }],
    ["I can't make it", { intent: 'cancel' }],
    ['put me on the waiting list', { intent: 'wait' }],
    ['When is my next appointment?', { intent: 'visits' }],
    ['what medicines am I taking', { intent: 'records', topic: 'medications' }],
    ['show me my test results', { intent: 'records', topic: 'results' }],
    ['What are your opening hours?', { intent: 'question' }],
    ['Do I need an appointment for a blood test?', { intent: 'question' }],
    ['what is your cancellation policy', { intent: 'question' }],
    ['can I talk to a person', { intent: 'person' }],
    ['please refill my prescription', { intent: 'person', asks: true }],
    ['I want to make a complaint', { intent: 'person' }],
    ['quiero poner una queja', { intent: 'person', language: 'es' }],
    ['mujhe shikayat karni hai', { intent: 'person', language: 'ur' }],
    ['lab results', { intent: 'records', topic: 'results' }],
    ["what is my neighbour's diagnosis", { ofOther: true, topic: 'conditions' }],
    ['book a cardiology visit for my husband', { ofOther: true, intent: 'book' }],
    ['los resultados de mi madre', { ofOther: true, language: 'es' }],
    ['meri walida ki dawaiyan kya hain', { ofOther: true, language: 'ur' }],
    ['میرے والد کی دوائیں کیا ہیں', { ofOther: true, language: 'ur' }],
    ['cancel my Monday visit', { intent: 'cancel', when: span('2026-11-23') }],
    ['good morning', { intent: 'greeting' }],
    ['never mind', { intent: 'stop' }],
    ['the second one', { choice: 2 }],
    ['option 3', { choice: 3 }],
    ['#1', { choice: 1 }],
    ['the last one', { choice: -1 }],
    ['yes please', { agrees: true }],
    ['no', { agrees: false }],
    [
      'Quiero una cita de cardiología la semana que viene',
      { intent: 'book', specialty: 'cardiology', language: 'es' },
    ],
    ['cámbiala al viernes a las 3 de la tarde', { intent: 'move', when: { ...span('2026-11-27'), at: 900 } }],
    ['quiero cancelar mi cita', { intent: 'cancel', language: 'es' }],
    ['¿Cuándo es mi próxima cita?', { intent: 'visits', language: 'es' }],
    ['¿a qué hora abren?', { intent: 'question', language: 'es' }],
    ['¿qué medicamentos tomo?', { intent: 'records', topic: 'medications' }],
    ['quiero hablar con una persona', { intent: 'person', language: 'es' }],
    ['quiero renovar mi receta', { intent: 'person', language: 'es' }],
    ['la segunda', { choice: 2, language: 'es' }],
    ['sí, claro', { agrees: true, language: 'es' }],
    [
      'mujhe agle hafte dil ke doctor ki appointment chahiye',
      { intent: 'book', specialty: 'cardiology', language: 'ur' },
    ],
    ['meri appointment cancel karni hai', { intent: 'cancel', language: 'ur' }],
    ['meri appointment kab hai', { intent: 'visits', language: 'ur' }],
    ['isay jumma ko shift kar dein', { intent: 'move', language: 'ur' }],
    ['jumma ko kar dein', { intent: 'move', language: 'ur' }],
    ['منگل کو کر دیں', { intent: 'move', language: 'ur' }],
    ['dosri wali', { choice: 2, language: 'ur' }],
    ['ji haan', { agrees: true, language: 'ur' }],
    ['dawai dobara chahiye', { intent: 'person', language: 'ur' }],
    ['kisi insaan se baat karni hai', { intent: 'person', language: 'ur' }],
    ['meri dawaiyan kya hain', { intent: 'records', topic: 'medications', language: 'ur' }],
    ['مجھے اگلے ہفتے دل کے ڈاکٹر کا وقت چاہیے', { intent: 'book', specialty: 'cardiology', language: 'ur' }],
    ['میری اپائنٹمنٹ منسوخ کر دیں', { intent: 'cancel', language: 'ur' }],
    ['میری اپائنٹمنٹ کب ہے', { intent: 'visits', language: 'ur' }],
    ['اوقات کار کیا ہیں', { intent: 'question', language: 'ur' }],
    ['دوسری والی', { choice: 2, language: 'ur' }],
    ['جی ہاں', { agrees: true, language: 'ur' }],
    ['کسی سے بات کرنی ہے', { intent: 'person', language: 'ur' }],
    ['میری دوائیں', { intent: 'records', topic: 'medications', language: 'ur' }],
  ];
  test.each(cases)('%s', (text, expected) => {
    expect(read(text)).toMatchObject(expected);
  });

  test('somebody else who is only named is not whom it is about', () => {
    for (const text of ['book a visit, my wife drives me', 'my medicines', 'do you treat children'])
      expect(read(text).ofOther).toBeUndefined();
  });

  test('English is told from Spanish by its names of days and months, too', () => {
    expect(understand('cardiology December 25', 'es', TODAY)).toMatchObject({
      language: 'en',
      when: span('2026-12-25'),
    });
    expect(understand('cardiology monday ko', 'ur', TODAY).language).toBe('ur');
  });

  test('words that say nothing mean nothing', () => {
    for (const text of ['asdf qwer', '....', '12345678', '<b></b>'])
      expect(Object.keys(read(text))).toEqual(['language']);
  });
});

describe('danger', () => {
  const medical = [
    'I have crushing chest pain',
    'my chest hurts a lot',
    "I can't breathe",
    'she is having a seizure',
    'he passed out',
    'I took too many pills',
    'me duele el pecho',
    'no puedo respirar',
    'mi marido está inconsciente',
    'seene mein dard ho raha hai',
    'saans nahi aa rahi',
    'سینے میں بہت درد ہے',
    'سانس نہیں آ رہی',
    'وہ بے ہوش ہو گئے',
  ];
  const selfHarm = [
    'I want to kill myself',
    'thinking about suicide',
    'quiero morir',
    'khudkushi karna',
    'میں خودکشی کرنا چاہتا ہوں',
  ];
  test.each(medical)('%s', (text) => expect(read(text).emergency).toBe('medical'));
  test.each(selfHarm)('%s', (text) => expect(read(text).emergency).toBe('self-harm'));

  test('is seen in whichever language the conversation is, whatever else is said, wherever it stands', () => {
    for (const language of ['en', 'es', 'ur'] as const)
      for (const text of [...medical, ...selfHarm]) expect(read(text, language).emergency).toBeDefined();
    expect(read('book me a cardiology visit tomorrow, I have chest pain').emergency).toBe('medical');
    expect(read('CHEST​ PAIN').emergency).toBe('medical');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12_000 }), fc.integer({ min: 0, max: 3000 }), (before, after) => {
        const text = `${'ok '.repeat(before / 3)} I have chest pain now ${'la '.repeat(after / 3)}`;
        expect(emergencyOf(text)).toBe('medical');
      }),
      { numRuns: 25 },
    );
  });

  test('is not seen in usual messages', () => {
    for (const text of [
      'I need a cardiology visit',
      'what are your opening hours',
      'una cita de cardiología',
      'dil ke doctor ki appointment',
      'my allergies',
    ])
      expect(read(text).emergency).toBeUndefined();
  });
});

test('any text is read without error, and what is read is of the closed lists', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.constantFrom('en', 'es', 'ur'),
      (text, language) => {
        const { when, choice } = understand(text, language, TODAY);
        if (when?.at !== undefined) expect(when.at).toBeLessThan(1440);
        if (choice !== undefined) expect(Math.abs(choice)).toBeLessThan(10);
      },
    ),
  );
});
