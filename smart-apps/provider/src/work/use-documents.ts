import {
  type DocumentReference,
  type Reference,
  resourcesOf,
  useRefresh,
  useSearch,
  useSession,
} from '@vesta/app-kit';
import { useEffect, useRef } from 'react';

interface Group {
  readonly id?: string;
  readonly subject?: Reference;
  readonly encounter?: Reference;
}

/**
 * Documents that came with an emergency are kept before it is known whose they are; they get their patient and visit as
 * soon as admission has found out.
 * @param isAdmitted whether it has
 */
export function useDocuments(group: Group | undefined, isAdmitted: boolean): void {
  const { fhir } = useSession();
  const refresh = useRefresh();
  const written = useRef(new Set<string>());
  const { subject, encounter } = group ?? {};
  const isKnown = isAdmitted && subject !== undefined;
  const found = useSearch<DocumentReference>(
    'DocumentReference',
    { related: `RequestGroup/${group?.id}`, _count: 50 },
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
