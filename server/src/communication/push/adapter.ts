import type { Tenant } from '../../access/scope.ts';
import { NOT_PUBLIC } from '../../auth/clients/public-fetch.ts';
import type { PushSubscriptions, StoredPushAddress } from '../../storage/communication/push-subscriptions.ts';
import { type Adapter, type DeliveryReport, nothingWasSent, type OutgoingMessage } from '../adapter.ts';
import { sendPush } from './request.ts';
import type { VapidKeyStore } from './vapid.ts';

export interface PushOptions {
  readonly keys: VapidKeyStore;
  readonly subscriptions: PushSubscriptions;
  /** Whom a push service may turn to (RFC 8292 2.1): `mailto:` or `https:`. */
  readonly contact: string;
  readonly allowPrivate: boolean;
  /** Told of a place that takes no messages any more. */
  readonly onGone: (tenant: Tenant, id: string) => Promise<void>;
}

const TIMEOUT = 15_000;
/** Seconds for which a push service keeps a message for a device that is away. */
const TIME_TO_LIVE = 86_400;

/**
 * Sends push messages to all browsers in which a person has asked for them. They say that there is a message, and of what
 * kind: what it says is read in the app. The payload is JSON: `{ title, body, language, communication }`.
 */
export function pushAdapter(options: PushOptions): Adapter {
  const { subscriptions, onGone } = options;
  return {
    name: 'web-push',
    async send(tenant, message, signal) {
      const places = await subscriptions.of(tenant, message.recipient);
      const reports = await Promise.all(
        places.map((place) => sendTo(options, tenant, place, message, signal)),
      );
      for (const [index, report] of reports.entries())
        if (report === 'gone') await onGone(tenant, (places[index] as StoredPushAddress).id);
      const states = reports.filter((report) => report !== 'gone');
      return (
        states.find(({ state }) => state === 'delivered') ??
        states.find(({ state }) => state === 'unclear') ??
        states.find(({ state }) => state === 'later') ??
        states[0] ?? {
          state: 'failed',
          reason: 'recipient-unavailable',
          text: 'No device takes messages any more',
        }
      );
    },
  };
}

async function sendTo(
  { keys, contact, allowPrivate }: PushOptions,
  tenant: Tenant,
  place: StoredPushAddress,
  { id, subject, notice, language, isUrgent }: OutgoingMessage,
  signal: AbortSignal,
): Promise<DeliveryReport | 'gone'> {
  const { default: webPush } = await import('web-push');
  const payload = JSON.stringify({ title: subject, body: notice, language, communication: id });
  let details: { headers: Record<string, string>; body: Buffer };
  try {
    details = webPush.generateRequestDetails(place, payload, {
      vapidDetails: { subject: contact, ...(await keys.of(tenant)) },
      TTL: TIME_TO_LIVE,
      urgency: isUrgent ? 'high' : 'normal',
      contentEncoding: 'aes128gcm',
    }) as unknown as typeof details;
  } catch {
    // Keys that are no keys: nothing can ever be sent there.
    return 'gone';
  }
  try {
    const { headers, body } = details;
    const answer = await sendPush(
      { endpoint: place.endpoint, headers, body },
      { allowPrivate, timeout: TIMEOUT, signal },
    );
    return reportOf(answer);
  } catch (error) {
    if (error instanceof Error && error.message === NOT_PUBLIC) return 'gone';
    return nothingWasSent(error)
      ? { state: 'later', text: 'The push service cannot be reached' }
      : { state: 'unclear', text: 'The push service has not said whether it took the message' };
  }
}

/** RFC 8030 5 and 7.3: 201 when it was taken; 404 and 410 when the subscription has ended. */
function reportOf({
  status,
  retryAfter,
}: {
  status: number;
  retryAfter: number | undefined;
}): DeliveryReport | 'gone' {
  if (status >= 200 && status < 300) return { state: 'delivered' };
  if (status === 404 || status === 410) return 'gone';
  if (status === 429 || status === 503)
    return {
      state: 'later',
      text: `The push service cannot take the message now (${status})`,
      ...(retryAfter === undefined ? {} : { after: retryAfter * 1000 }),
    };
  return status >= 500
    ? { state: 'unclear', text: `The push service has failed at the message (${status})` }
    : {
        state: 'failed',
        reason: 'system-error',
        text: `The push service has refused the message (${status})`,
      };
}
