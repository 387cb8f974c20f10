import { type DehydratedState, dehydrate, hydrate, type QueryClient } from '@tanstack/react-query';
import { readStored, store } from '../session/browser.ts';
import type { Session, SessionFacts } from '../session/session.ts';
import type { AppSettings } from '../session/settings.ts';
import { forget, type Kept, keep, kept } from './store.ts';

/** What an app shows without a network: whose it is, and the answers that were last seen. */
export interface Seen {
  readonly session: SessionFacts;
  readonly queries: DehydratedState;
}

const DELAY = 1000;

const nameOf = ({ name }: AppSettings): string => `seen:${name}`;
const switchOf = ({ name }: AppSettings): string => `vesta:${name}:keep`;

/** Whether the person lets the app keep what was last seen on this device; at first yes, where the app does so at all. */
export function keepsSeen(settings: AppSettings): boolean {
  return settings.offline === true && readStored(switchOf(settings)) !== 'no';
}

export async function setKeepsSeen(settings: AppSettings, keeps: boolean): Promise<void> {
  store(switchOf(settings), keeps ? 'yes' : 'no');
  if (!keeps) await forgetSeen(settings);
}

export const forgetSeen = (settings: AppSettings): Promise<void> => forget(nameOf(settings));

/** What was last seen in this app on this device. */
export async function lastSeen(settings: AppSettings): Promise<Kept<Seen> | undefined> {
  return keepsSeen(settings) ? await kept<Seen>(nameOf(settings)) : undefined;
}

export function showAgain(queries: QueryClient, { queries: state }: Seen): void {
  hydrate(queries, state);
}

/**
 * Keeps what the session sees from now on, a second after it has changed; what another person has seen is gone.
 * @returns how to stop
 */
export function keepSeen(settings: AppSettings, session: Session, queries: QueryClient): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const { base, user, userName, patient, encounter, scopes } = session;
  const facts: SessionFacts = { base, user, userName, patient, encounter, scopes };
  const write = () => {
    timer = undefined;
    if (!keepsSeen(settings)) return;
    const state = dehydrate(queries, {
      shouldDehydrateQuery: ({ state, meta }) => state.status === 'success' && meta?.['keep'] !== false,
      shouldDehydrateMutation: () => false,
    });
    void keep(nameOf(settings), { session: facts, queries: state } satisfies Seen).catch(() => {});
  };
  const stop = queries.getQueryCache().subscribe((event) => {
    if (event.type === 'updated' && event.action.type === 'success') timer ??= setTimeout(write, DELAY);
  });
  return () => {
    stop();
    clearTimeout(timer);
  };
}
