import type { Tenant } from '../../access/scope.ts';
import { Lru } from '../../collections/lru.ts';
import type { CommunicationAccounts } from '../../storage/communication/accounts.ts';

/** Keys by which push services know who sends (RFC 8292): P-256, base64url. */
export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

const MOST_TENANTS = 500;

/**
 * The keys of tenants: made when first needed, sealed, and never changed: browsers subscribe to one key (Push API,
 * applicationServerKey), and what they have subscribed to would end with it.
 */
export class VapidKeyStore {
  readonly #accounts: CommunicationAccounts;
  readonly #kept = new Lru<number, Promise<VapidKeys>>(MOST_TENANTS);

  constructor(accounts: CommunicationAccounts) {
    this.#accounts = accounts;
  }

  of(tenant: Tenant): Promise<VapidKeys> {
    let keys = this.#kept.get(tenant.id);
    if (keys === undefined) {
      keys = this.#find(tenant);
      this.#kept.set(tenant.id, keys);
      keys.catch(() => this.#kept.delete(tenant.id));
    }
    return keys;
  }

  async #find(tenant: Tenant): Promise<VapidKeys> {
    const stored = await this.#accounts.find(tenant, 'vapid');
    if (stored !== undefined) return JSON.parse(stored) as VapidKeys;
    const { default: webPush } = await import('web-push');
    const made = webPush.generateVAPIDKeys();
    return JSON.parse(await this.#accounts.putFirst(tenant, 'vapid', JSON.stringify(made))) as VapidKeys;
  }
}
