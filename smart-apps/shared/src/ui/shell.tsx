import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Link as RouteLink, useLocation } from 'wouter';
import { dateText } from '../format/dates.ts';
import { useLanguage, useOwnText } from '../i18n/context.tsx';
import { LANGUAGES, type Language } from '../i18n/language.ts';
import { useIsStale, useOnline } from '../offline/online.ts';
import { useSession } from '../session/context.tsx';
import { Button } from './button.tsx';
import { useKeptFocus } from './focus.ts';
import { Notice } from './states.tsx';

export interface NavigationItem {
  readonly href: string;
  readonly title: string;
  /** How many things wait there. */
  readonly count?: number;
}

export interface ShellProps {
  /** The app's name. */
  readonly title: string;
  readonly navigation: readonly NavigationItem[];
  /** Below the head on every page, e.g. whose record is open. */
  readonly banner?: ReactNode;
  readonly userName?: string | undefined;
  /** When what is shown offline was last seen; epoch milliseconds. */
  readonly seenAt?: number | undefined;
  readonly children: ReactNode;
}

/** The frame of every page: head, navigation, language, sign-out, and the page itself. */
export function Shell({ title, navigation, banner, userName, seenAt, children }: ShellProps): ReactNode {
  const say = useOwnText();
  const { language } = useLanguage();
  const session = useSession();
  const online = useOnline();
  const isStale = useIsStale();
  useKeptFocus();
  const [path] = useLocation();
  const [isOpen, setOpen] = useState(false);
  const menu = useId();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes when another page is opened
  useEffect(() => setOpen(false), [path]);
  const here = (href: string) => (href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`));
  return (
    <>
      <a className="skip" href="#main">
        {say('skip')}
      </a>
      <header className="head">
        <div className="head-line">
          <span className="brand">{title}</span>
          <div className="menu-button">
            <Button
              look="second"
              aria-expanded={isOpen}
              aria-controls={menu}
              onPress={() => setOpen((open) => !open)}
            >
              <span aria-hidden="true">☰</span> {say('menu')}
            </Button>
          </div>
        </div>
        <div id={menu} className={isOpen ? 'menu open' : 'menu'}>
          <nav aria-label={say('menu')}>
            <ul>
              {navigation.map(({ href, title: name, count = 0 }) => (
                <li key={href}>
                  <RouteLink href={href} {...(here(href) ? { 'aria-current': 'page' } : {})}>
                    {name}
                    {count > 0 ? <span className="count"> ({count})</span> : null}
                  </RouteLink>
                </li>
              ))}
            </ul>
          </nav>
          <div className="menu-end">
            <LanguageChoice />
            {userName === undefined ? null : (
              <span className="who">
                <bdi>{userName}</bdi>
              </span>
            )}
            <Button look="second" onPress={() => void session.signOut()}>
              {say('signOut')}
            </Button>
          </div>
        </div>
      </header>
      {online && session.isLive && !isStale ? null : (
        <div className="offline">
          <Notice tone="warn" isLive>
            {online && session.isLive
              ? say('stale')
              : seenAt === undefined
                ? say('offline')
                : say('offlineSince', { time: dateText(new Date(seenAt).toISOString(), language) })}
          </Notice>
        </div>
      )}
      {banner}
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** The languages, each by its own name. */
export function LanguageChoice(): ReactNode {
  const say = useOwnText();
  const { language, setLanguage } = useLanguage();
  const id = useId();
  return (
    <span className="language">
      <label htmlFor={id}>{say('language')}</label>
      <select id={id} value={language} onChange={({ target }) => setLanguage(target.value as Language)}>
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
    </span>
  );
}

let shown: string | undefined;

/** A page of the app: its heading, which takes the focus when the page was gone to, and the window's title. */
export function Page({
  title,
  part,
  actions,
  children,
}: {
  readonly title: string;
  /** Which part of the page is open, where each has an address: for the window's title. */
  readonly part?: string;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  const [path] = useLocation();
  useEffect(() => {
    document.title = `${part === undefined ? '' : `${part} · `}${title} · Vesta`;
  }, [title, part]);
  useEffect(() => {
    if (shown !== undefined && shown !== path) heading.current?.focus();
    shown = path;
  }, [path]);
  return (
    <article className="page">
      <div className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions === undefined ? null : <div className="buttons">{actions}</div>}
      </div>
      {children}
    </article>
  );
}

/** A part of a page under a heading of its own. */
export function Section({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ReactNode;
}): ReactNode {
  const id = useId();
  return (
    <section aria-labelledby={id} className="section">
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}
