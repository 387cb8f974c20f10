import type { Tone } from '@vesta/app-kit';
import { type TextName, useText } from '../text.ts';

const NAMES: Readonly<Record<string, TextName>> = {
  requested: 'stRequested',
  received: 'stRequested',
  ready: 'stRequested',
  accepted: 'stAccepted',
  'in-progress': 'stInProgress',
  completed: 'stCompleted',
  finished: 'stCompleted',
  fulfilled: 'stCompleted',
  failed: 'stFailed',
  rejected: 'stRejected',
  cancelled: 'stCancelled',
  revoked: 'stCancelled',
  'on-hold': 'stOnHold',
  draft: 'stDraft',
  active: 'stActive',
  booked: 'stBooked',
  pending: 'stRequested',
  arrived: 'stArrived',
  'checked-in': 'stArrived',
  planned: 'stBooked',
  triaged: 'stTriaged',
  noshow: 'stNoShow',
  stopped: 'stStopped',
  inactive: 'stInactive',
  resolved: 'stResolved',
  remission: 'stResolved',
  recurrence: 'stActive',
  relapse: 'stActive',
};

/** A status code of FHIR in words; as it is when there are none. */
export function useStatusText(): (status: string) => string {
  const say = useText();
  return (status) => {
    const name = NAMES[status];
    return name === undefined ? status : say(name);
  };
}

/** How a status looks. */
export function toneOf(status: string): Tone {
  if (['failed', 'rejected'].includes(status)) return 'bad';
  if (['on-hold', 'requested'].includes(status)) return 'warn';
  if (['completed', 'active', 'accepted'].includes(status)) return 'good';
  return status === 'in-progress' ? 'info' : 'plain';
}
