import { randomUUID } from 'node:crypto';
import { bundleResources, contextText } from '../hooks/context.ts';
import type { CdsCard, CdsRequest, CdsServiceDescription } from '../hooks/types.ts';
import { overrideReasons } from '../override-reasons.ts';
import { codingsOf, textOf } from '../services/codeable.ts';

/** What a provider of the demo offers: a reminder of the yearly vaccination against influenza. */
export const INFLUENZA: CdsServiceDescription & { readonly hook: 'patient-view' } = {
  id: 'influenza-vaccination',
  hook: 'patient-view',
  title: 'Influenza vaccination',
  description: 'Says when the record has no vaccination against influenza of the last twelve months.',
  prefetch: {
    patient: 'Patient/{{context.patientId}}',
    immunizations: 'Immunization?patient={{context.patientId}}&status=completed',
  },
};

/** Vaccines against seasonal influenza (CVX, group FLU). */
const VACCINES = new Set(
  [15, 16, 88, 111, 135, 140, 141, 144, 149, 150, 151, 153, 155, 158, 161, 166, 168, 171, 185, 186, 197]
    .concat([200, 201, 202, 205, 320, 333])
    .map((code) => `http://hl7.org/fhir/sid/cvx|${code}`),
);
const MONTH = 30.4 * 86_400_000;

/**
 * The reminder of ACIP's recommendation: everybody of six months and older is vaccinated each season.
 * @returns no card without the data, for the dead and the youngest, and where there was a vaccination
 */
export function influenzaCards({ context, prefetch }: CdsRequest, now: Date): CdsCard[] {
  const patient = prefetch?.['patient'];
  const given = prefetch?.['immunizations'];
  if (patient === undefined || patient === null || given === undefined) return [];
  if (patient['deceasedBoolean'] === true || patient['deceasedDateTime'] !== undefined) return [];
  const born = Date.parse(textOf(patient, 'birthDate') ?? '');
  if (!(now.getTime() - born >= 6 * MONTH)) return [];
  const isRecent = bundleResources(given ?? undefined).some(
    (one) =>
      codingsOf(one['vaccineCode']).some((coding) => VACCINES.has(coding)) &&
      now.getTime() - Date.parse(textOf(one, 'occurrenceDateTime') ?? '') < 12 * MONTH,
  );
  if (isRecent) return [];
  return [
    {
      uuid: randomUUID(),
      summary: 'No vaccination against influenza in the last twelve months',
      detail: 'ACIP recommends one in each season to everybody of **six months and older** without a contraindication.',
      indicator: 'info',
      source: {
        label: 'Demo provider: CDC, ACIP recommendations on influenza vaccines',
        url: 'https://www.cdc.gov/acip-recs/hcp/vaccine-specific/flu.html',
      },
      suggestions: [
        {
          label: 'Propose the vaccination',
          uuid: randomUUID(),
          actions: [
            {
              type: 'create',
              description: 'Proposes a vaccination against influenza',
              resource: {
                resourceType: 'ServiceRequest',
                status: 'active',
                intent: 'proposal',
                code: {
                  coding: [
                    {
                      system: 'http://snomed.info/sct',
                      code: '86198006',
                      display: 'Administration of vaccine product containing only Influenza virus antigen',
                    },
                  ],
                  text: 'Influenza vaccination',
                },
                subject: { reference: `Patient/${contextText(context, 'patientId')}` },
              },
            },
          ],
        },
      ],
      selectionBehavior: 'at-most-one',
      overrideReasons: overrideReasons('declined', 'given-elsewhere'),
    },
  ];
}
