import type { JsonObject, Resource } from '../../../json/types.ts';
import { addDays } from '../../../scheduling/zone.ts';
import type { BookingAnswer, BookingRequest } from '../../booking/request.ts';
import { forSpecialty, type Offered, practitionerNamed, serviceIn, servicesOf } from './services.ts';
import type { Goal, Option } from './state.ts';
import { labelOf, matching, offerTimes } from './times.ts';
import { type Answer, dateOf, lasting, namesTime, optionOf, said, type Turn } from './turn.ts';
import { changedBy, daysOf, namesWho, partIn, type Wish, whoIn, wishIn } from './wish.ts';

/** Days that somebody waits for a time where none were named. */
const WAITING_DAYS = 90;
const MOST_SERVICES = 8;

/** The booking agent's answer to a request. */
export async function booked(turn: Turn, request: BookingRequest): Promise<BookingAnswer> {
  return (await turn.context.delegate('booking', request as unknown as JsonObject)) as BookingAnswer;
}

/** Looks for times for a new visit, or puts the patient onto the waiting list for one; asks what kind it is first. */
export async function newVisit(turn: Turn, goal: Extract<Goal, 'book' | 'wait'>): Promise<Answer> {
  const { understood, before } = turn;
  const { specialty, doctor, when } = understood;
  const state = wishIn(before.state);
  const isOther = specialty !== undefined || doctor !== undefined;
  let who: Wish = isOther ? {} : whoIn(state);
  const isGoingOn = before.state.step !== undefined && before.state.goal !== 'move';
  if (!isOther && !isGoingOn) who = {};
  if (doctor !== undefined) {
    const practitioner = await practitionerNamed(turn, doctor);
    if (practitioner === undefined && specialty === undefined)
      return askService(
        turn,
        goal,
        when === undefined ? {} : changedBy({}, when),
        said(turn, 'doctorUnknown', { name: doctor }),
      );
    if (practitioner !== undefined) who = { practitioner };
  }
  const wished = changedBy({ ...(isGoingOn ? state : {}), ...who }, when);
  if (specialty !== undefined) {
    const { wish, among } = await forSpecialty(turn, specialty);
    if (among !== undefined) return chooseService(turn, goal, wished, among, said(turn, 'askService'));
    if (wish !== undefined) who = { ...wish, ...who };
    else if (who.practitioner === undefined) {
      return askService(
        turn,
        goal,
        wished,
        said(turn, 'askServiceOther', { what: specialty.replaceAll('-', ' ') }),
      );
    }
  }
  const whole = { ...wished, ...who };
  if (!namesWho(whole)) return askService(turn, goal, whole);
  return goal === 'wait' ? wait(turn, whole) : offerTimes(turn, { goal, wish: whole });
}

async function askService(
  turn: Turn,
  goal: Extract<Goal, 'book' | 'wait'>,
  wish: Wish,
  lead: string = said(turn, 'askService'),
): Promise<Answer> {
  const services = await servicesOf(turn);
  const named = serviceIn(turn.text, services);
  const only = services.length === 1 && lead === said(turn, 'askService') ? services[0] : named;
  if (only !== undefined) {
    const whole = { ...wish, service: only.reference };
    return goal === 'wait' ? wait(turn, whole) : offerTimes(turn, { goal, wish: whole });
  }
  return chooseService(turn, goal, wish, services, lead);
}

function chooseService(
  turn: Turn,
  goal: Extract<Goal, 'book' | 'wait'>,
  wish: Wish,
  services: readonly Offered[],
  lead: string,
): Answer {
  if (services.length === 0)
    return {
      text: said(turn, 'noServices'),
      options: [optionOf(turn, 'person')],
      state: lasting(turn.before),
    };
  const shown = services.slice(0, MOST_SERVICES);
  return {
    text: [lead, ...shown.map(({ name }, index) => `${index + 1}. ${name}`)].join('\n'),
    options: shown.map(({ name }) => ({ label: name, value: name })),
    state: {
      ...lasting(turn.before),
      ...wish,
      goal,
      step: 'choose-service',
      choices: shown.map(({ reference }) => reference).join(','),
    },
  };
}

/** Goes on when the kind of visit was chosen; undefined where the message chooses none. */
export async function serviceChosen(turn: Turn): Promise<Answer | undefined> {
  const { state, options } = turn.before;
  const index = chosenIndex(turn, options);
  const service = index === undefined ? undefined : (state.choices ?? '').split(',')[index];
  if (service === undefined || service === '') return undefined;
  const wish = changedBy({ ...wishIn(state), service }, turn.understood.when);
  return state.goal === 'wait' ? wait(turn, wish) : offerTimes(turn, { goal: 'book', wish });
}

/** Which of the options a message means: by what is sent for it, its label's beginning or its number. */
export function chosenIndex({ text, understood }: Turn, options: readonly Option[]): number | undefined {
  const same = (a: string) => a.trim().toLowerCase() === text.trim().toLowerCase();
  const exact = options.findIndex(({ value, label }) => same(value) || same(label));
  if (exact >= 0) return exact;
  const { choice } = understood;
  if (choice === undefined) return undefined;
  const index = choice === -1 ? options.length - 1 : choice - 1;
  return index >= 0 && index < options.length ? index : undefined;
}

/** Takes the time that was chosen; undefined where the message chooses none of those that were offered. */
export async function timeChosen(turn: Turn): Promise<Answer | undefined> {
  const { understood, before } = turn;
  const times = before.options.filter(({ appointment }) => appointment !== undefined);
  if (times.length === 0) return undefined;
  const index = chosenIndex(turn, times);
  if (index !== undefined) return take(turn, times[index] as Option);
  if (understood.agrees === true && times.length === 1) return take(turn, times[0] as Option);
  if (understood.agrees === true && understood.intent === undefined && understood.when === undefined)
    return { text: said(turn, 'pickOne'), options: before.options, state: before.state };
  const { when, intent, specialty } = understood;
  if (!namesTime(when) || specialty !== undefined) return undefined;
  if (intent !== undefined && intent !== 'book' && intent !== 'move') return undefined;
  const fitting = when.from === undefined && when.at === undefined ? [] : matching(times, when);
  // A part of the day, or a day with several times, is a wish for others, not a choice.
  return fitting.length === 1 && when.part === undefined ? take(turn, fitting[0] as Option) : undefined;
}

/** Books or moves to a proposed time. */
export async function take(turn: Turn, { appointment: proposal }: Option): Promise<Answer> {
  const { state } = turn.before;
  if (proposal === undefined) return { text: said(turn, 'notUnderstood') };
  const moved = state.goal === 'move' ? state.visit : undefined;
  const answer = await booked(
    turn,
    moved === undefined
      ? { kind: 'book', proposal, patient: turn.patient }
      : { kind: 'move', appointment: moved, proposal },
  );
  const visit = answer.done ? answer.appointment : await ownVisitAt(turn, String(proposal['start']));
  if (visit === undefined) {
    const goal = moved === undefined ? 'book' : 'move';
    return offerTimes(turn, { goal, wish: wishIn(state), visit: moved, lead: 'offerTaken' });
  }
  const reference = `Appointment/${String(visit['id'])}`;
  return {
    text: said(turn, moved === undefined ? 'booked' : 'moved', {
      visit: await visitInWords(turn, visit, proposal),
    }),
    options: [optionOf(turn, 'myVisits')],
    state: { ...lasting(turn.before), visit: reference },
    about: [reference],
  };
}

/** A visit in words; names that only the proposal has are taken from it. */
async function visitInWords(turn: Turn, visit: Resource, proposal: Resource): Promise<string> {
  if (visit['start'] === proposal['start'] && typeof proposal['description'] === 'string')
    return proposal['description'];
  return labelOf(turn, visit);
}

/** The patient's own visit at a time: a message that is tried again has booked it already. */
async function ownVisitAt(turn: Turn, start: string): Promise<Resource | undefined> {
  const found = await turn.context.fhir.search('Appointment', [
    ['patient', turn.patient],
    ['status', 'booked'],
    ['date', `eq${start}`],
  ]);
  return found.find((one) => Date.parse(String(one['start'])) === Date.parse(start));
}

/** Puts the patient onto the waiting list. */
export async function wait(turn: Turn, wish: Wish): Promise<Answer> {
  const { today } = turn;
  const first = dateOf(today);
  const from = wish.from === undefined || wish.from < first ? first : wish.from;
  const to = wish.to === undefined || wish.to < from ? dateOf(addDays(today, WAITING_DAYS)) : wish.to;
  const { specialty, service, practitioner, visitType } = wish;
  const days = daysOf(wish);
  const part = partIn(wish);
  const { state } = turn.before;
  const answer = await booked(turn, {
    kind: 'wait',
    patient: turn.patient,
    from,
    to,
    ...(specialty === undefined ? {} : { specialty }),
    ...(service === undefined ? {} : { service }),
    ...(practitioner === undefined ? {} : { practitioner }),
    ...(visitType === undefined ? {} : { visitType }),
    ...(days === undefined ? {} : { days }),
    ...(part === undefined ? {} : { timeOfDay: part }),
    ...(state.goal === 'move' && state.visit !== undefined ? { instead: state.visit } : {}),
  });
  if (!answer.done)
    return {
      text: said(turn, 'notPossible'),
      options: [optionOf(turn, 'person')],
      state: lasting(turn.before),
    };
  const reference = `Appointment/${String(answer.appointment['id'])}`;
  return {
    text: said(turn, 'waiting'),
    state: { ...lasting(turn.before), visit: state.visit ?? reference },
    about: [reference],
  };
}

/** More of the times that a wish has, without those that were offered. */
export function moreTimes(turn: Turn): Promise<Answer> {
  const { state } = turn.before;
  const goal = state.goal === 'move' ? 'move' : 'book';
  const seen = (state.seen ?? '').split(',').filter((one) => one !== '');
  return offerTimes(turn, {
    goal,
    wish: changedBy(wishIn(state), turn.understood.when),
    visit: goal === 'move' ? state.visit : undefined,
    seen,
  });
}

/** The wish with what a message changes of it, without a new wish being said. */
export function changedWish(turn: Turn): Promise<Answer> {
  const { state } = turn.before;
  const goal = state.goal === 'move' ? 'move' : 'book';
  return offerTimes(turn, {
    goal,
    wish: changedBy(wishIn(state), turn.understood.when),
    visit: goal === 'move' ? state.visit : undefined,
  });
}
