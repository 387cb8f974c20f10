import { json, searchset, startOtherServer } from '../cds-support.ts';
import type { Json } from '../harness.ts';

/** An EHR of another vendor with a SMART server that has next to nothing: a patient, and orders that are written to it. */
export interface OtherEhr {
  /** On another site than the tests' server: a frame of it may store nothing in Playwright's Chromium. */
  readonly url: string;
  /** The same by a name of the site of the tests' server. */
  readonly sameSite: string;
  /** What was written as MedicationRequest, in this order. */
  readonly orders: Json[];
  /** The form by which the app asked for its token. */
  tokenRequest(): Record<string, string>;
  stop(): Promise<void>;
}

const PETRA = { resourceType: 'Patient', id: 'petra', name: [{ given: ['Petra'], family: 'Foreign' }] };

/**
 * Starts one on an origin of its own. Its page `/ehr` shows the app in a frame, launched for the patient; with `?iss=` for
 * another server.
 * @param app address of the app, without a slash at the end
 */
export async function startOtherEhr(app: string): Promise<OtherEhr> {
  const orders: Json[] = [];
  let form = '';
  const server = await startOtherServer(({ method, path, body, text }, response) => {
    const url = new URL(path, server.url);
    const query = url.searchParams;
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Allow-Headers', '*');
    response.setHeader('Access-Control-Allow-Methods', '*');
    if (method === 'OPTIONS') return void response.writeHead(204).end();
    const resource = /^\/r4\/(\w+)/.exec(url.pathname)?.[1];
    switch (true) {
      case url.pathname === '/ehr': {
        const launch = new URLSearchParams({ iss: query.get('iss') ?? `${server.url}/r4`, launch: 'xyz' });
        const page = `<!doctype html><title>EHR</title><iframe width="1000" height="900" src="${app}/launch.html?${launch}"></iframe>`;
        return void response.writeHead(200, { 'Content-Type': 'text/html' }).end(page);
      }
      case url.pathname === '/r4/.well-known/smart-configuration':
        return json(response, {
          authorization_endpoint: `${server.url}/authorize`,
          token_endpoint: `${server.url}/token`,
          capabilities: ['launch-ehr', 'client-public', 'context-ehr-patient'],
          code_challenge_methods_supported: ['S256'],
        });
      case url.pathname === '/authorize': {
        if (query.get('launch') !== 'xyz') return json(response, {}, 400);
        const back = new URL(query.get('redirect_uri') as string);
        back.searchParams.set('code', 'one-time');
        back.searchParams.set('state', query.get('state') as string);
        return void response.writeHead(302, { Location: back.href }).end();
      }
      case url.pathname === '/token':
        form = text;
        return json(response, {
          access_token: 'secret',
          token_type: 'Bearer',
          expires_in: 3600,
          scope: 'launch user/*.cruds',
          patient: 'petra',
        });
      case resource === 'Patient' && url.pathname.endsWith('/petra'):
        return json(response, PETRA);
      case resource === 'MedicationRequest' && method !== 'GET':
        orders.push(body);
        return json(response, { ...body, id: 'order-1' }, method === 'POST' ? 201 : 200);
      case resource === 'ValueSet' || resource === 'Medication':
        return json(response, { resourceType: 'OperationOutcome', issue: [] }, 404);
      default:
        return json(response, resource === undefined ? {} : searchset(), resource === undefined ? 404 : 200);
    }
  });
  return {
    url: server.url,
    sameSite: server.url.replace('127.0.0.1', 'localhost'),
    orders,
    tokenRequest: () => Object.fromEntries(new URLSearchParams(form)),
    stop: () => server.stop(),
  };
}
