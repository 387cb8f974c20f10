import { isObject, objectsOf } from '../../../json/objects.ts';
import type { Resource } from '../../../json/types.ts';
import { actorsIn } from '../../../scheduling/proposal.ts';
import { fold } from '../language/normalize.ts';
import { isSpecialty, tokensOf } from '../language/specialties.ts';
import type { When } from '../language/types.ts';
import { specialtiesNamed } from '../language/understand.ts';
import { booked, chosenIndex, take } from './book.ts';
import { offersIn } from './offers.ts';
import { participantsOf } from './services.ts';
import type { Goal } from './state.ts';
import { labelOf, labelsOf, offerTimes } from './times.ts';
import { type Answer, dateOf, lasting, namesTime, optionOf, said, type Turn } from './turn.ts';
import { changedBy, type Wish } from './wish.ts';

const MOST = 20;

const refOf = (visit: Resource): string => `Appointment/${String(visit['id'])}`;

/** The patient's visits that are still to come, in order of time. */
async function visitsAhead({ context, patient }: Turn): Promise<Resource[]> {
  return context.fhir.search('Appointment', [
    ['patient', patient],
    ['status', 'booked,pending'],
    ['date', `ge${context.now().toISOString()}`],
    ['_sort', 'date'],
    ['_count', String(MOST)],
  ]);
}

/** Tells the visits that are still to come. */
export async function tellVisits(turn: Turn): Promise<Answer> {
  const visits = await visitsAhead(turn);
  const waiting = await turn.context.fhir.search('Appointment', [
    ['patient', turn.patient],
    ['status', 'waitlist'],
    ['_count', String(MOST)],
  ]);
  const also = waiting.length === 0 ? [] : [said(turn, 'waitingFor', { count: String(waiting.length) })];
  const about = [...visits, ...waiting].map(refOf);
  const offers = await offersIn(turn, visits);
  const [only] = visits;
  const state = { ...lasting(turn.before), ...(visits.length === 1 && only ? { visit: refOf(only) } : {}) };
  if (visits.length === 0)
    return {
      text: [said(turn, 'noVisits'), ...also].join('\n'),
      options: [optionOf(turn, 'bookVisit')],
      state,
      about,
    };
  const lines = (await labelsOf(turn, visits)).map((label, index) => `${index + 1}. ${label}`);
  return {
    text: [said(turn, 'visits'), ...lines, ...also, ...offers.map(({ text }) => text)].join('\n'),
    ...(offers.length === 1 ? { options: [optionOf(turn, 'yes'), optionOf(turn, 'no')] } : {}),
    state: { ...state, ...(offers.length === 1 ? { step: 'confirm-offer' as const } : {}) },
    about,
  };
}

/** Moves or cancels a visit: which one it is is found out first. */
export async function changeVisit(turn: Turn, goal: Extract<Goal, 'move' | 'cancel'>): Promise<Answer> {
  const ahead = await visitsAhead(turn);
  if (ahead.length === 0)
    return {
      text: said(turn, 'noVisits'),
      options: [optionOf(turn, 'bookVisit')],
      state: lasting(turn.before),
    };
  const meant = meantBy(turn, goal, ahead);
  const [only, second] = meant;
  if (only !== undefined && second === undefined) return withVisit(turn, goal, only, turn.understood.when);
  const shown = meant.length > 0 ? meant : ahead;
  const labels = await labelsOf(turn, shown);
  return {
    text: [
      said(turn, goal === 'move' ? 'whichMove' : 'whichCancel'),
      ...labels.map((one, i) => `${i + 1}. ${one}`),
    ].join('\n'),
    options: labels.map((label) => ({ label, value: label })),
    state: {
      ...lasting(turn.before),
      ...(goal === 'move' ? changedBy({}, turn.understood.when) : {}),
      goal,
      step: 'choose-visit',
      choices: shown.map(refOf).join(','),
    },
    about: shown.map(refOf),
  };
}

/** The visits that a message may mean: the only one, the one that is talked about, those that fit what it names. */
function meantBy({ understood, before }: Turn, goal: Goal, ahead: readonly Resource[]): readonly Resource[] {
  const { specialty, doctor, which, when } = understood;
  const days = goal === 'cancel' ? when : which;
  let meant = ahead;
  if (specialty !== undefined) meant = meant.filter((visit) => isOfSpecialty(visit, specialty));
  if (doctor !== undefined)
    meant = meant.filter((visit) =>
      participantsOf(visit).some((name) =>
        fold(name)
          .split(/[\s.-]+/)
          .includes(doctor),
      ),
    );
  if (days?.from !== undefined) meant = meant.filter((visit) => isOnDay(visit, days));
  if (meant.length > 1 && specialty === undefined && doctor === undefined && days?.from === undefined) {
    const known = meant.filter((visit) => refOf(visit) === before.state.visit);
    if (known.length > 0) return known;
  }
  return meant;
}

function isOfSpecialty(visit: Resource, specialty: string): boolean {
  const tokens = isSpecialty(specialty) ? tokensOf(specialty) : [];
  const codes = [...objectsOf(visit['specialty']), ...objectsOf(visit['serviceType'])].flatMap(({ coding }) =>
    objectsOf(coding),
  );
  return (
    codes.some(({ system, code }) => tokens.includes(`${String(system)}|${String(code)}`)) ||
    participantsOf(visit).some((name) => specialtiesNamed(name).includes(specialty))
  );
}

function isOnDay({ start }: Resource, { from, to }: When): boolean {
  const day = String(start).slice(0, 10);
  return from !== undefined && day >= dateOf(from) && day <= dateOf(to ?? from);
}

/** Goes on when the visit was chosen; undefined where the message chooses none. */
export async function visitChosen(turn: Turn): Promise<Answer | undefined> {
  const { state, options } = turn.before;
  const index = chosenIndex(turn, options);
  const reference = index === undefined ? undefined : (state.choices ?? '').split(',')[index];
  const visit = reference === undefined ? undefined : await turn.context.fhir.follow(reference);
  if (visit === undefined) return undefined;
  const goal = state.goal === 'cancel' ? 'cancel' : 'move';
  return withVisit(turn, goal, visit, undefined);
}

async function withVisit(
  turn: Turn,
  goal: Extract<Goal, 'move' | 'cancel'>,
  visit: Resource,
  when: When | undefined,
): Promise<Answer> {
  const reference = refOf(visit);
  const label = await labelOf(turn, visit);
  if (goal === 'cancel')
    return {
      text: said(turn, 'confirmCancel', { visit: label }),
      options: [optionOf(turn, 'yes'), optionOf(turn, 'no')],
      state: { ...lasting(turn.before), goal, step: 'confirm-cancel', visit: reference },
      about: [reference],
    };
  const { from, to, days, part, at, after, before } = turn.before.state;
  const kept: Wish = Object.fromEntries(
    Object.entries({ from, to, days, part, at, after, before }).filter(([, value]) => value !== undefined),
  );
  const isChosen = turn.before.state.step === 'choose-visit';
  const wish = changedBy({ ...(isChosen ? kept : {}), ...wishOf(visit) }, when);
  const answer = await offerTimes(turn, { goal, wish, visit: reference });
  // A day and a time that were told and are free need no second question.
  const times = (answer.options ?? []).filter(({ appointment }) => appointment !== undefined);
  const isExact = wish.at !== undefined && wish.from !== undefined && wish.from === wish.to;
  const [first] = times;
  if (!isExact || first === undefined || !isAt(first.appointment, wish)) return answer;
  const moving = {
    ...turn,
    before: { ...turn.before, state: { ...(answer.state ?? {}), goal, visit: reference } },
  };
  return take(moving, first);
}

function isAt(proposal: Resource | undefined, { from, at }: Wish): boolean {
  const start = String(proposal?.['start']);
  const [, hours, minutes] = /T(\d\d):(\d\d)/.exec(start) ?? [];
  return start.slice(0, 10) === from && Number(hours) * 60 + Number(minutes) === Number(at);
}

/** With whom and what kind of visit it is, as a wish for another time. */
function wishOf(visit: Resource): Wish {
  const actors = actorsIn(visit);
  const of = (type: string) => actors.find((one) => one.startsWith(`${type}/`));
  const practitioner = of('PractitionerRole') ?? of('Practitioner');
  const service = of('HealthcareService');
  const [coding] = objectsOf(visit['serviceType']).flatMap((one) => objectsOf(one['coding']));
  const { system, code } = isObject(coding) ? coding : {};
  const visitType =
    typeof code !== 'string' ? undefined : typeof system === 'string' ? `${system}|${code}` : code;
  return {
    ...(practitioner === undefined ? {} : { practitioner }),
    ...(service === undefined ? {} : { service }),
    ...(visitType === undefined || service === undefined ? {} : { visitType }),
  };
}

/** Cancels the visit when that was confirmed; undefined where the message is neither yes nor no. */
export async function cancelConfirmed(turn: Turn): Promise<Answer | undefined> {
  const { state } = turn.before;
  const { agrees, intent } = turn.understood;
  if (state.visit === undefined) return undefined;
  const isYes =
    agrees === true || (intent === 'cancel' && agrees !== false && !namesTime(turn.understood.when));
  if (!isYes && agrees !== false) return undefined;
  const visit = await turn.context.fhir.follow(state.visit);
  if (visit === undefined) return { text: said(turn, 'noVisits'), state: lasting(turn.before) };
  const label = await labelOf(turn, visit);
  if (!isYes)
    return { text: said(turn, 'kept', { visit: label }), state: lasting(turn.before), about: [state.visit] };
  if (visit['status'] !== 'cancelled') {
    const answer = await booked(turn, { kind: 'cancel', appointment: state.visit });
    if (!answer.done)
      return {
        text: said(turn, 'notPossible'),
        options: [optionOf(turn, 'person')],
        state: lasting(turn.before),
      };
  }
  const { visit: _, ...rest } = lasting(turn.before);
  return {
    text: said(turn, 'cancelled', { visit: label }),
    options: [optionOf(turn, 'bookVisit')],
    state: rest,
    about: [state.visit],
  };
}
