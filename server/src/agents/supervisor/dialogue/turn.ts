import type { CalendarDay, TimeZone } from '../../../scheduling/zone.ts';
import type { AgentContext } from '../../agent.ts';
import type { Language, Understanding, When } from '../language/types.ts';
import { filledIn, type Strings } from '../strings/index.ts';
import type { Before, Option, State } from './state.ts';

/** A message, and all that bears on the answer. */
export interface Turn {
  readonly context: AgentContext;
  /** `Patient/id` of whom it is about. */
  readonly patient: string;
  readonly text: string;
  /** Whether the patient writes, rather than somebody for the patient. */
  readonly isOwn: boolean;
  /** Somebody of the staff was asked for and has still to answer. */
  readonly personAsked: boolean;
  readonly understood: Understanding;
  readonly before: Before;
  readonly language: Language;
  readonly texts: Strings;
  /** The day where the patient is. */
  readonly today: CalendarDay;
  readonly zone: TimeZone;
}

/** What is answered. */
export interface Answer {
  readonly text: string;
  readonly options?: readonly Option[];
  /** How far the conversation has come; what is not said is forgotten. */
  readonly state?: State;
  /** References of what the answer rests on. */
  readonly about?: readonly string[];
  /** A person is to look at it: a Task. */
  readonly person?: PersonAsked;
}

export interface PersonAsked {
  /** Id of the Task. */
  readonly id: string;
  readonly isEmergency: boolean;
  /** For staff. */
  readonly description: string;
}

export const said = (
  { texts }: Turn,
  name: keyof Strings,
  values: Readonly<Record<string, string>> = {},
): string => filledIn(texts[name], values);

/** An option that says what is to be sent in the words of the language. */
export function optionOf({ texts }: Turn, name: keyof Strings): Option {
  return { label: texts[name], value: texts[name] };
}

/** What stays known when a matter is over. */
export function lasting({ state }: Before): State {
  const { visit, task, language } = state;
  return {
    ...(visit === undefined ? {} : { visit }),
    ...(task === undefined ? {} : { task }),
    ...(language === undefined ? {} : { language }),
  };
}

/** What stays known when something is said in between: what the conversation waits for can still be answered. */
export function kept({ before }: Turn): Pick<Answer, 'state' | 'options'> {
  if (before.state.step === undefined) return { state: lasting(before) };
  return { state: before.state, options: before.options };
}

const two = (value: number) => String(value).padStart(2, '0');

/** A day as a FHIR date. */
export const dateOf = ({ year, month, day }: CalendarDay): string =>
  `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;

/** Whether days and times were named that a wish can be changed by. */
export function namesTime(when: When | undefined): when is When {
  return when !== undefined && Object.keys(when).length > 0;
}
