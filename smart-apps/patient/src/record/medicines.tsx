import {
  Badge,
  type Bundle,
  Card,
  type CodeableConcept,
  conceptsText,
  conceptText,
  dateText,
  dosageText,
  Facts,
  Loaded,
  type MedicationRequest,
  type Reference,
  type Resource,
  referenceText,
  resourcesOf,
  useLanguage,
  useOwnText,
  useSearchAll,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { usePatientReference } from '../patient-of.ts';
import { useText } from '../text.ts';
import { NowAndEarlier, stateOf } from './parts.tsx';

interface Medication extends Resource {
  resourceType: 'Medication';
  code?: CodeableConcept;
}

export function useMedicines() {
  return useSearchAll<MedicationRequest>('MedicationRequest', {
    patient: usePatientReference(),
    _include: 'MedicationRequest:medication',
  });
}

export const isTaken = ({ status }: MedicationRequest): boolean =>
  status === 'active' || status === 'on-hold';

/** Prescriptions with the latest first; without those that were made by mistake or are no more than a proposal. */
export function medicinesOf(bundle: Bundle): MedicationRequest[] {
  return resourcesOf<MedicationRequest>(bundle, 'MedicationRequest')
    .filter(
      ({ status, intent }) => status !== 'entered-in-error' && status !== 'draft' && intent !== 'proposal',
    )
    .toSorted((a, b) => (b.authoredOn ?? '').localeCompare(a.authoredOn ?? ''));
}

/** The medicine's name: as it is coded, or as the Medication that is referred to says it. */
export function medicineName(request: MedicationRequest, bundle: Bundle): string | undefined {
  const { medicationCodeableConcept: concept, medicationReference: reference } = request;
  return (
    conceptText(concept) ??
    referenceText(reference) ??
    conceptText(medicationOf(reference, request, bundle)?.code)
  );
}

function medicationOf(
  reference: Reference | undefined,
  request: MedicationRequest,
  bundle: Bundle,
): Medication | undefined {
  const id = reference?.reference;
  if (id === undefined) return undefined;
  if (id.startsWith('#'))
    return request.contained?.find((one) => `#${one.id}` === id) as Medication | undefined;
  return resourcesOf<Medication>(bundle, 'Medication').find((one) => id.endsWith(`Medication/${one.id}`));
}

export function Medicines(): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  return (
    <Loaded query={useMedicines()}>
      {(bundle) => (
        <NowAndEarlier entries={medicinesOf(bundle)} isNow={isTaken} empty={say('noMedicines')}>
          {(request) => {
            const state = stateOf(request.status);
            const prescriber = referenceText(request.requester);
            const reason = conceptsText(request.reasonCode);
            return (
              <Card
                key={request.id}
                title={medicineName(request, bundle) ?? own('unknown')}
                aside={
                  state === undefined ? undefined : (
                    <Badge tone={isTaken(request) ? 'info' : 'plain'}>{say(state)}</Badge>
                  )
                }
              >
                <Facts facts={[[say('howToTake'), dosageText(request.dosageInstruction, language)]]} />
                <p>
                  {[
                    prescriber === undefined ? undefined : say('prescribedBy', { name: prescriber }),
                    reason === undefined ? undefined : say('prescribedFor', { reason }),
                    dateText(request.authoredOn, language, false) || undefined,
                  ]
                    .filter((one) => one !== undefined)
                    .join(' · ')}
                </p>
              </Card>
            );
          }}
        </NowAndEarlier>
      )}
    </Loaded>
  );
}
