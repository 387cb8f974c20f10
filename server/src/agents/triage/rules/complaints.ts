/**
 * What people come with, as far as triage tells it apart: a closed vocabulary. The resources are those that the ESI
 * Implementation Handbook (v4, AHRQ publication 12-0014, 2012, chapter 5) counts: different kinds of them, not single
 * tests; examination, oral medicines, simple wound care, splints and prescriptions are none.
 */
export type EsiResource =
  | 'labs'
  | 'ecg'
  | 'imaging'
  | 'fluids'
  | 'medication'
  | 'consult'
  | 'procedure'
  | 'procedure2';

/** How severe pain counts (handbook chapter 4: pain of 7 or more may be reason enough for level 2; a sprain is not). */
export type PainKind = 'central' | 'peripheral';

export interface Complaint {
  readonly display: string;
  /** SNOMED CT. */
  readonly snomed?: string;
  /** What will probably be needed. */
  readonly resources: readonly EsiResource[];
  /**
   * 1: needs a life-saving intervention at once (decision point A). 2: a high-risk situation, whatever else is known
   * (decision point B, handbook chapter 4).
   */
  readonly level?: 1 | 2;
  /** Why it has a level. */
  readonly reason?: string;
  readonly pain?: PainKind;
}

const NONE: readonly EsiResource[] = [];
const WORKUP: readonly EsiResource[] = ['labs', 'imaging'];

const A = 'needs an immediate life-saving intervention';
const B = 'high-risk situation';

export const COMPLAINTS = {
  'cardiac-arrest': {
    display: 'Cardiac or respiratory arrest',
    snomed: '410429000',
    resources: WORKUP,
    level: 1,
    reason: `no pulse or not breathing: ${A}`,
  },
  unresponsive: {
    display: 'Unresponsive',
    snomed: '422768004',
    resources: WORKUP,
    level: 1,
    reason: `unresponsive: ${A}`,
  },
  'airway-obstruction': {
    display: 'Airway obstruction',
    snomed: '79688008',
    resources: WORKUP,
    level: 1,
    reason: `airway at risk: ${A}`,
  },
  'severe-respiratory-distress': {
    display: 'Severe respiratory distress',
    resources: WORKUP,
    level: 1,
    reason: `severe respiratory distress: ${A}`,
  },
  'major-bleeding': {
    display: 'Major bleeding',
    resources: ['labs', 'fluids'],
    level: 1,
    reason: `bleeding that is not controlled: ${A}`,
  },
  'active-seizure': {
    display: 'Seizure going on',
    resources: WORKUP,
    level: 1,
    reason: `seizure that has not ended: ${A}`,
  },
  anaphylaxis: {
    display: 'Anaphylaxis',
    snomed: '39579001',
    resources: ['medication', 'fluids'],
    level: 1,
    reason: `anaphylaxis: ${A}`,
  },

  'chest-pain': {
    display: 'Chest pain',
    snomed: '29857009',
    resources: ['ecg', 'labs', 'imaging'],
    pain: 'central',
  },
  dyspnea: {
    display: 'Shortness of breath',
    snomed: '267036007',
    resources: ['labs', 'imaging', 'medication'],
  },
  'facial-droop': {
    display: 'Facial droop',
    snomed: '95666008',
    resources: WORKUP,
    level: 2,
    reason: `signs of a stroke: ${B}`,
  },
  'one-sided-weakness': {
    display: 'Weakness of one side',
    snomed: '20022000',
    resources: WORKUP,
    level: 2,
    reason: `signs of a stroke: ${B}`,
  },
  'speech-disturbance': {
    display: 'Disturbed speech',
    snomed: '29164008',
    resources: WORKUP,
    level: 2,
    reason: `signs of a stroke: ${B}`,
  },
  stroke: {
    display: 'Suspected stroke',
    snomed: '230690007',
    resources: WORKUP,
    level: 2,
    reason: `suspected stroke: ${B}`,
  },
  'vision-loss': {
    display: 'Sudden loss of vision',
    resources: ['consult', 'imaging'],
    level: 2,
    reason: `sudden loss of vision: ${B}`,
  },
  confusion: {
    display: 'New confusion',
    snomed: '40917007',
    resources: WORKUP,
    level: 2,
    reason: 'new confusion, lethargy or disorientation',
  },
  'thunderclap-headache': {
    display: 'Sudden worst headache',
    resources: WORKUP,
    level: 2,
    reason: `sudden worst headache: ${B}`,
    pain: 'central',
  },
  'neck-stiffness': { display: 'Stiff neck', snomed: '161882006', resources: WORKUP },
  'non-blanching-rash': {
    display: 'Rash that does not blanch',
    snomed: '423341008',
    resources: ['labs', 'medication'],
    level: 2,
    reason: `purpuric rash: ${B}`,
  },
  seizure: { display: 'Seizure', snomed: '91175000', resources: WORKUP, level: 2, reason: `seizure: ${B}` },
  syncope: { display: 'Fainting', snomed: '271594007', resources: ['ecg', 'labs'] },
  suicidality: {
    display: 'Suicidal thoughts or self-harm',
    snomed: '6471006',
    resources: ['labs', 'consult'],
    level: 2,
    reason: `danger to oneself: ${B}`,
  },
  violence: {
    display: 'Threatening others',
    resources: ['labs', 'consult'],
    level: 2,
    reason: `danger to others: ${B}`,
  },
  overdose: {
    display: 'Overdose or poisoning',
    snomed: '55680006',
    resources: ['labs', 'ecg', 'medication'],
    level: 2,
    reason: `overdose or poisoning: ${B}`,
  },
  sepsis: {
    display: 'Suspected sepsis',
    snomed: '91302008',
    resources: ['labs', 'fluids', 'medication'],
    level: 2,
    reason: `suspected sepsis: ${B}`,
  },
  anticoagulated: { display: 'Takes anticoagulants', snomed: '711150003', resources: NONE },
  immunocompromised: { display: 'Weak immune system', snomed: '370388006', resources: NONE },
  'gi-bleeding': {
    display: 'Vomiting blood or black stools',
    snomed: '74474003',
    resources: ['labs', 'fluids', 'consult'],
    level: 2,
    reason: `gastrointestinal bleeding: ${B}`,
  },
  'vaginal-bleeding': { display: 'Vaginal bleeding', snomed: '289530006', resources: WORKUP },
  labor: {
    display: 'Labour or waters broken',
    snomed: '289256000',
    resources: ['labs', 'consult'],
    level: 2,
    reason: `labour: ${B}`,
  },
  'testicular-pain': {
    display: 'Testicular pain',
    snomed: '63901009',
    resources: WORKUP,
    level: 2,
    reason: `possible torsion of the testis: ${B}`,
    pain: 'central',
  },
  'major-trauma': {
    display: 'Major injury',
    snomed: '417163006',
    resources: ['labs', 'imaging', 'consult'],
    level: 2,
    reason: `mechanism of a major injury: ${B}`,
  },
  'penetrating-injury': {
    display: 'Stab or gunshot wound',
    resources: ['labs', 'imaging', 'consult'],
    level: 2,
    reason: `penetrating injury: ${B}`,
  },
  'sexual-assault': {
    display: 'Sexual assault',
    resources: ['labs', 'consult'],
    level: 2,
    reason: `sexual assault: ${B}`,
  },
  'chemical-eye': {
    display: 'Chemical in the eye',
    resources: ['procedure', 'consult'],
    level: 2,
    reason: `chemical splash to the eye: ${B}`,
    pain: 'central',
  },
  'inhalation-burn': {
    display: 'Burn of face or airway, smoke inhaled',
    resources: ['labs', 'fluids', 'medication'],
    level: 2,
    reason: `airway at risk by burn or smoke: ${B}`,
    pain: 'central',
  },
  'cold-limb': {
    display: 'Cold or pulseless limb',
    resources: ['imaging', 'consult'],
    level: 2,
    reason: `limb at risk: ${B}`,
    pain: 'central',
  },
  snakebite: {
    display: 'Snake bite',
    resources: ['labs', 'medication'],
    level: 2,
    reason: `venomous bite: ${B}`,
  },
  electrocution: {
    display: 'Electric shock',
    resources: ['ecg', 'labs'],
    level: 2,
    reason: `electric injury: ${B}`,
  },
  drowning: {
    display: 'Near drowning',
    snomed: '87970004',
    resources: WORKUP,
    level: 2,
    reason: `drowning: ${B}`,
  },
  ketoacidosis: {
    display: 'Suspected ketoacidosis',
    snomed: '420422005',
    resources: ['labs', 'fluids'],
    level: 2,
    reason: `suspected diabetic ketoacidosis: ${B}`,
  },
  'sickle-crisis': {
    display: 'Sickle cell crisis',
    resources: ['labs', 'fluids', 'medication'],
    level: 2,
    reason: `sickle cell crisis: ${B}`,
    pain: 'central',
  },
  'throat-swelling': {
    display: 'Swelling of throat, tongue or face',
    snomed: '41291007',
    resources: ['medication', 'fluids'],
    level: 2,
    reason: `airway may swell: ${B}`,
  },
  'allergic-reaction': { display: 'Allergic reaction', snomed: '419076005', resources: ['medication'] },
  'swallowed-battery': {
    display: 'Swallowed battery or magnets',
    resources: ['imaging', 'consult'],
    level: 2,
    reason: `battery or magnets swallowed: ${B}`,
  },
  'heart-attack': {
    display: 'Suspected heart attack',
    snomed: '22298006',
    resources: ['ecg', 'labs', 'imaging'],
    level: 2,
    reason: `suspected acute coronary syndrome: ${B}`,
  },

  sweating: { display: 'Sweating', snomed: '415690000', resources: ['ecg', 'labs'] },
  pallor: { display: 'Pale, clammy or mottled skin', snomed: '398979000', resources: ['ecg', 'labs'] },
  hemoptysis: {
    display: 'Coughing blood',
    snomed: '66857006',
    resources: ['labs', 'imaging'],
  },
  palpitations: { display: 'Palpitations', snomed: '80313002', resources: ['ecg', 'labs'] },
  'abdominal-pain': {
    display: 'Abdominal pain',
    snomed: '21522001',
    resources: ['labs', 'imaging', 'medication'],
    pain: 'central',
  },
  'flank-pain': {
    display: 'Flank pain',
    snomed: '247355005',
    resources: ['labs', 'imaging', 'medication'],
    pain: 'central',
  },
  vomiting: { display: 'Vomiting', snomed: '422400008', resources: ['labs', 'fluids'] },
  diarrhea: { display: 'Diarrhoea', snomed: '62315008', resources: ['labs', 'fluids'] },
  dehydration: { display: 'Dehydration', snomed: '34095006', resources: ['labs', 'fluids'] },
  fever: { display: 'Fever', snomed: '386661006', resources: ['labs', 'imaging'] },
  headache: {
    display: 'Headache',
    snomed: '25064002',
    resources: ['medication', 'imaging'],
    pain: 'central',
  },
  dizziness: { display: 'Dizziness', snomed: '404640003', resources: ['ecg', 'labs'] },
  weakness: { display: 'General weakness', snomed: '13791008', resources: ['ecg', 'labs'] },
  'high-blood-sugar': { display: 'High blood sugar', snomed: '80394007', resources: ['labs', 'fluids'] },
  'low-blood-sugar': { display: 'Low blood sugar', snomed: '302866003', resources: ['labs', 'medication'] },
  'leg-swelling': { display: 'Swollen leg', snomed: '449614009', resources: WORKUP },
  'head-injury': { display: 'Head injury', snomed: '82271004', resources: ['imaging', 'consult'] },
  'loss-of-consciousness': {
    display: 'Lost consciousness',
    snomed: '419045004',
    resources: ['ecg', 'labs', 'imaging'],
  },
  fracture: {
    display: 'Suspected fracture',
    snomed: '125605004',
    resources: ['imaging', 'medication'],
    pain: 'peripheral',
  },
  burn: { display: 'Burn', snomed: '125666000', resources: ['medication'], pain: 'central' },
  'psychiatric-crisis': { display: 'Acute mental distress', resources: ['labs', 'consult'] },
  'urinary-retention': {
    display: 'Cannot pass urine',
    snomed: '267064002',
    resources: ['labs', 'procedure'],
    pain: 'central',
  },
  'asthma-attack': { display: 'Asthma attack', snomed: '708038006', resources: ['medication', 'imaging'] },

  cough: { display: 'Cough', snomed: '49727002', resources: ['imaging'] },
  'sore-throat': { display: 'Sore throat', snomed: '162397003', resources: ['labs'], pain: 'peripheral' },
  dysuria: { display: 'Painful urination', snomed: '49650001', resources: ['labs'], pain: 'peripheral' },
  'back-pain': { display: 'Back pain', snomed: '161891005', resources: ['imaging'], pain: 'peripheral' },
  'limb-injury': {
    display: 'Injury of a limb',
    snomed: '128069005',
    resources: ['imaging'],
    pain: 'peripheral',
  },
  laceration: { display: 'Cut', snomed: '312608009', resources: ['procedure'], pain: 'peripheral' },
  nosebleed: { display: 'Nosebleed', snomed: '249366005', resources: ['procedure'] },
  'foreign-body': { display: 'Foreign body', resources: ['procedure'], pain: 'peripheral' },
  'animal-bite': {
    display: 'Animal bite',
    snomed: '399907009',
    resources: ['medication'],
    pain: 'peripheral',
  },
  'eye-injury': {
    display: 'Injured or painful eye',
    resources: ['procedure'],
    pain: 'peripheral',
  },
  constipation: { display: 'Constipation', snomed: '14760008', resources: ['imaging'], pain: 'peripheral' },
  'ear-pain': { display: 'Earache', snomed: '301354004', resources: NONE, pain: 'peripheral' },
  toothache: { display: 'Toothache', snomed: '27355003', resources: NONE, pain: 'peripheral' },
  rash: { display: 'Rash', snomed: '271807003', resources: NONE },
  'runny-nose': { display: 'Cold, runny nose', snomed: '64531003', resources: NONE },
  'red-eye': { display: 'Red eye', snomed: '703630003', resources: NONE, pain: 'peripheral' },
  'insect-bite': { display: 'Insect bite', snomed: '276433004', resources: NONE, pain: 'peripheral' },
  'medication-refill': { display: 'Needs a prescription', resources: NONE },
  'wound-check': { display: 'Wound check, stitches to be removed', resources: NONE },
} as const satisfies Record<string, Complaint>;

export type ComplaintCode = keyof typeof COMPLAINTS;

export const COMPLAINT_CODES = Object.keys(COMPLAINTS) as ComplaintCode[];

export function complaintOf(code: ComplaintCode): Complaint {
  return COMPLAINTS[code];
}

export function isComplaint(code: string): code is ComplaintCode {
  return Object.hasOwn(COMPLAINTS, code);
}
