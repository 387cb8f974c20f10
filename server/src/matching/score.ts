import {
  compareAddresses,
  compareBirthDates,
  compareContacts,
  compareGender,
  compareIdentifiers,
  compareNames,
} from './compare.ts';
import type { Person } from './person.ts';
import { bits, type Feature } from './weights.ts';

/** R4 match-grade (http://hl7.org/fhir/R4/codesystem-match-grade.html). */
export type Grade = 'certain' | 'probable' | 'possible' | 'certainly-not';

/** How much two Patients look like one person. */
export interface Match {
  /** Probability that they are, from 0 to 1. */
  readonly score: number;
  readonly grade: Grade;
  /** What was found of each feature that both have, and the bits of evidence that it is worth. */
  readonly evidence: readonly { readonly feature: Feature; readonly level: string; readonly bits: number }[];
}

/**
 * How probable it is, before anything is compared, that a candidate is the person: one of about thirty thousand (15 bits).
 * Candidates were found by something in common, but what they were found by is compared again.
 */
const PRIOR_BITS = -15;
const PROBABLE = 0.9;
const POSSIBLE = 0.05;

/**
 * Compares two Patients by the model of Fellegi and Sunter (1969): each feature that both have adds the logarithm of how
 * much more often it looks so in two records of one person than in records of two. What one of them lacks adds nothing.
 *
 * `certain` takes more than a sum: two independent proofs, of which one is an identifier or all of name, birth date and a
 * way to reach the person, and nothing that speaks against it. Such a match may be acted upon without a person.
 */
export function score(a: Person, b: Person): Match {
  const findings = [
    compareIdentifiers(a, b),
    ...compareNames(a, b),
    compareBirthDates(a, b),
    compareGender(a, b),
    ...compareContacts(a, b),
    compareAddresses(a, b),
  ].filter((one) => one !== undefined);
  const evidence = findings.map(({ feature, level }) => ({ feature, level, bits: bits(feature, level) }));
  const sum = evidence.reduce((total, one) => total + one.bits, PRIOR_BITS);
  const probability = 1 / (1 + 2 ** -sum);
  return { score: rounded(probability), grade: gradeOf(probability, evidence), evidence };
}

/** Four digits; never a 1 or 0 that it is not. */
const rounded = (value: number): number => Math.min(0.9999, Math.max(0.0001, Math.round(value * 1e4) / 1e4));

function gradeOf(probability: number, evidence: Match['evidence']): Grade {
  if (probability < POSSIBLE) return 'certainly-not';
  if (probability < PROBABLE) return 'possible';
  return isCertain(evidence) ? 'certain' : 'probable';
}

function isCertain(evidence: Match['evidence']): boolean {
  const level = (feature: Feature) => evidence.find((one) => one.feature === feature)?.level;
  const against = evidence.some((one) => one.level === 'different' && AGAINST.has(one.feature));
  if (against) return false;
  const family = level('family');
  const given = level('given');
  const named = family === 'same' && (given === 'same' || given === 'nickname');
  const nearlyNamed =
    (family === 'same' || family === 'similar' || family === 'swapped') && given !== undefined;
  const born = level('birthDate') === 'same';
  if (level('identifier') === 'same')
    return (nearlyNamed && born) || (named && level('birthDate') !== undefined);
  // Twins are born on one day and live at one address: one may be called what the other's name is short for.
  const reached = level('phone') === 'same' || level('email') === 'same' || level('address') === 'same';
  return named && given === 'same' && born && reached;
}

/** What one person has one of; other addresses and telephones are no proof against. */
const AGAINST = new Set<Feature>(['identifier', 'family', 'given', 'birthDate', 'gender']);
