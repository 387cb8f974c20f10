import { createHash } from 'node:crypto';
import { openScope, type Tenant } from '../../access/scope.ts';
import type { FhirServer } from '../../fhir/fhir-server.ts';
import { InternalClient } from '../../fhir/internal-client.ts';
import type { FhirRequest } from '../../fhir/request.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import type { Resource } from '../../json/types.ts';
import type { PushAddress, PushSubscriptions } from '../../storage/communication/push-subscriptions.ts';
import { runTransaction } from '../../storage/transaction.ts';
import { DEVICE_TYPE, PUSH_DEVICE } from '../terms.ts';
import { endpointFault } from './request.ts';
import type { VapidKeyStore } from './vapid.ts';

export interface PushServiceOptions {
  readonly server: () => FhirServer;
  readonly subscriptions: PushSubscriptions;
  readonly keys: VapidKeyStore;
  readonly allowPrivate: boolean;
}

/**
 * Where people take push messages: a Device for each place, which shows in the record that there is one, and beside it
 * the address and its keys, sealed, because whoever knows them can send there.
 */
export class PushService {
  readonly #options: PushServiceOptions;

  constructor(options: PushServiceOptions) {
    this.#options = options;
  }

  /** The key that browsers subscribe by (applicationServerKey), base64url. */
  async key(tenant: Tenant): Promise<string> {
    return (await this.#options.keys.of(tenant)).publicKey;
  }

  /** What is wrong about an address of a browser, with the parameter's name; undefined for nothing. */
  fault({ endpoint, keys }: PushAddress): { parameter: string; text: string } | undefined {
    const wrong = endpointFault(endpoint, this.#options.allowPrivate);
    if (wrong !== undefined) return { parameter: 'endpoint', text: `endpoint: ${wrong}` };
    // RFC 8291 3.1 and 3.2: an uncompressed point of P-256, and 16 random bytes.
    const point = Buffer.from(keys.p256dh, 'base64url');
    if (point.length !== 65 || point[0] !== 4)
      return { parameter: 'p256dh', text: 'p256dh is no public key of P-256' };
    return Buffer.from(keys.auth, 'base64url').length === 16
      ? undefined
      : { parameter: 'auth', text: 'auth must have 16 bytes' };
  }

  /** Keeps an address of a person; of an address that is known the person and keys are replaced. @returns its Device */
  async subscribe(
    { context, actor }: Pick<FhirRequest, 'context' | 'actor'>,
    person: string,
    address: PushAddress,
  ): Promise<Resource> {
    const { tenant } = context;
    const { server, subscriptions } = this.#options;
    const id = deviceIdOf(address.endpoint);
    const client = this.#client(context, actor);
    const device = await client.update(deviceOf(id, person, 'active'));
    await runTransaction(server().services.connections, tenant, async (transaction) => {
      await transaction.query(subscriptions.putting(tenant, id, person, address));
    });
    return device;
  }

  /** Forgets an address of a person. @returns false where the person has none such */
  async unsubscribe(
    { context, actor }: Pick<FhirRequest, 'context' | 'actor'>,
    person: string,
    endpoint: string,
  ): Promise<boolean> {
    const id = deviceIdOf(endpoint);
    if (!(await this.#options.subscriptions.remove(context.tenant, id, person))) return false;
    await this.#client(context, actor).update(deviceOf(id, person, 'inactive'));
    return true;
  }

  /** An address takes no messages any more. */
  async gone(tenant: Tenant, id: string): Promise<void> {
    await this.#options.subscriptions.remove(tenant, id);
    const context = await this.#options.server().tenants.recent(tenant);
    const client = this.#client(context, undefined);
    const device = await client.read('Device', id);
    if (device !== undefined) await client.update({ ...device, status: 'inactive' });
  }

  #client(context: TenantContext, actor: FhirRequest['actor']): InternalClient {
    // Whoever may subscribe need not be allowed to write Devices.
    return new InternalClient(this.#options.server(), context, openScope(context.tenant), {
      actor: actor ?? { agent: 'vesta', client: 'vesta' },
    });
  }
}

/** The same browser has the same Device. */
const deviceIdOf = (endpoint: string): string =>
  `push-${createHash('sha256').update(endpoint).digest('base64url').replaceAll('_', '.')}`;

function deviceOf(id: string, person: string, status: 'active' | 'inactive'): Resource {
  return {
    resourceType: 'Device',
    id,
    status,
    type: { coding: [{ system: DEVICE_TYPE, code: PUSH_DEVICE, display: 'Place of push messages' }] },
    // R4 names patients only; whose it is otherwise stands beside.
    ...(person.startsWith('Patient/') ? { patient: { reference: person } } : {}),
  };
}
