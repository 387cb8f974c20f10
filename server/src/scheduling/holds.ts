import type { AccessScope, Tenant } from '../access/scope.ts';
import { FhirError } from '../fhir/outcome.ts';
import { cancelVisit } from './change.ts';
import type { Desk } from './desk.ts';
import { holdOf } from './visit-slots.ts';

/** Most holds that one pass ends. */
const MOST = 500;

/** What the server does with visits by itself: it ends holds, and gives freed times to those who wait. */
export function schedulingScope(tenant: Tenant): AccessScope {
  return {
    tenant,
    subject: 'scheduling',
    grants: [{ types: ['Appointment'], interactions: ['read', 'search-type', 'update', 'patch'] }],
  };
}

/**
 * Cancels Appointments of which the hold has ended. Their time was free from that moment on; this tidies up what is
 * stored. May run in several processes at once.
 * @param desk under {@link schedulingScope}
 * @returns how many
 */
export async function endHolds(desk: Desk): Promise<number> {
  const pending = await desk.caller.searchAll(
    'Appointment',
    [
      ['status', 'pending'],
      ['_sort', '_lastUpdated'],
    ],
    MOST,
  );
  let ended = 0;
  for (const appointment of pending) {
    const expires = holdOf(appointment);
    if (expires === undefined || expires > desk.now()) continue;
    try {
      await cancelVisit(desk, appointment, { text: 'The hold has ended' });
      ended++;
    } catch (error) {
      // Somebody else has changed it since.
      if (!(error instanceof FhirError) || error.status >= 500) throw error;
    }
  }
  return ended;
}
