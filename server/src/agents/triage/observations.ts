import type { JsonObject, Resource } from '../../json/types.ts';
import type { Facts } from './facts.ts';
import type { News2 } from './rules/news2.ts';
import { consciousnessOf } from './rules/news2.ts';
import { LOINC, SNOMED, UCUM } from './terms.ts';

/** What all Observations of a triage have in common. */
export interface Site {
  readonly subject: string;
  readonly encounter: string;
  /** Instant. */
  readonly at: string;
  /** Who has told it, where it is a person. */
  readonly performer: string | undefined;
}

interface Measured {
  readonly name: string;
  /** Codes of LOINC with their displays. */
  readonly codes: readonly (readonly [code: string, display: string])[];
  readonly display: string;
  readonly unit: string;
  readonly ucum: string;
  readonly category: 'vital-signs' | 'exam' | 'survey' | 'laboratory';
}

/** Vital signs by the LOINC codes of R4's vital-signs profile and US Core. */
const MEASURED: Readonly<Record<string, Measured>> = {
  heartRate: {
    name: 'heart-rate',
    codes: [['8867-4', 'Heart rate']],
    display: 'Heart rate',
    unit: '/min',
    ucum: '/min',
    category: 'vital-signs',
  },
  respiratoryRate: {
    name: 'respiratory-rate',
    codes: [['9279-1', 'Respiratory rate']],
    display: 'Respiratory rate',
    unit: '/min',
    ucum: '/min',
    category: 'vital-signs',
  },
  temperature: {
    name: 'temperature',
    codes: [['8310-5', 'Body temperature']],
    display: 'Body temperature',
    unit: '°C',
    ucum: 'Cel',
    category: 'vital-signs',
  },
  oxygenSaturation: {
    name: 'oxygen-saturation',
    codes: [
      ['59408-5', 'Oxygen saturation in Arterial blood by Pulse oximetry'],
      ['2708-6', 'Oxygen saturation in Arterial blood'],
    ],
    display: 'Oxygen saturation by pulse oximetry',
    unit: '%',
    ucum: '%',
    category: 'vital-signs',
  },
  gcs: {
    name: 'gcs',
    codes: [['9269-2', 'Glasgow coma score total']],
    display: 'Glasgow coma score total',
    unit: '{score}',
    ucum: '{score}',
    category: 'exam',
  },
  pain: {
    name: 'pain',
    codes: [['72514-3', 'Pain severity - 0-10 verbal numeric rating [Score] - Reported']],
    display: 'Pain severity, 0 to 10 verbal numeric rating',
    unit: '{score}',
    ucum: '{score}',
    category: 'survey',
  },
  oxygenFlow: {
    name: 'oxygen-flow',
    codes: [['3151-8', 'Inhaled oxygen flow rate']],
    display: 'Inhaled oxygen flow rate',
    unit: 'L/min',
    ucum: 'L/min',
    category: 'exam',
  },
  glucose: {
    name: 'glucose',
    codes: [['2339-0', 'Glucose [Mass/volume] in Blood']],
    display: 'Glucose in blood',
    unit: 'mg/dL',
    ucum: 'mg/dL',
    category: 'laboratory',
  },
};

const coding = (system: string, code: string, display: string): JsonObject => ({ system, code, display });
const quantity = (value: number, unit: string, code: string): JsonObject => ({
  value,
  unit,
  system: UCUM,
  code,
});

function observation(id: string, site: Site, category: string, code: JsonObject, rest: JsonObject): Resource {
  return {
    resourceType: 'Observation',
    id,
    // As it was told, not yet checked by a person.
    status: 'preliminary',
    category: [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: category }] },
    ],
    code,
    subject: { reference: site.subject },
    encounter: { reference: site.encounter },
    effectiveDateTime: site.at,
    ...(site.performer === undefined ? {} : { performer: [{ reference: site.performer }] }),
    ...rest,
  };
}

/**
 * The Observations of what was found: one for each measurement, blood pressure as a panel, what was said in words.
 * @param idFor the id of each by its name
 * @param said as it was typed or spoken
 */
export function observationsOf(
  facts: Facts,
  said: string,
  site: Site,
  idFor: (name: string) => string,
): Resource[] {
  const { vitals } = facts;
  const made: Resource[] = [];
  for (const [vital, measured] of Object.entries(MEASURED)) {
    const value = vitals[vital as keyof typeof vitals];
    if (typeof value !== 'number') continue;
    const { name, codes, display, unit, ucum, category } = measured;
    const code = { coding: codes.map((one) => coding(LOINC, ...one)), text: display };
    const flow = vital === 'oxygenSaturation' ? oxygenOf(facts) : {};
    made.push(
      observation(idFor(name), site, category, code, { valueQuantity: quantity(value, unit, ucum), ...flow }),
    );
  }
  if (vitals.systolic !== undefined)
    made.push(pressureOf(vitals.systolic, vitals.diastolic, site, idFor('blood-pressure')));
  const consciousness = consciousnessOf(facts);
  if (consciousness !== undefined)
    made.push(
      observation(
        idFor('consciousness'),
        site,
        'exam',
        { coding: [coding(LOINC, '67775-7', 'Level of responsiveness')], text: 'ACVPU' },
        { valueString: LEVELS[consciousness] },
      ),
    );
  if (said.trim() !== '')
    made.push(
      observation(
        idFor('said'),
        site,
        'survey',
        { coding: [coding(LOINC, '8661-1', 'Chief complaint - Reported')], text: 'As it was reported' },
        { valueString: said.slice(0, 20_000) },
      ),
    );
  return made;
}

const LEVELS = {
  A: 'Alert',
  C: 'New confusion',
  V: 'Reacts to voice',
  P: 'Reacts to pain',
  U: 'Unresponsive',
} as const;

function pressureOf(systolic: number, diastolic: number | undefined, site: Site, id: string): Resource {
  const part = (code: string, display: string, value: number): JsonObject => ({
    code: { coding: [coding(LOINC, code, display)], text: display },
    valueQuantity: quantity(value, 'mmHg', 'mm[Hg]'),
  });
  const lower: JsonObject =
    diastolic === undefined
      ? {
          code: {
            coding: [coding(LOINC, '8462-4', 'Diastolic blood pressure')],
            text: 'Diastolic blood pressure',
          },
          dataAbsentReason: {
            coding: [
              { system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'not-performed' },
            ],
          },
        }
      : part('8462-4', 'Diastolic blood pressure', diastolic);
  const code = { coding: [coding(LOINC, '85354-9', 'Blood pressure panel')], text: 'Blood pressure' };
  return observation(id, site, 'vital-signs', code, {
    component: [part('8480-6', 'Systolic blood pressure', systolic), lower],
  });
}

/** Whether oxygen was given while the saturation was taken. */
function oxygenOf({ vitals: { onOxygen } }: Facts): JsonObject {
  return onOxygen === undefined ? {} : { note: [{ text: onOxygen ? 'Oxygen is given' : 'On room air' }] };
}

/** NEWS2 as an Observation, its parameters as components. */
export function news2Observation(
  score: News2,
  measured: readonly string[],
  site: Site,
  id: string,
): Resource {
  const code = {
    coding: [
      coding(
        SNOMED,
        '1104051000000101',
        'Royal College of Physicians NEWS2 (National Early Warning Score 2) total score',
      ),
    ],
    text: 'NEWS2',
  };
  return observation(id, site, 'survey', code, {
    valueQuantity: quantity(score.score, '{score}', '{score}'),
    interpretation: [{ text: `${score.risk} risk` }],
    derivedFrom: measured.map((reference) => ({ reference })),
    component: Object.entries(score.parameters).map(([name, points]) => ({
      code: { text: name },
      valueQuantity: quantity(points, '{score}', '{score}'),
    })),
    ...(score.missing.length === 0 ? {} : { note: [{ text: `Not measured: ${score.missing.join(', ')}` }] }),
  });
}
