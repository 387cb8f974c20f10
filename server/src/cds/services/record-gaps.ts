import { randomUUID } from 'node:crypto';
import { bundleResources } from '../hooks/context.ts';
import { plain } from '../hooks/text.ts';
import type { CdsCard, Indicator } from '../hooks/types.ts';
import type { CdsService } from '../service/service.ts';
import { allergyName, isInForce, NO_KNOWN_ALLERGY_AT_ALL, saysNone } from './allergies.ts';
import { hasCode } from './codeable.ts';

const SOURCE = {
  label: 'Vesta: gaps in the record (HL7 FHIR R4, AllergyIntolerance)',
  url: 'http://hl7.org/fhir/R4/allergyintolerance.html',
};

/** Tells what a record lacks that safety rests on: a statement about allergies, and who the patient is. */
export const recordGaps: CdsService = {
  id: 'record-gaps',
  hook: 'patient-view',
  title: 'Gaps in the record',
  description:
    'Says where the record is silent or contradicts itself about allergies, and where the date of birth or the administrative gender is missing.',
  prefetch: {
    patient: 'Patient/{{context.patientId}}',
    allergies: 'AllergyIntolerance?patient={{context.patientId}}',
  },
  timeout: 2000,
  run: async (_request, { prefetch }) => {
    const inForce = bundleResources(prefetch['allergies']).filter(
      (one) => one.resourceType === 'AllergyIntolerance' && isInForce(one),
    );
    const listed = inForce.filter((one) => !saysNone(one));
    const cards: CdsCard[] = [];
    if (inForce.length === 0) {
      // R4 allergyintolerance.html: that nothing is recorded does not say that there is nothing.
      cards.push(
        card(
          'warning',
          'No allergies are recorded, nor that there are none',
          'The record does not say whether the patient has allergies. Ask, and record them, or that none are known.',
        ),
      );
    } else if (listed.length > 0 && inForce.some(({ code }) => hasCode(code, [NO_KNOWN_ALLERGY_AT_ALL]))) {
      cards.push(
        card(
          'warning',
          'The record says that no allergies are known, and lists some',
          `It lists ${listed.map((one) => plain(allergyName(one))).join(', ')}. One of the statements is out of date.`,
        ),
      );
    }
    const patient = prefetch['patient'];
    const missing = [
      ...(patient?.['birthDate'] === undefined ? ['date of birth'] : []),
      ...(patient?.['gender'] === undefined ? ['administrative gender'] : []),
    ];
    if (patient !== null && patient !== undefined && missing.length > 0) {
      cards.push(
        card(
          'info',
          `Missing from the record: ${missing.join(' and ')}`,
          'Doses, reference ranges and other guidance depend on it.',
        ),
      );
    }
    return { cards };
  },
};

const card = (indicator: Indicator, summary: string, detail: string): CdsCard => ({
  uuid: randomUUID(),
  summary,
  detail,
  indicator,
  source: SOURCE,
});
