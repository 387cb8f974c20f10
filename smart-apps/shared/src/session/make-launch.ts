import { smartConfiguration } from './launch.ts';
import type { Session } from './session.ts';

/** What an app is told when it is opened. */
export interface LaunchContext {
  /** Client id of the app; only it may use the launch then. */
  readonly client?: string | undefined;
  readonly patient?: string | undefined;
  readonly encounter?: string | undefined;
  /** Of a link of CDS Hooks: handed to the app as it is. */
  readonly appContext?: string | undefined;
}

export interface Launch {
  readonly iss: string;
  readonly launch: string;
  /** Address to open, where the server knows the app's. */
  readonly launchUrl: string | undefined;
}

/**
 * Has the server make a launch for an app (its endpoint `{issuer}/launch`: docs/security.md), for the one who is signed in.
 * @throws Error in the server's words
 */
export async function makeLaunch(
  { base, authorization }: Pick<Session, 'base' | 'authorization'>,
  { client, patient, encounter, appContext }: LaunchContext,
): Promise<Launch> {
  const { issuer } = await smartConfiguration(base);
  if (issuer === undefined) throw new Error(new URL(base).host);
  const answer = await fetch(`${issuer}/launch`, {
    method: 'POST',
    credentials: 'omit',
    headers: { 'Content-Type': 'application/json', Authorization: (await authorization()) ?? '' },
    body: JSON.stringify({ client_id: client, patient, encounter, appContext, need_patient_banner: true }),
  });
  const body = (await answer.json()) as Record<string, string | undefined>;
  const { launch, iss, launch_url: launchUrl, error, error_description: description } = body;
  if (!answer.ok || launch === undefined || iss === undefined)
    throw new Error(description ?? error ?? `HTTP ${answer.status}`);
  return { launch, iss, launchUrl };
}

/**
 * The address by which a card's link of type smart is opened: its own with `iss` and `launch` (CDS Hooks 2.0, Link; SMART
 * App Launch 2.2, EHR launch).
 */
export function launchAddress(url: string, { iss, launch }: Pick<Launch, 'iss' | 'launch'>): string {
  const address = new URL(url);
  address.searchParams.set('iss', iss);
  address.searchParams.set('launch', launch);
  return address.href;
}
