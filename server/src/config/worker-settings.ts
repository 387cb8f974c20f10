import type { Config } from './config.ts';

/** What a server process is told by the primary: everything it needs, and nothing of the owner's. */
export interface WorkerSettings {
  /** Connection string of the serving role. */
  readonly servingUrl: string;
  readonly config: Omit<Config, 'databaseUrl'>;
}

const VARIABLE = 'VESTA_WORKER_SETTINGS';

/** The environment variables that hand the settings to a server process. */
export function workerEnvironment(servingUrl: string, config: Config): Record<string, string | undefined> {
  const { databaseUrl: _, ...rest } = config;
  const settings: WorkerSettings = { servingUrl, config: rest };
  return { [VARIABLE]: JSON.stringify(settings), DATABASE_URL: undefined };
}

/**
 * The settings of this server process.
 * @throws Error when the process was not started by `vesta serve`
 */
export function workerSettings(
  env: Readonly<Record<string, string | undefined>> = process.env,
): WorkerSettings {
  const text = env[VARIABLE];
  if (text === undefined) throw new Error('Server processes are started by `vesta serve`');
  return JSON.parse(text) as WorkerSettings;
}
