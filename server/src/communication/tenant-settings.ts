import type { JsonObject } from '../json/types.ts';
import { isChannel } from './address.ts';
import type { Channel } from './terms.ts';

/** What a tenant has decided about messages to people. */
export interface CommunicationPolicy {
  /** Who writes, as people read it; undefined: the tenant's name. */
  readonly name: string | undefined;
  /** When nobody is woken by a message that can wait; undefined: never. */
  readonly quietHours: QuietHours | undefined;
  /** IANA time zone of people for whom nothing else says one. */
  readonly timeZone: string;
  /** Calling code of telephone numbers that are written without one. */
  readonly countryCode: string | undefined;
  /** Whether SMS, WhatsApp and mail carry what a message says, or only that there is one. */
  readonly contents: 'full' | 'notice';
  /** Who answers what people send: the supervisor, as in the app, or staff, by a Task for the front desk. */
  readonly inbound: 'supervisor' | 'people';
  /** The channels that are used, in the order in which they are tried where the person says nothing. */
  readonly channels: readonly Channel[];
}

/** Minutes since midnight; the end may be on the next day. */
export interface QuietHours {
  readonly from: number;
  readonly until: number;
}

export const DEFAULT_COMMUNICATION: CommunicationPolicy = {
  name: undefined,
  quietHours: { from: 21 * 60, until: 8 * 60 },
  timeZone: 'UTC',
  countryCode: undefined,
  contents: 'full',
  // The telephone network proves no sender: to act on a number's word is the tenant's choice.
  inbound: 'people',
  channels: ['push', 'whatsapp', 'sms', 'email'],
};

const PREFIX = 'communication.';

/** Each setting by its name after `communication.`: what it allows in words, and what is kept of a value. */
const SETTINGS: Readonly<
  Record<string, { readonly allowed: string; readonly isRight: (value: string) => boolean }>
> = {
  name: {
    allowed: 'a name that people know, at most 60 characters',
    isRight: (value) => /^[^\p{Cc}]{1,60}$/u.test(value),
  },
  quietHours: {
    allowed: 'from and until like 21:00-08:00, or off',
    isRight: (value) => value === 'off' || readHours(value) !== undefined,
  },
  timeZone: { allowed: 'an IANA time zone', isRight: isTimeZone },
  countryCode: {
    allowed: 'a telephone calling code such as 1',
    isRight: (value) => /^[1-9]\d{0,2}$/.test(value),
  },
  contents: { allowed: 'full, notice', isRight: (value) => value === 'full' || value === 'notice' },
  inbound: {
    allowed: 'supervisor, people',
    isRight: (value) => value === 'supervisor' || value === 'people',
  },
  channels: {
    allowed: 'of push, whatsapp, sms, email those that are used, in their order, separated by commas',
    isRight: (value) => readChannels(value) !== undefined,
  },
};

/** The settings, for `--help`. */
export function communicationSettings(): { name: string; allowed: string }[] {
  return Object.entries(SETTINGS).map(([name, { allowed }]) => ({ name: PREFIX + name, allowed }));
}

/** What a setting of this folder allows, when the value is not; undefined for a value that is. @throws nothing */
export function communicationFault(name: string, value: string): string | undefined {
  const setting = Object.hasOwn(SETTINGS, name.slice(PREFIX.length))
    ? SETTINGS[name.slice(PREFIX.length)]
    : undefined;
  return setting === undefined || setting.isRight(value) ? undefined : setting.allowed;
}

/** Whether a setting is one of this folder's. */
export function isCommunicationSetting(name: string): boolean {
  return name.startsWith(PREFIX) && Object.hasOwn(SETTINGS, name.slice(PREFIX.length));
}

/** The policy that a tenant's settings make. What is not understood counts as not set. */
export function communicationPolicyOf(config: JsonObject): CommunicationPolicy {
  const text = (name: string): string | undefined => {
    const value = config[PREFIX + name];
    return typeof value === 'string' && SETTINGS[name]?.isRight(value) === true ? value : undefined;
  };
  const hours = text('quietHours');
  const { quietHours, timeZone, contents, inbound, channels } = DEFAULT_COMMUNICATION;
  return {
    name: text('name'),
    quietHours: hours === undefined ? quietHours : readHours(hours),
    timeZone: text('timeZone') ?? timeZone,
    countryCode: text('countryCode'),
    contents: (text('contents') as 'full' | 'notice' | undefined) ?? contents,
    inbound: (text('inbound') as 'supervisor' | 'people' | undefined) ?? inbound,
    channels: readChannels(text('channels') ?? '') ?? channels,
  };
}

function readHours(text: string): QuietHours | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (match === null) return undefined;
  const [from, until] = [
    Number(match[1]) * 60 + Number(match[2]),
    Number(match[3]) * 60 + Number(match[4]),
  ] as const;
  return from === until ? undefined : { from, until };
}

function readChannels(text: string): Channel[] | undefined {
  const names = text.split(',').map((name) => name.trim());
  const channels = names.filter((name): name is Channel => isChannel(name) && name !== 'log');
  return channels.length === names.length && new Set(names).size === names.length ? channels : undefined;
}

export function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return !/^[+-]/.test(text);
  } catch {
    return false;
  }
}
