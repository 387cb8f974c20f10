import {
  keepPreviousData,
  type QueryKey,
  type UseInfiniteQueryResult,
  type UseMutationResult,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useCallback } from 'react';
import { useSession } from '../session/context.tsx';
import { nextOf, type SearchParameters } from './api.ts';
import type { FhirRequestError } from './errors.ts';
import type { Bundle, ParametersParameter, Resource } from './types.ts';

export interface QueryOptions {
  /** False: nothing is asked yet. */
  readonly enabled?: boolean;
  /** Asks again each so many milliseconds while the page is seen. */
  readonly refetchInterval?: number;
  /** Shows what was found before while something else is looked for. */
  readonly keepPrevious?: boolean;
  /** Milliseconds for which an answer is taken as new. */
  readonly staleTime?: number;
}

const optionsOf = ({ enabled, refetchInterval, keepPrevious, staleTime }: QueryOptions) => ({
  ...(enabled === undefined ? {} : { enabled }),
  ...(refetchInterval === undefined ? {} : { refetchInterval }),
  ...(staleTime === undefined ? {} : { staleTime }),
  ...(keepPrevious === true ? { placeholderData: keepPreviousData } : {}),
});

/** Keys begin with the resource type: see {@link useRefresh}. */
const keyOf = (type: string, ...rest: unknown[]): QueryKey => ['fhir', type, ...rest];

/** A resource by its reference, e.g. `Patient/p1`; nothing is asked while that is undefined. */
export function useRead<T extends Resource>(
  reference: string | undefined,
  options: QueryOptions = {},
): UseQueryResult<T, FhirRequestError> {
  const { fhir } = useSession();
  return useQuery<T, FhirRequestError>({
    queryKey: keyOf(reference?.split('/')[0] ?? '', 'read', reference),
    queryFn: ({ signal }) => fhir.read<T>(reference as string, signal),
    ...optionsOf(options),
    enabled: reference !== undefined && options.enabled !== false,
  });
}

/** The first page of a search; `resourcesOf` takes the resources out of it. */
export function useSearch<T extends Resource>(
  type: string,
  parameters: SearchParameters = {},
  options: QueryOptions = {},
): UseQueryResult<Bundle<T>, FhirRequestError> {
  const { fhir } = useSession();
  return useQuery<Bundle<T>, FhirRequestError>({
    queryKey: keyOf(type, 'search', parameters),
    queryFn: ({ signal }) => fhir.search<T>(type, parameters, signal),
    ...optionsOf(options),
  });
}

/** All pages of a search, up to 4,000 resources: for lists that are shown whole. */
export function useSearchAll<T extends Resource>(
  type: string,
  parameters: SearchParameters = {},
  options: QueryOptions = {},
): UseQueryResult<Bundle<T>, FhirRequestError> {
  const { fhir } = useSession();
  return useQuery<Bundle<T>, FhirRequestError>({
    queryKey: keyOf(type, 'all', parameters),
    queryFn: ({ signal }) => fhir.searchAll<T>(type, parameters, signal),
    ...optionsOf(options),
  });
}

/** A search page by page: `fetchNextPage` while `hasNextPage`. */
export function useSearchPages<T extends Resource>(
  type: string,
  parameters: SearchParameters = {},
  options: Pick<QueryOptions, 'enabled'> = {},
): UseInfiniteQueryResult<{ pages: Bundle<T>[] }, FhirRequestError> {
  const { fhir } = useSession();
  return useInfiniteQuery<Bundle<T>, FhirRequestError, { pages: Bundle<T>[] }, QueryKey, string | undefined>({
    queryKey: keyOf(type, 'pages', parameters),
    queryFn: ({ pageParam, signal }) =>
      pageParam === undefined
        ? fhir.search<T>(type, parameters, signal)
        : fhir.request<Bundle<T>>(pageParam, { signal }),
    initialPageParam: undefined,
    getNextPageParam: (last) => nextOf(last),
    ...(options.enabled === undefined ? {} : { enabled: options.enabled }),
  });
}

/** What an operation answers that is asked by GET, e.g. `Appointment/$find`. */
export function useAsk<T extends Resource>(
  path: string,
  parameters: SearchParameters = {},
  options: QueryOptions = {},
): UseQueryResult<T, FhirRequestError> {
  const { fhir } = useSession();
  return useQuery<T, FhirRequestError>({
    queryKey: keyOf(path.split('/')[0] ?? '', 'ask', path, parameters),
    queryFn: ({ signal }) => fhir.ask<T>(path, parameters, signal),
    ...optionsOf(options),
  });
}

/** Has what was asked of these resource types asked again; of all types without any. */
export function useRefresh(): (...types: readonly string[]) => Promise<void> {
  const queries = useQueryClient();
  return useCallback(
    async (...types) => {
      const keys = types.length === 0 ? [['fhir']] : types.map((type) => keyOf(type));
      await Promise.all(keys.map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
    [queries],
  );
}

/**
 * Work that changes something: afterwards what is shown of these types is asked again.
 * @param types resource types that the work touches
 */
export function useChange<Input, Output>(
  work: (input: Input) => Promise<Output>,
  ...types: readonly string[]
): UseMutationResult<Output, FhirRequestError, Input> {
  const refresh = useRefresh();
  return useMutation<Output, FhirRequestError, Input>({
    mutationFn: work,
    // A conflict says that what is shown is old.
    onSettled: () => refresh(...types),
  });
}

/** Creates a resource, or updates one that has an id, unless it was changed meanwhile (412). */
export function useSave<T extends Resource>(
  ...alsoTouched: readonly string[]
): UseMutationResult<T, FhirRequestError, T> {
  const { fhir } = useSession();
  const refresh = useRefresh();
  return useMutation<T, FhirRequestError, T>({
    mutationFn: (resource) => (resource.id === undefined ? fhir.create(resource) : fhir.update(resource)),
    onSettled: (_data, _error, resource) => refresh(resource.resourceType, ...alsoTouched),
  });
}

export interface OperationCall {
  /** E.g. `Appointment/$book`. */
  readonly path: string;
  readonly parameter?: readonly ParametersParameter[];
}

/** Calls an operation that changes something. @param types resource types that it touches */
export function useOperation<T extends Resource>(
  ...types: readonly string[]
): UseMutationResult<T, FhirRequestError, OperationCall> {
  const { fhir } = useSession();
  return useChange(({ path, parameter }: OperationCall) => fhir.operation<T>(path, parameter), ...types);
}
