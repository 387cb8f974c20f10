import type { CalendarDay, DayOfWeek } from '../../../scheduling/zone.ts';

/** Languages that are understood and answered in. */
export const LANGUAGES = ['en', 'es', 'ur'] as const;
export type Language = (typeof LANGUAGES)[number];

/** What somebody may want of the conversation. */
export const INTENTS = [
  'book',
  'availability',
  'move',
  'cancel',
  'wait',
  'visits',
  'records',
  'question',
  'person',
  'greeting',
  'thanks',
  'help',
  'stop',
] as const;
export type Intent = (typeof INTENTS)[number];

/** Parts of one's own record that can be asked for. */
export const TOPICS = ['medications', 'allergies', 'conditions', 'results', 'immunizations'] as const;
export type Topic = (typeof TOPICS)[number];

export type PartOfDay = 'morning' | 'afternoon' | 'evening';

/** Days and times that were named. Days are those of the calendar where the person is. */
export interface When {
  /** First day; undefined where none was named. */
  readonly from?: CalendarDay;
  /** Last day. */
  readonly to?: CalendarDay;
  readonly days?: readonly DayOfWeek[];
  readonly part?: PartOfDay;
  /** Minutes since midnight of a time that was named. */
  readonly at?: number;
  /** No earlier and no later than, minutes since midnight. */
  readonly after?: number;
  readonly before?: number;
  /** As soon as there is something. */
  readonly soonest?: true;
}

export type Emergency = 'medical' | 'self-harm';

/** What the rules make of a message. */
export interface Understanding {
  readonly language: Language;
  readonly emergency?: Emergency;
  readonly intent?: Intent;
  readonly topic?: Topic;
  /** It may as well be a question about the practice: "how do I prepare for my blood test". */
  readonly asks?: true;
  /** It is about somebody else than who writes. */
  readonly ofOther?: true;
  /** Key of specialties.ts. */
  readonly specialty?: string;
  /** Family name of a doctor who was named, folded. */
  readonly doctor?: string;
  readonly when?: When;
  /** What stands before the new time where a visit is moved: which visit it is. */
  readonly which?: When;
  /** A choice among what was offered: 1 for the first, -1 for the last. */
  readonly choice?: number;
  /** Yes or no. */
  readonly agrees?: boolean;
}
