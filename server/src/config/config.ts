import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type TwilioOptions, twilioAccountOf } from '../communication/twilio/account.ts';
import { frameAncestorsOf } from '../security/frame-ancestors.ts';
import { trustedProxiesOf } from '../security/settings.ts';
import { allowed, OPTIONS, type OptionDefinition } from './options.ts';

/** How a server runs. Sizes and times carry their unit in the name. */
export interface Config {
  readonly port: number;
  readonly host: string;
  /** Where clients reach the server: no path of its own, no slash at the end. `/fhir/{tenant}` follows. */
  readonly baseUrl: string;
  /** Undefined: the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly auth: 'open' | 'smart';
  /** 32 bytes in hexadecimal or base64; undefined: see auth/keys/master-key.ts. */
  readonly masterKey: string | undefined;
  /** Absolute. */
  readonly masterKeyFile: string | undefined;
  readonly registrationToken: string | undefined;
  /** Who bears it may read /metrics. */
  readonly metricsToken: string | undefined;
  /** Absolute; both or neither of the two. */
  readonly tlsCertificate: string | undefined;
  readonly tlsKey: string | undefined;
  readonly hstsSeconds: number;
  /** See security/frame-ancestors.ts. */
  readonly appFrameAncestors: string;
  readonly trustedProxies: string;
  /** Requests a minute in each server process; 0 for no limit. */
  readonly rateAddress: number;
  readonly rateClient: number;
  readonly rateUser: number;
  readonly rateTenant: number;
  readonly rateAuth: number;
  readonly smtpUrl: string | undefined;
  readonly mailFrom: string;
  /** Account and token both or neither, with one of the senders at least. */
  readonly twilioAccountSid: string | undefined;
  readonly twilioAuthToken: string | undefined;
  readonly twilioSmsFrom: string | undefined;
  readonly twilioWhatsAppFrom: string | undefined;
  readonly twilioWhatsAppContentSid: string | undefined;
  readonly twilioUrl: string;
  /** Both or neither of URL and model. */
  readonly modelUrl: string | undefined;
  readonly modelKey: string | undefined;
  readonly model: string | undefined;
  readonly modelTokensPerDay: number;
  readonly demo: boolean;
  readonly workers: number;
  readonly logLevel: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
  readonly references: 'strict' | 'lenient';
  /** What VESTA_PACKAGES says; undefined: no packages. */
  readonly packages: string | undefined;
  /** What VESTA_PACKAGE_REGISTRY says; undefined: packages are never fetched. */
  readonly packageRegistry: string | undefined;
  readonly maxBodyMb: number;
  readonly maxPage: number;
  readonly defaultPage: number;
  readonly statementTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly searchCostLimit: number;
  readonly poolSize: number;
}

/** Thrown for a wrong or unknown option; the message names it, its value and what is allowed. */
export class ConfigError extends Error {}

/** The repository's root: where `vesta.config.json` and the default data directory lie. */
export const ROOT = resolve(import.meta.dirname, '..', '..', '..');

/** Variables that begin with VESTA_ and are no options: the server sets or reads them itself. */
const INTERNAL = /^VESTA_(WORKER_|TEST_|TOKEN$)/;

/**
 * The configuration from the environment and a file; the environment wins. An empty variable counts as absent.
 * Relative paths in the environment count from the working directory, those of the file and the defaults from the file.
 *
 * @param env as process.env
 * @param file path of vesta.config.json: a JSON object of option names and strings or numbers; may be absent
 * @throws ConfigError for the first wrong or unknown option
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  file: string = join(ROOT, 'vesta.config.json'),
): Config {
  const fromFile = readConfigFile(file);
  const known = new Set<string>(OPTIONS.map(({ name }) => name));
  for (const name of Object.keys(fromFile)) {
    if (!known.has(name)) throw new ConfigError(unknown(name, `in ${file}`));
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith('VESTA_') && !known.has(name) && !INTERNAL.test(name)) {
      throw new ConfigError(unknown(name, 'in the environment'));
    }
  }
  const values: Record<string, string | number | undefined> = {};
  for (const option of OPTIONS as readonly OptionDefinition[]) {
    const given = env[option.name];
    const [raw, base, where] =
      given !== undefined && given !== ''
        ? [given, process.cwd(), '']
        : [fromFile[option.name] ?? option.fallback, dirname(file), ` (in ${file})`];
    values[option.key] = raw === undefined ? undefined : parse(option, raw, base, where);
  }
  if (Number(values['defaultPage']) > Number(values['maxPage'])) {
    throw new ConfigError(
      `VESTA_DEFAULT_PAGE: ${values['defaultPage']} is more than VESTA_MAX_PAGE allows (${values['maxPage']})`,
    );
  }
  const byTls = values['tlsCertificate'] !== undefined;
  if (byTls !== (values['tlsKey'] !== undefined)) {
    throw new ConfigError('VESTA_TLS_CERT and VESTA_TLS_KEY belong together: one of them is missing');
  }
  if ((values['modelUrl'] === undefined) !== (values['model'] === undefined)) {
    throw new ConfigError('VESTA_MODEL_URL and VESTA_MODEL belong together: one of them is missing');
  }
  try {
    twilioAccountOf(values as unknown as TwilioOptions);
  } catch (error) {
    throw new ConfigError(`VESTA_TWILIO_*: ${(error as Error).message}`);
  }
  const baseUrl = values['baseUrl'] === undefined ? undefined : String(values['baseUrl']).replace(/\/+$/, '');
  if (byTls && baseUrl?.startsWith('http:')) {
    throw new ConfigError(
      `BASE_URL: "${baseUrl}" must begin with https://, because VESTA_TLS_CERT makes the server speak HTTPS`,
    );
  }
  try {
    trustedProxiesOf({ trustedProxies: values['trustedProxies'] as string });
  } catch (error) {
    throw new ConfigError(`VESTA_TRUSTED_PROXIES: ${(error as Error).message}`);
  }
  try {
    frameAncestorsOf(values['appFrameAncestors'] as string);
  } catch (error) {
    throw new ConfigError(`VESTA_APP_FRAME_ANCESTORS: ${(error as Error).message}`);
  }
  return {
    ...(values as unknown as Config),
    baseUrl: baseUrl ?? `${byTls ? 'https' : 'http'}://localhost:${values['port']}`,
    databaseUrl: values['databaseUrl'] as string | undefined,
    demo: values['demo'] === 'on',
  };
}

function readConfigFile(file: string): Record<string, string | number> {
  if (!existsSync(file)) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${file} is not JSON: ${(error as Error).message}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new ConfigError(`${file} must hold one JSON object, e.g. {"PORT": 9090}`);
  }
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw new ConfigError(`${name}: ${JSON.stringify(value)} (in ${file}) is neither a text nor a number`);
    }
  }
  return parsed as Record<string, string | number>;
}

function parse(option: OptionDefinition, raw: string | number, base: string, where: string): string | number {
  const { name, type } = option;
  const text = String(raw).trim();
  // A connection string holds a password, and messages end up in logs.
  const shown = name === 'DATABASE_URL' ? 'its value' : JSON.stringify(raw);
  const wrong = () =>
    new ConfigError(`${name}: ${shown}${where} is not allowed; it must be ${allowed(type)}`);
  if (text === '') throw wrong();
  switch (type.kind) {
    case 'text':
      return text;
    case 'path':
      return resolve(base, text);
    case 'choice':
      if (!type.values.includes(text)) throw wrong();
      return text;
    case 'integer': {
      const number = Number(text);
      if (!/^\d+$/.test(text) || number < type.min || number > type.max) throw wrong();
      return number;
    }
    case 'url':
      if (!URL.canParse(text) || !type.protocols.includes(new URL(text).protocol)) {
        // libpq allows an empty host: postgresql:///name
        if (!type.protocols.some((protocol) => text.startsWith(`${protocol}///`))) throw wrong();
      }
      if (name === 'BASE_URL' && /[?#]/.test(text)) throw wrong();
      return text;
  }
}

function unknown(name: string, where: string): string {
  const near = (OPTIONS as readonly OptionDefinition[])
    .map((option) => ({ name: option.name, distance: distance(option.name, name) }))
    .sort((a, b) => a.distance - b.distance)[0]!;
  const hint = near.distance <= 4 ? ` Did you mean ${near.name}?` : '';
  return `${name} (${where}) is no option of Vesta.${hint} \`vesta serve --help\` lists them.`;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
