import { availableParallelism } from 'node:os';
import { LIMIT_OPTIONS, TLS_OPTIONS } from '../security/settings.ts';

/** What kind of text an option takes, for messages, `--help` and the README. */
export type OptionType =
  | { readonly kind: 'text' }
  | { readonly kind: 'path' }
  | { readonly kind: 'url'; readonly protocols: readonly string[] }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly values: readonly string[] };

export interface OptionDefinition {
  /** Key of {@link Config}. */
  readonly key: string;
  /** Name of the environment variable, and of the key in vesta.config.json. */
  readonly name: string;
  readonly type: OptionType;
  /** Undefined: there is none, the option may be absent. */
  readonly fallback?: string | number;
  /** How `--help` and the README write the default, if it depends on the machine or on other options. */
  readonly fallbackText?: string;
  readonly description: string;
}

const integer = (min: number, max: number): OptionType => ({ kind: 'integer', min, max });
const choice = (...values: string[]): OptionType => ({ kind: 'choice', values });

/** Every option there is: validation, `--help`, the README's table and the refusal of unknown names follow from it. */
export const OPTIONS = [
  {
    key: 'port',
    name: 'PORT',
    type: integer(1, 65535),
    fallback: 8080,
    description: 'TCP port of the server',
  },
  {
    key: 'host',
    name: 'HOST',
    type: { kind: 'text' },
    fallback: '127.0.0.1',
    description: 'address it listens on; `0.0.0.0` for all',
  },
  {
    key: 'baseUrl',
    name: 'BASE_URL',
    type: { kind: 'url', protocols: ['http:', 'https:'] },
    fallbackText: '`http://localhost:PORT`, with a certificate `https://localhost:PORT`',
    description: 'where clients reach it, without `/fhir`, when it stands behind a proxy',
  },
  {
    key: 'databaseUrl',
    name: 'DATABASE_URL',
    type: { kind: 'url', protocols: ['postgres:', 'postgresql:'] },
    fallbackText: 'the embedded PostgreSQL',
    description: 'an external PostgreSQL 15 or later: connection string of the owner of an empty database',
  },
  {
    key: 'dataDirectory',
    name: 'VESTA_DATA_DIR',
    type: { kind: 'path' },
    fallback: './data',
    description: 'the embedded database, its secrets and its log',
  },
  {
    key: 'auth',
    name: 'VESTA_AUTH',
    type: choice('open', 'smart'),
    fallback: 'smart',
    description:
      'who may do what: `smart` asks for SMART on FHIR access tokens; `open`, for benchmarks, lets everybody do everything and takes a loopback HOST',
  },
  {
    key: 'masterKey',
    name: 'VESTA_MASTER_KEY',
    type: { kind: 'text' },
    fallbackText: 'none',
    description:
      'the key that secrets in the database are sealed with, 32 bytes in hexadecimal or base64; needed with DATABASE_URL',
  },
  {
    key: 'masterKeyFile',
    name: 'VESTA_MASTER_KEY_FILE',
    type: { kind: 'path' },
    fallbackText: '`master.key` in the data directory, with the embedded database',
    description: 'a file with the master key',
  },
  {
    key: 'registrationToken',
    name: 'VESTA_REGISTRATION_TOKEN',
    type: { kind: 'text' },
    fallbackText: 'none: nobody may',
    description: 'the initial access token with which apps may register themselves (RFC 7591)',
  },
  {
    key: 'metricsToken',
    name: 'VESTA_METRICS_TOKEN',
    type: { kind: 'text' },
    fallbackText: 'none: they are for this machine, unless BASE_URL is a public name',
    description: 'bearer token with which monitoring reads /metrics',
  },
  ...TLS_OPTIONS,
  {
    key: 'appFrameAncestors',
    name: 'VESTA_APP_FRAME_ANCESTORS',
    type: { kind: 'text' },
    fallback: 'none',
    description:
      'whose pages may show the apps below `/apps` in a frame, as EHRs do that launch apps inside their own window: origins such as `https://ehr.example.org` or `https://*.example.org`, `self` or `none`, separated by commas; login and consent are never framed',
  },
  ...LIMIT_OPTIONS,
  {
    key: 'smtpUrl',
    name: 'VESTA_SMTP_URL',
    type: { kind: 'url', protocols: ['smtp:', 'smtps:'] },
    fallbackText: 'none: mail is written to files in the data directory',
    description: 'mail server for invitations and password resets, with user and password',
  },
  {
    key: 'mailFrom',
    name: 'VESTA_MAIL_FROM',
    type: { kind: 'text' },
    fallback: 'Vesta <no-reply@localhost>',
    description: 'sender of mail',
  },
  {
    key: 'twilioAccountSid',
    name: 'VESTA_TWILIO_ACCOUNT_SID',
    type: { kind: 'text' },
    fallbackText: 'none: messages by SMS and WhatsApp are not sent',
    description: 'account at Twilio of tenants that have none of their own (`vesta communication twilio`)',
  },
  {
    key: 'twilioAuthToken',
    name: 'VESTA_TWILIO_AUTH_TOKEN',
    type: { kind: 'text' },
    fallbackText: 'none; needed with VESTA_TWILIO_ACCOUNT_SID',
    description: 'its auth token, which also signs what Twilio tells this server',
  },
  {
    key: 'twilioSmsFrom',
    name: 'VESTA_TWILIO_SMS_FROM',
    type: { kind: 'text' },
    fallbackText: 'none: no SMS',
    description: 'sender of SMS: a number like `+15551234567`, or a messaging service `MG...`',
  },
  {
    key: 'twilioWhatsAppFrom',
    name: 'VESTA_TWILIO_WHATSAPP_FROM',
    type: { kind: 'text' },
    fallbackText: 'none: no WhatsApp messages',
    description: 'sender of WhatsApp messages: a number like `+15551234567`',
  },
  {
    key: 'twilioWhatsAppContentSid',
    name: 'VESTA_TWILIO_WHATSAPP_CONTENT_SID',
    type: { kind: 'text' },
    fallbackText:
      'none: they are sent as they are, which WhatsApp takes only from those who are in a conversation',
    description: 'template `HX...` that WhatsApp messages are sent by, with the text as its variable 1',
  },
  {
    key: 'twilioUrl',
    name: 'VESTA_TWILIO_URL',
    type: { kind: 'url', protocols: ['http:', 'https:'] },
    fallback: 'https://api.twilio.com',
    description: "base URL of Twilio's API, for its other regions",
  },
  {
    key: 'modelUrl',
    name: 'VESTA_MODEL_URL',
    type: { kind: 'url', protocols: ['http:', 'https:'] },
    fallbackText: 'none: agents go by their rules alone',
    description:
      'base URL of an OpenAI-compatible API of a language model, such as `https://host/v1`; names, identifiers and contacts are taken out of what is sent',
  },
  {
    key: 'modelKey',
    name: 'VESTA_MODEL_KEY',
    type: { kind: 'text' },
    fallbackText: 'none',
    description: 'key of that API',
  },
  {
    key: 'model',
    name: 'VESTA_MODEL',
    type: { kind: 'text' },
    fallbackText: 'none; needed with VESTA_MODEL_URL',
    description: 'name of the language model',
  },
  {
    key: 'modelTokensPerDay',
    name: 'VESTA_MODEL_TOKENS_PER_DAY',
    type: integer(0, 2_000_000_000),
    fallback: 1_000_000,
    description:
      'tokens of the language model that a tenant may use in a day (UTC), where its setting `agents.tokensPerDay` says nothing',
  },
  {
    key: 'demo',
    name: 'VESTA_DEMO',
    type: choice('on', 'off'),
    fallback: 'on',
    description: 'tenant `demo` with its patients is made when absent',
  },
  {
    key: 'workers',
    name: 'VESTA_WORKERS',
    type: integer(1, 256),
    fallback: availableParallelism(),
    fallbackText: 'one per core',
    description: 'server processes',
  },
  {
    key: 'logLevel',
    name: 'VESTA_LOG_LEVEL',
    type: choice('silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'),
    fallback: 'warn',
    description: 'least severity of the JSON log lines on standard output',
  },
  {
    key: 'references',
    name: 'VESTA_REFERENCES',
    type: choice('strict', 'lenient'),
    fallback: 'strict',
    description:
      'whether a reference to what is not there, and the deletion of what is referred to, is refused',
  },
  {
    key: 'packages',
    name: 'VESTA_PACKAGES',
    type: { kind: 'text' },
    fallbackText: 'none',
    description:
      'where FHIR packages are found by `name#version`, and those that `vesta validate` uses: files (.tgz) and folders, separated as in PATH',
  },
  {
    key: 'packageRegistry',
    name: 'VESTA_PACKAGE_REGISTRY',
    type: { kind: 'text' },
    fallbackText: 'none',
    description:
      'where packages are fetched from that are on no disk: base URLs of FHIR package registries, separated by commas',
  },
  {
    key: 'maxBodyMb',
    name: 'VESTA_MAX_BODY_MB',
    type: integer(1, 400),
    fallback: 256,
    description: 'largest request body, in MB after decompression',
  },
  {
    key: 'maxPage',
    name: 'VESTA_MAX_PAGE',
    type: integer(1, 10_000),
    fallback: 1000,
    description: 'most resources on a page, whatever `_count` asks',
  },
  {
    key: 'defaultPage',
    name: 'VESTA_DEFAULT_PAGE',
    type: integer(1, 10_000),
    fallback: 20,
    description: 'resources on a page without `_count`',
  },
  {
    key: 'statementTimeoutMs',
    name: 'VESTA_STATEMENT_TIMEOUT_MS',
    type: integer(100, 3_600_000),
    fallback: 30_000,
    description: 'longest SQL statement, in milliseconds',
  },
  {
    key: 'requestTimeoutMs',
    name: 'VESTA_REQUEST_TIMEOUT_MS',
    type: integer(1000, 3_600_000),
    fallback: 120_000,
    description: 'longest time for a client to send its request, in milliseconds',
  },
  {
    key: 'searchCostLimit',
    name: 'VESTA_SEARCH_COST_LIMIT',
    type: integer(1, 2_000_000_000),
    fallback: 5_000_000,
    description: "most a search may cost by PostgreSQL's estimate before it is refused",
  },
  {
    key: 'poolSize',
    name: 'VESTA_POOL_SIZE',
    type: integer(3, 200),
    fallback: 16,
    description: 'database connections of each server process',
  },
] as const satisfies readonly OptionDefinition[];

/** What an option allows, in words: `a whole number from 1 to 65535`. */
export function allowed(type: OptionType): string {
  switch (type.kind) {
    case 'text':
      return 'text';
    case 'path':
      return 'a path';
    case 'url':
      return `a URL beginning with ${type.protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
    case 'integer':
      return `a whole number from ${type.min} to ${type.max}`;
    case 'choice':
      return type.values.join(', ').replace(/, ([^,]*)$/, ' or $1');
  }
}

/** The default as help and README show it. */
export function fallbackText(option: OptionDefinition): string {
  return option.fallbackText ?? `\`${option.fallback}\``;
}

/** The README's configuration table, in Markdown, without a line end after the last row. */
export function optionsTable(): string {
  const rows = OPTIONS.map(
    (option: OptionDefinition) =>
      `| \`${option.name}\` | ${fallbackText(option)} | ${allowed(option.type)} | ${option.description} |`,
  );
  return ['| Name | Default | Allowed | What it sets |', '|---|---|---|---|', ...rows].join('\n');
}

/** The options for `--help`, one or two lines each. */
export function optionsHelp(): string {
  return OPTIONS.map((option: OptionDefinition) => {
    const plain = (text: string) => text.replaceAll('`', '');
    return `  ${option.name.padEnd(28)}${plain(option.description)}\n${' '.repeat(30)}${allowed(option.type)}; default: ${plain(fallbackText(option))}`;
  }).join('\n');
}
