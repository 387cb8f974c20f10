import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { I18nProvider } from 'react-aria-components/I18nProvider';
import { directionOf, fill, keepLanguage, type Language, startLanguage } from './language.ts';
import { type OwnStrings, en as ownEnglish } from './strings/en.ts';

/** Sentences by name. */
export type Sentences = Readonly<Record<string, string>>;

/** Loads an app's sentences of each language: `{ en: () => import('./strings/en.ts'), ... }`, each a default export. */
export type SentenceLoaders = Readonly<Record<Language, () => Promise<{ readonly default: Sentences }>>>;

const OWN: Readonly<Record<Language, () => Promise<OwnStrings>>> = {
  en: async () => ownEnglish,
  es: async () => (await import('./strings/es.ts')).es,
  ur: async () => (await import('./strings/ur.ts')).ur,
};

interface I18nValue {
  readonly language: Language;
  readonly direction: 'ltr' | 'rtl';
  setLanguage(language: Language): void;
  readonly own: OwnStrings;
  readonly app: Sentences;
}

const I18nContext = createContext<I18nValue | undefined>(undefined);

/** Gives what is inside the language of the person: sentences, direction, formats. Shows nothing until they are there. */
export function LanguageProvider({
  sentences,
  children,
}: {
  readonly sentences: SentenceLoaders;
  readonly children: ReactNode;
}): ReactNode {
  const [wanted, setWanted] = useState(startLanguage);
  const [loaded, setLoaded] = useState<{ language: Language; own: OwnStrings; app: Sentences }>();
  useEffect(() => {
    let isCurrent = true;
    void Promise.all([OWN[wanted](), sentences[wanted]()]).then(([own, app]) => {
      if (!isCurrent) return;
      document.documentElement.lang = wanted;
      document.documentElement.dir = directionOf(wanted);
      setLoaded({ language: wanted, own, app: app.default });
    });
    return () => {
      isCurrent = false;
    };
  }, [wanted, sentences]);
  const setLanguage = useCallback((language: Language) => {
    keepLanguage(language);
    setWanted(language);
  }, []);
  const value = useMemo(
    () =>
      loaded && {
        language: loaded.language,
        direction: directionOf(loaded.language),
        setLanguage,
        own: loaded.own,
        app: loaded.app,
      },
    [loaded, setLanguage],
  );
  if (value === undefined) return null;
  return (
    <I18nContext value={value}>
      <I18nProvider locale={value.language}>{children}</I18nProvider>
    </I18nContext>
  );
}

function useI18n(): I18nValue {
  const value = useContext(I18nContext);
  if (value === undefined) throw new Error('There is no LanguageProvider around this');
  return value;
}

/** The person's language, and how to change it. */
export function useLanguage(): Pick<I18nValue, 'language' | 'direction' | 'setLanguage'> {
  return useI18n();
}

export type Say<Names extends string> = (
  name: Names,
  values?: Readonly<Record<string, string | number>>,
) => string;

function useSentences(): Say<string> {
  const { app } = useI18n();
  return useCallback((name, values) => fill(app[name] ?? name, values), [app]);
}

/**
 * The hook by which an app says its sentences: `export const useText = textHook<typeof en>()`, then
 * `const say = useText(); say('greeting', { name })`.
 */
export function textHook<Strings extends Sentences>(): () => Say<Extract<keyof Strings, string>> {
  return useSentences;
}

/** The sentences of the kit itself. */
export function useOwnText(): Say<keyof OwnStrings> {
  const { own } = useI18n();
  return useCallback((name, values) => fill(own[name], values), [own]);
}
