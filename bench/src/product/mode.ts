import type { AccessToken } from '@vesta/server/src/auth/token/access-token.ts';
import { startChild } from '../child-process.ts';
import { cpuSeconds, processTree } from './processes.ts';

/** Everybody may do everything; access tokens and the audit log; access tokens with the log's calls taken out. */
export type Mode = 'open' | 'smart' | 'unaudited';

/** Claims of a token that is wanted. */
export type TokenFields = Pick<AccessToken, 'scopes'> &
  Partial<Pick<AccessToken, 'role' | 'fhirUser' | 'patient'>>;

export interface ModeSettings {
  readonly mode: Mode;
  readonly servingUrl: string;
  /** 32 bytes. */
  readonly masterKey: Uint8Array;
  readonly tenant: string;
  readonly tokens: readonly TokenFields[];
  readonly spoolDirectory: string;
}

export type ModeAnswer =
  | { readonly port: number; readonly tokens: readonly string[] }
  | { readonly error: string };

/** A running server process in a mode. */
export interface ModeServer {
  readonly host: string;
  readonly port: number;
  /** In the order of the settings; none in open mode. */
  readonly tokens: readonly string[];
  /** Processor seconds that it has used so far. */
  cpu(): number;
  stop(): Promise<void>;
}

/** Starts one server process in a mode of authorization. @throws Error with what went wrong there */
export async function startMode(settings: ModeSettings): Promise<ModeServer> {
  const child = startChild(new URL('./mode-child.ts', import.meta.url));
  const answer = await new Promise<ModeAnswer>((resolve, reject) => {
    child.once('message', (message) => resolve(message as ModeAnswer));
    child.once('exit', (code) => reject(new Error(`the server in mode ${settings.mode} ended with ${code}`)));
    child.send(settings);
  });
  if ('error' in answer) {
    await child.finish();
    throw new Error(answer.error);
  }
  return {
    host: '127.0.0.1',
    ...answer,
    cpu: () => cpuSeconds(processTree(child.pid as number)),
    stop: () => child.finish(),
  };
}
