import { en, type Strings } from './en.ts';
import { es } from './es.ts';
import { ur } from './ur.ts';

export type { Strings } from './en.ts';

/** The languages of the pages by their BCP 47 code. */
export const STRINGS = { en, es, ur } as const satisfies Record<string, Strings>;

export type Language = keyof typeof STRINGS;

/** The language of the pages that fits a BCP 47 tag; English if none does. */
export function languageOf(tag: string | undefined): Language {
  return knownLanguage(tag) ?? 'en';
}

/** The language of the pages that fits a BCP 47 tag, by its primary subtag. */
export function knownLanguage(tag: string | undefined): Language | undefined {
  const primary = (tag ?? '').toLowerCase().split('-')[0] as string;
  return Object.hasOwn(STRINGS, primary) ? (primary as Language) : undefined;
}

/** The first language that fits of an `Accept-Language` header, by its weights (RFC 9110, 12.5.4). */
export function acceptedLanguage(header: string | undefined): Language | undefined {
  return (header ?? '')
    .slice(0, 500)
    .split(',')
    .map((part, at) => {
      const [tag = '', ...parameters] = part.trim().split(';');
      const weight = parameters
        .map((each) => /^\s*q=([\d.]+)\s*$/.exec(each)?.[1])
        .find((each) => each !== undefined);
      return { language: knownLanguage(tag), weight: weight === undefined ? 1 : Number(weight), at };
    })
    .filter(({ language, weight }) => language !== undefined && weight > 0)
    .sort((a, b) => b.weight - a.weight || a.at - b.at)[0]?.language;
}

/** A sentence with its {names} filled in. */
export function fill(sentence: string, values: Readonly<Record<string, string | number>>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
