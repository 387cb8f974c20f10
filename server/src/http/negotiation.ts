import { fhirError } from '../fhir/outcome.ts';
import type { Preferences } from '../fhir/request.ts';

export const FHIR_JSON = 'application/fhir+json';

/** Media types that ask for JSON, and what `_format` may say instead (R4 http.html#mime-type, #parameters). */
const JSON_TYPES = new Set([
  'application/fhir+json',
  'application/json',
  'application/json+fhir',
  'text/json',
  'json',
  '*/*',
  'application/*',
  'text/*',
]);

const FHIR_JSON_TYPES = new Set([
  'application/fhir+json',
  'application/json',
  'application/json+fhir',
  'text/json',
]);

/** Whether a Content-Type is one of those that mean a resource in JSON. */
export function isFhirJson(contentType: string | undefined): boolean {
  return contentType !== undefined && FHIR_JSON_TYPES.has(contentType);
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
 * Makes sure that the client takes JSON. `_format` goes before Accept.
 * @throws FhirError 406 when it only takes what this server does not write
 */
export function assertJsonWanted(format: string | undefined, accept: string | undefined): void {
  if (format !== undefined && format !== '') {
    // In a URL the plus of application/fhir+json is often left unescaped and arrives as a space.
    const type = (format.split(';')[0] as string).trim().toLowerCase().replace(' ', '+');
    if (JSON_TYPES.has(type)) return;
    throw fhirError(
      406,
      'not-supported',
      `_format '${format}' is not available: this server writes ${FHIR_JSON}`,
      'http.query._format',
    );
  }
  if (accept === undefined || /^[\s,]*$/.test(accept)) return;
  if (acceptedTypes(accept).some((type) => JSON_TYPES.has(type))) return;
  throw fhirError(
    406,
    'not-supported',
    `'${accept}' is not available: this server writes ${FHIR_JSON}`,
    'http.accept',
  );
}

/** The media type of a Content-Type header, lower case, without parameters. */
export function mediaType(contentType: string | undefined): string | undefined {
  return contentType?.split(';')[0]?.trim().toLowerCase();
}

/**
 * Makes sure that a body is JSON.
 * @throws FhirError 415 naming the header
 */
export function assertJsonBody(contentType: string | undefined): void {
  if (contentType === undefined || contentType === '' || JSON_TYPES.has(contentType)) return;
  throw fhirError(
    415,
    'not-supported',
    `Content-Type '${contentType}' is not supported: send ${FHIR_JSON}`,
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
