import { fhirError } from './outcome.ts';

/** The ETag of a version (R4 http.html#concurrency): weak, as the specification writes it. */
export function etag(version: number): string {
  return `W/"${version}"`;
}

/**
 * The version that an If-Match header names; undefined when there is no header.
 * @throws FhirError 400 when the header is no entity tag
 */
export function ifMatchVersion(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const match = /^\s*(?:W\/)?"([^"]*)"\s*$/.exec(header) ?? /^\s*([0-9]+)\s*$/.exec(header);
  if (match === null) {
    throw fhirError(
      400,
      'value',
      `If-Match must be one entity tag such as W/"1", not '${header}'`,
      'http.if-match',
    );
  }
  // A tag that this server never gave matches no version.
  return /^[1-9][0-9]{0,8}$/.test(match[1] as string) ? Number(match[1]) : -1;
}

/** Whether a conditional read finds the client's copy current (R4 http.html#cread): then the answer is 304. */
export function notModified(
  ifNoneMatch: string | undefined,
  ifModifiedSince: string | undefined,
  version: number,
  lastUpdated: number,
): boolean {
  if (ifNoneMatch !== undefined) {
    return ifNoneMatch.split(',').some((tag) => {
      const text = tag
        .trim()
        .replace(/^W\//, '')
        .replace(/^"(.*)"$/, '$1');
      return text === '*' || text === String(version);
    });
  }
  if (ifModifiedSince === undefined) return false;
  const since = Date.parse(ifModifiedSince);
  // HTTP dates have whole seconds: what changed within the same second counts as seen.
  return !Number.isNaN(since) && Math.floor(lastUpdated / 1000) * 1000 <= since;
}

/** Last-Modified as HTTP writes dates (RFC 9110). */
export function httpDate(millis: number): string {
  return new Date(millis).toUTCString();
}
