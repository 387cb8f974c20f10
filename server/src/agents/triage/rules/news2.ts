import type { Facts } from '../facts.ts';

/*
 * National Early Warning Score 2 (Royal College of Physicians: National Early Warning Score (NEWS) 2. Updated report of a
 * working party. London: RCP, 2017; chart 1 and table on thresholds). For people of 16 and older who are not pregnant.
 */

export type News2Parameter =
  | 'respiratoryRate'
  | 'oxygenSaturation'
  | 'oxygen'
  | 'systolic'
  | 'heartRate'
  | 'consciousness'
  | 'temperature';

/** Clinical risk by chart 2 of the report. `low-medium`: one parameter alone scores 3. */
export type News2Risk = 'low' | 'low-medium' | 'medium' | 'high';

export interface News2 {
  /** Sum of what is known. */
  readonly score: number;
  readonly parameters: Readonly<Partial<Record<News2Parameter, number>>>;
  /** Parameters that were not measured: the score may be higher. */
  readonly missing: readonly News2Parameter[];
  readonly scale: 1 | 2;
  readonly risk: News2Risk;
}

/** A row of the chart: points by rising bounds; the last one has no bound. */
type Row = readonly (readonly [upTo: number, points: number])[];
const END = Number.POSITIVE_INFINITY;

const RESPIRATORY_RATE: Row = [
  [8, 3],
  [11, 1],
  [20, 0],
  [24, 2],
  [END, 3],
];
const SATURATION_1: Row = [
  [91, 3],
  [93, 2],
  [95, 1],
  [END, 0],
];
/** Scale 2, target 88 to 92 per cent, on air; with oxygen too much counts as well. */
const SATURATION_2: Row = [
  [83, 3],
  [85, 2],
  [87, 1],
  [END, 0],
];
const SATURATION_2_OXYGEN: Row = [
  [83, 3],
  [85, 2],
  [87, 1],
  [92, 0],
  [94, 1],
  [96, 2],
  [END, 3],
];
const SYSTOLIC: Row = [
  [90, 3],
  [100, 2],
  [110, 1],
  [219, 0],
  [END, 3],
];
const HEART_RATE: Row = [
  [40, 3],
  [50, 1],
  [90, 0],
  [110, 1],
  [130, 2],
  [END, 3],
];
const TEMPERATURE: Row = [
  [35.0, 3],
  [36.0, 1],
  [38.0, 0],
  [39.0, 1],
  [END, 2],
];

function points(row: Row, value: number): number {
  return (row.find(([upTo]) => value <= upTo) as Row[number])[1];
}

/** Whether NEWS2 is meant for somebody; where age or pregnancy are not known it is. */
export function isForNews2({ age, pregnant }: Pick<Facts, 'age' | 'pregnant'>): boolean {
  return (age === undefined || age >= 16) && pregnant !== true;
}

/** @returns undefined where it is not meant for the person, or nothing was measured */
export function news2(facts: Facts): News2 | undefined {
  if (!isForNews2(facts)) return undefined;
  const { vitals, hypercapnic = false } = facts;
  const { oxygenSaturation: saturation, onOxygen } = vitals;
  const scored: Partial<Record<News2Parameter, number>> = {};
  const score = (name: News2Parameter, row: Row, value: number | undefined) => {
    if (value !== undefined) scored[name] = points(row, value);
  };
  score('respiratoryRate', RESPIRATORY_RATE, vitals.respiratoryRate);
  const scale2 = onOxygen === true ? SATURATION_2_OXYGEN : SATURATION_2;
  score('oxygenSaturation', hypercapnic ? scale2 : SATURATION_1, saturation);
  score('systolic', SYSTOLIC, vitals.systolic);
  score('heartRate', HEART_RATE, vitals.heartRate);
  score('temperature', TEMPERATURE, vitals.temperature);
  const consciousness = consciousnessOf(facts);
  if (consciousness !== undefined) scored.consciousness = consciousness === 'A' ? 0 : 3;
  if (Object.keys(scored).length === 0) return undefined;
  if (onOxygen !== undefined) scored.oxygen = onOxygen ? 2 : 0;
  const all: readonly News2Parameter[] = [
    'respiratoryRate',
    'oxygenSaturation',
    'oxygen',
    'systolic',
    'heartRate',
    'consciousness',
    'temperature',
  ];
  const values = Object.values(scored);
  const sum = values.reduce((total, one) => total + one, 0);
  return {
    score: sum,
    parameters: scored,
    missing: all.filter((name) => scored[name] === undefined),
    scale: hypercapnic ? 2 : 1,
    risk: riskOf(sum, values),
  };
}

function riskOf(sum: number, values: readonly number[]): News2Risk {
  if (sum >= 7) return 'high';
  if (sum >= 5) return 'medium';
  return values.includes(3) ? 'low-medium' : 'low';
}

/** ACVPU, from the Glasgow Coma Scale where only that is known: 15 is alert; less is not. */
export function consciousnessOf({ vitals, complaints }: Facts): Facts['vitals']['consciousness'] {
  if (complaints.has('unresponsive') || complaints.has('cardiac-arrest')) return 'U';
  const { consciousness, gcs } = vitals;
  const byScale = gcs === undefined ? undefined : gcs === 15 ? 'A' : gcs >= 13 ? 'C' : gcs >= 9 ? 'V' : 'U';
  const known =
    consciousness === undefined || consciousness === 'A' ? (byScale ?? consciousness) : consciousness;
  return (known === undefined || known === 'A') && complaints.has('confusion') ? 'C' : known;
}
