import { directionOf, type Language, startLanguage } from '../i18n/language.ts';
import type { OwnStrings } from '../i18n/strings/en.ts';
import { needsOwnWindow } from './browser.ts';
import { beginLaunch } from './launch.ts';
import { type AppSettings, askedServer, launchPage } from './settings.ts';

const TEXTS: Readonly<Record<Language, () => Promise<OwnStrings>>> = {
  en: async () => (await import('../i18n/strings/en.ts')).en,
  es: async () => (await import('../i18n/strings/es.ts')).es,
  ur: async () => (await import('../i18n/strings/ur.ts')).ur,
};

/**
 * For `launch.html`: begins to sign in; says why when that does not work, or offers a window of its own where it cannot work
 * in this frame.
 */
export async function startLaunch(settings: AppSettings): Promise<void> {
  const language = startLanguage();
  try {
    if (needsOwnWindow(askedServer())) {
      const text = await textIn(language);
      show('status', [text.framed], { href: launchPage(settings), text: text.ownWindow, target: '_blank' });
    } else await beginLaunch(settings);
  } catch (error) {
    const text = await textIn(language);
    show('alert', [text.signInFailed, (error as Error).message], {
      href: `/apps/${settings.name}/`,
      text: text.home,
      target: '_self',
    });
  }
}

/** What to say, and the page in that language. */
async function textIn(language: Language): Promise<OwnStrings> {
  const text = await TEXTS[language]();
  Object.assign(document.documentElement, { lang: language, dir: directionOf(language) });
  document.title = `${text.signIn} · Vesta`;
  return text;
}

interface Way {
  readonly href: string;
  readonly text: string;
  readonly target: '_blank' | '_self';
}

/** Puts sentences and a way on in place of the sign that something is under way. */
function show(role: 'alert' | 'status', sentences: readonly string[], way: Way): void {
  const heading = document.createElement('h1');
  heading.textContent = 'Vesta';
  const texts = document.createElement('div');
  texts.setAttribute('role', role);
  for (const sentence of sentences) {
    const paragraph = document.createElement('p');
    paragraph.dir = 'auto';
    paragraph.textContent = sentence;
    texts.append(paragraph);
  }
  const link = document.createElement('a');
  Object.assign(link, { href: way.href, textContent: way.text, target: way.target, rel: 'noopener' });
  link.className = 'button main';
  document.querySelector('main')?.replaceChildren(heading, texts, link);
}
