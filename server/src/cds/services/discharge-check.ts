import { randomUUID } from 'node:crypto';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { bundleResources, contextText } from '../hooks/context.ts';
import { plain, summary } from '../hooks/text.ts';
import type { CdsCard, CdsRequest, CdsSource, CdsSuggestion, Prefetch } from '../hooks/types.ts';
import type { CdsService } from '../service/service.ts';
import { codingsOf, hasCode, namesOf, textOf } from './codeable.ts';

/** What has to be settled before somebody goes home: appointments, results that are still out, and medicines. */
const SOURCE: CdsSource = {
  label: 'AHRQ: Re-Engineered Discharge (RED) Toolkit, the components of a discharge',
  url: 'https://www.ahrq.gov/patient-safety/settings/hospital/red/toolkit/index.html',
};

/** Dispositions of R4 discharge-disposition after which somebody else cares for the patient, or nobody can. */
const ELSEWHERE = ['exp', 'hosp', 'other-hcf', 'rehab', 'snf', 'long', 'psy'];

/** Tells at discharge what has not been settled: the next appointment, results, medicines of the stay. */
export const dischargeCheck: CdsService = {
  id: 'discharge-check',
  hook: 'encounter-discharge',
  title: 'Before the patient goes home',
  description:
    'Says whether a follow-up appointment is missing, which results of the stay are not final, and which medicines of the stay are still active or are ordered twice.',
  prefetch: {
    encounter: 'Encounter/{{context.encounterId}}',
    appointments: 'Appointment?patient={{context.patientId}}&status=proposed,pending,booked,waitlist',
    reports: 'DiagnosticReport?encounter={{context.encounterId}}&status=registered,partial,preliminary',
    medications: 'MedicationRequest?patient={{context.patientId}}&status=active',
  },
  optional: ['encounter'],
  timeout: 2000,
  run: async (request, { prefetch, now }) => {
    const hospitalization = prefetch['encounter']?.['hospitalization'];
    const disposition = isObject(hospitalization) ? hospitalization['dischargeDisposition'] : undefined;
    if (hasCode(disposition, ['exp'])) return { cards: [] };
    return {
      cards: [
        ...(hasCode(disposition, ELSEWHERE) ? [] : followUpCards(request, prefetch, now())),
        ...reportCards(prefetch),
        ...stayCards(prefetch),
        ...duplicateCards(prefetch),
      ],
    };
  },
};

const of = (prefetch: Prefetch, key: string, type: string): Resource[] =>
  bundleResources(prefetch[key]).filter(({ resourceType }) => resourceType === type);

function followUpCards({ context }: CdsRequest, prefetch: Prefetch, now: Date): CdsCard[] {
  const coming = of(prefetch, 'appointments', 'Appointment').filter((one) => {
    const start = textOf(one, 'start');
    // Without a time it is being looked for one.
    return start === undefined || Date.parse(start) >= now.getTime();
  });
  if (coming.length > 0) return [];
  const patient = { reference: `Patient/${contextText(context, 'patientId')}` };
  return [
    {
      uuid: randomUUID(),
      summary: 'No follow-up appointment is booked or asked for',
      detail: 'The record has no appointment of the patient after now.',
      indicator: 'warning',
      source: SOURCE,
      suggestions: [
        {
          label: 'Ask for a follow-up appointment',
          uuid: randomUUID(),
          isRecommended: true,
          actions: [
            {
              type: 'create',
              description: 'Puts an appointment without a time on the list of those to be booked',
              resource: {
                resourceType: 'Appointment',
                status: 'proposed',
                appointmentType: {
                  coding: [
                    {
                      system: 'http://terminology.hl7.org/CodeSystem/v2-0276',
                      code: 'FOLLOWUP',
                      display: 'A follow up visit from a previous appointment',
                    },
                  ],
                },
                description: 'Follow-up after discharge',
                participant: [{ actor: patient, status: 'needs-action' }],
              },
            },
          ],
        },
      ],
      selectionBehavior: 'at-most-one',
    },
  ];
}

function reportCards(prefetch: Prefetch): CdsCard[] {
  const open = of(prefetch, 'reports', 'DiagnosticReport').filter((one) =>
    ['registered', 'partial', 'preliminary'].includes(textOf(one, 'status') ?? ''),
  );
  if (open.length === 0) return [];
  const names = open.map((one) => namesOf(one['code'])[0] ?? `DiagnosticReport/${textOf(one, 'id')}`);
  return [
    {
      uuid: randomUUID(),
      summary: summary(`Results of the stay are not final: ${names.join(', ')}`),
      detail: [
        ...open.map((one, index) => `- ${plain(names[index] as string)} (${one['status']})`),
        '',
        'Somebody has to be named who looks at them, and the patient told.',
      ].join('\n'),
      indicator: 'warning',
      source: SOURCE,
    },
  ];
}

const medicineOf = (request: Resource): string => {
  const reference = request['medicationReference'];
  return (
    namesOf(request['medicationCodeableConcept'])[0] ??
    (isObject(reference) ? textOf(reference, 'display') : undefined) ??
    `MedicationRequest/${textOf(request, 'id')}`
  );
};

const activeMedicines = (prefetch: Prefetch): Resource[] =>
  of(prefetch, 'medications', 'MedicationRequest').filter(
    (one) => one['status'] === 'active' && one['doNotPerform'] !== true,
  );

/** Orders for the stay that nobody has ended: each is to be stopped, or ordered for home. */
function stayCards(prefetch: Prefetch): CdsCard[] {
  const ofStay = activeMedicines(prefetch).filter(({ category }) =>
    objectsOf(category).some((one) => hasCode(one, ['inpatient'])),
  );
  if (ofStay.length === 0) return [];
  return [
    {
      uuid: randomUUID(),
      summary: summary(`Medicines of the stay are still active: ${ofStay.map(medicineOf).join(', ')}`),
      detail: `${ofStay.map((one) => `- ${plain(medicineOf(one))}`).join('\n')}\n\nStop them, or order for home what goes on.`,
      indicator: 'warning',
      source: SOURCE,
      suggestions: ofStay.map(
        (one): CdsSuggestion => ({
          label: summary(`Stop ${medicineOf(one)}`),
          uuid: randomUUID(),
          actions: [
            {
              type: 'update',
              description: `Sets the order of ${medicineOf(one)} to stopped`,
              resource: { ...one, status: 'stopped' },
            },
          ],
        }),
      ),
      selectionBehavior: 'any',
    },
  ];
}

/** Active orders of the same medicine, by code or, where there is none, by name. */
function duplicateCards(prefetch: Prefetch): CdsCard[] {
  const groups = new Map<string, Resource[]>();
  for (const one of activeMedicines(prefetch)) {
    const reference = one['medicationReference'];
    const key =
      codingsOf(one['medicationCodeableConcept'])[0] ??
      (isObject(reference) ? textOf(reference, 'reference') : undefined) ??
      medicineOf(one).toLowerCase();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  const twice = [...groups.values()].filter(({ length }) => length > 1);
  if (twice.length === 0) return [];
  const names = twice.map((group) => medicineOf(group[0] as Resource));
  return [
    {
      uuid: randomUUID(),
      summary: summary(`Ordered more than once: ${names.join(', ')}`),
      detail: twice
        .map(
          (group, index) =>
            `- ${plain(names[index] as string)}: ${group.map((one) => plain(`MedicationRequest/${textOf(one, 'id')}`)).join(', ')}`,
        )
        .join('\n'),
      indicator: 'warning',
      source: SOURCE,
    },
  ];
}
