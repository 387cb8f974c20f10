import { numberOf } from '../json/exact-number.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { periodRange } from '../search/dates.ts';
import { CHANNELS, type Channel, PREFERRED_CHANNEL } from './terms.ts';

/** Where a person can be reached by a channel. */
export interface Address {
  readonly channel: Exclude<Channel, 'push' | 'log'>;
  /** An e-mail address, or a number in E.164. */
  readonly value: string;
  /** ContactPoint.rank: 1 is tried first; after all others where there is none. */
  readonly rank: number;
}

const NO_RANK = Number.MAX_SAFE_INTEGER;

/**
 * A telephone number as E.164, the form that networks take: `+15551234567`.
 * @param country calling code of numbers that are written without one; undefined: these cannot be used
 * @returns undefined for what is no number
 */
export function e164(text: string, country: string | undefined): string | undefined {
  const bare = text
    .trim()
    .replace(/^tel:/i, '')
    .replace(/(?:;|\s*(?:x|ext\.?))\s*.*$/i, '')
    .replace(/[\s().\-/\u00a0\u2010-\u2015]/g, '');
  if (/^\+[1-9]\d{6,14}$/.test(bare)) return bare;
  if (/^00[1-9]\d{6,13}$/.test(bare)) return `+${bare.slice(2)}`;
  if (country === undefined || !/^\d{6,15}$/.test(bare)) return undefined;
  // The calling code 1 has numbers of ten digits, which people write with the 1 or without; elsewhere a 0 leads.
  const national = country === '1' ? bare.replace(/^1(?=\d{10}$)/, '') : bare.replace(/^0/, '');
  const whole = `+${country}${national}`;
  return (country === '1' ? /^\+1[2-9]\d{9}$/ : /^\+[1-9]\d{6,14}$/).test(whole) ? whole : undefined;
}

/**
 * Where a Patient, RelatedPerson, Practitioner or Organization can be reached now, in no order. A phone counts for SMS
 * where it is a mobile one; WhatsApp where `system` is `other` and the value begins with `whatsapp:`, or it is a link to wa.me.
 * @param now epoch milliseconds
 */
export function addressesOf(resource: Resource, country: string | undefined, now: number): Address[] {
  const found = new Map<string, Address>();
  for (const point of objectsOf(resource['telecom'])) {
    if (!isCurrent(point, now)) continue;
    const rank = point['rank'] === undefined ? NO_RANK : numberOf(point['rank']);
    for (const address of addressesIn(point, country)) {
      const key = `${address.channel} ${address.value}`;
      const known = found.get(key);
      if (known === undefined || rank < known.rank) found.set(key, { ...address, rank });
    }
  }
  return [...found.values()];
}

function isCurrent(point: JsonObject, now: number): boolean {
  if (point['use'] === 'old') return false;
  const period = isObject(point['period']) ? point['period'] : {};
  const range = periodRange(period['start'], period['end']);
  return range === undefined || (range.low <= now && now <= range.high);
}

function addressesIn(point: JsonObject, country: string | undefined): Omit<Address, 'rank'>[] {
  const { system, value, use } = point;
  if (typeof value !== 'string') return [];
  switch (system) {
    case 'email': {
      const address = value.trim().replace(/^mailto:/i, '');
      return isMailAddress(address) ? [{ channel: 'email', value: address }] : [];
    }
    case 'sms':
      return numbers('sms', value, country);
    case 'phone':
      return use === 'mobile' ? numbers('sms', value, country) : [];
    case 'other':
      return /^whatsapp:/i.test(value) ? numbers('whatsapp', value.slice(9), country) : [];
    case 'url': {
      const linked = /^https:\/\/wa\.me\/(\d{7,15})$/i.exec(value.trim())?.[1];
      return linked === undefined ? [] : numbers('whatsapp', `+${linked}`, country);
    }
    default:
      return [];
  }
}

function numbers(
  channel: 'sms' | 'whatsapp',
  text: string,
  country: string | undefined,
): Omit<Address, 'rank'>[] {
  const value = e164(text, country);
  return value === undefined ? [] : [{ channel, value }];
}

/** One address, without a name and without what a mail server could take for more than one. */
export function isMailAddress(text: string): boolean {
  return text.length <= 254 && /^[^\s@<>(),;:"\\[\]\p{Cc}]{1,64}@[^\s@<>(),;:"\\[\]\p{Cc}]+$/u.test(text);
}

/** The channels that a person prefers, in order (extension preferred-channel). */
export function preferredChannels(resource: Resource): Channel[] {
  return objectsOf(resource['extension']).flatMap(({ url, valueCode }) =>
    url === PREFERRED_CHANNEL && isChannel(valueCode) ? [valueCode] : [],
  );
}

export function isChannel(value: JsonValue | undefined): value is Channel {
  return (CHANNELS as readonly unknown[]).includes(value);
}

/** Whether somebody has this telephone number among the contacts, in use or not. */
export function hasNumber(resource: Resource, number: string, country: string | undefined): boolean {
  return objectsOf(resource['telecom']).some(
    ({ system, value }) =>
      typeof value === 'string' &&
      system !== 'email' &&
      system !== 'fax' &&
      e164(value.replace(/^whatsapp:/i, '').replace(/^https:\/\/wa\.me\//i, '+'), country) === number,
  );
}

/** Ways in which people write a number down, as far as a search has to name them. */
export function spellings(number: string): string[] {
  const digits = number.slice(1);
  const found = new Set([
    number,
    digits,
    `00${digits}`,
    `tel:${number}`,
    `whatsapp:${number}`,
    `https://wa.me/${digits}`,
  ]);
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  if (parts !== null) {
    const [, area, exchange, line] = parts as unknown as [string, string, string, string];
    for (const prefix of ['', '1-', '+1-', '+1 ', '1 ', '1', '1.', '+1.'])
      for (const spelled of [
        `${area}-${exchange}-${line}`,
        `(${area}) ${exchange}-${line}`,
        `(${area})${exchange}-${line}`,
        `${area} ${exchange} ${line}`,
        `${area}.${exchange}.${line}`,
        `${area}${exchange}${line}`,
        `${area} ${exchange}-${line}`,
      ])
        found.add(prefix + spelled);
  } else {
    // The calling code has one to three digits; the rest is written in one, after a space, or with a leading 0.
    for (const length of [1, 2, 3]) {
      const [code, rest] = [digits.slice(0, length), digits.slice(length)];
      for (const spelled of [`+${code} ${rest}`, `+${code}-${rest}`, `0${rest}`, rest]) found.add(spelled);
      for (const area of [2, 3, 4]) {
        const [head, tail] = [rest.slice(0, area), rest.slice(area)];
        for (const spelled of [
          `+${code} ${head} ${tail}`,
          `+${code} ${head}-${tail}`,
          `0${head} ${tail}`,
          `0${head}-${tail}`,
        ])
          found.add(spelled);
      }
    }
  }
  return [...found];
}
