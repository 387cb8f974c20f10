import type { AppSettings } from '@vesta/app-kit';

/** `vesta-patient`: reads the record, keeps visits, messages and consents. */
export const settings: AppSettings = {
  name: 'patient',
  clientId: 'vesta-patient',
  scope: [
    'launch/patient openid fhirUser profile offline_access patient/*.rs',
    'patient/Appointment.cruds patient/Communication.cruds patient/Consent.cruds patient/RelatedPerson.rs',
  ].join(' '),
  offline: true,
};
