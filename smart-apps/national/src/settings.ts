import type { AppSettings } from '@vesta/app-kit';

/** `vesta-national`: reads what facilities have submitted; no patient is in context. */
export const settings: AppSettings = {
  name: 'national',
  clientId: 'vesta-national',
  scope: [
    'openid fhirUser online_access',
    'user/MeasureReport.rs user/Measure.rs user/Organization.rs user/Location.rs',
  ].join(' '),
};
