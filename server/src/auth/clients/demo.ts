import type { GrantType, NewClient, PublicJwk } from './client.ts';

/** Where the demo apps may run: the ports and pages that development servers commonly have. */
const PORTS = [3000, 4200, 5173, 8000, 9000];
const PAGES = ['', 'index.html', 'callback', 'redirect'];
const REDIRECTS = PORTS.flatMap((port) => PAGES.map((page) => `http://localhost:${port}/${page}`));

const APP_SCOPES =
  'launch launch/patient launch/encounter openid fhirUser profile offline_access online_access patient/*.cruds user/*.cruds';
const APP_GRANTS: readonly GrantType[] = ['authorization_code', 'refresh_token'];

/** Ids of the clients that the demo tenant is given. */
export const DEMO_CLIENTS = ['demo-app', 'demo-ehr-app', 'demo-service'] as const;

/** The apps of smart-apps/ that sign people in, with what they ask for (their src/settings.ts). */
const APPS = {
  'vesta-patient': {
    name: 'My health',
    scopes: 'launch launch/patient openid fhirUser profile offline_access patient/*.cruds user/*.cruds',
    trusted: false,
  },
  'vesta-provider': {
    name: 'Vesta for clinicians',
    scopes:
      'launch launch/patient launch/encounter openid fhirUser profile online_access offline_access user/*.cruds',
    trusted: true,
  },
  'vesta-national': {
    name: 'Vesta national health',
    scopes: 'launch openid fhirUser profile online_access offline_access user/*.cruds',
    trusted: true,
  },
  'vesta-ehr': {
    name: 'Demo EHR',
    scopes: 'openid fhirUser profile online_access user/*.rs',
    trusted: false,
  },
} as const;

/** Client ids of the apps of smart-apps/; the folder is what comes after `vesta-`. */
export const APP_CLIENTS = Object.keys(APPS) as (keyof typeof APPS)[];

/**
 * An app of smart-apps/ as a client of a tenant whose server serves it, below `/apps`.
 * @param baseUrl of the server, without trailing slash
 */
export function appClient(id: keyof typeof APPS, baseUrl: string): NewClient {
  const home = `${baseUrl}/apps/${id.slice('vesta-'.length)}/`;
  return {
    id,
    ...APPS[id],
    kind: 'public',
    redirectUris: [home],
    // The EHR opens others; nobody opens it for a patient.
    ...(id === 'vesta-ehr' ? {} : { launchUri: `${home}launch.html` }),
    clientUri: home,
    grantTypes: APP_GRANTS,
  };
}

/**
 * An app, an app that an EHR launches, and a backend service for the demo tenant (SMART App Launch 2.2: public, confidential
 * symmetric and confidential asymmetric), for apps on this machine.
 * @param secret of the one that has a secret
 * @param key of the service
 */
export function demoClient(id: (typeof DEMO_CLIENTS)[number], secret: string, key: PublicJwk): NewClient {
  switch (id) {
    case 'demo-app':
      return {
        id,
        name: 'Demo app',
        kind: 'public',
        redirectUris: REDIRECTS,
        launchUri: 'http://localhost:3000/launch.html',
        scopes: APP_SCOPES,
        grantTypes: APP_GRANTS,
      };
    case 'demo-ehr-app':
      return {
        id,
        name: 'Demo app of the EHR',
        kind: 'confidential-symmetric',
        secret,
        redirectUris: REDIRECTS,
        launchUri: 'http://localhost:3000/launch',
        scopes: APP_SCOPES,
        grantTypes: APP_GRANTS,
      };
    case 'demo-service':
      return {
        id,
        name: 'Demo service',
        kind: 'confidential-asymmetric',
        redirectUris: [],
        scopes: 'system/*.rs',
        grantTypes: ['client_credentials'],
        jwks: { keys: [key] },
      };
  }
}
