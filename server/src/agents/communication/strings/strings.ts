/** Kinds of messages that have texts of their own: codes of the code system `message`. */
export const MESSAGES = ['emergency-family', 'visit-news', 'message'] as const;
export type MessageKind = (typeof MESSAGES)[number];

/** The texts of a language. What stands in braces is filled in. Nothing in them says what somebody is ill with. */
export interface Strings {
  readonly greeting: string;
  /** The visit, to whom it is for, and to others. */
  readonly own: string;
  readonly of: string;
  /** That there is a message, where the message itself must not be shown. */
  readonly notice: string;
  readonly messages: Readonly<Record<MessageKind, { readonly subject: string; readonly text: string }>>;
}
