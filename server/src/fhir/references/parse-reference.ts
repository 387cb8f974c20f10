/** What a Reference.reference says (R4 references.html#literal). */
export type ParsedReference =
  /** A resource of this server; `version` when the reference is version specific. */
  | { readonly kind: 'relative'; readonly type: string; readonly id: string; readonly version?: string }
  /** `#id`: a contained resource; `#` alone (empty id) is the resource that contains the referrer. */
  | { readonly kind: 'contained'; readonly id: string }
  /** A URL of another server, or of this one that is no instance. */
  | { readonly kind: 'absolute'; readonly url: string }
  /** `urn:uuid:...`, `urn:oid:...` or another URN. */
  | { readonly kind: 'urn'; readonly urn: string }
  /** `Patient?identifier=x` (R4 http.html#trules); `query` without the question mark, as written. */
  | { readonly kind: 'conditional'; readonly type: string; readonly query: string }
  | { readonly kind: 'invalid' };

const RELATIVE = /^([A-Z][A-Za-z]*)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([A-Za-z0-9\-.]{1,64}))?$/;
const CONDITIONAL = /^([A-Z][A-Za-z]*)\?([^#\s]+)$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const INVALID: ParsedReference = { kind: 'invalid' };

/**
 * Reads the text of a literal reference. An absolute URL below `baseUrl` counts as relative or conditional.
 * Whether the type exists is for the caller to check.
 * @param baseUrl the tenant's base URL, with or without a slash at the end
 */
export function parseReference(text: string, baseUrl: string): ParsedReference {
  const local = parseLocal(text);
  if (local !== undefined) return local;
  if (text.startsWith('#')) return /\s/.test(text) ? INVALID : { kind: 'contained', id: text.slice(1) };
  if (!SCHEME.test(text) || /\s/.test(text)) return INVALID;
  if (/^urn:/i.test(text)) return text.length > 4 ? { kind: 'urn', urn: text } : INVALID;
  const rest = belowBase(text, baseUrl);
  return (rest === undefined ? undefined : parseLocal(rest)) ?? { kind: 'absolute', url: text };
}

/** What follows `baseUrl/` in a URL; undefined when the URL does not lie below it. */
export function belowBase(url: string, baseUrl: string): string | undefined {
  if (!url.startsWith(baseUrl)) return undefined;
  if (baseUrl.endsWith('/')) return url.slice(baseUrl.length);
  return url.charCodeAt(baseUrl.length) === 47 ? url.slice(baseUrl.length + 1) : undefined;
}

function parseLocal(text: string): ParsedReference | undefined {
  const relative = RELATIVE.exec(text);
  if (relative !== null) {
    const version = relative[3];
    const base = { kind: 'relative', type: relative[1] as string, id: relative[2] as string } as const;
    return version === undefined ? base : { ...base, version };
  }
  const conditional = CONDITIONAL.exec(text);
  return conditional === null
    ? undefined
    : { kind: 'conditional', type: conditional[1] as string, query: conditional[2] as string };
}
