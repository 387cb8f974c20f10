import {
  type AllergyIntolerance,
  Badge,
  type Bundle,
  Card,
  conceptsText,
  conceptText,
  dateText,
  Facts,
  Loaded,
  resourcesOf,
  useLanguage,
  useOwnText,
  useSearchAll,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { usePatientReference } from '../patient-of.ts';
import { useText } from '../text.ts';
import { codeOf, isRetracted, isUnconfirmed, NowAndEarlier } from './parts.tsx';

export function useAllergies() {
  return useSearchAll<AllergyIntolerance>('AllergyIntolerance', { patient: usePatientReference() });
}

export const isStillAllergic = ({ clinicalStatus }: AllergyIntolerance): boolean =>
  !['inactive', 'resolved'].includes(codeOf(clinicalStatus) ?? '');

/** Allergies with the dangerous ones first. */
export function allergiesOf(bundle: Bundle): AllergyIntolerance[] {
  const rank = ({ criticality }: AllergyIntolerance) => (criticality === 'high' ? 0 : 1);
  return resourcesOf<AllergyIntolerance>(bundle)
    .filter(({ verificationStatus }) => !isRetracted(verificationStatus))
    .toSorted((a, b) => rank(a) - rank(b));
}

export function Allergies(): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  return (
    <Loaded query={useAllergies()}>
      {(bundle) => (
        <NowAndEarlier entries={allergiesOf(bundle)} isNow={isStillAllergic} empty={say('noAllergies')}>
          {(allergy) => (
            <Card
              key={allergy.id}
              title={conceptText(allergy.code) ?? own('unknown')}
              aside={
                <>
                  {allergy.criticality === 'high' ? <Badge tone="bad">{say('criticalHigh')}</Badge> : null}
                  {allergy.criticality === 'low' ? <Badge>{say('criticalLow')}</Badge> : null}{' '}
                  {isUnconfirmed(allergy.verificationStatus) ? (
                    <Badge tone="warn">{say('stateUnconfirmed')}</Badge>
                  ) : null}
                </>
              }
            >
              <Facts
                facts={[
                  [
                    say('reaction'),
                    (allergy.reaction ?? [])
                      .map(({ manifestation, description }) => conceptsText(manifestation) ?? description)
                      .filter(Boolean)
                      .join(', '),
                  ],
                ]}
              />
              {allergy.onsetDateTime === undefined ? null : (
                <p>{say('since', { date: dateText(allergy.onsetDateTime, language, false) })}</p>
              )}
            </Card>
          )}
        </NowAndEarlier>
      )}
    </Loaded>
  );
}
