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
