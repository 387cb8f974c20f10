import type { AppSettings } from '@vesta/app-kit';

/** `vesta-ehr`: finds patients and their visits for whoever signs in, and opens apps for them. */
export const settings: AppSettings = {
  name: 'ehr',
  clientId: 'vesta-ehr',
  scope: 'openid fhirUser profile online_access user/*.rs',
};
