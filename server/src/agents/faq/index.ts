import type { AgentDefinition } from '../agent.ts';
import { wordsOf } from '../supervisor/language/normalize.ts';
import { LANGUAGES } from '../supervisor/language/types.ts';
import { directoryAnswer } from './directory.ts';
import { answersIn, chosenBy } from './library.ts';
import { kindOf } from './question.ts';
import { type FaqAnswer, type FaqRequest, faqRequest } from './request.ts';

export type { FaqAnswer, FaqRequest } from './request.ts';

/**
 * Answers questions from what the tenant itself has told: its directory (hours, addresses, telephones, services, people) and
 * the texts that it has written for that. It tells what the answer was taken from, and says when it does not know. Nothing
 * of a patient is in it.
 */
export const faq: AgentDefinition<FaqRequest, FaqAnswer> = {
  name: 'faq',
  title: 'Questions and answers',
  version: '1.0.0',
  description: "Answers questions from the organization's own directory and texts.",
  wakes: [{ kind: 'conversation', intents: ['question'] }],
  grants: [],
  timeout: 30_000,
  actions: [],
  input: faqRequest,
  async run({ question, language: tag, only }, context) {
    const language = LANGUAGES.find((one) => one === tag?.split('-')[0]) ?? 'en';
    const { sure, likely, texts } = await context.step('look through texts', { question }, () =>
      answersIn(context, question, language),
    );
    if (sure !== undefined) return sure;
    if (only === 'texts') return likely ?? { known: false };
    const kind = kindOf(wordsOf(question), language);
    const told =
      kind === undefined
        ? undefined
        : await context.step('look through directory', { kind }, () =>
            directoryAnswer(context, question, kind, language),
          );
    if (told !== undefined) return told;
    if (likely !== undefined) return likely;
    const { model } = context;
    const chosen = model === undefined ? undefined : await chosenBy(model, question, language, texts);
    return chosen ?? { known: false };
  },
};
