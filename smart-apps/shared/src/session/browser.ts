/*
 * What a browser may keep from an app, above all from one in a frame of another site: it may give the frame storage of its
 * own, or none, and then even looking at `localStorage` throws (HTML, Web storage; a sandboxed frame has none either).
 */

/** What was stored for good under a name; undefined when there is nothing, or nothing may be stored. */
export function readStored(name: string): string | undefined {
  try {
    return localStorage.getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Stores for good as far as the browser lets the app. */
export function store(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // It holds until the page is left.
  }
}

/** Whether the app is shown inside another page. */
export const isFramed = (): boolean => window.self !== window.top;

/** Whether a sign-in can be remembered over the way to the server and back. */
export function canSignIn(): boolean {
  try {
    return sessionStorage.length >= 0;
  } catch {
    return false;
  }
}

/**
 * Whether signing in at a server needs a window of its own: this frame may store nothing, or the server is the app's own,
 * whose pages for signing in are never shown in a frame.
 */
export const needsOwnWindow = (server: string): boolean =>
  isFramed() && (!canSignIn() || new URL(server, location.href).origin === location.origin);

/** The app's service workers; undefined where the browser has none, or gives a frame none. */
export function serviceWorkers(): ServiceWorkerContainer | undefined {
  try {
    return navigator.serviceWorker as ServiceWorkerContainer | undefined;
  } catch {
    return undefined;
  }
}
