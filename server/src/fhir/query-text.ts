/** Parameters that steer the answer of any request and are no search criteria (R4 http.html#parameters). */
const STEERING = new Set(['_format', '_pretty', '_summary', '_elements']);

/** Query parameters as a query string again, percent-encoded, without those that only steer the answer. */
export function queryText(query: readonly (readonly [string, string])[]): string {
  return encodeQuery(query.filter(([name]) => !STEERING.has(name)));
}

/** Percent-encodes parameters, leaving the characters that searches use often (`| , : /`) readable. */
export function encodeQuery(query: readonly (readonly [string, string])[]): string {
  return query.map(([name, value]) => `${readable(name)}=${readable(value)}`).join('&');
}

function readable(text: string): string {
  return encodeURIComponent(text).replace(/%(7C|2C|3A|2F|24)/g, (escaped) => decodeURIComponent(escaped));
}
