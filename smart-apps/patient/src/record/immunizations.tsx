import {
  Badge,
  type Bundle,
  Card,
  CardList,
  conceptText,
  dateText,
  type Immunization,
  Loaded,
  resourcesOf,
  useLanguage,
  useOwnText,
  useSearchAll,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { usePatientReference } from '../patient-of.ts';
import { useText } from '../text.ts';

export function useImmunizations() {
  return useSearchAll<Immunization>('Immunization', { patient: usePatientReference(), _sort: '-date' });
}

export const immunizationsOf = (bundle: Bundle): Immunization[] =>
  resourcesOf<Immunization>(bundle).filter(({ status }) => status !== 'entered-in-error');

export function Immunizations(): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  return (
    <Loaded
      query={useImmunizations()}
      isEmpty={(bundle) => immunizationsOf(bundle).length === 0}
      empty={say('noImmunizations')}
    >
      {(bundle) => (
        <CardList>
          {immunizationsOf(bundle).map(
            ({ id, vaccineCode, status, occurrenceDateTime, occurrenceString }) => (
              <Card
                level={2}
                key={id}
                title={conceptText(vaccineCode) ?? own('unknown')}
                aside={
                  status === 'not-done' ? (
                    <Badge tone="warn">{say('notGiven')}</Badge>
                  ) : (
                    say('given', {
                      date: dateText(occurrenceDateTime, language, false) || (occurrenceString ?? ''),
                    })
                  )
                }
              />
            ),
          )}
        </CardList>
      )}
    </Loaded>
  );
}
