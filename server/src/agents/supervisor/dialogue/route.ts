import { FhirError } from '../../../fhir/outcome.ts';
import type { FaqAnswer } from '../../faq/request.ts';
import { changedWish, moreTimes, newVisit, serviceChosen, timeChosen, wait } from './book.ts';
import { offerSettled } from './offers.ts';
import { tellRecord } from './records.ts';
import { type Answer, kept, lasting, namesTime, optionOf, said, type Turn } from './turn.ts';
import { cancelConfirmed, changeVisit, tellVisits, visitChosen } from './visits.ts';
import { wishIn } from './wish.ts';

/**
 * Answers a message: danger first, then what the conversation waits for, then what is wished for. What the asker may not do
 * is said, not thrown.
 */
export async function answerTo(turn: Turn): Promise<Answer> {
  const { emergency } = turn.understood;
  if (emergency !== undefined) return emergencyAnswer(turn, emergency === 'self-harm');
  if (isForAnother(turn))
    return { text: said(turn, 'ownOnly'), options: [optionOf(turn, 'person')], ...kept(turn) };
  try {
    return (await goingOn(turn)) ?? (await begun(turn));
  } catch (error) {
    if (!(error instanceof FhirError) || error.status >= 500 || error.status === 429) throw error;
    const text = said(turn, error.status === 403 ? 'notAllowed' : 'notPossible');
    return { text, options: [optionOf(turn, 'person')], state: lasting(turn.before) };
  }
}

/** What a patient wishes for somebody else must not be done with the own record: nobody else is meant by this conversation. */
function isForAnother({ understood: { ofOther, intent, topic, specialty }, isOwn }: Turn): boolean {
  if (!isOwn || ofOther !== true) return false;
  return topic !== undefined || specialty !== undefined || OF_RECORD.has(intent ?? '');
}

/** Wishes that are about a record or its visits. */
const OF_RECORD = new Set<string>(['book', 'availability', 'move', 'cancel', 'wait', 'visits', 'records']);

function emergencyAnswer(turn: Turn, isCrisis: boolean): Answer {
  const id = turn.context.idFor('emergency');
  return {
    text: said(turn, isCrisis ? 'crisis' : 'emergency'),
    state: { ...lasting(turn.before), task: `Task/${id}` },
    person: { id, isEmergency: true, description: said(turn, 'taskEmergency') },
  };
}

/** What the conversation waits for; undefined where the message is about something else. */
async function goingOn(turn: Turn): Promise<Answer | undefined> {
  const { understood, before } = turn;
  const { intent, agrees, when, specialty } = understood;
  const { step } = before.state;
  switch (step) {
    case 'confirm-cancel':
      return cancelConfirmed(turn);
    case 'choose-visit': {
      const chosen = await visitChosen(turn);
      if (chosen !== undefined) return chosen;
      if (isRefusal(turn)) return stopped(turn);
      const isWhen = before.state.goal === 'move' && intent === undefined && namesTime(when);
      return isWhen ? changeVisit(turn, 'move') : undefined;
    }
    case 'choose-service': {
      const chosen = await serviceChosen(turn);
      if (chosen !== undefined) return chosen;
      if (isRefusal(turn)) return stopped(turn);
      const isAnswer = intent === undefined || intent === 'book' || intent === 'availability';
      const goal = before.state.goal === 'wait' ? 'wait' : 'book';
      return isAnswer && specialty !== undefined ? newVisit(turn, goal) : undefined;
    }
    case 'offer-wait':
      if (agrees === true && (intent === undefined || intent === 'wait'))
        return wait(turn, wishIn(before.state));
      if (isRefusal(turn)) return stopped(turn);
      return isChange(turn) ? changedWish(turn) : undefined;
    case 'choose-time': {
      const chosen = await timeChosen(turn);
      if (chosen !== undefined) return chosen;
      if (intent === 'availability' && specialty === undefined) return moreTimes(turn);
      if (intent === 'wait' && specialty === undefined) return wait(turn, wishIn(before.state));
      if (isChange(turn)) return changedWish(turn);
      return isRefusal(turn) ? stopped(turn) : undefined;
    }
    default:
      return undefined;
  }
}

const stopped = (turn: Turn): Answer => ({ text: said(turn, 'stopped'), state: lasting(turn.before) });

/** A plain no. */
function isRefusal({ understood: { agrees, intent, when, specialty } }: Turn): boolean {
  return agrees === false && intent === undefined && when === undefined && specialty === undefined;
}

/** Whether a message changes days or times of the wish that is talked about. */
function isChange({ understood: { intent, when, specialty, doctor }, before }: Turn): boolean {
  if (!namesTime(when) || specialty !== undefined || doctor !== undefined) return false;
  return (
    intent === undefined ||
    intent === 'availability' ||
    intent === (before.state.goal === 'move' ? 'move' : 'book')
  );
}

async function begun(turn: Turn): Promise<Answer> {
  const { understood, before } = turn;
  const { intent, topic, specialty, doctor, when } = understood;
  const state = lasting(before);
  switch (intent) {
    case 'book':
    case 'availability':
      return newVisit(turn, 'book');
    case 'wait':
      return newVisit(turn, 'wait');
    case 'move':
    case 'cancel':
      return changeVisit(turn, intent);
    case 'visits':
      return tellVisits(turn);
    case 'records':
      if (topic === undefined) return question(turn);
      return (understood.asks && (await textFor(turn))) || tellRecord(turn, topic);
    case 'person': {
      const known = understood.asks && (await textFor(turn));
      return known ? { options: [optionOf(turn, 'person')], ...known } : personAnswer(turn);
    }
    case 'greeting':
      return { text: said(turn, 'greeting'), options: offersOf(turn), state };
    case 'help':
      return { text: said(turn, 'help'), options: offersOf(turn), state };
    case 'thanks':
      return { text: said(turn, 'thanks'), ...kept(turn) };
    case 'stop':
      return stopped(turn);
    case 'question':
      return question(turn);
    default: {
      const settled = await offerSettled(turn);
      if (settled !== undefined) return settled;
      // A specialty, a doctor or a time by itself is a wish for a visit.
      if (specialty !== undefined || doctor !== undefined) return newVisit(turn, 'book');
      if (namesTime(when) && turn.text.length < 80) return newVisit(turn, 'book');
      return question(turn);
    }
  }
}

const offersOf = (turn: Turn) => [
  optionOf(turn, 'bookVisit'),
  optionOf(turn, 'myVisits'),
  optionOf(turn, 'person'),
];

/** What the practice has written about a question that may be about the own record too. */
async function textFor(turn: Turn): Promise<Answer | undefined> {
  const { context, text, language } = turn;
  const request = { question: text, language, only: 'texts' };
  const answer = (await context.delegate('faq', request)) as FaqAnswer;
  return answer.known ? { text: answer.text, about: answer.sources, ...kept(turn) } : undefined;
}

/** Asks the FAQ agent; what it does not know goes to the person who was asked for, if there is one. */
async function question(turn: Turn): Promise<Answer> {
  const { context, text, language, before } = turn;
  const answer = (await context.delegate('faq', { question: text, language })) as FaqAnswer;
  if (answer.known) return { text: answer.text, about: answer.sources, ...kept(turn) };
  if (turn.personAsked) return { text: said(turn, 'personWaiting'), ...kept(turn) };
  const isQuestion = turn.understood.intent === 'question';
  const { options = offersOf(turn), state = lasting(before) } = kept(turn);
  return { text: said(turn, isQuestion ? 'unknown' : 'notUnderstood'), options, state };
}

function personAnswer(turn: Turn): Answer {
  if (turn.personAsked) return { text: said(turn, 'personWaiting'), state: lasting(turn.before) };
  const id = turn.context.idFor('person');
  return {
    text: said(turn, 'personAsked'),
    state: { ...lasting(turn.before), task: `Task/${id}` },
    person: { id, isEmergency: false, description: said(turn, 'taskPerson') },
  };
}
