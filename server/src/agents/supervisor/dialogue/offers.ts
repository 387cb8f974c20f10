import { isObject } from '../../../json/objects.ts';
import type { Resource } from '../../../json/types.ts';
import { timeInWords } from '../../../scheduling/time-in-words.ts';
import { holdOf } from '../../../scheduling/visit-slots.ts';
import { wishOf } from '../../../scheduling/wish.ts';
import { booked } from './book.ts';
import { labelOf } from './times.ts';
import { type Answer, lasting, optionOf, said, type Turn } from './turn.ts';

/** A time that the waiting list keeps for the patient. */
export interface OfferedTime {
  readonly visit: Resource;
  /** Which time, and until when. */
  readonly text: string;
}

/** Those of a patient's visits that are times which the waiting list offers. */
export async function offersIn(turn: Turn, visits: readonly Resource[]): Promise<OfferedTime[]> {
  const now = turn.context.now().getTime();
  const offers = visits.filter(
    (visit) => visit['status'] === 'pending' && wishOf(visit) !== undefined && (holdOf(visit) ?? 0) > now,
  );
  return Promise.all(
    offers.map(async (visit) => {
      const until = timeInWords(new Date(holdOf(visit) ?? now).toISOString(), turn.zone.name, turn.language);
      return { visit, text: said(turn, 'offerHeld', { until, visit: await labelOf(turn, visit) }) };
    }),
  );
}

/** Takes a time that the waiting list offers, or gives it up; undefined where the message is no answer to one. */
export async function offerSettled(turn: Turn): Promise<Answer | undefined> {
  const { agrees, when, specialty } = turn.understood;
  if (agrees === undefined || when !== undefined || specialty !== undefined) return undefined;
  const pending = await turn.context.fhir.search('Appointment', [
    ['patient', turn.patient],
    ['status', 'pending'],
  ]);
  const offers = await offersIn(turn, pending);
  const [only, second] = offers;
  if (only === undefined || second !== undefined || !isAnswered(turn, only.visit)) return undefined;
  const appointment = `Appointment/${String(only.visit['id'])}`;
  const answer = await booked(turn, { kind: agrees ? 'confirm' : 'decline', appointment });
  const state = lasting(turn.before);
  if (!answer.done) return { text: said(turn, 'notPossible'), options: [optionOf(turn, 'person')], state };
  if (!agrees) return { text: said(turn, 'offerDeclined'), state, about: [appointment] };
  const visit = await labelOf(turn, answer.appointment);
  return {
    text: said(turn, 'booked', { visit }),
    options: [optionOf(turn, 'myVisits')],
    state: { ...state, visit: appointment },
    about: [appointment],
  };
}

/** Whether a yes or no is about an offer: the last reply has told of it, or it has come since. */
function isAnswered({ before: { state, sent } }: Turn, { meta }: Resource): boolean {
  if (state.step !== undefined) return state.step === 'confirm-offer';
  const offered = isObject(meta) ? Date.parse(String(meta['lastUpdated'])) : Number.NaN;
  return sent === undefined || offered > Date.parse(sent);
}
