import type { Coding, MedicationRequest } from './fhir.ts';

/** What the order form holds. */
export interface OrderForm {
  readonly medicine: string;
  /** What was chosen of the offered ones, if it was. */
  readonly coding?: Coding | undefined;
  readonly dosage: string;
}

/** Which parts of the form are missing. */
export function orderProblems({ medicine, dosage }: OrderForm): readonly ('medicine' | 'dosage')[] {
  return [
    ...(medicine.trim() === '' ? (['medicine'] as const) : []),
    ...(dosage.trim() === '' ? (['dosage'] as const) : []),
  ];
}

/** The order as a draft (R4 medicationrequest.html), to be created: guidance names it by the id that the server gives. */
export function draftOrder(
  form: OrderForm,
  patientId: string,
  encounterId: string | undefined,
  requester: string | undefined,
): MedicationRequest {
  return {
    resourceType: 'MedicationRequest',
    status: 'draft',
    intent: 'order',
    medicationCodeableConcept: {
      ...(form.coding === undefined ? {} : { coding: [form.coding] }),
      text: form.medicine.trim(),
    },
    subject: { reference: `Patient/${patientId}` },
    ...(encounterId === undefined ? {} : { encounter: { reference: `Encounter/${encounterId}` } }),
    ...(requester === undefined ? {} : { requester: { reference: requester } }),
    dosageInstruction: [{ text: form.dosage.trim() }],
  };
}

/** The order as it is signed. */
export const signed = (draft: MedicationRequest, now: Date): MedicationRequest => ({
  ...draft,
  status: 'active',
  authoredOn: now.toISOString(),
});
