import { FhirError } from '../fhir/outcome.ts';
import type { Wanted } from './candidates.ts';
import type { Desk } from './desk.ts';
import { type FreeTime, findTimes } from './find.ts';
import { instantIn } from './proposal.ts';
import { FREE_TIME } from './terms.ts';

/** Next free times that are told. */
const TOLD = 5;
const AHEAD = 30 * 24 * 60 * 60_000;

/**
 * The error for a time that is not free: 409 with the next free times, in words in diagnostics and as extensions of the
 * issue (`free-time`, valuePeriod).
 * @param reason what is wrong, as a sentence without full stop
 * @param from the next times are looked for from here on, epoch milliseconds
 */
export async function notFree(desk: Desk, wanted: Wanted, reason: string, from: number): Promise<FhirError> {
  const first = Math.max(from, desk.now());
  const when = {
    start: new Date(first).toISOString(),
    end: new Date(first + AHEAD).toISOString(),
    timesOfDay: [],
    days: undefined,
    not: [],
  };
  const { times } = await findTimes(desk, wanted, when, TOLD);
  const periods = times.map(periodOf);
  const next =
    periods.length === 0
      ? `There is no free time within 30 days.`
      : `Next free times: ${periods.map(({ start }) => start).join(', ')}`;
  return new FhirError(409, {
    severity: 'error',
    code: 'conflict',
    diagnostics: `${reason}. ${next}`,
    expression: 'Appointment.start',
    extension: periods.map((period) => ({ url: FREE_TIME, valuePeriod: period })),
  });
}

function periodOf({ start, end, candidate: { zone } }: FreeTime) {
  return { start: instantIn(zone, start), end: instantIn(zone, end) };
}
