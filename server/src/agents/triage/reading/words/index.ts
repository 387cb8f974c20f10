import type { ComplaintCode } from '../../rules/complaints.ts';
import { HIGH_RISK } from './high-risk.ts';
import { IMMEDIATE } from './immediate.ts';
import { MINOR } from './minor.ts';
import { URGENT } from './urgent.ts';

/**
 * The words for complaints: English, Spanish, Urdu in its own letters and in Latin ones. Each is the source of a regular
 * expression over normalized text (normalize.ts): lower case, no accents; a space stands for spaces or a hyphen, ` ?` for
 * such or none.
 */
export const WORDS: Readonly<Record<ComplaintCode, readonly string[]>> = {
  ...IMMEDIATE,
  ...HIGH_RISK,
  ...URGENT,
  ...MINOR,
};
