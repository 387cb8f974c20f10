import { type DocumentReference, resourcesOf, useRefresh, useSearch, useSession } from '@vesta/app-kit';
import { useEffect, useRef } from 'react';
import type { Task } from '../model/fhir.ts';

/**
 * Documents that came with an emergency are kept before it is known whose they are; they get their patient and visit as
 * soon as admission has found out.
 * @param workflow id of the RequestGroup
 * @param admitted the Task of admission when it is completed. It says whose it is in the same version: the RequestGroup, which
 *   is read by itself, may be older and still be about the Patient that was given up
 */
export function useDocuments(workflow: string, admitted: Task | undefined): void {
  const { fhir } = useSession();
  const refresh = useRefresh();
  const written = useRef(new Set<string>());
  const { for: subject, encounter } = admitted ?? {};
  const isKnown = subject !== undefined;
  const found = useSearch<DocumentReference>(
    'DocumentReference',
    { related: `RequestGroup/${workflow}`, _count: 50 },
    { enabled: isKnown },
  );
  useEffect(() => {
    if (!isKnown) return;
    for (const one of resourcesOf<DocumentReference>(found.data)) {
      if (one.subject !== undefined || written.current.has(String(one.id))) continue;
      written.current.add(String(one.id));
      const context = { ...one.context, ...(encounter === undefined ? {} : { encounter: [encounter] }) };
      // Who may not do it leaves it to the next one who looks.
      void fhir.update({ ...one, subject, context }).then(
        () => refresh('DocumentReference'),
        () => {},
      );
    }
  }, [isKnown, found.data, subject, encounter, fhir, refresh]);
}
