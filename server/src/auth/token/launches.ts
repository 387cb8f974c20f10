import type { Tenant } from '../../access/scope.ts';

/** What an EHR has open when it launches an app (SMART App Launch 2.2, section 2.0.10). */
export interface LaunchContext {
  /** Id of the Patient. */
  readonly patient?: string;
  /** Id of the Encounter. */
  readonly encounter?: string;
  readonly needPatientBanner?: boolean;
  readonly intent?: string;
  /** CDS Hooks 2.0, Link: what the card has said that opened the app; in the token response as it is. */
  readonly appContext?: string;
  readonly fhirContext?: readonly Readonly<Record<string, unknown>>[];
  /** Only this account may use the launch; absent when a service made it. */
  readonly accountId?: string;
  /** Only this client may use the launch, when it is known which app is opened. */
  readonly clientId?: string;
}

/** Launches that wait for their app. */
export interface LaunchStore {
  /** @returns the opaque `launch` value, good for ten minutes and one use */
  createLaunch(tenant: Tenant, context: LaunchContext): Promise<string>;
  /** The context of a launch, which ends by this; undefined if it is unknown, used or too old. */
  takeLaunch(tenant: Tenant, launch: string): Promise<LaunchContext | undefined>;
}
