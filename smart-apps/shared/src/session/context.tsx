import { createContext, useContext } from 'react';
import type { Session } from './session.ts';

/** A session and how it ends. */
export interface SessionValue extends Session {
  signOut(): Promise<void>;
  /** Goes through signing in again, e.g. for another patient. */
  signInAgain(): void;
}

export const SessionContext = createContext<SessionValue | undefined>(undefined);

/** Who is signed in. @throws Error outside of an app that `startApp` has started */
export function useSession(): SessionValue {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('Nobody is signed in here');
  return session;
}
