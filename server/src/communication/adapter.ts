import type { Tenant } from '../access/scope.ts';
import type { Channel, NotDoneReason } from './terms.ts';

/** A message as it leaves. */
export interface OutgoingMessage {
  /** Id of its Communication. */
  readonly id: string;
  /** Whom it is for: `Patient/1`. */
  readonly recipient: string;
  /** Where it goes: an e-mail address, a number in E.164, the recipient again for push and log. */
  readonly address: string;
  /** BCP 47. */
  readonly language: string;
  readonly subject: string;
  readonly text: string;
  /** What may be shown where others look on: says nothing of health. */
  readonly notice: string;
  readonly isUrgent: boolean;
}

/** What has become of a message. */
export type DeliveryReport =
  /** It was taken over; whether it arrives is told later, or can be asked for. */
  | { readonly state: 'sent'; readonly message: MessageId }
  /** It has arrived, or nothing more will be known about it. */
  | { readonly state: 'delivered'; readonly message?: MessageId; readonly received?: number }
  /** It was not sent, and will not be by this channel. */
  | {
      readonly state: 'failed';
      readonly reason: NotDoneReason;
      readonly text: string;
      readonly message?: MessageId;
      /** The recipient has refused this channel at the service. */
      readonly isRefusal?: true;
    }
  /** It was not sent, and may be tried again. @property after milliseconds to wait at least */
  | { readonly state: 'later'; readonly text: string; readonly after?: number }
  /** Nobody can tell whether it was sent. */
  | { readonly state: 'unclear'; readonly text: string };

/** An identifier of a message where it was handed over. */
export interface MessageId {
  readonly system: string;
  readonly value: string;
}

/** A way to send. */
export interface Adapter {
  /** What it is called in logs: `twilio`. */
  readonly name: string;
  /** Hands a message over. Never throws for what can go wrong outside. */
  send(tenant: Tenant, message: OutgoingMessage, signal: AbortSignal): Promise<DeliveryReport>;
  /** Asks what has become of a message; absent where nobody can tell. */
  ask?(tenant: Tenant, message: MessageId, signal: AbortSignal): Promise<DeliveryReport>;
}

/** The ways by which a tenant can send; without any that leaves the server, all goes to the log. */
export type Adapters = ReadonlyMap<Channel, Adapter>;

/** What happened before a connection was there: nothing can have been sent. */
const BEFORE_SENDING = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** Whether a failure of a connection shows that nothing was sent by it. */
export function nothingWasSent(error: unknown): boolean {
  for (let one = error; typeof one === 'object' && one !== null; one = (one as { cause?: unknown }).cause) {
    const { code, errors } = one as { code?: unknown; errors?: unknown };
    if (typeof code === 'string' && BEFORE_SENDING.has(code)) return true;
    // Of a name with several addresses each was tried.
    if (Array.isArray(errors) && errors.length > 0 && errors.every(nothingWasSent)) return true;
  }
  return false;
}
