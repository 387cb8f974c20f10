import type { DeliveryReport, MessageId } from '../../communication/adapter.ts';
import { isChannel } from '../../communication/address.ts';
import { type Channel, DELIVERY, NOT_DONE_REASON, type NotDoneReason } from '../../communication/terms.ts';
import { numberOf } from '../../json/exact-number.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { Route } from './channels.ts';

/*
 * States of a Communication that is sent (R4 event-status): preparation until it is sent; in-progress from the moment
 * before; completed when it has arrived, or nothing more will be known; not-done when it was not sent; unknown when nobody
 * can tell.
 */

/** By which channel a Communication goes, and how often that was tried (extension delivery). */
export interface Delivery extends Route {
  /** Which of the ways to the recipient it is, from 0. */
  readonly place: number;
  readonly tries: number;
}

/** Tries before a channel is given up. */
export const MOST_TRIES = 6;

export function deliveryExtension({ channel, address, place, tries }: Delivery): JsonObject {
  return {
    url: DELIVERY,
    extension: [
      { url: 'channel', valueCode: channel },
      ...(address === '' ? [] : [{ url: 'address', valueString: address }]),
      { url: 'place', valueUnsignedInt: place },
      { url: 'tries', valueUnsignedInt: tries },
    ],
  };
}

/** Undefined for a Communication that is not ours to send. */
export function deliveryOf(communication: Resource): Delivery | undefined {
  const extension = objectsOf(communication['extension']).find(({ url }) => url === DELIVERY);
  if (extension === undefined) return undefined;
  const part = (name: string) => objectsOf(extension['extension']).find(({ url }) => url === name);
  const channel = part('channel')?.['valueCode'];
  if (!isChannel(channel)) return undefined;
  const address = part('address')?.['valueString'];
  const count = (name: string) => {
    const value = numberOf(part(name)?.['valueUnsignedInt']);
    return Number.isInteger(value) ? value : 0;
  };
  return {
    channel: channel as Channel,
    address: typeof address === 'string' ? address : '',
    place: count('place'),
    tries: count('tries'),
  };
}

export function withDelivery(communication: Resource, delivery: Delivery): Resource {
  const others = objectsOf(communication['extension']).filter(({ url }) => url !== DELIVERY);
  return { ...communication, extension: [...others, deliveryExtension(delivery)] };
}

/** Just before it is sent: whoever finds it so without a message's id knows that it may have been. */
export function claimed(communication: Resource, delivery: Delivery): Resource {
  const next = withDelivery(communication, { ...delivery, tries: delivery.tries + 1 });
  delete next['statusReason'];
  return { ...next, status: 'in-progress' };
}

/** Whether nothing more can become of it. */
export function isSettled({ status }: Resource): boolean {
  return (
    status === 'completed' || status === 'not-done' || status === 'entered-in-error' || status === 'stopped'
  );
}

/** The id that a service has given the message; undefined while it has none. */
export function messageIdOf({ identifier }: Resource, systems: readonly string[]): MessageId | undefined {
  const found = objectsOf(identifier).find(({ system }) => systems.includes(String(system)));
  const { system, value } = found ?? {};
  return typeof system === 'string' && typeof value === 'string' ? { system, value } : undefined;
}

/**
 * What a report makes of a Communication. What is settled stays: reports come late, twice and in any order.
 * @param now epoch milliseconds
 * @returns undefined where nothing changes
 */
export function reported(communication: Resource, report: DeliveryReport, now: number): Resource | undefined {
  const { status } = communication;
  if (status !== 'in-progress' && status !== 'unknown') return undefined;
  const at = new Date(now).toISOString();
  switch (report.state) {
    case 'sent': {
      const isKnown = status === 'in-progress' && communication['sent'] !== undefined;
      return isKnown ? undefined : sent(communication, 'in-progress', report.message, at);
    }
    case 'delivered': {
      const done = sent(communication, 'completed', report.message, at);
      return report.received === undefined
        ? done
        : { ...done, received: new Date(report.received).toISOString() };
    }
    case 'failed':
      return notDone(withMessage(communication, report.message), report.text, report.reason);
    case 'unclear':
      return {
        ...communication,
        status: 'unknown',
        statusReason: statusReason(report.text, 'unknown'),
      };
    case 'later': {
      const tries = deliveryOf(communication)?.tries ?? 0;
      if (tries >= MOST_TRIES) return notDone(communication, report.text, 'system-error');
      return {
        ...communication,
        status: 'preparation',
        statusReason: statusReason(report.text, 'system-error'),
      };
    }
  }
}

function sent(communication: Resource, status: string, message: MessageId | undefined, at: string): Resource {
  const next: Resource = { ...withMessage(communication, message), status };
  delete next['statusReason'];
  return { ...next, sent: next['sent'] ?? at };
}

function withMessage(communication: Resource, message: MessageId | undefined): Resource {
  if (message === undefined) return communication;
  const others = objectsOf(communication['identifier']).filter(({ system }) => system !== message.system);
  return { ...communication, identifier: [...others, { system: message.system, value: message.value }] };
}

export function notDone(communication: Resource, text: string, reason?: NotDoneReason): Resource {
  return { ...communication, status: 'not-done', statusReason: statusReason(text, reason) };
}

export function statusReason(text: string, reason?: NotDoneReason): JsonObject {
  return { ...(reason === undefined ? {} : { coding: [{ system: NOT_DONE_REASON, code: reason }] }), text };
}

/** Milliseconds until the next try: 30 s, 2, 8, 32 minutes, two hours, with up to a quarter more. */
export function retryAfter(tries: number, least = 0): number {
  return Math.max(least, 30_000 * 4 ** Math.min(tries - 1, 4)) * (1 + Math.random() / 4);
}

/** Milliseconds until a service is asked what has become of a message: a quarter of an hour, doubled each time. */
export function askAfter(sentAt: number, now: number): number | undefined {
  const age = now - sentAt;
  return age > 3 * 86_400_000 ? undefined : Math.max(900_000, age);
}

export const versionOf = ({ meta }: Resource): string =>
  String(isObject(meta) ? meta['versionId'] : undefined);
