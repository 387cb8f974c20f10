import { readStored, store } from '../session/browser.ts';

/** The languages of the apps by their BCP 47 code, with their own names. */
export const LANGUAGES = { en: 'English', es: 'Español', ur: 'اردو' } as const;

export type Language = keyof typeof LANGUAGES;

const KEY = 'vesta:language';

export const directionOf = (language: Language): 'ltr' | 'rtl' => (language === 'ur' ? 'rtl' : 'ltr');

/** The language that fits a BCP 47 tag by its primary subtag. */
export function languageOf(tag: string | undefined): Language | undefined {
  const primary = (tag ?? '').toLowerCase().split('-')[0] as string;
  return Object.hasOwn(LANGUAGES, primary) ? (primary as Language) : undefined;
}

/** The language that the address asks for (`?lang=`), that was chosen here before, or the first of the browser's. */
export function startLanguage(): Language {
  const asked = languageOf(new URLSearchParams(location.search).get('lang') ?? undefined);
  // Signing in leads away from this address and back to another.
  if (asked !== undefined) keepLanguage(asked);
  return (
    asked ??
    languageOf(readStored(KEY)) ??
    navigator.languages.map(languageOf).find((one) => one !== undefined) ??
    'en'
  );
}

export function keepLanguage(language: Language): void {
  store(KEY, language);
}

/** A sentence with its {names} filled in. */
export function fill(sentence: string, values: Readonly<Record<string, string | number>> = {}): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
