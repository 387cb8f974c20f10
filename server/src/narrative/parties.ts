import { isNumber, numberOf } from '../json/exact-number.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { code, concept } from './codes.ts';
import { dateTime, period } from './dates.ts';
import { asObject, asObjects, asText, type Context, type Format, read } from './element.ts';
import { join, nameWords, wrap } from './text.ts';

/** What qualifies a name, address or identifier: its use, which can make it an old or a made-up one, and its period. */
function qualified(text: string | undefined, element: JsonObject, context: Context): string | undefined {
  if (text === undefined) return undefined;
  const qualifiers = join(
    ', ',
    read(element, 'use', code, context),
    element['period'] === undefined ? undefined : read(element, 'period', period, context),
  );
  return join(' ', text, wrap(qualifiers));
}

/** `Dr Jane A Doe Jr (official)`. */
export const humanName: Format = (value, context) => {
  const element = asObject(value);
  return element === undefined ? undefined : qualified(bareName(element, context), element, context);
};

/** A HumanName without its use: for titles. */
function bareName(element: JsonObject, context: Context): string | undefined {
  return (
    asText(element['text']) ??
    join(
      ' ',
      read(element, 'prefix', asText, context, ' '),
      read(element, 'given', asText, context, ' '),
      read(element, 'family', asText, context),
      read(element, 'suffix', asText, context, ' '),
    )
  );
}

/** The name that a resource's title shows of several: the official or usual one that is in use, else the first. */
export function titleName(names: JsonValue | undefined, context: Context): string | undefined {
  const all = asObjects(names);
  const rank = (name: JsonObject): number => {
    const at = ['usual', 'official', undefined, 'temp', 'nickname', 'anonymous', 'maiden', 'old'].indexOf(
      asText(name['use']),
    );
    return (asObject(name['period'])?.['end'] === undefined ? 0 : 10) + (at < 0 ? 9 : at);
  };
  const [first] = all.toSorted((a, b) => rank(a) - rank(b));
  return first === undefined ? undefined : bareName(first, context);
}

export const address: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const text =
    asText(element['text']) ??
    join(
      ', ',
      read(element, 'line', asText, context, ', '),
      read(element, 'city', asText, context),
      read(element, 'district', asText, context),
      join(' ', read(element, 'state', asText, context), read(element, 'postalCode', asText, context)),
      read(element, 'country', asText, context),
    );
  const type = asText(element['type']);
  const kind = type === 'postal' ? ' (for mail)' : type === 'physical' ? ' (to visit)' : '';
  return qualified(text === undefined ? undefined : text + kind, element, context);
};

export const contactPoint: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const text = read(element, 'value', asText, context);
  const system = read(element, 'system', code, context);
  return text === undefined ? undefined : qualified(join(' ', system, text), element, context);
};

/** Identifier systems that have a name of their own. */
const IDENTIFIERS: Readonly<Record<string, string>> = {
  'http://hl7.org/fhir/sid/us-ssn': 'US Social Security number',
  'http://hl7.org/fhir/sid/us-npi': 'NPI',
  'http://hl7.org/fhir/sid/us-medicare': 'Medicare number',
  'http://hl7.org/fhir/sid/us-mbi': 'Medicare beneficiary identifier',
};

export const identifier: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const system = asText(element['system']);
  const named = system !== undefined && Object.hasOwn(IDENTIFIERS, system) ? IDENTIFIERS[system] : undefined;
  const kind = read(element, 'type', concept, context) ?? named;
  const text = read(element, 'value', asText, context);
  const from = asText(asObject(element['assigner'])?.['display']);
  // What the system urn:ietf:rfc:3986 says is that the value is a URI, which can be seen.
  const origin = from ?? (kind === undefined && system !== 'urn:ietf:rfc:3986' ? system : undefined);
  return qualified(join(' ', wrap(kind, '', ':'), text, wrap(origin, 'from ', '')), element, context);
};

/**
 * A Reference by its display; that of a contained resource, which has no text of its own, by what that says of itself;
 * else `Type/id`, else the identifier.
 */
export const reference: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const display = asText(element['display']);
  if (display !== undefined) return display;
  const literal = asText(element['reference']);
  if (literal?.startsWith('#')) {
    const contained = context.contained(literal.slice(1));
    if (contained !== undefined) return labelOf(contained, context);
  }
  return (
    literal ??
    read(element, 'identifier', identifier, context) ??
    read(element, 'reference', asText, context) ??
    asText(element['type'])
  );
};

/** What a resource calls itself: its name, code, title or description; else its type. */
export function labelOf(resource: JsonObject, context: Context): string {
  const { name } = resource;
  return (
    (typeof name === 'string' ? asText(name) : titleName(name, context)) ??
    read(resource, 'code', Array.isArray(resource['code']) ? concept : conceptOrCode, context) ??
    read(resource, 'type', conceptOrCode, context) ??
    asText(resource['title']) ??
    asText(resource['description']) ??
    nameWords(asText(resource['resourceType']) ?? 'resource')
  );
}

const conceptOrCode: Format = (value, context) => concept(value, context) ?? code(value, context);

/** `text (author, date)`. */
export const annotation: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const author =
    read(element, 'authorReference', reference, context) ?? read(element, 'authorString', asText, context);
  const by = join(', ', author, read(element, 'time', dateTime, context));
  return join(' ', read(element, 'text', asText, context), wrap(by));
};

/** An attachment's title, kind, size and date, never its bytes. */
export const attachment: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const title = read(element, 'title', asText, context);
  const details = join(
    ', ',
    read(element, 'contentType', asText, context),
    element['language'] === undefined ? undefined : wrap(asText(element['language']), 'language ', ''),
    isNumber(element['size']) ? `${numberOf(element['size'])} bytes` : undefined,
    read(element, 'creation', dateTime, context),
  );
  const url = asText(element['url']);
  const name = title ?? url ?? (details === undefined ? undefined : 'Attachment');
  return join(' ', name, wrap(details));
};

export const signature: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  return join(
    ', ',
    wrap(read(element, 'who', reference, context), 'signed by ', ''),
    wrap(read(element, 'onBehalfOf', reference, context), 'on behalf of ', ''),
    read(element, 'when', dateTime, context),
  );
};
