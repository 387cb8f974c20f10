import { answered, given, type OperationText } from '../../fhir/vesta-definitions/parameter.ts';

/** What the OperationDefinition of Encounter/$admit says. */
export const ADMIT_TEXT: OperationText = {
  title: 'Admit a patient',
  description:
    'Finds the Patient of a visit among those who are known, or registers the person: a certain match takes the place of the temporary Patient of the Encounter, a probable one becomes a Task for the front desk.',
  parameters: [
    given('patient', '0..1', 'Patient', 'Demographics as they were given.'),
    given('coverage', '0..1', 'Coverage', 'The insurance as it was given; the beneficiary is set.'),
    given('document', '0..1', 'DocumentReference', 'A scanned card or document; the subject is set.'),
    answered('outcome', '1..1', 'code', '`known`, `matched`, `registered` or `not-identified`.'),
    answered('patient', '0..1', 'Reference', 'The Patient of the visit from now on.'),
    answered('score', '0..1', 'decimal', 'Probability that the match is right.'),
    answered('duplicate', '0..*', 'Reference', 'A Task that asks whether two Patients are one person.'),
    answered('identify', '0..1', 'Reference', 'A Task that asks who it is.'),
    answered('coverage', '0..1', 'Reference', 'The Coverage.'),
    answered('document', '0..1', 'Reference', 'The DocumentReference.'),
  ],
};
