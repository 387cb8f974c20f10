import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Facts, NO_FACTS, type Vitals } from '../facts.ts';
import { COMPLAINT_CODES, type ComplaintCode } from './complaints.ts';
import { assess, moreUrgent } from './esi.ts';

/* Emergency Severity Index v4, Implementation Handbook 2012 (AHRQ 12-0014): the four decision points and danger zones. */

const facts = (
  complaints: readonly ComplaintCode[],
  vitals: Vitals = {},
  more: Partial<Facts> = {},
): Facts => ({
  ...NO_FACTS,
  age: 40,
  ...more,
  complaints: new Set(complaints),
  vitals,
});
const CALM: Vitals = {
  heartRate: 80,
  respiratoryRate: 16,
  oxygenSaturation: 98,
  systolic: 125,
  diastolic: 80,
  temperature: 36.8,
};

describe('decision point A: an immediate life-saving intervention', () => {
  test.each<[string, Facts]>([
    ['apnoeic or pulseless', facts(['cardiac-arrest'])],
    ['unresponsive', facts(['unresponsive'])],
    ['P of AVPU', facts(['headache'], { consciousness: 'P' })],
    ['U by the Glasgow Coma Scale', facts(['head-injury'], { gcs: 7 })],
    ['severe respiratory distress', facts(['severe-respiratory-distress'])],
    ['SpO2 below 90 %', facts(['cough'], { oxygenSaturation: 89 })],
    [
      'chest pain, pale, with low pressure',
      facts(['chest-pain', 'sweating'], { systolic: 90, diastolic: 60 }, { age: 62 }),
    ],
    ['anaphylactic shock', facts(['allergic-reaction'], { systolic: 80 })],
    ['hypoglycaemia with altered consciousness (D50)', facts(['confusion'], { glucose: 38 })],
    ['bleeding with shock', facts(['gi-bleeding'], { heartRate: 140, systolic: 95 })],
    ['needs ventilation', facts(['overdose'], { respiratoryRate: 6 })],
  ])('%s', (_what, one) => {
    expect(assess(one)).toMatchObject({ level: 1, decision: 'A' });
  });
});

describe('decision point B: high risk, confused, severe pain', () => {
  test.each<[string, Facts]>([
    ['chest pain suspicious for ACS, stable', facts(['chest-pain'], CALM, { age: 55 })],
    ['signs of a stroke', facts(['facial-droop'], CALM)],
    ['suicidal', facts(['suicidality'], CALM)],
    ['new confusion', facts(['confusion'], CALM)],
    ['ectopic pregnancy', facts(['abdominal-pain'], CALM, { pregnant: true, sex: 'female' })],
    ['bleeding in pregnancy', facts(['vaginal-bleeding'], CALM, { pregnant: true })],
    ['fever under chemotherapy', facts(['fever', 'immunocompromised'], { ...CALM, temperature: 38.4 })],
    ['testicular pain', facts(['testicular-pain'], CALM)],
    ['sudden worst headache', facts(['thunderclap-headache'], CALM)],
    ['severe abdominal pain', facts(['abdominal-pain'], { ...CALM, pain: 8 })],
    ['severe pain of which it is not told where', facts([], { ...CALM, pain: 9 })],
    ['newborn with 38.2 °C', facts(['fever'], { temperature: 38.2 }, { age: 10 / 365.25 })],
    ['two months with 38.2 °C', facts(['fever'], { temperature: 38.2 }, { age: 0.17 })],
    ['short of breath, not measured', facts(['dyspnea'])],
  ])('%s', (_what, one) => {
    expect(assess(one)).toMatchObject({ level: 2, decision: 'B' });
  });
  test('severe pain of a limb alone is no level 2, but a note', () => {
    const { level, reasons } = assess(facts(['limb-injury'], { ...CALM, pain: 8 }));
    expect(level).toBe(4);
    expect(reasons.join()).toContain('Pain 8 of 10');
  });
});

describe('decision point C: resources', () => {
  test.each<[ComplaintCode, number]>([
    ['abdominal-pain', 3],
    ['vomiting', 3],
    ['laceration', 4],
    ['limb-injury', 4],
    ['dysuria', 4],
    ['sore-throat', 4],
    ['toothache', 5],
    ['ear-pain', 5],
    ['medication-refill', 5],
    ['wound-check', 5],
  ])('%s is level %d', (code, level) => {
    expect(assess(facts([code], CALM))).toMatchObject({ level, decision: 'C' });
  });
  test('kinds of resources count once, over all complaints', () => {
    expect(assess(facts(['limb-injury', 'cough'], CALM)).level).toBe(4);
    expect(assess(facts(['limb-injury', 'laceration'], CALM)).level).toBe(3);
  });
  test('what is not recognised is no level 5: a person must look', () => {
    const { level, reasons } = assess(facts([], CALM));
    expect(level).toBe(3);
    expect(reasons[0]).toContain('a person must assess');
  });
  test('fever above 39 °C between 3 months and 3 years is at least a 3', () => {
    const child = { age: 1 };
    expect(assess(facts(['ear-pain'], { temperature: 39.2, heartRate: 130 }, child)).level).toBe(3);
    expect(assess(facts(['ear-pain'], { temperature: 38.9, heartRate: 130 }, child)).level).toBe(5);
  });
});

describe('decision point D: danger zone vital signs', () => {
  test.each<[number, number, number]>([
    [0.1, 180, 50],
    [1, 160, 40],
    [5, 140, 30],
    [12, 100, 20],
    [70, 100, 20],
  ])('at %d years above %d beats or %d breaths', (age, heartRate, respiratoryRate) => {
    const at = (vitals: Vitals) =>
      assess(facts(['vomiting'], { consciousness: 'A', ...vitals }, { age })).level;
    expect(at({ heartRate })).toBe(3);
    expect(at({ heartRate: heartRate + 1 })).toBe(2);
    expect(at({ respiratoryRate })).toBe(3);
    expect(at({ respiratoryRate: respiratoryRate + 1 })).toBe(2);
  });
  test('SpO2 below 92 %, and NEWS2 of 7 or more', () => {
    expect(assess(facts(['cough', 'vomiting'], { oxygenSaturation: 91 }))).toMatchObject({
      level: 2,
      decision: 'D',
    });
    expect(assess(facts(['cough', 'vomiting'], { oxygenSaturation: 92 })).level).toBe(3);
    const warned = {
      heartRate: 95,
      respiratoryRate: 20,
      oxygenSaturation: 92,
      onOxygen: true,
      temperature: 39.5,
      systolic: 115,
    };
    expect(assess(facts(['cough'], warned))).toMatchObject({ level: 2, decision: 'D' });
  });
  test('a clinician’s target of 88 to 92 % stands in place of the limits of SpO2', () => {
    const copd = { hypercapnic: true };
    expect(assess(facts(['vomiting'], { oxygenSaturation: 89 }, copd)).level).toBe(3);
    expect(assess(facts(['vomiting'], { oxygenSaturation: 87 }, copd)).level).toBe(2);
  });
});

const anyVitals = fc.record(
  {
    heartRate: fc.integer({ min: 20, max: 220 }),
    respiratoryRate: fc.integer({ min: 4, max: 70 }),
    systolic: fc.integer({ min: 50, max: 240 }),
    temperature: fc.double({ min: 30, max: 42, noNaN: true }),
    oxygenSaturation: fc.integer({ min: 60, max: 100 }),
    gcs: fc.integer({ min: 3, max: 15 }),
    glucose: fc.integer({ min: 20, max: 600 }),
    pain: fc.integer({ min: 0, max: 10 }),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Vitals>;
const anyCase = fc
  .record({
    complaints: fc.subarray([...COMPLAINT_CODES], { maxLength: 4 }),
    vitals: anyVitals,
    age: fc.double({ min: 0, max: 100, noNaN: true }),
    pregnant: fc.boolean(),
  })
  .map(({ complaints, vitals, ...more }) => facts(complaints, vitals, more));

describe('never less urgent with worse findings', () => {
  const worse: readonly [string, keyof Vitals, (value: number) => number][] = [
    ['saturation falls', 'oxygenSaturation', (value) => value - 5],
    ['pulse rises above normal', 'heartRate', (value) => Math.max(value, 90) + 20],
    ['breathing quickens', 'respiratoryRate', (value) => Math.max(value, 20) + 10],
    ['pressure falls below normal', 'systolic', (value) => Math.min(value, 110) - 15],
    ['fever rises', 'temperature', (value) => Math.max(value, 38) + 1],
    ['consciousness sinks', 'gcs', (value) => Math.max(3, value - 3)],
    ['pain grows', 'pain', (value) => Math.min(10, value + 3)],
  ];
  test.each(worse)('%s', (_what, name, change) => {
    // From a normal measurement on: below and above it there are two ways to be worse.
    const normal: Vitals = {
      oxygenSaturation: 98,
      heartRate: 80,
      respiratoryRate: 16,
      systolic: 120,
      temperature: 37,
      gcs: 15,
      pain: 0,
    };
    fc.assert(
      fc.property(anyCase, fc.integer({ min: 0, max: 4 }), (one, times) => {
        let value = normal[name] as number;
        for (let i = 0; i < times; i++) value = change(value);
        const before = assess({ ...one, vitals: { ...one.vitals, [name]: value } });
        const after = assess({ ...one, vitals: { ...one.vitals, [name]: change(value) } });
        expect(after.level).toBeLessThanOrEqual(before.level);
      }),
      { numRuns: 500 },
    );
  });
  test('another complaint', () => {
    fc.assert(
      fc.property(anyCase, fc.constantFrom(...COMPLAINT_CODES), (one, code) => {
        const before = assess(one).level;
        const { level } = assess({ ...one, complaints: new Set([...one.complaints, code]) });
        // Without any complaint a person must look: that is a 3 until then; severe pain without a place is a 2.
        if (one.complaints.size > 0 && (one.vitals.pain ?? 0) < 7) expect(level).toBeLessThanOrEqual(before);
      }),
      { numRuns: 1000 },
    );
  });
  test('what is put beside the rules by others', () => {
    fc.assert(
      fc.property(anyCase, anyCase, (byRules, others) => {
        const [first, second] = [assess(byRules), assess(others)];
        const both = moreUrgent(first, second);
        expect(both.level).toBe(Math.min(first.level, second.level));
        for (const { code } of first.redFlags) expect(both.redFlags.map((flag) => flag.code)).toContain(code);
      }),
    );
  });
});

test('every case has a level with a reason, and red flags of level 1 make a level 1', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const { level, reasons, redFlags } = assess(one);
      expect(level).toBeGreaterThanOrEqual(1);
      expect(level).toBeLessThanOrEqual(5);
      expect(reasons.length).toBeGreaterThan(0);
      for (const flag of redFlags) {
        expect(level).toBeLessThanOrEqual(flag.level);
        expect(flag.source).not.toBe('');
      }
    }),
    { numRuns: 1000 },
  );
});
