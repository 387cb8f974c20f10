import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

/** What fhirclient's `authorize` is told; https://docs.smarthealthit.org/client-js/api.html */
export interface AppConfiguration {
  readonly clientId: string;
  readonly scope: string;
  /** FHIR base; an EHR launch brings its own. */
  readonly iss?: string;
  readonly clientSecret?: string;
  readonly clientPrivateJwk?: object;
}

/** SMART apps made of nothing but fhirclient's browser build, on an origin and site of their own. */
export interface TestApps {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  /** A redirect URI at which nothing happens. */
  readonly landing: string;
  /** Adds an app at `{origin}/{name}/`: its launch page begins an authorization, its index takes the answer. */
  add(name: string, configuration: AppConfiguration): { redirectUri: string; launchUri: string };
  close(): Promise<void>;
}

const LIBRARY = createRequire(import.meta.url).resolve('fhirclient/build/fhir-client.js');

/**
 * The pages keep fhirclient's client in `window.smart`; the title says `ready` or what went wrong. The launch page asks
 * as soon as it is open, with the parameters `iss` and `launch` of an EHR, if there are any.
 */
export async function startTestApps(): Promise<TestApps> {
  const library = readFileSync(LIBRARY);
  const apps = new Map<string, AppConfiguration>();
  const server = createServer((request, response) => {
    const [, name = '', file = ''] = new URL(request.url ?? '/', 'http://host').pathname.split('/');
    const configuration = apps.get(name);
    if (name === 'landing') {
      response.setHeader('Content-Type', 'text/html').end(LANDING);
    } else if (file === 'fhir-client.js') {
      response.setHeader('Content-Type', 'text/javascript').end(library);
    } else if (configuration === undefined || (file !== '' && file !== 'launch')) {
      response.writeHead(404).end();
    } else {
      response.setHeader('Content-Type', 'text/html').end(file === '' ? INDEX : launchPage(configuration));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    landing: `${origin}/landing/`,
    add(name, configuration) {
      apps.set(name, configuration);
      return { redirectUri: `${origin}/${name}/`, launchUri: `${origin}/${name}/launch` };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const page = (
  script: string,
) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>waiting</title>
<script src="fhir-client.js"></script></head><body><h1>App</h1><script>${script}</script></body></html>`;

const FAILED = `(error) => { document.title = 'failed: ' + error.message; }`;

const INDEX = page(
  `FHIR.oauth2.ready().then((client) => { window.smart = client; document.title = 'ready'; }).catch(${FAILED});`,
);

const launchPage = (configuration: AppConfiguration) =>
  page(
    `FHIR.oauth2.authorize(${JSON.stringify({ ...configuration, redirectUri: './', pkceMode: 'required' })}).catch(${FAILED});`,
  );

const LANDING = '<!doctype html><html lang="en"><title>The app</title><h1>The app</h1></html>';
