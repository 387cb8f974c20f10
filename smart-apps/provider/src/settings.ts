import type { AppSettings } from '@vesta/app-kit';

/** `vesta-provider`: works with what the user's role allows. */
export const settings: AppSettings = {
  name: 'provider',
  clientId: 'vesta-provider',
  scope: 'openid fhirUser online_access user/*.cruds',
};
