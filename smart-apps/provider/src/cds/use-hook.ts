import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { FhirRequestError, issuerOf, useSession } from '@vesta/app-kit';
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
  isHookIssuer,
} from '../model/cds.ts';

export interface CdsClient {
  /** @returns undefined where the server answers no hooks @throws FhirRequestError */
  ask(hook: Hook, context: HookContext): Promise<HookAnswer | undefined>;
  /** Tells the service of a card what became of it. Nothing waits for it. */
  tell(card: CdsCard, feedback: object): void;
}

const known = new Map<string, Promise<boolean>>();

/** Whether a server is one that answers hooks; another party's may be at a base of the same form, and is not to be asked. */
function answersHooks(base: string): Promise<boolean> {
  const asked = known.get(base);
  if (asked !== undefined) return asked;
  const asking = issuerOf({ base }).then((issuer) => isHookIssuer(base, issuer));
  known.set(base, asking);
  asking.catch(() => known.delete(base));
  return asking;
}

/** Decision support by the server's services (CDS Hooks 2.0), where the server has it. */
export function useCds(): CdsClient {
  const { fhir } = useSession();
  return useMemo<CdsClient>(
    () => ({
      async ask(hook, context) {
        const url = hookUrl(fhir.base, hook);
        if (url === undefined || !(await answersHooks(fhir.base))) return undefined;
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
