import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ReactNode, StrictMode, useCallback, useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { asRequestError } from '../fhir/errors.ts';
import { LanguageProvider, type SentenceLoaders, useOwnText } from '../i18n/context.tsx';
import { forgetSeen, keepSeen, lastSeen, type Seen, showAgain } from '../offline/seen.ts';
import type { Kept } from '../offline/store.ts';
import { Button, Buttons, Link } from '../ui/button.tsx';
import { LanguageChoice } from '../ui/shell.tsx';
import { BrokenBoundary, Notice } from '../ui/states.tsx';
import { Toasts } from '../ui/toasts.tsx';
import { isFramed, needsOwnWindow, serviceWorkers } from './browser.ts';
import { SessionContext, type SessionValue } from './context.tsx';
import { beginLaunch } from './launch.ts';
import { endSession, offlineSession, resumeSession, type Session, sameServer } from './session.ts';
import { type AppSettings, askedServer, launchPage } from './settings.ts';

export interface StartOptions {
  readonly settings: AppSettings;
  readonly sentences: SentenceLoaders;
  /** The app's name, as people read it, in each language's sentences under `appName`. */
  readonly app: (seen: { readonly seenAt: number | undefined }) => ReactNode;
}

/** Starts an app in `#root`: takes up or begins the session, and shows the app to whoever is signed in. */
export function startApp(options: StartOptions): void {
  const root = document.getElementById('root');
  if (root === null) throw new Error('The page has no #root');
  createRoot(root).render(
    <StrictMode>
      <LanguageProvider sentences={options.sentences}>
        <Toasts>
          <BrokenBoundary fallback={<Broken />}>
            <SignedIn {...options} />
          </BrokenBoundary>
        </Toasts>
      </LanguageProvider>
    </StrictMode>,
  );
  if (options.settings.offline === true)
    void serviceWorkers()
      ?.register(`/apps/${options.settings.name}/sw.js`)
      .catch(() => {});
}

/** Who is there: undefined while that is being found out. */
type Found =
  | { readonly session: Session; readonly seen?: Kept<Seen> }
  | {
      readonly nobody: true;
      readonly problem?: string;
      readonly seen?: Kept<Seen> | undefined;
      readonly left?: true;
    };

const resumed = new WeakMap<AppSettings, Promise<Found>>();

/** Once for a page: the server's answer in its address can be used only once. */
function findSession(settings: AppSettings): Promise<Found> {
  const known = resumed.get(settings);
  if (known !== undefined) return known;
  const finding = (async (): Promise<Found> => {
    try {
      const session = await resumeSession(settings);
      if (session !== undefined) {
        const seen = await lastSeen(settings);
        return seen !== undefined && isOf(session, seen.value) ? { session, seen } : { session };
      }
      return { nobody: true, seen: await lastSeen(settings) };
    } catch (error) {
      return { nobody: true, problem: (error as Error).message, seen: await lastSeen(settings) };
    }
  })();
  resumed.set(settings, finding);
  return finding;
}

/** Whether what was last seen is this person's, of this record. */
const isOf = (session: Session, { session: seen }: Seen): boolean =>
  session.base === seen.base && session.user === seen.user && session.patient === seen.patient;

/** Asking again helps when nobody was reached or the server has stumbled, not when it has said no. */
const newQueries = () =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        gcTime: 24 * 3_600_000,
        retry: (count, error) => count < 2 && [0, 502, 503, 504].includes(asRequestError(error).status),
      },
    },
  });

function SignedIn({ settings, app }: StartOptions): ReactNode {
  const [found, setFound] = useState<Found>();
  const queries = useMemo(newQueries, []);
  useEffect(() => {
    void findSession(settings).then((each) => {
      // Shown at once, and asked again where there is a network.
      if ('session' in each && each.seen !== undefined) showAgain(queries, each.seen.value);
      setFound(each);
    });
  }, [settings, queries]);
  const session = found !== undefined && 'session' in found ? found.session : undefined;
  const seen = found !== undefined && 'session' in found ? found.seen : undefined;
  useEffect(() => {
    if (session === undefined || !session.isLive) return;
    return keepSeen(settings, session, queries);
  }, [settings, session, queries]);
  const signInAgain = useCallback(() => {
    const query = session === undefined ? '' : sameServer(settings, session);
    const address = `/apps/${settings.name}/launch.html${query}`;
    // Few servers show their login in a frame, but for the launch of the EHR whose frame it is.
    if (isFramed()) window.open(address, '_blank', 'noopener');
    else location.assign(address);
  }, [settings, session]);
  const value = useMemo<SessionValue | undefined>(
    () =>
      session && {
        ...session,
        signInAgain,
        async signOut() {
          const query = sameServer(settings, session);
          await Promise.all([endSession(settings, session), forgetSeen(settings)]);
          queries.clear();
          history.replaceState(null, '', `/apps/${settings.name}/${query}`);
          setFound({ nobody: true, left: true });
        },
      },
    [session, settings, queries, signInAgain],
  );
  if (found === undefined) return <Waiting />;
  if ('nobody' in found) {
    const { seen: offline } = found;
    const open = () => {
      if (offline === undefined) return;
      showAgain(queries, offline.value);
      setFound({ session: offlineSession(offline.value.session), seen: offline });
    };
    return <Nobody settings={settings} found={found} onOpen={offline === undefined ? undefined : open} />;
  }
  return (
    <SessionContext value={value}>
      <QueryClientProvider client={queries}>
        <Router base={`/apps/${settings.name}`}>{app({ seenAt: seen?.at })}</Router>
      </QueryClientProvider>
    </SessionContext>
  );
}

function Waiting(): ReactNode {
  const say = useOwnText();
  return (
    <main className="alone">
      <p className="loading" role="status">
        <span className="spinner" aria-hidden="true" /> {say('loading')}
      </p>
    </main>
  );
}

/** The page for those who are not signed in. Without a network it opens what was last seen by itself. */
function Nobody({
  settings,
  found,
  onOpen,
}: {
  readonly settings: AppSettings;
  readonly found: Extract<Found, { nobody: true }>;
  readonly onOpen: (() => void) | undefined;
}): ReactNode {
  const say = useOwnText();
  const [isPending, setPending] = useState(false);
  const [problem, setProblem] = useState(found.problem);
  useEffect(() => {
    document.title = `${say(found.left === true ? 'signedOut' : 'welcome')} · Vesta`;
    if (!navigator.onLine) onOpen?.();
  }, [onOpen, say, found]);
  const signIn = () => {
    setPending(true);
    beginLaunch(settings).catch((error: Error) => {
      setPending(false);
      setProblem(error.message);
    });
  };
  const server = askedServer();
  return (
    <main className="alone">
      <h1>{say(found.left === true ? 'signedOut' : 'welcome')}</h1>
      {problem === undefined ? null : (
        <Notice tone="bad" isLive>
          <p>{say('signInFailed')}</p>
          <p className="detail" dir="auto">
            {problem}
          </p>
        </Notice>
      )}
      {found.left === true ? <p>{say('signedOutText')}</p> : null}
      {needsOwnWindow(server) ? (
        <p>{say('framed')}</p>
      ) : (
        <p>{say('welcomeText', { server: new URL(server, location.href).host })}</p>
      )}
      <Buttons>
        {needsOwnWindow(server) ? (
          <Link href={launchPage(settings)} look="main" external>
            {say('ownWindow')}
          </Link>
        ) : (
          <Button onPress={signIn} isPending={isPending}>
            {say('signIn')}
          </Button>
        )}
        {onOpen === undefined ? null : (
          <Button look="second" onPress={onOpen}>
            {say('openOffline')}
          </Button>
        )}
      </Buttons>
      <LanguageChoice />
    </main>
  );
}

function Broken(): ReactNode {
  const say = useOwnText();
  return (
    <main className="alone">
      <h1>{say('broken')}</h1>
      <p>{say('brokenText')}</p>
      <Button onPress={() => location.reload()}>{say('reload')}</Button>
    </main>
  );
}
