import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Mail } from '../src/auth/mail/mailer.ts';
import type { AccessToken } from '../src/auth/token/access-token.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import type { AuthService } from '../src/http/auth-service.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import {
  type Answer,
  createClient,
  type Harness,
  type HeaderMap,
  type Json,
  startHarness,
  type TestClient,
} from './harness.ts';

/** Fields of a token with what tests vary. */
export type TokenFields = Partial<Omit<AccessToken, 'id' | 'issued' | 'expires'>>;

/** Two server processes where tokens decide, with the tenants `one` and `two`. */
export interface AccessServer {
  readonly harness: Harness;
  readonly auth: AuthService;
  readonly one: TestClient;
  /** Tenant `one` by another process. */
  readonly elsewhere: TestClient;
  readonly two: TestClient;
  readonly mails: Mail[];
  /** The Authorization header of somebody. */
  as(fields: TokenFields, tenant?: string): Promise<HeaderMap>;
  /** Puts resources as a service that may do everything. */
  put(...resources: readonly object[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startAccessServer(): Promise<AccessServer> {
  const mails: Mail[] = [];
  const keys = [newMasterKey()];
  const service = {
    auth: { masterKeys: { keys, reload() {} }, mail: async (mail: Mail) => void mails.push(mail) },
  };
  const harness = await startHarness({ tenants: ['one', 'two'], service });
  // The same public address, as behind a balancer.
  const another = await harness.startAnother({ service: { ...service, baseUrl: harness.url } });
  const { port } = another.service.server.address() as AddressInfo;
  const auth = harness.service.auth as AuthService;
  const one = harness.client('one');
  const as: AccessServer['as'] = async (fields, tenant = 'one') => {
    const found = await auth.services.findTenant(tenant);
    if (found === undefined) throw new Error(tenant);
    const base = { grantId: randomUUID(), clientId: 'test', subject: 'test', scopes: 'user/*.cruds' };
    const { jwt } = await mintAccessToken(auth.services, found, { ...base, ...fields }, 300);
    return { authorization: `Bearer ${jwt}` };
  };
  const system = await as({ scopes: 'system/*.cruds' });
  return {
    harness,
    auth,
    one,
    elsewhere: createClient(`http://127.0.0.1:${port}/fhir/one`),
    two: harness.client('two'),
    mails,
    as,
    async put(...resources) {
      for (const resource of resources) {
        const { resourceType, id } = resource as { resourceType: string; id: string };
        const answer = await one.put(`${resourceType}/${id}`, resource, system);
        if (answer.status >= 300) throw new Error(answer.text);
      }
    },
    stop: () => harness.stop(),
  };
}

/** Ids of what a search finds, over its first page of 1000. */
export async function found(client: TestClient, path: string, headers: HeaderMap): Promise<string[]> {
  const answer = await client.get(`${path}${path.includes('?') ? '&' : '?'}_count=1000`, headers);
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return (answer.json.entry ?? []).map(({ resource }: Json) => resource.id).sort();
}

/** Diagnostics of an OperationOutcome. */
export const said = ({ json }: Answer): string =>
  (json.issue ?? []).map(({ diagnostics }: Json) => diagnostics).join(' ');
