import type { ComplaintCode } from './rules/complaints.ts';

/** Consciousness as NEWS2 takes it: alert, new confusion, reacts to voice, to pain, unresponsive. */
export type Consciousness = 'A' | 'C' | 'V' | 'P' | 'U';

/** Vital signs in these units; what is not known is absent. */
export interface Vitals {
  /** Beats per minute. */
  readonly heartRate?: number;
  /** Breaths per minute. */
  readonly respiratoryRate?: number;
  /** mmHg. */
  readonly systolic?: number;
  /** mmHg. */
  readonly diastolic?: number;
  /** Degrees Celsius. */
  readonly temperature?: number;
  /** Per cent, by pulse oximetry. */
  readonly oxygenSaturation?: number;
  /** Whether oxygen is given. */
  readonly onOxygen?: boolean;
  /** Litres per minute. */
  readonly oxygenFlow?: number;
  readonly consciousness?: Consciousness;
  /** Glasgow Coma Scale, 3 to 15. */
  readonly gcs?: number;
  /** Of blood, mg/dL. */
  readonly glucose?: number;
  /** 0 to 10. */
  readonly pain?: number;
}

export type Sex = 'female' | 'male' | 'other';

/** What a triage goes by. */
export interface Facts {
  /** Completed years, with fractions for children: 10 days are 0.027. */
  readonly age?: number;
  /** Where several are told: which one is right is not known. */
  readonly ages?: readonly number[];
  readonly sex?: Sex;
  readonly pregnant?: boolean;
  /** What is there now. */
  readonly complaints: ReadonlySet<ComplaintCode>;
  /** What is said not to be there. */
  readonly denied: ReadonlySet<ComplaintCode>;
  readonly vitals: Vitals;
  /** What was written as a measurement and cannot be one. */
  readonly doubtful?: readonly string[];
  /** NEWS2's scale 2 of oxygen saturation: hypercapnic respiratory failure, decided by a clinician. */
  readonly hypercapnic?: boolean;
}

/** The values of several readings: the earlier ones count where both say something. */
export function joined(first: Facts, second: Facts): Facts {
  const complaints = new Set([...first.complaints, ...second.complaints]);
  const { ages, ...rest } = second;
  const doubtful = [...(first.doubtful ?? []), ...(second.doubtful ?? [])];
  return {
    ...rest,
    ...(ages === undefined || first.age !== undefined ? {} : { ages }),
    ...defined(first),
    complaints,
    denied: new Set([...first.denied, ...second.denied].filter((code) => !complaints.has(code))),
    vitals: { ...second.vitals, ...defined(first.vitals) },
    ...(doubtful.length === 0 ? {} : { doubtful }),
  };
}

function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}

export const NO_FACTS: Facts = { complaints: new Set(), denied: new Set(), vitals: {} };
