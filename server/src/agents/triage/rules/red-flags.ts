import type { Facts } from '../facts.ts';
import { type ComplaintCode, complaintOf } from './complaints.ts';
import { consciousnessOf } from './news2.ts';

/** Something that must not be overlooked. */
export interface RedFlag {
  readonly code: string;
  /** For people. */
  readonly text: string;
  /** The level that it takes at least. */
  readonly level: 1 | 2;
  /** Where it is published. */
  readonly source: string;
}

/** Facts, with what rules ask of them often. */
interface Case extends Facts {
  has(...codes: readonly ComplaintCode[]): boolean;
  readonly isHypotensive: boolean;
  readonly isFebrile: boolean;
  readonly isDrowsy: boolean;
}

interface Rule {
  readonly code: string;
  readonly text: string;
  readonly level: 1 | 2;
  readonly source: string;
  readonly applies: (one: Case) => boolean;
}

const ESI = 'ESI Implementation Handbook v4 (AHRQ 12-0014, 2012)';
const RULES: readonly Rule[] = [
  {
    code: 'chest-pain-hypotension',
    text: 'Chest pain with low blood pressure: possible cardiogenic shock, dissection or embolism',
    level: 1,
    source: `${ESI}, chapter 3; 2021 AHA/ACC chest pain guideline, section 2`,
    applies: ({ has, isHypotensive }) => isHypotensive && has('chest-pain', 'heart-attack'),
  },
  {
    code: 'acute-coronary-syndrome',
    text: 'Possible acute coronary syndrome: ECG within 10 minutes',
    level: 2,
    source: '2021 AHA/ACC guideline for the evaluation and diagnosis of chest pain, section 2.3',
    applies: ({ has, age }) =>
      has('heart-attack') ||
      (has('chest-pain') &&
        (age === undefined ||
          age >= 30 ||
          has('sweating', 'pallor', 'dyspnea', 'syncope', 'vomiting', 'palpitations'))),
  },
  {
    code: 'stroke',
    text: 'Signs of a stroke: time of onset, stroke team',
    level: 2,
    source: '2019 AHA/ASA guideline for acute ischemic stroke, section 1 (FAST)',
    applies: ({ has }) =>
      has('facial-droop', 'one-sided-weakness', 'speech-disturbance', 'stroke', 'vision-loss'),
  },
  {
    code: 'septic-shock',
    text: 'Possible septic shock: infection with low blood pressure',
    level: 1,
    source: 'Surviving Sepsis Campaign guidelines 2021, recommendations 1 to 6',
    applies: ({ has, isFebrile, isHypotensive }) => isHypotensive && (isFebrile || has('sepsis', 'fever')),
  },
  {
    code: 'sepsis',
    text: 'Possible sepsis: infection with signs of organ dysfunction',
    level: 2,
    source: 'Sepsis-3 (JAMA 2016;315:801), qSOFA; Surviving Sepsis Campaign 2021',
    applies: (one) => one.has('sepsis') || ((one.isFebrile || one.has('fever')) && quickSofa(one) >= 2),
  },
  {
    code: 'anaphylaxis',
    text: 'Anaphylaxis: adrenaline into the muscle at once',
    level: 1,
    source: 'World Allergy Organization anaphylaxis guidance 2020 (criteria 1 and 2)',
    applies: ({ has, isHypotensive }) =>
      has('anaphylaxis') ||
      (has('allergic-reaction', 'throat-swelling') &&
        (has('dyspnea', 'severe-respiratory-distress', 'airway-obstruction', 'syncope') || isHypotensive)),
  },
  {
    code: 'suicidality',
    text: 'Danger to oneself: not to be left alone',
    level: 2,
    source: `${ESI}, chapter 4; Joint Commission NPSG 15.01.01`,
    applies: ({ has }) => has('suicidality'),
  },
  {
    code: 'pregnancy-bleeding',
    text: 'Bleeding in pregnancy: possible ectopic pregnancy, abruption or praevia',
    level: 2,
    source: 'ACOG Practice Bulletin 193 (2018); Manchester and ESI handbooks on bleeding in pregnancy',
    applies: ({ has, pregnant }) => pregnant === true && has('vaginal-bleeding', 'major-bleeding'),
  },
  {
    code: 'pregnancy-abdominal-pain',
    text: 'Abdominal pain or fainting in pregnancy: possible ectopic pregnancy',
    level: 2,
    source: 'ACOG Practice Bulletin 193 (2018)',
    applies: ({ has, pregnant }) => pregnant === true && has('abdominal-pain', 'syncope', 'flank-pain'),
  },
  {
    code: 'pre-eclampsia',
    text: 'Possible severe pre-eclampsia',
    level: 2,
    source: 'ACOG Practice Bulletin 222 (2020): 160/110 mmHg, headache or disturbed vision',
    applies: ({ has, pregnant, vitals: { systolic = 0, diastolic = 0 } }) =>
      pregnant === true &&
      (systolic >= 160 ||
        diastolic >= 110 ||
        has('headache', 'thunderclap-headache', 'vision-loss', 'seizure')),
  },
  {
    code: 'newborn-fever',
    text: 'Fever or low temperature in the first 28 days: serious infection until shown otherwise',
    level: 2,
    source: `${ESI}, decision point D, pediatric fever; AAP 2021 guideline on febrile infants`,
    applies: ({ age, isFebrile, has, vitals: { temperature = 37 } }) =>
      age !== undefined && age <= 28 / 365.25 && (isFebrile || has('fever') || temperature < 36),
  },
  {
    code: 'young-infant-fever',
    text: 'Fever between one and three months of age',
    level: 2,
    source: `${ESI}, decision point D, pediatric fever`,
    applies: ({ age, isFebrile, has }) =>
      age !== undefined && age > 28 / 365.25 && age < 0.25 && (isFebrile || has('fever')),
  },
  {
    code: 'meningitis',
    text: 'Possible meningitis or meningococcal disease',
    level: 2,
    source: 'NICE NG240 (2024), recognition of bacterial meningitis and meningococcal disease',
    applies: ({ has, isFebrile }) =>
      has('non-blanching-rash') ||
      (has('neck-stiffness') && (isFebrile || has('fever', 'headache', 'confusion', 'thunderclap-headache'))),
  },
  {
    code: 'subarachnoid-haemorrhage',
    text: 'Sudden worst headache: possible subarachnoid haemorrhage',
    level: 2,
    source: 'NICE NG228 (2022), thunderclap headache',
    applies: ({ has }) => has('thunderclap-headache'),
  },
  {
    code: 'neutropenic-fever',
    text: 'Fever with a weak immune system',
    level: 2,
    source: `${ESI}, chapter 4; IDSA neutropenic fever guideline 2010`,
    applies: ({ has, isFebrile }) => has('immunocompromised') && (isFebrile || has('fever', 'sepsis')),
  },
  {
    code: 'haemorrhagic-shock',
    text: 'Bleeding or injury with signs of shock',
    level: 1,
    source: 'ATLS, 10th edition, chapter 3: haemorrhagic shock',
    applies: ({ has, isHypotensive, vitals }) =>
      has('gi-bleeding', 'vaginal-bleeding', 'major-trauma', 'penetrating-injury', 'major-bleeding') &&
      (isHypotensive || shockIndex(vitals) > 1.3),
  },
  {
    code: 'shock',
    text: 'Low blood pressure with signs of poor perfusion',
    level: 1,
    source: `${ESI}, chapter 3: significant fluid resuscitation`,
    applies: ({ has, isHypotensive, isDrowsy, vitals: { heartRate = 0 } }) =>
      isHypotensive &&
      (isDrowsy ||
        heartRate > 120 ||
        has('sweating', 'pallor', 'syncope', 'confusion', 'cold-limb', 'dehydration')),
  },
  {
    code: 'poor-perfusion',
    text: 'Pale and sweating: possible shock until blood pressure and heart rate show otherwise',
    level: 2,
    source: `${ESI}, chapter 4: high-risk situations; ATLS, 10th edition, chapter 3: skin perfusion`,
    applies: ({ has, vitals: { systolic } }) => has('sweating') && has('pallor') && systolic === undefined,
  },
  {
    code: 'hypotension',
    text: 'Low blood pressure for the age',
    level: 2,
    source: 'NEWS2 (RCP 2017), systolic 90 or less; AHA PALS 2020 for children',
    applies: ({ isHypotensive }) => isHypotensive,
  },
  {
    code: 'hypoxia',
    text: 'Oxygen saturation below 90 %',
    level: 1,
    source: `${ESI}, decision point A: SpO2 below 90 %`,
    // Who lives with less by a clinician's decision has another target: NEWS2's scale 2.
    applies: ({ vitals: { oxygenSaturation = 100 }, hypercapnic = false }) =>
      oxygenSaturation < (hypercapnic ? 84 : 90),
  },
  {
    code: 'reduced-consciousness',
    text: 'Reacts to pain only, or not at all',
    level: 1,
    source: `${ESI}, decision point A: P or U of AVPU`,
    applies: (one) => ['P', 'U'].includes(consciousnessOf(one) ?? 'A') || (one.vitals.gcs ?? 15) <= 8,
  },
  {
    code: 'altered-consciousness',
    text: 'Not alert: new confusion, or reacts to voice only',
    level: 2,
    source: `${ESI}, decision point B: new confusion, lethargy or disorientation; NEWS2, C and V of ACVPU`,
    applies: (one) => ['C', 'V'].includes(consciousnessOf(one) ?? 'A') && !one.has('confusion'),
  },
  {
    code: 'respiratory-failure',
    text: 'Breathing too slowly or far too fast',
    level: 1,
    source: `${ESI}, chapter 3: respiratory rate that needs ventilation; NEWS2, 8 or less`,
    applies: ({ age, vitals: { respiratoryRate: rate } }) =>
      rate !== undefined &&
      (rate <= 8 || rate >= (age !== undefined && age < 1 ? 80 : age !== undefined && age < 8 ? 60 : 40)),
  },
  {
    code: 'hypertensive-emergency',
    text: 'Very high blood pressure with signs of organ damage',
    level: 2,
    source: '2017 ACC/AHA hypertension guideline, section 11.2: above 180 or 120 mmHg',
    applies: (one) =>
      ((one.vitals.systolic ?? 0) > 180 || (one.vitals.diastolic ?? 0) > 120) &&
      (one.isDrowsy ||
        one.has('headache', 'chest-pain', 'dyspnea', 'confusion', 'vision-loss', 'vomiting', 'seizure')),
  },
  {
    code: 'bradycardia',
    text: 'Heart rate too slow',
    level: 2,
    source: 'NEWS2 (RCP 2017), 40 or less; AHA PALS 2020, below 60 in children',
    applies: ({ age, vitals: { heartRate: rate } }) =>
      rate !== undefined && (age !== undefined && age < 10 ? rate < 60 : rate <= 40),
  },
  {
    code: 'hypoglycaemia',
    text: 'Low blood sugar with altered consciousness or seizure: glucose at once',
    level: 1,
    source: `${ESI}, chapter 3 (D50); ADA Standards of Care 2024, section 6, level 3`,
    applies: (one) =>
      (one.vitals.glucose ?? 100) < 70 &&
      (one.isDrowsy ||
        one.has('confusion', 'seizure', 'active-seizure', 'unresponsive', 'loss-of-consciousness')),
  },
  {
    code: 'low-glucose',
    text: 'Blood sugar below 54 mg/dL',
    level: 2,
    source: 'ADA Standards of Care 2024, section 6: level 2 hypoglycaemia',
    applies: ({ vitals: { glucose = 100 } }) => glucose < 54,
  },
  {
    code: 'ketoacidosis',
    text: 'Possible ketoacidosis: high blood sugar with vomiting, fast breathing or confusion',
    level: 2,
    source: 'ADA/EASD consensus report on hyperglycaemic crises, 2024',
    applies: (one) =>
      one.has('ketoacidosis') ||
      ((one.vitals.glucose ?? 100) >= 250 &&
        (one.isDrowsy ||
          (one.vitals.respiratoryRate ?? 0) > 24 ||
          one.has('vomiting', 'confusion', 'abdominal-pain', 'dyspnea'))),
  },
  {
    code: 'head-injury-signs',
    text: 'Head injury with loss of consciousness, vomiting, seizure or confusion',
    level: 2,
    source: 'NICE NG232 (2023), criteria for CT within an hour',
    applies: (one) =>
      one.has('head-injury') &&
      (one.isDrowsy || one.has('loss-of-consciousness', 'vomiting', 'seizure', 'confusion', 'syncope')),
  },
  {
    code: 'head-injury-anticoagulant',
    text: 'Head injury under anticoagulants: bleeding in the skull may show late',
    level: 2,
    source: `${ESI}, chapter 4: high-risk situations; NICE NG232 (2023), CT for those who take anticoagulants`,
    applies: ({ has }) => has('head-injury') && has('anticoagulated'),
  },
  {
    code: 'syncope-risk',
    text: 'Fainting with a risk of a cardiac cause',
    level: 2,
    source: '2017 ACC/AHA/HRS syncope guideline, section 2.3',
    applies: ({ has, age = 0 }) =>
      has('syncope', 'loss-of-consciousness') &&
      (age >= 60 || has('chest-pain', 'palpitations', 'dyspnea', 'gi-bleeding')),
  },
  {
    code: 'aortic-catastrophe',
    text: 'Abdominal, back or flank pain at 60 or older with low blood pressure or fainting: possible aneurysm',
    level: 1,
    source: 'NICE NG156 (2020), ruptured abdominal aortic aneurysm',
    applies: ({ has, isHypotensive, age = 0 }) =>
      age >= 60 && has('abdominal-pain', 'back-pain', 'flank-pain') && (isHypotensive || has('syncope')),
  },
  {
    code: 'airway',
    text: 'Airway at risk',
    level: 2,
    source: `${ESI}, chapter 4; ATLS chapter 2`,
    applies: ({ has }) => has('throat-swelling', 'inhalation-burn', 'airway-obstruction'),
  },
  {
    code: 'cauda-equina',
    text: 'Back pain with urinary retention or weakness of legs: possible cauda equina syndrome',
    level: 2,
    source: 'NICE CKS sciatica (2023), red flags',
    applies: ({ has }) => has('back-pain') && has('urinary-retention', 'one-sided-weakness'),
  },
  {
    code: 'hyperthermia',
    text: 'Temperature above 41 °C or below 32 °C',
    level: 1,
    source: 'Wilderness Medical Society guidelines on heat illness (2019) and hypothermia (2019)',
    applies: ({ vitals: { temperature = 37 } }) => temperature > 41 || temperature < 32,
  },
];

/** All red flags of a case, the most urgent first. */
export function redFlags(facts: Facts): RedFlag[] {
  const one: Case = {
    ...facts,
    has: (...codes) => codes.some((code) => facts.complaints.has(code)),
    isHypotensive: isHypotensive(facts),
    isFebrile: (facts.vitals.temperature ?? 0) > 38,
    isDrowsy: (consciousnessOf(facts) ?? 'A') !== 'A',
  };
  const found: RedFlag[] = RULES.filter(({ applies }) => applies(one)).map(
    ({ code, text, level, source }) => ({
      code,
      text,
      level,
      source,
    }),
  );
  const isTold = (code: ComplaintCode) => found.some((flag) => flag.code === code);
  for (const code of facts.complaints) {
    const { level, display, reason } = complaintOf(code);
    // What needs an intervention at once is a flag of its own.
    if (level === 1 && !isTold(code))
      found.push({ code, text: `${display}: ${reason}`, level, source: `${ESI}, decision point A` });
  }
  return found.sort((a, b) => a.level - b.level);
}

/** Systolic pressure that is too low for the age: NEWS2's 90 for adults, AHA PALS 2020 for children. Unknown age: adult. */
export function isHypotensive({ age, vitals: { systolic } }: Facts): boolean {
  if (systolic === undefined) return false;
  if (age === undefined || age >= 10) return systolic <= 90;
  if (age < 28 / 365.25) return systolic < 60;
  return systolic < (age < 1 ? 70 : 70 + 2 * Math.floor(age));
}

/** Points of qSOFA: breathing of 22 or more, altered mentation, systolic 100 or less. */
function quickSofa({ isDrowsy, vitals: { respiratoryRate = 0, systolic = 120 } }: Case): number {
  return Number(respiratoryRate >= 22) + Number(isDrowsy) + Number(systolic <= 100);
}

/** Heart rate by systolic pressure; 0 where one is not known. */
function shockIndex({ heartRate, systolic }: Facts['vitals']): number {
  return heartRate === undefined || systolic === undefined ? 0 : heartRate / systolic;
}
