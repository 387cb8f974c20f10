import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileTransport, smtpTransport } from '../auth/mail/transports.ts';
import { twilioAccountOf } from '../communication/twilio/account.ts';
import { checkOpenBinding } from '../config/open-binding.ts';
import { type WorkerSettings, workerSettings } from '../config/worker-settings.ts';
import { frameAncestorsOf } from '../security/frame-ancestors.ts';
import type { MasterKeySource } from '../security/keys/master-key.ts';
import { existingMasterKeysOf, masterKeysOf, rateLimitsOf, trustedProxiesOf } from '../security/settings.ts';
import { tlsFiles } from '../security/tls/tls-options.ts';
import { spoolDirectoryOf } from './audit-service.ts';
import type { AuthOptions } from './auth-service.ts';
import type { CommunicationSettings } from './communication-service.ts';
import { startService } from './service.ts';

const VERSION = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** Greatest share of a page that included resources may take, per match; see R4 search.html#revinclude. */
const MAX_INCLUDES = 5000;
const MAX_ENTRIES = 50_000;
const MAX_CONDITIONAL_DELETE = 1000;
/** Bodies that one process works on at once: about ten times as much memory is in use meanwhile. */
const BODY_BUDGET = 40_000_000;

/**
 * Starts this process as a server process of `vesta serve` and tells the primary `ready`; SIGTERM ends it gracefully.
 * @throws Error when the port or the database cannot be had
 */
export async function startWorker(): Promise<void> {
  const { servingUrl, config } = workerSettings();
  checkOpenBinding(config);
  // The file's setting counts like the environment's, which is where packages are looked up.
  if (config.packages !== undefined) process.env['VESTA_PACKAGES'] = config.packages;
  if (config.packageRegistry !== undefined) process.env['VESTA_PACKAGE_REGISTRY'] = config.packageRegistry;
  const tls = tlsFiles(config);
  const service = await startService({
    port: config.port,
    host: config.host,
    baseUrl: config.baseUrl,
    servingUrl,
    fhir: {
      references: config.references,
      defaultPage: config.defaultPage,
      maxPage: config.maxPage,
      maxIncludes: MAX_INCLUDES,
      maxBundleEntries: MAX_ENTRIES,
      maxConditionalDelete: MAX_CONDITIONAL_DELETE,
      searchCostLimit: config.searchCostLimit,
      softwareVersion: VERSION,
    },
    maxBodyBytes: config.maxBodyMb * 1024 * 1024,
    bodyBudgetBytes: BODY_BUDGET,
    poolSize: config.poolSize,
    statementTimeout: config.statementTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    logLevel: config.logLevel,
    protection: {
      ...(tls === undefined ? {} : { tls }),
      hstsSeconds: config.hstsSeconds,
      appFrameAncestors: frameAncestorsOf(config.appFrameAncestors),
      proxies: trustedProxiesOf(config),
      rates: rateLimitsOf(config),
    },
    metricsToken: config.metricsToken,
    communication: communicationSettings(config),
    ...(config.modelUrl === undefined || config.model === undefined
      ? {}
      : {
          model: {
            url: config.modelUrl,
            key: config.modelKey,
            model: config.model,
            tokensPerDay: config.modelTokensPerDay,
          },
        }),
    ...(config.auth === 'open' ? openKeys(config) : { auth: authOptions(config) }),
  });
  let stopping = false;
  process.on('SIGTERM', () => {
    if (stopping) return;
    stopping = true;
    service.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
  process.on('uncaughtException', (error) => fatal(service.log, error));
  process.on('unhandledRejection', (error) => fatal(service.log, error));
  process.send?.('ready');
}

/** By what messages leave: what the configuration names, else nothing. */
function communicationSettings(config: WorkerSettings['config']): Partial<CommunicationSettings> {
  const { smtpUrl, mailFrom, twilioUrl } = config;
  const twilio = twilioAccountOf(config);
  return {
    twilioUrl: twilioUrl.replace(/\/+$/, ''),
    ...(twilio === undefined ? {} : { twilio }),
    ...(smtpUrl === undefined
      ? {}
      : { mail: { transport: smtpTransport(smtpUrl, mailFrom), from: mailFrom } }),
  };
}

/** Without authorization identifiers are encrypted where there is a master key already. */
function openKeys(config: WorkerSettings['config']): { masterKeys?: MasterKeySource } {
  const masterKeys = existingMasterKeysOf(config);
  return masterKeys === undefined ? {} : { masterKeys };
}

function authOptions(config: WorkerSettings['config']): AuthOptions {
  const { registrationToken } = config;
  return {
    // The primary has made it, or refused to start.
    masterKeys: masterKeysOf({ ...config, databaseUrl: undefined }),
    mail:
      config.smtpUrl === undefined
        ? fileTransport(join(config.dataDirectory, 'mail'))
        : smtpTransport(config.smtpUrl, config.mailFrom),
    audit: { spoolDirectory: spoolDirectoryOf(config.dataDirectory) },
    ...(registrationToken === undefined ? {} : { settings: { registrationToken } }),
  };
}

/** A state that nobody has foreseen: the primary starts another process in place of this one. */
function fatal(log: { fatal(fields: object, message: string): void }, error: unknown): void {
  const { name, stack } = (error ?? {}) as { name?: string; stack?: string };
  // The message may quote data; the stack's frames do not.
  const frames = stack
    ?.split('\n')
    .filter((line) => line.trimStart().startsWith('at '))
    .join('\n');
  log.fatal({ error: { type: name, stack: frames } }, 'uncaught');
  process.exit(1);
}
