import { fhirError } from '../fhir/outcome.ts';
import type { Preferences } from '../fhir/request.ts';

export const FHIR_JSON = 'application/fhir+json';
export const FHIR_XML = 'application/fhir+xml';

export type Format = 'json' | 'xml';

/** Media types of resources, by format (R4 http.html#mime-type; the older names are still sent by clients). */
const RESOURCE_TYPES: ReadonlyMap<string, Format> = new Map([
  ['application/fhir+json', 'json'],
  ['application/json', 'json'],
  ['application/json+fhir', 'json'],
  ['text/json', 'json'],
  ['application/fhir+xml', 'xml'],
  ['application/xml', 'xml'],
  ['application/xml+fhir', 'xml'],
  ['text/xml', 'xml'],
]);

/** What `_format` and Accept may say besides. Browsers ask for pages and get JSON. */
const OTHER_NAMES: ReadonlyMap<string, Format> = new Map([
  ['json', 'json'],
  ['xml', 'xml'],
  ['*/*', 'json'],
  ['application/*', 'json'],
  ['text/*', 'json'],
]);

/** The format of a resource that a Content-Type means; undefined if it means none. */
export function resourceFormat(contentType: string | undefined): Format | undefined {
  return contentType === undefined ? undefined : RESOURCE_TYPES.get(contentType);
}

/** An Accept header as media types from most to least wanted (RFC 9110 12.5.1), those with q=0 left out. */
export function acceptedTypes(accept: string): string[] {
  return accepted(accept).map(({ type }) => type);
}

function accepted(header: string): { type: string; q: number }[] {
  return header
    .split(',')
    .map((part, index) => {
      const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim());
      const q = parameters.find((parameter) => /^q=/i.test(parameter));
      return { type: type.toLowerCase(), q: q === undefined ? 1 : Number(q.slice(2)), index };
    })
    .filter(({ type, q }) => type !== '' && q > 0)
    .sort((a, b) => b.q - a.q || a.index - b.index);
}

/**
 * The format that the client takes. `_format` goes before Accept; without either it is JSON.
 * @throws FhirError 406 when it only takes what this server does not write
 */
export function wantedFormat(format: string | undefined, accept: string | undefined): Format {
  if (format !== undefined && format !== '') {
    // In a URL the plus of application/fhir+json is often left unescaped and arrives as a space.
    const type = (format.split(';')[0] as string).trim().toLowerCase().replace(' ', '+');
    const wanted = RESOURCE_TYPES.get(type) ?? OTHER_NAMES.get(type);
    if (wanted !== undefined) return wanted;
    throw notAvailable(`_format '${format}'`, 'http.query._format');
  }
  if (accept === undefined || /^[\s,]*$/.test(accept)) return 'json';
  const types = acceptedTypes(accept);
  // Browsers name application/xml after HTML pages: people read JSON more easily.
  if (types[0] === 'text/html' && types.includes('*/*')) return 'json';
  for (const type of types) {
    const wanted = RESOURCE_TYPES.get(type) ?? OTHER_NAMES.get(type);
    if (wanted !== undefined) return wanted;
  }
  throw notAvailable(`'${accept}'`, 'http.accept');
}

function notAvailable(what: string, expression: string): Error {
  return fhirError(
    406,
    'not-supported',
    `${what} is not available: this server writes ${FHIR_JSON} and ${FHIR_XML}`,
    expression,
  );
}

/** The media type of a Content-Type header, lower case, without parameters. */
export function mediaType(contentType: string | undefined): string | undefined {
  return contentType?.split(';')[0]?.trim().toLowerCase();
}

/**
 * Makes sure that a body is a resource, or says what it must be.
 * @throws FhirError 415 naming the header
 */
export function assertResourceBody(contentType: string | undefined): void {
  if (contentType === undefined || contentType === '' || resourceFormat(contentType) !== undefined) return;
  throw fhirError(
    415,
    'not-supported',
    `Content-Type '${contentType}' is not supported: send ${FHIR_JSON} or ${FHIR_XML}`,
    'http.content-type',
  );
}

const NO_PREFERENCES: Preferences = { return: undefined, handling: undefined, respondAsync: false };

/** The Prefer header (RFC 7240) as far as FHIR uses it; what it does not know is passed over. */
export function preferences(prefer: string | undefined): Preferences {
  if (prefer === undefined) return NO_PREFERENCES;
  let returned: Preferences['return'];
  let handling: Preferences['handling'];
  let respondAsync = false;
  for (const part of prefer.split(/[,;]/)) {
    const [name = '', value = ''] = part.split('=').map((piece) => piece.trim().replace(/^"(.*)"$/, '$1'));
    const lower = name.toLowerCase();
    if (
      lower === 'return' &&
      (value === 'minimal' || value === 'representation' || value === 'OperationOutcome')
    ) {
      returned = value;
    } else if (lower === 'handling' && (value === 'strict' || value === 'lenient')) {
      handling = value;
    } else if (lower === 'respond-async') {
      respondAsync = true;
    }
  }
  return { return: returned, handling, respondAsync };
}

/** The content coding to answer with: br or gzip, whichever the client wants more, br when it has no preference (RFC 9110 12.5.3). */
export function contentCoding(acceptEncoding: string | undefined): 'br' | 'gzip' | undefined {
  if (acceptEncoding === undefined) return undefined;
  const codings = accepted(acceptEncoding);
  const weight = (...names: string[]): number => codings.find(({ type }) => names.includes(type))?.q ?? 0;
  const [br, gzip] = [weight('br'), weight('gzip', '*')];
  if (br === 0 && gzip === 0) return undefined;
  return br >= gzip ? 'br' : 'gzip';
}
