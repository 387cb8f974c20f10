import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Resource } from '../../../json/types.ts';
import type { Facts, Vitals } from '../facts.ts';
import { COMPLAINT_CODES, type ComplaintCode } from '../rules/complaints.ts';
import { COMPLAINT_SYSTEM } from '../terms.ts';
import { readIntake, readText } from './intake.ts';
import { WORDS } from './words/index.ts';

/* Issue 6, section 2: text or structured intake -> complaint, vital signs. */

const NOW = new Date('2026-01-01T00:00:00Z');

describe('vital signs in the ways in which people write them', () => {
  test.each<[string, Vitals]>([
    ['BP 90/60', { systolic: 90, diastolic: 60 }],
    ['blood pressure of 118 over 76', { systolic: 118, diastolic: 76 }],
    ['TA: 150/95 mmHg', { systolic: 150, diastolic: 95 }],
    ['80/palp', { systolic: 80 }],
    ['SBP 85', { systolic: 85 }],
    ['بلڈ پریشر ۹۰/۶۰', { systolic: 90, diastolic: 60 }],
    ['HR 128', { heartRate: 128 }],
    ['pulse: 54 bpm', { heartRate: 54 }],
    ['FC 110 lpm', { heartRate: 110 }],
    ['heart rate is about 130', { heartRate: 130 }],
    ['RR=28', { respiratoryRate: 28 }],
    ['resps 22/min', { respiratoryRate: 22 }],
    ['SpO2 91%', { oxygenSaturation: 91 }],
    ['sats 88 on room air', { oxygenSaturation: 88, onOxygen: false }],
    ['O2 sat 94 % on 2 L O2', { oxygenSaturation: 94, oxygenFlow: 2, onOxygen: true }],
    ['sat 90 with 15 lpm via non-rebreather', { oxygenSaturation: 90, oxygenFlow: 15, onOxygen: true }],
    ['T 38.4', { temperature: 38.4 }],
    ['temp 101.3F', { temperature: 38.5 }],
    ['temperature: 39,2 °C', { temperature: 39.2 }],
    ['fever of 104', { temperature: 40 }],
    ['fiebre de 39', { temperature: 39 }],
    ['GCS 13', { gcs: 13 }],
    ['E3V4M6', { gcs: 13 }],
    ['RBS 45 mg/dl', { glucose: 45 }],
    ['glucose 22 mmol/L', { glucose: 396 }],
    ['blood sugar 3.1', { glucose: 56 }],
    ['pain 8/10', { pain: 8 }],
    ['dolor 7 de 10', { pain: 7 }],
    ['AVPU: V', { consciousness: 'V' }],
    ['responds only to pain', { consciousness: 'P' }],
    ['T 39 P 120 R 24', { temperature: 39, heartRate: 120, respiratoryRate: 24 }],
    ['BP 16.0/10.7 kPa', { systolic: 120, diastolic: 80 }],
    ['BP 120/80 on arrival, now BP 84/50', { systolic: 84, diastolic: 50 }],
  ])('%s', (text, vitals) => {
    expect(readText(text).vitals).toEqual(vitals);
  });
  test.each([
    'seen on 12/10/2025',
    'HR 999',
    'T 150',
    'pain for 3 days',
    'room 90',
    'call 03001234567',
    'took 2 tablets',
  ])('%s is no vital sign', (text) => {
    expect(readText(text).vitals).toEqual({});
  });
});

test('what cannot be a measurement is told, so that it is taken again', () => {
  expect(readText('HR 900, SpO2 140 %, BP 80/120').doubtful).toEqual([
    'blood pressure 80/120',
    'heart rate 900',
    'oxygen saturation 140',
  ]);
  expect(readText('pain at T 12, knee bends to 120°').doubtful).toBeUndefined();
});

describe('who it is', () => {
  test.each<[string, Partial<Facts>]>([
    ['62, crushing chest pain', { age: 62 }],
    ['62M with pain', { age: 62, sex: 'male' }],
    ['34 yo F, fell', { age: 34, sex: 'female' }],
    ['a 5-year-old boy', { age: 5, sex: 'male' }],
    ['mujer de 45 años', { age: 45, sex: 'female' }],
    ['عمر ۶۲ سال مرد', { age: 62, sex: 'male' }],
    ['6 month old girl', { age: 0.5, sex: 'female' }],
    ['aged 3 weeks', { age: (3 * 7) / 365.25 }],
    ['29F G2P1, bleeding', { age: 29, sex: 'female', pregnant: true }],
    ['4yo HR 150', { age: 4 }],
    ['18mo, fever', { age: 1.5 }],
    ['9mo girl, fever', { age: 0.75, sex: 'female' }],
    ['she is not pregnant', { sex: 'female', pregnant: false }],
    ['hamila, khoon', { pregnant: true }],
  ])('%s', (text, person) => {
    const { age, sex, pregnant } = readText(text);
    const { age: wanted, ...rest } = person;
    expect({ ...(sex && { sex }), ...(pregnant !== undefined && { pregnant }) }).toEqual(rest);
    if (wanted === undefined) expect(age).toBeUndefined();
    else expect(age).toBeCloseTo(wanted, 4);
  });
  test.each(['pain for 3 days', 'temp 101F', 'since 2 hours', 'HR 120', 'E3V4M5', 'cough for 6mo'])(
    '%s tells no age',
    (text) => {
      expect(readText(text).age).toBeUndefined();
    },
  );
  test('demographics count before the text', () => {
    const patient = { resourceType: 'Patient', birthDate: '2025-12-22', gender: 'female' } as Resource;
    const { facts } = readIntake({ text: '62M, fever', patient }, NOW);
    expect(facts.age).toBeCloseTo(10 / 365.25, 4);
    expect(facts.sex).toBe('female');
  });
});

describe('complaints in English, Spanish, Urdu and Urdu in Latin letters', () => {
  test.each<[string, ComplaintCode[]]>([
    ['crushing chest pain, sweating', ['chest-pain', 'sweating']],
    ['pain in his left side of the chest', ['chest-pain']],
    ['face is drooping and slurred speech since 8 am', ['facial-droop', 'speech-disturbance']],
    ['worst headache of my life', ['thunderclap-headache']],
    ['wants to kill himself', ['suicidality']],
    ['I cant breathe', ['severe-respiratory-distress']],
    ['can’t breathe, lips blue', ['severe-respiratory-distress']],
    ['not breathing, no pulse', ['cardiac-arrest']],
    ['not breathing very well', ['dyspnea']],
    ['shot in the chest, stabbed in the arm', ['penetrating-injury']],
    ['ate rat poison', ['overdose']],
    ['SOB and wheezing', ['dyspnea']],
    ['twisted her ankle', ['limb-injury']],
    ['dolor en el pecho y falta de aire', ['chest-pain', 'dyspnea']],
    ['no puede respirar', ['severe-respiratory-distress']],
    ['vómitos con sangre', ['vomiting']],
    ['quemadura en la cara', ['inhalation-burn']],
    ['seene mein dard, saans lene mein takleef', ['chest-pain', 'dyspnea']],
    ['behosh hai', ['unresponsive']],
    ['سینے میں شدید درد، پسینہ', ['chest-pain', 'sweating']],
    ['سانس لینے میں مشکل اور بخار', ['dyspnea', 'fever']],
    ['پیٹ میں درد، الٹی', ['abdominal-pain', 'vomiting']],
    ['خودکشی کی کوشش', ['suicidality']],
    ['فالج', ['one-sided-weakness']],
  ])('%s', (text, codes) => {
    expect([...readText(text).complaints]).toEqual(expect.arrayContaining(codes));
  });
  test.each<[string, ComplaintCode]>([
    ['not breathing well', 'cardiac-arrest'],
    ['cough, not responding to antibiotics', 'unresponsive'],
    ['stabbing pain in the knee', 'penetrating-injury'],
    ['arm sore after flu shot', 'penetrating-injury'],
    ['took 500 mg tylenol tablets', 'overdose'],
    ['overdose 10 years ago, cough', 'overdose'],
  ])('%s is no %s', (text, code) => {
    expect([...readText(text).complaints]).not.toContain(code);
  });
  test('each complaint has words, and words for complaints only', () => {
    expect(Object.keys(WORDS).sort()).toEqual([...COMPLAINT_CODES].sort());
  });
});

describe('denials', () => {
  test.each<[string, ComplaintCode[], ComplaintCode[]]>([
    ['no chest pain, vomiting', ['vomiting'], ['chest-pain']],
    [
      'denies chest pain, shortness of breath or vomiting; has fever',
      ['fever'],
      ['chest-pain', 'dyspnea', 'vomiting'],
    ],
    ['without fever but with cough', ['cough'], ['fever']],
    ['chest pain: no, sore throat', ['sore-throat'], ['chest-pain']],
    ['no history of seizures, headache', ['headache'], ['seizure']],
    ['sin fiebre, dolor de pecho', ['chest-pain'], ['fever']],
    ['niega dolor de pecho ni vomitos', [], ['chest-pain', 'vomiting']],
    ['bukhar nahi, khansi', ['cough'], ['fever']],
    ['بخار نہیں، سینے میں درد', ['chest-pain'], ['fever']],
    ['he doesn’t have chest pain, cough', ['cough'], ['chest-pain']],
    ['denied any thoughts of self harm', [], ['suicidality']],
    ['Denies: chest pain, dyspnea, syncope. Cough', ['cough'], ['chest-pain', 'dyspnea', 'syncope']],
    ['negative for chest pain, dyspnea; cough', ['cough'], ['chest-pain', 'dyspnea']],
    ['stroke ruled out, cough', ['cough'], ['stroke']],
    ['chest pain? No. Cough', ['cough'], ['chest-pain']],
    ['nunca ha tenido convulsiones, tos', ['cough'], ['seizure']],
    // What is not clearly a denial of the complaint is none.
    ['no relief of chest pain', ['chest-pain'], []],
    ['no medication for chest pain', ['chest-pain'], []],
    ['not only fever, chest pain', ['chest-pain', 'fever'], []],
    ['chest pain not relieved by rest', ['chest-pain'], []],
    ['no fever. Chest pain', ['chest-pain'], ['fever']],
    ['no chest pain yesterday, now chest pain', ['chest-pain'], []],
    ['no chest pain, BP 90/60, sweating', ['sweating'], ['chest-pain']],
  ])('%s', (text, present, denied) => {
    const facts = readText(text);
    expect([...facts.complaints].sort()).toEqual([...present].sort());
    expect([...facts.denied].sort()).toEqual([...denied].sort());
  });
});

// ConText (Harkema 2009): experiencer and temporality.
describe('somebody else’s, and what is long over', () => {
  test.each<[string, ComplaintCode[]]>([
    ['30F sore throat, father had a stroke', ['sore-throat']],
    ['cough. Family history of heart attack or stroke', ['cough']],
    ['I have a sore throat, my father had a heart attack', ['sore-throat']],
    ['ankle sprain, mother died of a stroke', ['limb-injury']],
    ['tos, su padre tuvo un infarto', ['cough']],
    ['مجھے گلے میں درد ہے، والد کو دل کا دورہ پڑا تھا', ['sore-throat']],
    ['55M cough, stroke in 2015', ['cough']],
    ['cough, h/o heart attack', ['cough']],
    // Who brings somebody speaks like that, too.
    ['my father had a stroke', ['stroke']],
    ['father had a stroke, he is vomiting', ['stroke', 'vomiting']],
    ['cough; father had a stroke an hour ago', ['cough', 'stroke']],
    ['mother says he had a seizure', ['seizure']],
    ['62 year old stroke', ['stroke']],
    ['history of chest pain since 2 hours', ['chest-pain']],
    ['history of stroke, slurred speech', ['speech-disturbance']],
  ])('%s', (text, present) => {
    const { complaints, denied } = readText(text);
    expect([...complaints].sort()).toEqual([...present].sort());
    expect([...denied]).toEqual([]);
  });
});

describe('forms', () => {
  const response = (item: object[]): Resource =>
    ({ resourceType: 'QuestionnaireResponse', status: 'completed', item }) as never;
  test('answers by linkId with their units, nested ones too', () => {
    const { facts } = readIntake(
      {
        response: response([
          { linkId: 'age', answer: [{ valueQuantity: { value: 8, code: 'mo' } }] },
          { linkId: 'sex', answer: [{ valueCoding: { code: 'female' } }] },
          {
            linkId: 'group',
            item: [{ linkId: 'temperature', answer: [{ valueQuantity: { value: 102.2, code: '[degF]' } }] }],
          },
          { linkId: 'heart-rate', answer: [{ valueInteger: 170 }] },
          { linkId: 'oxygen', answer: [{ valueBoolean: false }] },
          { linkId: 'systolic', answer: [{ valueQuantity: { value: 12, code: 'kPa' } }] },
          { linkId: 'oxygen-saturation', answer: [{ valueQuantity: { value: 0.85, code: '1' } }] },
          { linkId: 'respiratory-rate', answer: [{ valueInteger: 500 }] },
          { linkId: 'pain', answer: [{ valueString: '8' }] },
          {
            linkId: 'symptom',
            answer: [
              { valueCoding: { system: COMPLAINT_SYSTEM, code: 'vomiting' } },
              { valueCoding: { system: COMPLAINT_SYSTEM, code: 'fever' } },
            ],
          },
          { linkId: 'seizure', answer: [{ valueBoolean: false }] },
        ]),
      },
      NOW,
    );
    expect(facts.age).toBeCloseTo(8 / 12, 6);
    expect(facts).toMatchObject({
      sex: 'female',
      vitals: {
        temperature: 39,
        heartRate: 170,
        onOxygen: false,
        systolic: 90,
        oxygenSaturation: 85,
        pain: 8,
      },
      doubtful: ['respiratory rate 500'],
    });
    expect([...facts.complaints].sort()).toEqual(['fever', 'vomiting']);
    expect([...facts.denied]).toEqual(['seizure']);
  });
  test('of other forms questions and answers are read as text', () => {
    const { facts } = readIntake(
      {
        response: response([
          { linkId: '1', text: 'Chest pain', answer: [{ valueBoolean: false }] },
          { linkId: '2', text: 'Vomiting', answer: [{ valueBoolean: true }] },
          { linkId: '3', text: 'Heart rate', answer: [{ valueInteger: 130 }] },
          { linkId: '4', text: 'What brings you here?', answer: [{ valueString: 'my ear hurts' }] },
        ]),
      },
      NOW,
    );
    expect([...facts.complaints].sort()).toEqual(['ear-pain', 'vomiting']);
    expect([...facts.denied]).toEqual(['chest-pain']);
    expect(facts.vitals.heartRate).toBe(130);
  });
});

test('any text is read, in bounded time', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
      readText(text);
    }),
  );
  for (const text of [
    'no '.repeat(5000),
    'chest '.repeat(5000),
    '1/'.repeat(5000),
    `${'a'.repeat(20_000)} pain`,
    'no fever, '.repeat(2000),
    'father had a stroke, '.repeat(900),
  ])
    readText(text);
});
