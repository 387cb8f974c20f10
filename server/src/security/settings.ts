import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { OptionDefinition } from '../config/options.ts';
import { loadMasterKeys, MASTER_KEY_FILE, type MasterKeySource } from './keys/master-key.ts';
import { trustedProxies } from './limits/client-address.ts';
import type { RateLimits } from './limits/limiter.ts';

/** What the configuration says of protection. */
export interface SecuritySettings {
  readonly masterKey: string | undefined;
  readonly masterKeyFile: string | undefined;
  readonly tlsCertificate: string | undefined;
  readonly tlsKey: string | undefined;
  readonly hstsSeconds: number;
  readonly trustedProxies: string;
  readonly rateAddress: number;
  readonly rateClient: number;
  readonly rateUser: number;
  readonly rateTenant: number;
  readonly rateAuth: number;
}

const perMinute: OptionDefinition['type'] = { kind: 'integer', min: 0, max: 10_000_000 };

/** The options for TLS, in the form of config/options.ts. */
export const TLS_OPTIONS = [
  {
    key: 'tlsCertificate',
    name: 'VESTA_TLS_CERT',
    type: { kind: 'path' },
    fallbackText: 'none',
    description: 'certificate chain in PEM: the server speaks HTTPS; a new one is used without a restart',
  },
  {
    key: 'tlsKey',
    name: 'VESTA_TLS_KEY',
    type: { kind: 'path' },
    fallbackText: 'none',
    description: 'private key of VESTA_TLS_CERT, in PEM',
  },
  {
    key: 'hstsSeconds',
    name: 'VESTA_HSTS_SECONDS',
    type: { kind: 'integer', min: 0, max: 63_072_000 },
    fallback: 31_536_000,
    description:
      'how long browsers keep to HTTPS (Strict-Transport-Security, with subdomains); 0 for not at all',
  },
] as const satisfies readonly OptionDefinition[];

/**
 * The options for limits on requests, in the form of config/options.ts.
 *
 * By default nothing limits an address at the FHIR API: a hospital, a proxy or a load test is one address. A client or
 * user may take about what one process can answer, so that only a loop gone wrong meets the limit; tokens name them, so
 * open mode has no limit unless one is set. Where secrets are guessed (`rateAuth`), failures are what is dear.
 */
export const LIMIT_OPTIONS = [
  {
    key: 'trustedProxies',
    name: 'VESTA_TRUSTED_PROXIES',
    type: { kind: 'text' },
    fallback: 'loopback',
    description:
      'proxies whose X-Forwarded-For and X-Forwarded-Proto count: addresses and ranges, `loopback`, `private` or `none`, separated by commas',
  },
  {
    key: 'rateAddress',
    name: 'VESTA_RATE_ADDRESS',
    type: perMinute,
    fallback: 0,
    fallbackText: 'no limit',
    description: 'requests a minute of a network address, in each server process; 0 for no limit',
  },
  {
    key: 'rateClient',
    name: 'VESTA_RATE_CLIENT',
    type: perMinute,
    fallback: 300_000,
    description: 'requests a minute of a client (app or service); as VESTA_RATE_ADDRESS',
  },
  {
    key: 'rateUser',
    name: 'VESTA_RATE_USER',
    type: perMinute,
    fallback: 300_000,
    description: 'requests a minute of a user; as VESTA_RATE_ADDRESS',
  },
  {
    key: 'rateTenant',
    name: 'VESTA_RATE_TENANT',
    type: perMinute,
    fallback: 0,
    fallbackText: 'no limit',
    description: 'requests a minute of a tenant; as VESTA_RATE_ADDRESS',
  },
  {
    key: 'rateAuth',
    name: 'VESTA_RATE_AUTH',
    type: perMinute,
    fallback: 1200,
    description:
      'requests a minute of a network address to the endpoints of authorization (login, token and so on), of which a failed try counts as ten; as VESTA_RATE_ADDRESS',
  },
] as const satisfies readonly OptionDefinition[];

/** Share of a minute's requests that may be made at once. */
const BURST = 0.25;

/** The limits that the settings say. 0 stands for none. */
export function rateLimitsOf(
  settings: Pick<SecuritySettings, 'rateAddress' | 'rateClient' | 'rateUser' | 'rateTenant' | 'rateAuth'>,
): RateLimits {
  const limit = <N extends string>(name: N, rate: number) =>
    rate === 0 ? {} : { [name]: { perMinute: rate, burst: Math.max(1, Math.ceil(rate * BURST)) } };
  return {
    fhir: {
      ...limit('address', settings.rateAddress),
      ...limit('client', settings.rateClient),
      ...limit('user', settings.rateUser),
      ...limit('tenant', settings.rateTenant),
    },
    auth: limit('address', settings.rateAuth),
  };
}

/** The proxies that the settings name; `none` for none. @throws RangeError naming what is no address */
export const trustedProxiesOf = (settings: Pick<SecuritySettings, 'trustedProxies'>) =>
  trustedProxies(settings.trustedProxies === 'none' ? '' : settings.trustedProxies);

/**
 * The master keys of an installation, made in the data directory when there are none and the database is embedded.
 * @throws MasterKeyError
 */
export function masterKeysOf(
  config: Partial<Pick<SecuritySettings, 'masterKey' | 'masterKeyFile'>> & {
    readonly dataDirectory: string;
    readonly databaseUrl: string | undefined;
  },
): MasterKeySource {
  return loadMasterKeys({
    masterKey: config.masterKey,
    masterKeyFile: config.masterKeyFile,
    dataDirectory: config.databaseUrl === undefined ? config.dataDirectory : undefined,
  });
}

/**
 * The master keys of an installation that has some; undefined where none are configured and none were made.
 * @throws MasterKeyError for keys that are configured and wrong
 */
export function existingMasterKeysOf(
  config: Partial<Pick<SecuritySettings, 'masterKey' | 'masterKeyFile'>> & {
    readonly dataDirectory: string;
    readonly databaseUrl?: string | undefined;
  },
): MasterKeySource | undefined {
  const { masterKey, masterKeyFile, dataDirectory, databaseUrl } = config;
  const made = databaseUrl === undefined && existsSync(join(dataDirectory, MASTER_KEY_FILE));
  if (masterKey === undefined && masterKeyFile === undefined && !made) return undefined;
  return masterKeysOf({ masterKey, masterKeyFile, dataDirectory, databaseUrl });
}
