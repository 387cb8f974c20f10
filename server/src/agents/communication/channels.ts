import { type Address, addressesOf, isChannel, preferredChannels } from '../../communication/address.ts';
import type { CommunicationPolicy } from '../../communication/tenant-settings.ts';
import { type Channel, MODES, PARTICIPATION_MODE, VESTA_MEDIUM } from '../../communication/terms.ts';
import { objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';

/** A way to a recipient: the address is empty for push and log, which go by the person. */
export interface Route {
  readonly channel: Channel;
  readonly address: string;
}

export interface RouteQuestion {
  readonly person: Resource;
  readonly policy: CommunicationPolicy;
  /** Channels that there is something to send by. */
  readonly available: ReadonlySet<Channel>;
  /** Channels that the person has refused. */
  readonly refused: ReadonlySet<Channel>;
  /** Whether the person has asked for push messages in some browser. */
  readonly takesPush: boolean;
  /** CommunicationRequest.medium. */
  readonly media: JsonValue | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * The ways to a person, the best first: by the person's preferred channels, then by rank (R4 ContactPoint.rank, 1 first), then
 * by the order of the tenant's channels. Channels that the request names are the only ones. Where nothing leaves the
 * server (`log` is available) all that is not refused goes to the log.
 */
export function routesTo(question: RouteQuestion): Route[] {
  const { person, policy, available, refused, takesPush, media, now } = question;
  const isOpen = (channel: Channel) => available.has(channel) && !refused.has(channel);
  const push: Route[] =
    takesPush && policy.channels.includes('push') && isOpen('push') ? [{ channel: 'push', address: '' }] : [];
  if (available.has('log')) {
    const isRefused = refused.has('log') || policy.channels.every((channel) => refused.has(channel));
    return isRefused ? [] : [...push, { channel: 'log', address: '' }];
  }
  const asked = channelsOf(media);
  const mayUse = (channel: Channel) =>
    policy.channels.includes(channel) && isOpen(channel) && (asked.length === 0 || asked.includes(channel));
  const preferred = preferredChannels(person);
  const place = (list: readonly Channel[], channel: Channel): number => {
    const found = list.indexOf(channel);
    return found < 0 ? list.length : found;
  };
  const addresses: Address[] = addressesOf(person, policy.countryCode, now);
  const all = [
    // Push has no ContactPoint: who has asked for it gets it first.
    ...push.map((route) => ({ ...route, rank: 0 })),
    ...addresses.map(({ channel, value, rank }) => ({ channel, address: value, rank }) as const),
  ];
  return all
    .filter(({ channel }) => mayUse(channel))
    .sort(
      (a, b) =>
        place(preferred, a.channel) - place(preferred, b.channel) ||
        a.rank - b.rank ||
        place(policy.channels, a.channel) - place(policy.channels, b.channel),
    )
    .map(({ channel, address }) => ({ channel, address }));
}

/** The channels that CodeableConcepts name, of ours or of v3 ParticipationMode. */
export function channelsOf(concepts: JsonValue | undefined): Channel[] {
  return objectsOf(concepts).flatMap(({ coding }) =>
    objectsOf(coding).flatMap((one) => channelOf(one) ?? []),
  );
}

/** The channel that a Coding names. */
export function channelOf({ system, code }: JsonObject): Channel | undefined {
  if (system === VESTA_MEDIUM && isChannel(code)) return code;
  if (system !== PARTICIPATION_MODE) return undefined;
  return (Object.keys(MODES) as Channel[]).find((channel) => MODES[channel] === code);
}

/** Communication.medium of a channel. */
export function mediumOf(channel: Channel): JsonObject {
  const mode = MODES[channel];
  return {
    coding: [
      { system: VESTA_MEDIUM, code: channel },
      ...(mode === undefined ? [] : [{ system: PARTICIPATION_MODE, code: mode }]),
    ],
  };
}
