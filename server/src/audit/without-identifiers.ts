import { encodeQuery } from '../fhir/query-text.ts';
import { parseQuery } from '../http/fhir-handler.ts';
import { parseJson } from '../json/parse.ts';
import { protectedValues } from '../security/fields/fields.ts';
import { maskQuery, maskText } from '../security/fields/mask-query.ts';
import { type FieldPolicy, protectsNothing } from '../security/fields/policy.ts';
import type { AuditInput } from './entry.ts';

/** What may hold a value: most requests have nothing of the kind. */
const SUSPECT = /identifier|\||%7C|[?&]_(filter|content|text|query)|\d{3}-\d{2}-\d{4}/i;

/**
 * An event without values of identifiers that the tenant has encrypted: neither in the request that it quotes, nor in
 * what it says of an error. The event itself where there is none.
 * @param shown what was answered or written, a resource as text: it tells which values are encrypted for their type
 */
export function withoutIdentifiers(
  event: AuditInput,
  policy: FieldPolicy,
  shown: string | undefined,
): AuditInput {
  const { query, detail } = event;
  if (protectsNothing(policy) || (query === undefined && detail === undefined)) return event;
  const masked = query === undefined || !SUSPECT.test(query) ? query : maskLine(query, policy, shown);
  if (masked === query && detail === undefined) return event;
  return {
    ...event,
    ...(masked === undefined ? {} : { query: masked }),
    ...(detail === undefined
      ? {}
      : {
          detail: Object.fromEntries(
            Object.entries(detail).map(([name, text]) => [name, maskText(text, policy)]),
          ),
        }),
  };
}

/** A request line: method, path and query. */
function maskLine(line: string, policy: FieldPolicy, shown: string | undefined): string {
  const mark = line.indexOf('?');
  if (mark < 0) return maskText(line, policy);
  let values: ReadonlySet<string> | undefined;
  const tells = (value: string): boolean => {
    if (shown === undefined || policy.types.size === 0) return false;
    values ??= valuesIn(shown, policy);
    return values.has(value);
  };
  const query = maskQuery(parseQuery(line.slice(mark + 1)), policy, tells);
  return `${maskText(line.slice(0, mark), policy)}?${encodeQuery(query)}`;
}

function valuesIn(text: string, policy: FieldPolicy): ReadonlySet<string> {
  return text.startsWith('{') ? protectedValues(parseJson(text), policy) : new Set();
}
