import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { TamperedError } from '../keys/aead.ts';
import { ENVELOPE, type FieldCipher } from './cipher.ts';
import { type FieldPolicy, isProtected } from './policy.ts';

/*
 * Values that a policy protects are stored as envelopes, in every string of the resource that holds one: the identifier
 * itself, a narrative that shows it, a note that quotes it. The text of such a resource is stored with a space before it,
 * so that reading tells it from all others by its first character and leaves those as they are.
 */

/** First character of the stored text of a resource with encrypted values. */
const MARK = ' ';
const SPACE = 32;
const HEAD = ' {"resourceType":"';
/** Shorter values are encrypted as identifiers only: they would be found in texts that have nothing to do with them. */
const LEAST_QUOTED = 5;

/**
 * The values of a resource that the policy protects, wherever in it their Identifier stands. Usually none.
 */
export function protectedValues(resource: JsonValue, policy: FieldPolicy): ReadonlySet<string> {
  if (policy.systems.size === 0 && policy.types.size === 0) return NONE;
  return collect(resource, policy, undefined) ?? NONE;
}

const NONE: ReadonlySet<string> = new Set();

function collect(
  value: JsonValue,
  policy: FieldPolicy,
  found: Set<string> | undefined,
): Set<string> | undefined {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i] as JsonValue;
      if (typeof item === 'object' && item !== null) found = collect(item, policy, found);
    }
    return found;
  }
  const object = value as JsonObject;
  // An object that keeps a number's digits has no `value` and nothing below it.
  if (object['value'] !== undefined && isProtected(object, policy)) {
    found ??= new Set();
    found.add(object['value'] as string);
  }
  for (const name in object) {
    const child = object[name] as JsonValue;
    if (typeof child === 'object' && child !== null) found = collect(child, policy, found);
  }
  return found;
}

/**
 * A resource whose protected values are envelopes; the resource itself when it has none. `id` and `meta` stay as they
 * are. The input is not changed.
 * @param resource with its id
 */
export function encryptFields(resource: Resource, policy: FieldPolicy, cipher: FieldCipher): Resource {
  const secrets = protectedValues(resource, policy);
  if (secrets.size === 0) return resource;
  const place = placeOf(resource);
  const quoted = [...secrets].filter(({ length }) => length >= LEAST_QUOTED);
  const isSecret = (text: string): boolean =>
    // What looks like an envelope and is none must not be taken for one later.
    text.startsWith(ENVELOPE) || quoted.some((secret) => quotes(text, secret));
  const convert = (value: JsonValue): JsonValue => {
    if (typeof value === 'string') return isSecret(value) ? cipher.seal(place, value) : value;
    if (Array.isArray(value)) return value.map(convert);
    if (!isObject(value)) return value;
    const result = object(value);
    if (isProtected(value, policy)) result['value'] = cipher.seal(place, value['value'] as string);
    return result;
  };
  const object = (value: JsonObject): JsonObject => {
    const result: JsonObject = {};
    for (const [name, child] of Object.entries(value)) result[name] = convert(child);
    return result;
  };
  const { resourceType, id, meta, ...rest } = resource;
  return {
    resourceType,
    ...(id === undefined ? {} : { id }),
    ...(meta === undefined ? {} : { meta }),
    ...object(rest),
  };
}

/**
 * What {@link encryptFields} was given; the resource itself when nothing in it is encrypted.
 * @throws TamperedError when an envelope was changed or comes from another resource or tenant; UnknownKeyError
 */
export function decryptFields(resource: Resource, cipher: FieldCipher): Resource {
  const place = placeOf(resource);
  const convert = (value: JsonValue): JsonValue => {
    if (typeof value === 'string') return value.startsWith(ENVELOPE) ? cipher.open(place, value) : value;
    if (Array.isArray(value)) {
      const items = value.map(convert);
      return items.some((item, index) => item !== value[index]) ? items : value;
    }
    if (!isObject(value)) return value;
    let result: JsonObject | undefined;
    for (const [name, child] of Object.entries(value)) {
      const converted = convert(child);
      if (converted !== child) (result ??= { ...value })[name] = converted;
    }
    return result ?? value;
  };
  return convert(resource) as Resource;
}

/**
 * The text to store of a resource: marked, with its protected values encrypted.
 * @param resource as it is served, with id and meta
 * @returns undefined when there is nothing to protect, and the resource is stored as it is served
 */
export function sealedText(resource: Resource, policy: FieldPolicy, cipher: FieldCipher): string | undefined {
  const encrypted = encryptFields(resource, policy, cipher);
  return encrypted === resource ? undefined : MARK + JSON.stringify(encrypted);
}

/** Whether a stored text, or any text of a database row, is that of a resource with encrypted values. */
export function isSealedText(text: string): boolean {
  return text.charCodeAt(0) === SPACE && text.startsWith(HEAD);
}

/**
 * The text that is served of a stored text. One without encrypted values is returned as it is. Nothing is parsed: digits
 * and order stay.
 * @throws TamperedError when an envelope was changed or comes from another resource or tenant; UnknownKeyError
 */
export function openText(text: string, cipher: FieldCipher): string {
  if (!isSealedText(text)) return text;
  const head = /^ \{"resourceType":"(\w+)","id":"([\w.-]+)"/.exec(text);
  if (head === null) throw new TamperedError('A resource with encrypted values has neither type nor id');
  const place = `${head[1]}/${head[2]}`;
  return text
    .slice(MARK.length)
    .replace(STORED, (quoted) => JSON.stringify(cipher.open(place, quoted.slice(1, -1))));
}

/** An envelope as a JSON string: neither the end of another string, nor the name of a property. */
const STORED = /(?<!\\)"vesta:sealed:1:\d{1,9}:[\w-]+"(?=[,\]}])/g;

/** The numbers of the keys that a stored text's values are encrypted by. */
export function keysOf(text: string): Set<number> {
  if (!isSealedText(text)) return new Set();
  return new Set([...text.matchAll(STORED)].map(([quoted]) => Number(quoted.split(':')[3])));
}

/** Whether a text tells a value, with or without the hyphens, dots and spaces that it is written with. */
export function quotes(text: string, secret: string): boolean {
  if (text.length < LEAST_QUOTED) return false;
  if (text.includes(secret)) return true;
  const bare = secret.replace(SEPARATORS, '');
  return bare.length >= LEAST_QUOTED && text.replace(SEPARATORS, '').includes(bare);
}

const SEPARATORS = /[\s.\-/]/g;

function placeOf(resource: Resource): string {
  return `${resource.resourceType}/${resource['id'] ?? ''}`;
}
