import FHIR from 'fhirclient';
import { type AppSettings, askedServer, issuerKey, redirectUri, sessionKey } from './settings.ts';

/** What is read of `[base]/.well-known/smart-configuration`. */
export interface SmartConfiguration {
  readonly issuer?: string;
  readonly authorization_response_iss_parameter_supported?: boolean;
  readonly revocation_endpoint?: string;
  readonly management_endpoint?: string;
}

/** @throws Error when the server cannot be reached or has no such document */
export async function smartConfiguration(base: string): Promise<SmartConfiguration> {
  const answer = await fetch(`${base.replace(/\/+$/, '')}/.well-known/smart-configuration`, {
    headers: { Accept: 'application/json' },
    credentials: 'omit',
  });
  if (!answer.ok) throw new Error(`${new URL(base).host}: HTTP ${answer.status}`);
  return (await answer.json()) as SmartConfiguration;
}

/**
 * Begins to sign in (SMART App Launch 2.2): by what an EHR says in the page's address (`iss`, `launch`), or standalone
 * at `?iss=` or at the own server. The browser leaves the page.
 * @throws Error when the server cannot be reached
 */
export async function beginLaunch(settings: AppSettings): Promise<void> {
  const query = new URLSearchParams(location.search);
  const iss = askedServer();
  const launch = query.get('launch') ?? undefined;
  const stateKey = crypto.randomUUID();
  const { issuer } = await smartConfiguration(iss);
  // Only what this app has stored of itself: others of this origin keep their sessions.
  sessionStorage.removeItem('SMART_KEY');
  sessionStorage.removeItem(sessionKey(settings));
  if (issuer !== undefined) sessionStorage.setItem(issuerKey(stateKey), issuer);
  const url = await FHIR.oauth2.authorize({
    iss,
    clientId: query.get('clientId') ?? settings.clientId,
    scope: launch === undefined ? settings.scope : (settings.ehrScope ?? ehrScopeOf(settings.scope)),
    redirectUri: redirectUri(settings),
    stateKey,
    noRedirect: true,
    pkceMode: 'ifSupported',
    completeInTarget: true,
    ...(launch === undefined ? {} : { launch }),
  });
  location.assign(String(url));
}

const ehrScopeOf = (scope: string): string =>
  ['launch', ...scope.split(' ').filter((one) => !one.startsWith('launch'))].join(' ');
