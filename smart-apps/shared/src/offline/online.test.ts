import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { afterEach, expect, test } from 'vitest';
import { FhirRequestError } from '../fhir/errors.ts';
import { hasStale } from './online.ts';

const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
afterEach(() => queries.clear());

/** Something that is on the page: loaded, and then asked for again with this outcome. */
async function shown(again: () => Promise<string>, isShown = true): Promise<void> {
  let calls = 0;
  const options = { queryKey: ['board'], queryFn: () => (calls++ === 0 ? Promise.resolve('seen') : again()) };
  const observer = new QueryObserver(queries, options);
  const leave = observer.subscribe(() => {});
  await observer.refetch();
  await observer.refetch();
  if (!isShown) leave();
}
const unreached = () => Promise.reject(new TypeError('Failed to fetch'));

test('what is shown is stale when the server was not reached when it was asked for again', async () => {
  await shown(unreached);
  expect(hasStale(queries)).toBe(true);
});

test('it is not when the server has answered, were it with an error, or when it is shown no more', async () => {
  await shown(async () => 'new');
  expect(hasStale(queries)).toBe(false);
  queries.clear();
  await shown(() => Promise.reject(new FhirRequestError(500, undefined)));
  expect(hasStale(queries)).toBe(false);
  queries.clear();
  await shown(unreached, false);
  expect(hasStale(queries)).toBe(false);
});
