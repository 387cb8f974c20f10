import FHIR from 'fhirclient';
import { FhirApi, type TokenSource } from '../fhir/api.ts';
import { FhirRequestError } from '../fhir/errors.ts';
import { canSignIn } from './browser.ts';
import { type SmartConfiguration, smartConfiguration } from './launch.ts';
import { type AppSettings, issuerKey, ownServer, sessionKey } from './settings.ts';

type Client = Awaited<ReturnType<typeof FHIR.oauth2.ready>>;

/** Somebody who is signed in, or, without a network, whose record was last seen here. */
export interface Session {
  readonly fhir: FhirApi;
  /** Base of the server. */
  readonly base: string;
  /** Reference of who uses the app (`fhirUser`), e.g. `Patient/p1`; undefined when the server does not say. */
  readonly user: string | undefined;
  /** Name of the account, if the server says it. */
  readonly userName: string | undefined;
  /** Id of the patient in context. */
  readonly patient: string | undefined;
  /** Id of the encounter in context. */
  readonly encounter: string | undefined;
  /** Scopes that were granted. */
  readonly scopes: string;
  /** Whether the app has to show whose record it is itself. */
  readonly needPatientBanner: boolean;
  /** Other context that the EHR gave: `intent`, `fhirContext` and so on. */
  readonly context: Readonly<Record<string, unknown>>;
  /** False when only what was last seen is there. */
  readonly isLive: boolean;
  /** The value of `Authorization`, for what of this server's is not FHIR; no other server may be sent it. */
  readonly authorization: () => Promise<string | undefined>;
}

/** What is needed to show again what was last seen. */
export type SessionFacts = Pick<Session, 'base' | 'user' | 'userName' | 'patient' | 'encounter' | 'scopes'>;

/**
 * Takes up the session of this browser tab: the answer of the server that the page's address carries, or the one that was
 * there before the page was loaded again.
 * @returns undefined when nobody is signed in
 * @throws Error when the server has refused
 */
export async function resumeSession(settings: AppSettings): Promise<Session | undefined> {
  if (!canSignIn()) return undefined;
  const query = new URLSearchParams(location.search);
  const state = query.get('state');
  const answered = state !== null && (query.has('code') || query.has('error'));
  const stateKey = answered ? state : sessionStorage.getItem(sessionKey(settings));
  if (stateKey === null) return undefined;
  if (answered) checkIssuer(state, query.get('iss'));
  try {
    const client = await FHIR.oauth2.ready({ stateKey });
    sessionStorage.setItem(sessionKey(settings), stateKey);
    return sessionOf(client);
  } catch (error) {
    const query = queryOf(settings, storedAt(stateKey));
    endHere(settings);
    history.replaceState(null, '', location.pathname + query);
    throw error;
  }
}

/** The answer must come from the server that was asked (RFC 9207, 2.4): a code of one must not go to another. */
function checkIssuer(state: string, iss: string | null): void {
  const expected = sessionStorage.getItem(issuerKey(state));
  sessionStorage.removeItem(issuerKey(state));
  if (iss !== null && expected !== null && iss !== expected)
    throw new Error('The answer comes from another server than the one that was asked');
}

function sessionOf(client: Client): Session {
  const { serverUrl, scope = '', tokenResponse = {} } = client.state;
  const { patient, encounter, scope: granted, need_patient_banner, ...context } = tokenResponse;
  for (const secret of ['access_token', 'refresh_token', 'id_token']) delete context[secret];
  const profile = client.getIdToken();
  const name = (profile as { name?: unknown } | null)?.name;
  const tokens = tokensOf(client);
  return {
    fhir: new FhirApi(serverUrl, tokens),
    authorization: () => tokens.authorization(),
    base: serverUrl,
    user: referenceOf(client.getFhirUser()),
    userName: typeof name === 'string' ? name : undefined,
    patient: patient ?? undefined,
    encounter: encounter ?? undefined,
    scopes: granted ?? scope,
    needPatientBanner: (need_patient_banner as unknown) !== false,
    context,
    isLive: true,
  };
}

/** A session that reads nothing new: for what was last seen. */
export function offlineSession(facts: SessionFacts): Session {
  const unreachable = () => Promise.reject(new FhirRequestError(0, undefined, 'offline'));
  return {
    ...facts,
    fhir: new FhirApi(facts.base, { authorization: unreachable, renew: async () => false }),
    authorization: unreachable,
    needPatientBanner: true,
    context: {},
    isLive: false,
  };
}

function tokensOf(client: Client): TokenSource {
  return {
    async authorization() {
      await client.refreshIfNeeded().catch(() => {});
      return client.getAuthorizationHeader() ?? undefined;
    },
    async renew() {
      if (!client.getState('tokenResponse.refresh_token')) return false;
      try {
        await client.refresh();
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** `fhirUser` is absolute in the id token; in a record it is relative. */
function referenceOf(fhirUser: string | null): string | undefined {
  return fhirUser?.split('/').slice(-2).join('/');
}

/** The page of the server where a person sees which apps have access, if it has one (SMART App Launch 2.2). */
export async function managementPage({ base }: Pick<Session, 'base'>): Promise<string | undefined> {
  return (await smartConfiguration(base)).management_endpoint;
}

/** Who gives tokens for a server, as it says itself. @throws Error when it cannot be reached */
export async function issuerOf({ base }: Pick<Session, 'base'>): Promise<string | undefined> {
  return (await smartConfiguration(base)).issuer;
}

/** What a page's address has to say for signing in to be at the session's server again; empty for the app's own server. */
export function sameServer(settings: AppSettings, { base }: Pick<Session, 'base'>): string {
  return queryOf(settings, { ...storedOf(settings), serverUrl: base });
}

/** What fhirclient keeps of a session, or of one that is being made. */
interface StoredState {
  readonly serverUrl?: string;
  readonly clientId?: string;
  readonly tokenResponse?: { readonly refresh_token?: string; readonly access_token?: string };
}

function storedAt(key: string | null): StoredState | undefined {
  const stored = key === null ? null : sessionStorage.getItem(key);
  return stored === null ? undefined : (JSON.parse(stored) as StoredState);
}

const storedOf = (settings: AppSettings): StoredState | undefined =>
  storedAt(sessionStorage.getItem(sessionKey(settings)));

function queryOf(settings: AppSettings, { serverUrl, clientId }: StoredState = {}): string {
  const query = new URLSearchParams();
  if (serverUrl !== undefined && serverUrl !== ownServer()) query.set('iss', serverUrl);
  if (clientId !== undefined && clientId !== settings.clientId) query.set('clientId', clientId);
  return query.size === 0 ? '' : `?${query}`;
}

/**
 * Signs out: the tokens are given back to the server (RFC 7009), as far as it can be reached, and forgotten here.
 * Where the person is still signed in at the server itself, that is left to the server's own page.
 */
export async function endSession(settings: AppSettings, session: Session): Promise<void> {
  const stored = storedOf(settings);
  endHere(settings);
  if (stored === undefined) return;
  try {
    const { clientId, tokenResponse } = stored;
    const { revocation_endpoint: url }: SmartConfiguration = await smartConfiguration(session.base);
    const token = tokenResponse?.refresh_token ?? tokenResponse?.access_token;
    if (url === undefined || token === undefined) return;
    await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ token, client_id: clientId ?? settings.clientId }),
      credentials: 'omit',
      keepalive: true,
    });
  } catch {
    // Forgotten here all the same; the token ends by itself.
  }
}

function endHere(settings: AppSettings): void {
  const key = sessionStorage.getItem(sessionKey(settings));
  if (key !== null) sessionStorage.removeItem(key);
  sessionStorage.removeItem(sessionKey(settings));
}
