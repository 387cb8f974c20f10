import type { Strings } from './strings.ts';

export const EN: Strings = {
  greeting: 'Hello {name},',
  own: 'your visit',
  of: 'the visit of {patient}',
  notice: 'There is a message from {organization}. Sign in to read it.',
  messages: {
    'emergency-family': {
      subject: 'A call for you',
      text: '{organization}: {patient} is here with us and is being cared for. Please call us or come.',
    },
    'visit-news': {
      subject: 'News of your visit',
      text: '{organization}: there is news of {visit}. Sign in to read it.',
    },
    message: {
      subject: 'A message for you',
      text: '{organization}: there is a message for you. Sign in to read it.',
    },
  },
};
