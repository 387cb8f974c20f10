import type { CdsCoding } from './hooks/types.ts';
import { OVERRIDE_REASONS } from './terms.ts';

/** Why guidance is overridden: the concepts of {@link OVERRIDE_REASONS}. */
export const OVERRIDE_REASON_CODES = {
  'tolerated-before': 'The patient has tolerated it before',
  'benefit-outweighs-risk': 'The benefit outweighs the risk',
  'no-alternative': 'There is no alternative',
  desensitized: 'The patient has been desensitized',
  'record-inaccurate': 'The recorded allergy is not accurate',
  declined: 'The patient declines',
  'given-elsewhere': 'It was done elsewhere',
} as const;

/** The reasons that a card offers. */
export function overrideReasons(...codes: readonly (keyof typeof OVERRIDE_REASON_CODES)[]): CdsCoding[] {
  return codes.map((code) => ({ system: OVERRIDE_REASONS, code, display: OVERRIDE_REASON_CODES[code] }));
}
