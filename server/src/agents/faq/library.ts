import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import type { AgentContext } from '../agent.ts';
import type { LanguageModel } from '../model/language-model.ts';
import type { Language } from '../supervisor/language/types.ts';
import { type Entry, scores } from './match.ts';
import type { FaqAnswer } from './request.ts';
import { FAQ, LIBRARY_TOPIC } from './terms.ts';

/** Texts that are looked through. */
const MOST = 500;
/** Longest answer, in characters. */
const LONGEST = 2000;
/** From this score on a text answers the question, whatever else there is; and from this one where nothing else does. */
const SURE = 0.62;
const LIKELY = 0.45;

interface Text extends Entry {
  readonly reference: string;
  readonly language: string | undefined;
}

/** What the tenant has written for people to ask: Libraries with the topic `faq`, with text in `content`. */
async function textsOf({ directory }: AgentContext): Promise<Text[]> {
  const found = await directory.searchAll(
    'Library',
    [
      ['topic', `${LIBRARY_TOPIC}|${FAQ}`],
      ['status', 'active'],
      ['_count', '200'],
    ],
    MOST,
  );
  return found.flatMap((library) => {
    const text = textIn(library);
    if (text === undefined) return [];
    const questions = [library['title'], library['subtitle'], ...otherWays(library)].flatMap((one) =>
      typeof one === 'string' && one !== '' ? [one] : [],
    );
    const { language } = library;
    return [
      {
        reference: `Library/${String(library['id'])}`,
        questions,
        text,
        language: typeof language === 'string' ? language.split('-')[0] : undefined,
      },
    ];
  });
}

/** Other ways to ask: the texts of its topics. */
const otherWays = (library: Resource): JsonValue[] =>
  objectsOf(library['topic']).flatMap(({ text }) => text ?? []);

/** The first text among its contents: plain, or Markdown, which reads as text. */
function textIn(library: Resource): string | undefined {
  for (const { contentType, data } of objectsOf(library['content'])) {
    const isText = typeof contentType === 'string' && /^text\/(plain|markdown)\b/.test(contentType);
    if (!isText || typeof data !== 'string') continue;
    const text = Buffer.from(data, 'base64').toString('utf8').trim();
    if (text !== '') return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  }
  const { description } = library;
  return typeof description === 'string' && description !== '' ? description : undefined;
}

/** The texts that may answer a question, with how well each does; those of the language first where they do alike. */
export async function answersIn(
  context: AgentContext,
  question: string,
  language: Language,
): Promise<{
  readonly sure: FaqAnswer | undefined;
  readonly likely: FaqAnswer | undefined;
  readonly texts: readonly Text[];
}> {
  const texts = await textsOf(context);
  const all = scores(question, texts);
  const ranked = texts
    .map((text, index) => ({ text, score: (all[index] as number) + (text.language === language ? 0.05 : 0) }))
    .sort((a, b) => b.score - a.score);
  const [best] = ranked;
  const answer = best === undefined ? undefined : answerOf(best.text);
  return {
    sure: best !== undefined && best.score >= SURE ? answer : undefined,
    likely: best !== undefined && best.score >= LIKELY ? answer : undefined,
    texts: ranked.map(({ text }) => text),
  };
}

const answerOf = ({ text, reference }: Text): FaqAnswer => ({ known: true, text, sources: [reference] });

const MOST_ASKED = 40;

/** Has a model say which of the texts answers a question: it may only choose one, or none. */
export async function chosenBy(
  model: LanguageModel,
  question: string,
  language: Language,
  texts: readonly Text[],
): Promise<FaqAnswer | undefined> {
  const own = texts.filter((text) => text.language === undefined || text.language === language);
  const asked = (own.length > 0 ? own : texts).slice(0, MOST_ASKED);
  if (asked.length === 0) return undefined;
  const numbers = asked.map((_, index) => String(index + 1));
  const list = asked.map(({ questions }, index) => `${index + 1}. ${questions[0] ?? ''}`).join('\n');
  const answer = await model.complete({
    purpose: 'find an answer',
    system:
      'The document has a question of a patient and a numbered list of topics. Say the number of the topic that the question asks for, or none. Say none where no topic plainly fits.',
    input: `Question:\n${question.slice(0, 1000)}\n\nTopics:\n${list}`,
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['topic'],
      properties: { topic: { type: 'string', enum: [...numbers, 'none'] } },
    },
    check: (value) => {
      const topic = isObject(value) ? value['topic'] : undefined;
      if (topic !== 'none' && !numbers.includes(String(topic))) throw new Error('there is no such topic');
      return String(topic);
    },
  });
  if (answer === undefined || answer.value === 'none') return undefined;
  const text = asked[Number(answer.value) - 1];
  return text === undefined ? undefined : answerOf(text);
}
