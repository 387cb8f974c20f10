import type { SigningAlgorithm } from './keys/rotation.ts';

/** How the authorization server of an installation behaves; the same for all tenants. */
export interface AuthSettings {
  /** Public base of the server without trailing slash, e.g. `https://fhir.example.org`. */
  readonly baseUrl: string;
  /** Life of users' access tokens in seconds: 300 to 3600. */
  readonly accessTokenSeconds: number;
  /** Life of backend services' access tokens in seconds; SMART App Launch recommends 300. */
  readonly systemTokenSeconds: number;
  /** Life of refresh tokens of `online_access` in seconds, from the authorization on. */
  readonly onlineSeconds: number;
  /** Life of refresh tokens of `offline_access` in seconds, from their last use on. */
  readonly offlineSeconds: number;
  readonly accessTokenAlgorithm: SigningAlgorithm;
  /** Age in seconds at which a signing key is replaced. */
  readonly keyRotationSeconds: number;
  /** Whether JWKS may be fetched by http and from private addresses: for tests and development. */
  readonly allowPrivateAddresses: boolean;
  /** Initial access token of dynamic registration (RFC 7591); without it there is none. */
  readonly registrationToken?: string;
}

const DAY = 86_400;

export const DEFAULT_SETTINGS: Omit<AuthSettings, 'baseUrl'> = {
  accessTokenSeconds: 900,
  systemTokenSeconds: 300,
  onlineSeconds: 7 * DAY,
  offlineSeconds: 100 * DAY,
  accessTokenAlgorithm: 'ES256',
  keyRotationSeconds: 90 * DAY,
  allowPrivateAddresses: false,
};

/** Longest life of an access token in seconds, whatever the settings say. */
export const LONGEST_ACCESS_TOKEN = 3600;

/** @throws RangeError for lives out of bounds */
export function authSettings(settings: Partial<AuthSettings> & { readonly baseUrl: string }): AuthSettings {
  const all = { ...DEFAULT_SETTINGS, ...settings };
  const within = (name: keyof AuthSettings, least: number, most: number) => {
    const value = all[name] as number;
    if (!(value >= least && value <= most))
      throw new RangeError(`${name}: ${value} is not from ${least} to ${most} seconds`);
  };
  within('accessTokenSeconds', 300, LONGEST_ACCESS_TOKEN);
  within('systemTokenSeconds', 60, LONGEST_ACCESS_TOKEN);
  within('onlineSeconds', 3600, 30 * DAY);
  within('offlineSeconds', 90 * DAY, 730 * DAY);
  within('keyRotationSeconds', DAY, 730 * DAY);
  return all;
}
