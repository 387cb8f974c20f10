import {
  Card,
  CardList,
  conceptsText,
  type Encounter,
  Loaded,
  periodText,
  referenceText,
  resourcesOf,
  useLanguage,
  useSearchAll,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { usePatientReference } from '../patient-of.ts';
import { type Sentence, useText } from '../text.ts';

/** v3-ActCode, ActEncounterCode. */
const KINDS: Readonly<Record<string, Sentence>> = {
  AMB: 'visitAmb',
  EMER: 'visitEmer',
  IMP: 'visitImp',
  ACUTE: 'visitImp',
  NONAC: 'visitImp',
  OBSENC: 'visitImp',
  SS: 'visitImp',
  VR: 'visitVr',
  HH: 'visitHh',
};

export function PastVisits(): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const query = useSearchAll<Encounter>('Encounter', { patient: usePatientReference(), _sort: '-date' });
  return (
    <Loaded query={query} isEmpty={(bundle) => resourcesOf(bundle).length === 0} empty={say('noEncounters')}>
      {(bundle) => (
        <CardList>
          {resourcesOf<Encounter>(bundle)
            .filter(({ status }) => status !== 'entered-in-error' && status !== 'cancelled')
            .map((encounter) => {
              const reason = conceptsText(encounter.reasonCode);
              const place = [
                referenceText(encounter.serviceProvider),
                ...(encounter.location ?? []).map(({ location }) => referenceText(location)),
              ].filter((one) => one !== undefined);
              const people = (encounter.participant ?? [])
                .map(({ individual }) => referenceText(individual))
                .filter((one) => one !== undefined);
              return (
                <Card
                  level={2}
                  key={encounter.id}
                  title={
                    conceptsText(encounter.type) ?? say(KINDS[encounter.class.code ?? ''] ?? 'visitOther')
                  }
                  aside={periodText(encounter.period, language)}
                >
                  <p>{say(KINDS[encounter.class.code ?? ''] ?? 'visitOther')}</p>
                  {reason === undefined ? null : <p>{say('because', { reason })}</p>}
                  {people.length === 0 ? null : <p>{say('withWhom', { name: people.join(', ') })}</p>}
                  {place[0] === undefined ? null : <p>{say('at', { place: place[0] })}</p>}
                </Card>
              );
            })}
        </CardList>
      )}
    </Loaded>
  );
}
