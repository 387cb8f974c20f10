import type { AccessScope, Tenant } from '../access/scope.ts';
import { cancelVisit } from './change.ts';
import type { Desk } from './desk.ts';
import { holdOf } from './visit-slots.ts';
import { backToWaiting } from './waiting.ts';
import { wishOf } from './wish.ts';

/** What the server does with visits by itself: it ends holds, and takes reminders back. */
export function schedulingScope(tenant: Tenant): AccessScope {
  return {
    tenant,
    subject: 'scheduling',
    grants: [
      { types: ['Appointment'], interactions: ['read', 'vread', 'search-type', 'update', 'patch'] },
      { types: ['CommunicationRequest'], interactions: ['read', 'search-type', 'update'] },
      // Who writes a resource must see what it refers to, and visits refer to reasons of every kind.
      { types: '*', interactions: ['read'] },
    ],
  };
}

/**
 * Ends the hold of an Appointment, if it is over: what was offered to somebody who waits is on the waiting list again,
 * anything else is cancelled. Its time was free from that moment on; this tidies up what is stored.
 * @param desk under {@link schedulingScope}
 * @param id of the Appointment
 * @returns whether it did
 */
export async function endHold(desk: Desk, id: string): Promise<boolean> {
  const appointment = await desk.caller.read('Appointment', id);
  if (appointment?.['status'] !== 'pending') return false;
  const expires = holdOf(appointment);
  if (expires === undefined || expires > desk.now()) return false;
  if (wishOf(appointment) === undefined) await cancelVisit(desk, appointment, { text: 'The hold has ended' });
  else await backToWaiting(desk, appointment);
  return true;
}
