import { wordsOf } from '../supervisor/language/normalize.ts';

/** Words that tell nothing of what a question is about, in all languages. */
const EMPTY = new Set(
  wordsOf(
    `a an the i you we they it he she is are am was be do does did can could may should would will have has had to of in on at
    for with from by and or not no my your our their this that these those what when where who which how why there here please
    if any some me us about need want get go come take accept know tell say happen happens help going
    el la los las un una unos unas de del al y o que qué cual cuando donde como quien por para con sin mi su se es son esta
    hay tengo puedo puede debo necesito me en lo le si no hacer ir
    ka ki ke ko se mein main hai hain kya kab kahan kaise kon mera meri mere mujhe ho hoga karna chahiye aur ya par kar
    کا کی کے کو سے میں ہے ہیں کیا کب کہاں کیسے کون میرا میری میرے مجھے ہو ہوگا کرنا چاہیے اور یا پر کر لیے آپ`,
  )
    .trim()
    .split(' '),
);

/** The words of a text that tell what it is about, without the endings of plurals and verbs. */
export function tellingWords(text: string): Set<string> {
  const words = wordsOf(text).trim().split(' ');
  return new Set(words.filter((word) => word !== '' && !EMPTY.has(word)).map(stem));
}

/** Good enough to find "parking" by "park" and "vaccines" by "vaccine" in the languages with Latin letters. */
function stem(word: string): string {
  if (word.length < 5 || !/^[a-z]+$/.test(word)) return word;
  return word.replace(/(?:ings?|es|s|ed|ar|er|ir|amos|ando|iendo)$/, '');
}

/** Something that may answer a question. */
export interface Entry {
  /** Its question, and other ways to ask it. */
  readonly questions: readonly string[];
  readonly text: string;
}

/**
 * How well an entry answers a question, 0 to 1: how much of what the question is about the entry's question names, words
 * that few entries have counting more. The text of the answer counts half.
 */
export function scores(question: string, entries: readonly Entry[]): number[] {
  const asked = tellingWords(question);
  const titles = entries.map(({ questions }) => questions.map(tellingWords));
  const texts = entries.map(({ text }) => tellingWords(text));
  const weight = (word: string) => {
    const count = titles.filter((all) => all.some((one) => one.has(word))).length;
    return Math.log(1 + entries.length / (0.5 + count));
  };
  const whole = sum([...asked].map(weight));
  if (whole === 0) return entries.map(() => 0);
  return entries.map((_, index) => {
    const own = titles[index] as Set<string>[];
    const inTitles = new Set(own.flatMap((title) => [...title]));
    const inText = texts[index] as Set<string>;
    const named = sum([...asked].filter((word) => inTitles.has(word)).map(weight)) / whole;
    const told =
      sum([...asked].filter((word) => !inTitles.has(word) && inText.has(word)).map(weight)) / whole;
    if (named === 0) return 0.3 * told;
    // A question that names one word of many in a title may be about something else.
    const covered = own.map(
      (title) => [...asked].filter((word) => title.has(word)).length / (title.size || 1),
    );
    return 0.7 * named + 0.2 * Math.max(...covered) + 0.1 * told;
  });
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
