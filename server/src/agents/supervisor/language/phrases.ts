import { fold } from './normalize.ts';

/**
 * A list of phrases as one expression over what wordsOf() gives: whole words; `vaccin*` is any word that begins so, `(a|b)`
 * are alternatives, `(a )?` may be left out, `_` is any word, and `^ ` before a phrase has it begin the text.
 */
export function phrases(...list: readonly string[]): RegExp {
  const sources = list.map(sourceOf);
  return new RegExp(String.raw`(?<=\s)(?:${sources.join('|')})(?=\s)`, 'u');
}

/** The expression of one phrase, for others to be made of. */
export function sourceOf(phrase: string): string {
  const text = fold(phrase)
    .replaceAll('(', '(?:')
    .replaceAll('*', String.raw`[\p{L}\p{N}]*`)
    .replaceAll('_', String.raw`[\p{L}\p{N}]+`);
  return text.startsWith('^ ') ? String.raw`(?<=^\s)${text.slice(2)}` : text;
}

/** A table of phrases, in its order. */
export type PhraseTable<K extends string> = ReadonlyMap<K, RegExp>;

export function phraseTable<K extends string>(table: Readonly<Record<K, readonly string[]>>): PhraseTable<K> {
  return new Map(Object.entries<readonly string[]>(table).map(([key, list]) => [key as K, phrases(...list)]));
}

/** The first key of which a phrase stands in the words. */
export function firstOf<K extends string>(table: PhraseTable<K>, words: string): K | undefined {
  for (const [key, expression] of table) if (expression.test(words)) return key;
  return undefined;
}
