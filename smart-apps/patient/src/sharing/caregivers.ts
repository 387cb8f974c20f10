import type { Consent, RelatedPerson } from '@vesta/app-kit';

const SCOPES = 'http://terminology.hl7.org/CodeSystem/consentscope';
const ACT_CODES = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const ROLES = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';

/** References of those to whom a consent, in any of its provisions, permits something. */
export function permitted({ provision }: Consent): string[] {
  if (provision === undefined) return [];
  const own =
    provision.type === 'deny'
      ? []
      : (provision.actor ?? []).flatMap(({ reference }) => reference.reference ?? []);
  const inner = (provision.provision ?? []).flatMap((one) =>
    one === undefined ? [] : permitted({ provision: one } as Consent),
  );
  return [...own, ...inner];
}

/** The consents in force by which a caregiver has access. */
export function consentsFor(person: RelatedPerson, consents: readonly Consent[]): Consent[] {
  const reference = `RelatedPerson/${person.id}`;
  return consents.filter((one) => one.status === 'active' && permitted(one).includes(reference));
}

/**
 * A patient's consent that a caregiver sees the record and acts for the patient (R4 consent.html: what is not permitted
 * to others stays as it was, since the base is opt-in and the exception names the person).
 */
export function consentTo(person: RelatedPerson, patient: string, performer: string): Consent {
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: SCOPES, code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: patient },
    dateTime: new Date().toISOString(),
    performer: [{ reference: performer }],
    policyRule: { coding: [{ system: ACT_CODES, code: 'OPTIN' }] },
    provision: {
      provision: [
        {
          type: 'permit',
          actor: [
            {
              role: { coding: [{ system: ROLES, code: 'PRCP' }] },
              reference: { reference: `RelatedPerson/${person.id}` },
            },
          ],
        },
      ],
    },
  };
}
