import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { scopesAllowedTo } from '../src/access/policies/index.ts';
import type { Tenant } from '../src/access/scope.ts';
import type { Account, NewAccount } from '../src/auth/accounts/account.ts';
import type { AuthEvent } from '../src/auth/accounts/events.ts';
import { hashPassword } from '../src/auth/accounts/password-hash.ts';
import {
  createPeopleServices,
  type PatientChoice,
  type PeopleServices,
} from '../src/auth/accounts/people.ts';
import type { NewClient } from '../src/auth/clients/client.ts';
import type { Letter } from '../src/auth/mail/mailer.ts';
import { pagesRouter } from '../src/auth/manage/router.ts';
import { authRouter } from '../src/auth/router.ts';
import { type AuthServices, createAuthServices } from '../src/auth/services.ts';
import { ConnectionPools } from '../src/storage/connections.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { ensureTenant } from '../src/storage/tenants.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export const PASSWORD = 'Korridor-Zwetschge-7-lila';

export const PATIENTS: readonly PatientChoice[] = [
  { id: 'p1', name: 'Ana Pérez', birthDate: '1970-01-02', gender: 'female', identifier: 'MRN 1' },
  { id: 'p2', name: 'Bilal <Khan>', birthDate: '1980-05-06', gender: 'male' },
  { id: 'p3', name: 'Cleo Miller', birthDate: '2010-03-04' },
];

/** An authorization server with its pages, on a database of its own. */
export interface PagesSetup {
  readonly url: string;
  readonly tenant: Tenant;
  readonly other: Tenant;
  readonly auth: AuthServices;
  readonly people: PeopleServices;
  readonly events: AuthEvent[];
  readonly letters: Letter[];
  readonly errors: unknown[];
  readonly database: TestDatabase;
  account(account: Partial<NewAccount> & { login: string }): Promise<Account>;
  client(client: Partial<NewClient> & { id: string }): Promise<NewClient>;
  browser(): Browser;
  stop(): Promise<void>;
}

export const REDIRECT = 'https://app.example.org/callback?x=1';

export async function startPages(host = '127.0.0.1'): Promise<PagesSetup> {
  const database = await createTestDatabase();
  const [tenant, other] = await withOwner(database.ownerUrl, async (connection) => [
    (await ensureTenant(connection, 'test')).tenant,
    (await ensureTenant(connection, 'other')).tenant,
  ]);
  const tenants = [tenant, other] as [Tenant, Tenant];
  const connections = new ConnectionPools({
    connectionString: database.servingUrl,
    poolSizes: { read: 4, search: 2, write: 4 },
    statementTimeouts: { read: 30_000, search: 30_000, write: 0 },
    acquireTimeout: 10_000,
  });
  const app = express();
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  const errors: unknown[] = [];
  const events: AuthEvent[] = [];
  const letters: Letter[] = [];
  const auth = createAuthServices({
    settings: { baseUrl: url, allowPrivateAddresses: true },
    connections,
    masterKey: randomBytes(32),
    findTenant: async (name) => tenants.find((each) => each.name === name),
    mayRead: async () => true,
    onError: (error) => errors.push(error),
  });
  const allowed = (account: Account) =>
    account.role === 'patient'
      ? PATIENTS.filter(({ id }) => `Patient/${id}` === account.fhirUser)
      : account.role === 'caregiver'
        ? PATIENTS.slice(0, 2)
        : PATIENTS;
  const people = createPeopleServices(auth, {
    patients: {
      searchPatients: async (_tenant, account, text) =>
        allowed(account).filter(
          ({ name, birthDate }) => name.toLowerCase().includes(text.toLowerCase()) || birthDate === text,
        ),
      findPatient: async (_tenant, account, id) => allowed(account).find((each) => each.id === id),
      listEncounters: async (_tenant, _account, patient) =>
        patient === 'p1' ? [{ id: 'e1', title: '2026-01-01 Checkup' }] : [],
    },
    scopesAllowedTo: async (_tenant, role) => scopesAllowedTo(role),
    mailer: { send: async (letter) => void letters.push(letter) },
    onEvent: (_tenant, event) => events.push(event),
  });
  app.use(authRouter(auth, pagesRouter(people)));
  return {
    url,
    tenant: tenants[0],
    other: tenants[1],
    auth,
    people,
    events,
    letters,
    errors,
    database,
    async account(given) {
      const account = await people.accounts.create(tenants[0], {
        name: 'Dr Test',
        role: 'attending',
        fhirUser: 'Practitioner/1',
        passwordHash: await sharedHash(),
        ...given,
      });
      if (account === undefined) throw new Error(`${given.login} is taken`);
      return account;
    },
    async client(given) {
      const client: NewClient = {
        name: 'Example <App>',
        kind: 'confidential-symmetric',
        secret: 'secret',
        redirectUris: [REDIRECT],
        scopes:
          'launch launch/patient launch/encounter openid fhirUser offline_access online_access patient/*.cruds user/*.cruds',
        grantTypes: ['authorization_code', 'refresh_token'],
        ...given,
      };
      await auth.clients.create(tenants[0], client);
      return client;
    },
    browser: () => new Browser(`${url}/auth/test`),
    async stop() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await connections.close();
      await database.drop();
    },
  };
}

let hash: Promise<string> | undefined;
const sharedHash = () => (hash ??= hashPassword(PASSWORD));

export const VERIFIER = randomBytes(32).toString('base64url');
export const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

export interface PageAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly location: URL | undefined;
}

/** A browser without script: it keeps cookies, follows redirects within the server, and sends the forms of pages. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly base: string;
  page: PageAnswer | undefined;
  headers: Record<string, string> = {};

  constructor(base: string) {
    this.base = base;
  }

  async raw(
    method: string,
    url: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<PageAnswer> {
    const response = await fetch(url.startsWith('http') ? url : `${this.base}/${url}`, {
      method,
      redirect: 'manual',
      headers: {
        ...this.headers,
        ...(this.cookies.size === 0
          ? {}
          : { Cookie: [...this.cookies].map((each) => each.join('=')).join('; ') }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) as unknown as string[];
      if (/Max-Age=0/.test(cookie)) this.cookies.delete(name as string);
      else this.cookies.set(name as string, value as string);
    }
    const location = response.headers.get('location');
    return {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: location === null ? undefined : new URL(location, response.url),
    };
  }

  /** Follows redirects until a page or another server. */
  async open(method: string, url: string, body?: string): Promise<PageAnswer> {
    let answer = await this.raw(method, url, body);
    for (let hops = 0; answer.location?.href.startsWith(this.base) && hops < 10; hops++) {
      answer = await this.raw('GET', answer.location.href);
    }
    this.page = answer;
    return answer;
  }

  get(url: string): Promise<PageAnswer> {
    return this.open('GET', url);
  }

  /** Hidden fields of the page's form to a path. */
  hidden(action: string): URLSearchParams {
    const form = new RegExp(`<form[^>]*action="[^"]*/${action}"[^>]*>(.*?)</form>`, 's').exec(
      this.page?.text ?? '',
    );
    if (form === null) throw new Error(`No form ${action} in ${this.page?.text}`);
    const fields = new URLSearchParams();
    for (const [, attributes] of (form[1] as string).matchAll(/<input ([^>]*)>/g)) {
      const attribute = (name: string) =>
        unescape_(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes as string)?.[1]);
      const type = attribute('type');
      if (type === 'hidden' || (type === 'checkbox' && / checked/.test(attributes as string)))
        fields.append(attribute('name') as string, attribute('value') ?? '');
    }
    return fields;
  }

  /** Sends the page's form to a path, with boxes as they are, and these values. */
  async submit(action: string, values: Record<string, string | string[]> = {}): Promise<PageAnswer> {
    const fields = this.hidden(action);
    for (const [name, value] of Object.entries(values)) {
      fields.delete(name);
      for (const each of Array.isArray(value) ? value : [value]) fields.append(name, each);
    }
    return await this.open('POST', action, fields.toString());
  }

  async logIn(login: string, password = PASSWORD): Promise<PageAnswer> {
    return await this.submit('login', { login, password });
  }
}

function unescape_(text: string | undefined): string | undefined {
  return text
    ?.replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&#96;/g, '`')
    .replace(/&amp;/g, '&');
}

/** A right authorization request; undefined removes a parameter. */
export function authorizeQuery(
  setup: Pick<PagesSetup, 'url'>,
  client: string,
  changes: Record<string, string | undefined> = {},
): string {
  const parameters: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: client,
    redirect_uri: REDIRECT,
    scope: 'launch/patient openid fhirUser patient/Patient.rs patient/Observation.rs',
    state: 'state "1" & more',
    aud: `${setup.url}/fhir/test`,
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...changes,
  };
  return new URLSearchParams(
    Object.entries(parameters).filter((each): each is [string, string] => each[1] !== undefined),
  ).toString();
}
