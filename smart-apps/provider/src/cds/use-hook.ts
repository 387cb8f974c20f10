import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { FhirRequestError, useSession } from '@vesta/app-kit';
import { useCallback, useMemo } from 'react';
import {
  answerOf,
  type CdsCard,
  feedbackUrl,
  type Hook,
  type HookAnswer,
  type HookContext,
  type HookResponse,
  hookBody,
  hookUrl,
} from '../model/cds.ts';

export interface CdsClient {
  /** @returns undefined where the server answers no hooks @throws FhirRequestError */
  ask(hook: Hook, context: HookContext): Promise<HookAnswer | undefined>;
  /** Tells the service of a card what became of it. Nothing waits for it. */
  tell(card: CdsCard, feedback: object): void;
}

/** Decision support by the server's services (CDS Hooks 2.0), where the server has it. */
export function useCds(): CdsClient {
  const { fhir } = useSession();
  return useMemo<CdsClient>(
    () => ({
      async ask(hook, context) {
        const url = hookUrl(fhir.base, hook);
        if (url === undefined) return undefined;
        try {
          const body = hookBody(hook, context, crypto.randomUUID());
          return answerOf(await fhir.beside(url).request<HookResponse>('', { method: 'POST', body }));
        } catch (error) {
          if (error instanceof FhirRequestError && [404, 405].includes(error.status)) return undefined;
          throw error;
        }
      },
      tell(card, feedback) {
        const url = feedbackUrl(fhir.base, card);
        if (url === undefined) return;
        // A service that does not take it costs nobody anything.
        void fhir
          .beside(url)
          .request('', { method: 'POST', body: feedback })
          .catch(() => {});
      },
    }),
    [fhir],
  );
}

/** What services say when the chart is opened; null where the server answers no hooks. */
export function usePatientView(
  patientId: string,
  encounterId: string | undefined,
): UseQueryResult<HookAnswer | null, FhirRequestError> {
  const cds = useCds();
  const ask = useCallback(
    async () => (await cds.ask('patient-view', { patientId, encounterId })) ?? null,
    [cds, patientId, encounterId],
  );
  return useQuery<HookAnswer | null, FhirRequestError>({
    queryKey: ['cds', 'patient-view', patientId, encounterId],
    queryFn: ask,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
}
