import { useQuery } from '@tanstack/react-query';
import {
  FhirRequestError,
  nextOf,
  type Resource,
  type SearchParameters,
  useOnline,
  useSearch,
  useSession,
} from '@vesta/app-kit';
import { useEffect, useState } from 'react';
import {
  type CodedMedicine,
  FEWEST_LETTERS,
  firstWord,
  fitting,
  MEDICATION_VALUE_SETS,
  ofChart,
  ofExpansion,
  ofFormulary,
  together,
} from '../model/medicine-search.ts';

/** How long nothing is typed before a server is asked, in milliseconds. */
const PAUSE = 250;
/** Most that are asked for and shown. */
const MOST = 30;
/** Medicines of a formulary that are asked for at once. */
const FORMULARY = 500;
const KEPT = 300_000;

/** What a server has said that it does not have, as `base|what`: it is not asked for it again. */
const absent = new Set<string>();
const ABSENT = [400, 403, 404, 405, 410, 501];

export interface MedicineSearch {
  readonly found: readonly CodedMedicine[];
  readonly state: 'idle' | 'searching' | 'found' | 'none' | 'failed' | 'offline';
}

/**
 * Looks for codes of a medicine while its name is typed: in the chart, among the server's Medication resources (a
 * formulary), and by its terminology (R4 valueset-operation-expand.html). Servers may have none of these.
 * @param typed empty when nothing is to be looked for
 */
export function useMedicines(patient: string, typed: string): MedicineSearch {
  const { fhir } = useSession();
  const online = useOnline();
  const filter = useSettled(typed.trim().toLowerCase());
  const enabled = filter.length >= FEWEST_LETTERS;
  const options = { enabled, retry: false, staleTime: KEPT };
  const chart = useSearch<Resource>(
    'MedicationRequest',
    { patient, _count: 100, _include: 'MedicationRequest:medication' },
    { enabled, staleTime: KEPT },
  );
  const codes = useQuery({
    ...options,
    queryKey: ['fhir', 'ValueSet', 'medicines', filter],
    queryFn: async ({ signal }) => {
      for (const url of MEDICATION_VALUE_SETS) {
        const expanded = await unlessAbsent(`${fhir.base}|${url}`, () =>
          fhir.ask<Resource>('ValueSet/$expand', { url, filter, count: MOST, activeOnly: true }, signal),
        );
        if (expanded !== undefined) return ofExpansion(expanded);
      }
      return [];
    },
  });
  const medications = async (what: string, query: SearchParameters, signal: AbortSignal) => {
    const bundle = await unlessAbsent(`${fhir.base}|Medication ${what}`, () =>
      fhir.search<Resource>('Medication', { ...query, _count: FORMULARY }, signal),
    );
    return { medicines: ofFormulary(bundle), isWhole: bundle !== undefined && nextOf(bundle) === undefined };
  };
  // Asked for once where one page holds it: a search by name finds beginnings alone (R4 search.html#text).
  const formulary = useQuery({
    ...options,
    queryKey: ['fhir', 'Medication', 'formulary'],
    queryFn: ({ signal }) => medications('all', {}, signal),
  });
  const word = firstWord(filter);
  const named = useQuery({
    ...options,
    enabled: enabled && formulary.data?.isWhole === false,
    queryKey: ['fhir', 'Medication', 'formulary', word],
    queryFn: ({ signal }) => medications('named', { 'code:text': word }, signal),
  });
  if (typed.trim().length < FEWEST_LETTERS) return { found: [], state: 'idle' };
  const isNew = filter !== typed.trim().toLowerCase();
  const found = together(
    fitting(chart.data === undefined ? [] : ofChart(chart.data), typed),
    fitting(formulary.data?.medicines ?? [], typed),
    fitting(named.data?.medicines ?? [], typed),
    // A terminology knows other names than the one it gives.
    isNew ? fitting(codes.data ?? [], typed) : (codes.data ?? []),
  ).slice(0, MOST);
  const all = [chart, codes, formulary, named];
  if (found.length > 0) return { found, state: 'found' };
  if (!online) return { found, state: 'offline' };
  if (isNew || all.some(({ isFetching }) => isFetching)) return { found, state: 'searching' };
  return { found, state: all.some(({ error }) => isFailure(error)) ? 'failed' : 'none' };
}

/** A server that does not let a chart be searched so has not failed. */
const isFailure = (error: unknown): boolean =>
  error !== null && !(error instanceof FhirRequestError && ABSENT.includes(error.status));

async function unlessAbsent<T>(what: string, ask: () => Promise<T>): Promise<T | undefined> {
  if (absent.has(what)) return undefined;
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof FhirRequestError)) throw error;
    const isUnknown = error.outcome?.issue?.some(
      ({ code }) => code === 'not-found' || code === 'not-supported',
    );
    if (ABSENT.includes(error.status) || isUnknown === true) absent.add(what);
    // Too much to be told at once may be less with another letter.
    else if (error.status !== 422) throw error;
    return undefined;
  }
}

/** A text once it has not changed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
