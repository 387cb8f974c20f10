import { admission } from './admission/index.ts';
import type { AnyAgent } from './agent.ts';
import { availability } from './availability/index.ts';
import { booking } from './booking/index.ts';
import { faq } from './faq/index.ts';
import { medicalRecords } from './medical-records/index.ts';
import { scheduling } from './scheduling/index.ts';
import { supervisor } from './supervisor/index.ts';
import { triage } from './triage/index.ts';

/** All agents of the server. A new one is a folder beside this file and a line here. */
export const AGENTS: readonly AnyAgent[] = [
  admission,
  availability,
  booking,
  faq,
  medicalRecords,
  scheduling,
  supervisor,
  triage,
];
