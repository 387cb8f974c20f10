import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useCallback, useSyncExternalStore } from 'react';
import { asRequestError } from '../fhir/errors.ts';

function subscribe(changed: () => void): () => void {
  addEventListener('online', changed);
  addEventListener('offline', changed);
  return () => {
    removeEventListener('online', changed);
    removeEventListener('offline', changed);
  };
}

/** Whether the device has a network, as far as the browser knows. */
export function useOnline(): boolean {
  return useSyncExternalStore(subscribe, () => navigator.onLine);
}

/**
 * Whether something that is shown could not be asked for anew because the server was not reached: it is as old as the last
 * answer, though the device has a network.
 */
export function useIsStale(): boolean {
  const queries = useQueryClient();
  const listen = useCallback((changed: () => void) => queries.getQueryCache().subscribe(changed), [queries]);
  return useSyncExternalStore(listen, () => hasStale(queries));
}

/** See {@link useIsStale}. What was never loaded has an error in its own place. */
export function hasStale(queries: QueryClient): boolean {
  return queries
    .getQueryCache()
    .getAll()
    .some(
      (query) =>
        query.isActive() &&
        query.state.data !== undefined &&
        query.state.error !== null &&
        asRequestError(query.state.error).isUnreachable,
    );
}
