import type { CdsService } from '../service/service.ts';
import { allergyChecks } from './allergy-check.ts';
import { appointmentConflict } from './appointment-conflict.ts';
import { dischargeCheck } from './discharge-check.ts';
import { encounterBriefing } from './encounter-briefing.ts';
import { recordGaps } from './record-gaps.ts';

/** The services of CDS Hooks that every tenant has: rules only, each with its source. */
export const BUILT_IN_SERVICES: readonly CdsService[] = [
  ...allergyChecks,
  recordGaps,
  appointmentConflict,
  encounterBriefing,
  dischargeCheck,
];
