import type { Tenant } from '../../access/scope.ts';
import type { Adapter } from '../adapter.ts';
import type { TwilioAccount } from './account.ts';
import { askMessage, sendMessage, type TwilioClientOptions } from './client.ts';

export interface TwilioAdapterOptions extends TwilioClientOptions {
  /** Of this server, without trailing slash: where Twilio tells what has become of messages. */
  readonly publicUrl: string;
}

/** Path of the webhook that Twilio tells states to; its query names the Communication. */
export const statusPath = (tenant: Tenant, communication: string): string =>
  `/communication/${tenant.name}/twilio/status?communication=${encodeURIComponent(communication)}`;

/** Sends SMS or WhatsApp messages by a tenant's account. */
export function twilioAdapter(
  account: TwilioAccount,
  channel: 'sms' | 'whatsapp',
  options: TwilioAdapterOptions,
): Adapter {
  return {
    name: 'twilio',
    send: (tenant, { id, address, text }, signal) =>
      sendMessage(
        account,
        {
          to: address,
          isWhatsApp: channel === 'whatsapp',
          text,
          statusCallback: isReachable(options.publicUrl)
            ? `${options.publicUrl}${statusPath(tenant, id)}`
            : undefined,
        },
        options,
        signal,
      ),
    ask: (_tenant, { value }, signal) => askMessage(account, value, options, signal),
  };
}

/** Twilio refuses a message (error 21609) whose callback is at a name of no network. */
function isReachable(publicUrl: string): boolean {
  const { hostname } = new URL(publicUrl);
  return hostname.includes('.') && !hostname.endsWith('.localhost');
}
