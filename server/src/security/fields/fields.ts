import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { TamperedError } from '../keys/aead.ts';
import { ENVELOPE, type FieldCipher } from './cipher.ts';
import { type FieldPolicy, isSsn, protectedElement, protectsNothing, protectsSsn } from './policy.ts';

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
 * The values of a resource that the policy protects, wherever in it they stand: of Identifiers, of Codings of an
 * identifier system, and social security numbers that are strings by themselves. Usually none.
 */
export function protectedValues(resource: JsonValue, policy: FieldPolicy): ReadonlySet<string> {
  if (protectsNothing(policy)) return NONE;
  return collect(resource, policy, protectsSsn(policy), undefined) ?? NONE;
}

const NONE: ReadonlySet<string> = new Set();

function collect(
  value: JsonValue,
  policy: FieldPolicy,
  ssn: boolean,
  found: Set<string> | undefined,
): Set<string> | undefined {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i] as JsonValue;
      if (typeof item === 'object' && item !== null) found = collect(item, policy, ssn, found);
    }
    return found;
  }
  const object = value as JsonObject;
  // An object that keeps a number's digits has neither, and nothing below it.
  if (object['value'] !== undefined || object['system'] !== undefined) {
    const name = protectedElement(object, policy);
    if (name !== undefined) (found ??= new Set()).add(object[name] as string);
  }
  for (const name in object) {
    const child = object[name] as JsonValue;
    if (typeof child === 'object' && child !== null) found = collect(child, policy, ssn, found);
    else if (ssn && typeof child === 'string' && isSsn(name, child)) (found ??= new Set()).add(child.trim());
  }
  return found;
}

/**
 * A resource whose protected values are envelopes; the resource itself when it has none. `id` and the version's number
 * and time stay as they are. The input is not changed.
 * @param resource with its id
 * @param secrets as {@link protectedValues} finds them
 */
export function encryptFields(
  resource: Resource,
  policy: FieldPolicy,
  cipher: Pick<FieldCipher, 'seal'>,
  secrets: ReadonlySet<string> = protectedValues(resource, policy),
): Resource {
  if (secrets.size === 0) return resource;
  const place = placeOfResource(resource);
  const tells = teller(secrets);
  // What looks like an envelope and is none must not be taken for one later.
  const isSecret = (text: string): boolean => text.startsWith(ENVELOPE) || tells(text);
  const convert = (value: JsonValue): JsonValue => {
    if (typeof value === 'string') return isSecret(value) ? cipher.seal(place, value) : value;
    if (Array.isArray(value)) return value.map(convert);
    if (!isObject(value)) return value;
    const result = object(value);
    const name = protectedElement(value, policy);
    if (name !== undefined) result[name] = cipher.seal(place, value[name] as string);
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
    ...(isObject(meta) ? { meta: { ...object(meta), ...kept(meta) } } : meta === undefined ? {} : { meta }),
    ...object(rest),
  };
}

/** What the database reads in a stored text. */
function kept(meta: JsonObject): JsonObject {
  const { versionId, lastUpdated } = meta;
  return {
    ...(versionId === undefined ? {} : { versionId }),
    ...(lastUpdated === undefined ? {} : { lastUpdated }),
  };
}

/** Tells whether a text holds one of these values. Short ones are looked for nowhere but in their Identifiers. */
export function teller(secrets: ReadonlySet<string>): (text: string) => boolean {
  const quoted = [...secrets].filter(({ length }) => length >= LEAST_QUOTED);
  // In a narrative a value stands as XHTML has it.
  const escaped = quoted.filter((secret) => /[&<>"]/.test(secret)).flatMap(escapesOf);
  const all = [...quoted, ...escaped];
  return (text) => all.some((secret) => quotes(text, secret));
}

function escapesOf(text: string): string[] {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return [escaped, escaped.replaceAll('"', '&quot;')];
}

/** What stands for a value that is not told. */
export const MASK = '***';

/** A resource with {@link MASK} in the place of its protected values; the resource itself when it has none. */
export function maskFields(resource: Resource, policy: FieldPolicy): Resource {
  return encryptFields(resource, policy, { seal: () => MASK });
}

/**
 * What {@link encryptFields} was given; the resource itself when nothing in it is encrypted.
 * @throws TamperedError when an envelope was changed or comes from another resource or tenant; UnknownKeyError
 */
export function decryptFields(resource: Resource, cipher: FieldCipher): Resource {
  const place = placeOfResource(resource);
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
 * @param secrets as {@link protectedValues} finds them, where that is known
 * @returns undefined when there is nothing to protect, and the resource is stored as it is served
 */
export function sealedText(
  resource: Resource,
  policy: FieldPolicy,
  cipher: FieldCipher,
  secrets?: ReadonlySet<string>,
): string | undefined {
  const encrypted = encryptFields(resource, policy, cipher, secrets);
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
  const place = placeOf(text);
  return text
    .slice(MARK.length)
    .replace(STORED, (quoted) => JSON.stringify(cipher.open(place, quoted.slice(1, -1))));
}

/** `Type/id` of the resource that a stored text with encrypted values is of. @throws TamperedError when it tells none */
export function placeOf(text: string): string {
  const head = /^ \{"resourceType":"(\w+)","id":"([\w.-]+)"/.exec(text);
  if (head === null) throw new TamperedError('A resource with encrypted values has neither type nor id');
  return `${head[1]}/${head[2]}`;
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

function placeOfResource(resource: Resource): string {
  return `${resource.resourceType}/${resource['id'] ?? ''}`;
}
