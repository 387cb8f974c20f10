import type { Tenant } from '../access/scope.ts';
import type { MailTransport } from '../auth/mail/mailer.ts';
import { Lru } from '../collections/lru.ts';
import type { CommunicationAccounts } from '../storage/communication/accounts.ts';
import type { Adapter, Adapters } from './adapter.ts';
import { type LineLogger, logAdapter } from './log.ts';
import { smtpAdapter } from './smtp.ts';
import type { Channel } from './terms.ts';
import { parseAccount, type TwilioAccount } from './twilio/account.ts';
import { twilioAdapter } from './twilio/adapter.ts';

export interface AdaptersOptions {
  readonly log: LineLogger;
  /** Of this server, without trailing slash. */
  readonly publicUrl: string;
  /** The installation's mail server, if there is one. */
  readonly mail: { readonly transport: MailTransport; readonly from: string } | undefined;
  /** The account of tenants that have none of their own. */
  readonly twilio: TwilioAccount | undefined;
  /** Of Twilio's API. */
  readonly twilioUrl: string;
  /** Tenants' own accounts, where secrets can be kept. */
  readonly accounts: CommunicationAccounts | undefined;
  readonly push: Adapter | undefined;
}

const TIMEOUT = 15_000;
/** How long a tenant's account is used without asking whether there is another, in milliseconds. */
const FRESH = 30_000;
const MOST_TENANTS = 500;

/** By what tenants send. */
export class TenantAdapters {
  readonly #options: AdaptersOptions;
  readonly #kept = new Lru<
    number,
    { readonly at: number; readonly account: Promise<TwilioAccount | undefined> }
  >(MOST_TENANTS);

  constructor(options: AdaptersOptions) {
    this.#options = options;
  }

  /** The ways that are there for a tenant. Push alone does not keep messages from the log: few people have asked for it. */
  async of(tenant: Tenant): Promise<Adapters> {
    const { log, publicUrl, mail, push, twilioUrl } = this.#options;
    const account = await this.twilioOf(tenant);
    const all = new Map<Channel, Adapter>();
    const options = { url: twilioUrl, publicUrl, timeout: TIMEOUT };
    if (account?.smsFrom !== undefined) all.set('sms', twilioAdapter(account, 'sms', options));
    if (account?.whatsAppFrom !== undefined) all.set('whatsapp', twilioAdapter(account, 'whatsapp', options));
    if (mail !== undefined) all.set('email', smtpAdapter(mail.transport, mail.from));
    if (all.size === 0) all.set('log', logAdapter(log));
    if (push !== undefined) all.set('push', push);
    return all;
  }

  /** The account that webhooks for the tenant are signed by; undefined where there is none. */
  async twilioOf(tenant: Tenant): Promise<TwilioAccount | undefined> {
    const { accounts, twilio } = this.#options;
    if (accounts === undefined) return twilio;
    const now = performance.now();
    let kept = this.#kept.get(tenant.id);
    if (kept === undefined || now - kept.at > FRESH) {
      const account = accounts
        .find(tenant, 'twilio')
        .then((text) => (text === undefined ? undefined : parseAccount(text)));
      kept = { at: now, account };
      this.#kept.set(tenant.id, kept);
      account.catch(() => this.#kept.delete(tenant.id));
    }
    return (await kept.account) ?? twilio;
  }
}
