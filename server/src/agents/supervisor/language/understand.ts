import type { CalendarDay } from '../../../scheduling/zone.ts';
import { languageOf } from './detect.ts';
import { wordsOf } from './normalize.ts';
import { firstOf, type PhraseTable, phrases, phraseTable, sourceOf } from './phrases.ts';
import type { Emergency, Intent, Language, Topic, Understanding, When } from './types.ts';
import { LANGUAGES } from './types.ts';
import { whenOf } from './when.ts';
import { WORDS } from './words/index.ts';

/** The words of a language as expressions. */
interface Rules {
  readonly intents: readonly (readonly [Intent, RegExp])[];
  readonly topics: PhraseTable<Topic>;
  readonly mine: RegExp;
  readonly forPeople: RegExp;
  readonly others: RegExp;
  readonly yes: RegExp;
  readonly no: RegExp;
  readonly ordinals: readonly (readonly [number, RegExp])[];
  readonly option: RegExp;
  readonly doctor: RegExp;
  readonly to: RegExp;
  readonly specialties: PhraseTable<string>;
}

const rules = new Map<Language, Rules>();
let emergencies: PhraseTable<Emergency> | undefined;

function rulesOf(language: Language): Rules {
  let known = rules.get(language);
  if (known === undefined) {
    const words = WORDS[language];
    const list = (of: readonly string[]) => of.map(sourceOf).join('|');
    known = {
      intents: words.intents.map(([intent, of]) => [intent, phrases(...of)] as const),
      topics: phraseTable(words.topics),
      mine: phrases(...words.mine),
      forPeople: phrases(...words.forPeople),
      others: phrases(...words.others),
      yes: phrases(...words.yes),
      no: phrases(...words.no),
      ordinals: words.ordinals.map(([number, of]) => [number, phrases(...of)] as const),
      option: new RegExp(String.raw`(?<=\s)(?:(?:${list(words.option)}) ?#?|#)(\d)(?=\s)`, 'u'),
      doctor: new RegExp(String.raw`(?<=\s)(?:${list(words.doctor)}) (\p{L}{2,40})(?=\s)`, 'u'),
      to: new RegExp(String.raw`(?<=\s)(?:${list(words.to)})(?=\s)`, 'gu'),
      specialties: phraseTable(words.specialties),
    };
    rules.set(language, known);
  }
  return known;
}

/**
 * What somebody means, by rules alone: a closed set of wishes, days, times and choices. Words of danger count in whichever
 * of the languages they are.
 * @param usual the language of the conversation
 * @param today the day where the person is
 */
export function understand(text: string, usual: Language, today: CalendarDay): Understanding {
  const words = wordsOf(text);
  const emergency = emergencyIn(words);
  const language = languageOf(words, usual);
  const rule = rulesOf(language);
  const topic = rule.mine.test(words) ? firstOf(rule.topics, words) : undefined;
  const specialty = specialtyIn(words, language);
  const stated = rule.intents.find(([, expression]) => expression.test(words))?.[0];
  // Urdu asks for visits as for everything: what names none may be for a person.
  const isAnything = language === 'ur' && stated === 'book' && !namesVisit(rule, words);
  const isForPeople = (mayBeRecords(stated) || isAnything) && rule.forPeople.test(words);
  const isRecords = topic !== undefined && mayBeRecords(stated);
  const intent = isForPeople ? 'person' : isRecords ? 'records' : stated;
  const { when, which } = timesIn(words, language, intent, today);
  // In a longer message that names days a number is one of them.
  const choice = when !== undefined && words.trim().split(' ').length > 4 ? undefined : choiceIn(words, rule);
  const agrees = answerIn(words, rule);
  const doctor = doctorIn(words, rule);
  return {
    language,
    ...(emergency === undefined ? {} : { emergency }),
    ...(intent === undefined ? {} : { intent }),
    ...(topic === undefined ? {} : { topic }),
    ...(rule.others.test(words) ? { ofOther: true } : {}),
    ...(isForPeople || (intent === 'records' && stated === 'question') ? { asks: true } : {}),
    ...(specialty === undefined ? {} : { specialty }),
    ...(doctor === undefined ? {} : { doctor }),
    ...(when === undefined ? {} : { when }),
    ...(which === undefined ? {} : { which }),
    ...(choice === undefined ? {} : { choice }),
    ...(agrees === undefined ? {} : { agrees }),
  };
}

/** Most of a message that danger is looked for in, in characters: far more than $converse takes. */
const LONGEST = 100_000;

/** Whether a message tells of danger: looked for in every language, wherever it stands. */
export function emergencyOf(text: string): Emergency | undefined {
  // Long texts are read in parts that overlap by more than a phrase.
  for (let from = 0; from < Math.min(text.length, LONGEST); from += 3500) {
    const found = emergencyIn(wordsOf(text.slice(from, from + 4000)));
    if (found !== undefined) return found;
  }
  return undefined;
}

function emergencyIn(words: string): Emergency | undefined {
  emergencies ??= phraseTable({
    'self-harm': LANGUAGES.flatMap((language) => WORDS[language].emergencies['self-harm']),
    medical: LANGUAGES.flatMap((language) => WORDS[language].emergencies.medical),
  });
  return firstOf(emergencies, words);
}

/** Whether a wish may be a question about the own record: who wants to book says so. */
function mayBeRecords(intent: Intent | undefined): boolean {
  return intent === undefined || ['question', 'visits', 'greeting', 'help', 'availability'].includes(intent);
}

/** The last of the wishes to book holds the bare words for a visit. */
const namesVisit = ({ intents }: Rules, words: string): boolean =>
  intents.findLast(([intent]) => intent === 'book')?.[1].test(words) === true;

/** The specialties that a name tells, in whichever language it is. */
export function specialtiesNamed(name: string): string[] {
  const words = wordsOf(name);
  const found = LANGUAGES.flatMap((language) =>
    [...rulesOf(language).specialties].flatMap(([key, expression]) => (expression.test(words) ? [key] : [])),
  );
  return [...new Set(found)];
}

function specialtyIn(words: string, language: Language): string | undefined {
  // In Urdu and Spanish people use English names too.
  return firstOf(rulesOf(language).specialties, words) ?? firstOf(rulesOf('en').specialties, words);
}

/** The new time, and in a wish to move a visit what tells which one it is. */
function timesIn(
  words: string,
  language: Language,
  intent: Intent | undefined,
  today: CalendarDay,
): { when?: When | undefined; which?: When | undefined } {
  if (intent === 'move' && language !== 'ur') {
    for (const match of [...words.matchAll(rulesOf(language).to)].reverse()) {
      const when = whenOf(` ${words.slice(match.index).trimStart()}`, language, today);
      if (when?.from === undefined && when?.days === undefined) continue;
      return { when, which: whenOf(words.slice(0, match.index), language, today) };
    }
  }
  return { when: whenOf(words, language, today) };
}

function choiceIn(words: string, { option, ordinals }: Rules): number | undefined {
  const alone = /^\s#?(\d)\s$/.exec(words) ?? option.exec(words);
  if (alone !== null) return Number(alone[1]);
  return ordinals.find(([, expression]) => expression.test(words))?.[0];
}

/** Yes or no, where the message is not more than an answer. */
function answerIn(words: string, { yes, no }: Rules): boolean | undefined {
  if (words.trim().split(' ').length > 8) return undefined;
  if (no.test(words)) return false;
  return yes.test(words) ? true : undefined;
}

function doctorIn(words: string, { doctor, intents }: Rules): string | undefined {
  const name = doctor.exec(words)?.[1];
  if (name === undefined) return undefined;
  // "Doctor appointment", "doctor available": what follows is no name.
  const isWord = intents.some(([, expression]) => expression.test(` ${name} `)) || NO_NAMES.has(name);
  return isWord ? undefined : name;
}

const NO_NAMES = new Set(
  'for on at in to next this tomorrow today about who near please and or is are de del para en la el que por y o general ko se sy ke ka ki hai say کا کی کو سی'.split(
    ' ',
  ),
);
