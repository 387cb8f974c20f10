/** What people have to look after, by Task.code. */
export const TASK_TEXTS = {
  'message-not-delivered': 'A message could not be delivered',
  'message-unclear': 'It is not known whether a message was sent',
  'message-from-unknown': 'A message has come from a number that belongs to nobody, or to several people',
  'message-received': 'A message has come in',
} as const;
