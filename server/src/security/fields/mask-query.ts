import { MASK } from './fields.ts';
import { type FieldPolicy, hasProtectedType, protectsNothing, protectsSsn } from './policy.ts';

/*
 * Requests are recorded as they were made, but for values of identifiers that are stored encrypted: those are told
 * neither by a search's parameters nor by what an error quotes of them.
 */

/** Parameters whose name tells that an identifier is looked for: by itself, chained, or by an Identifier of a reference. */
const IDENTIFIER = /(^|[.:])identifier($|[.:])/;
/** Criteria in a language of their own, or words. */
const TEXTS = /^_(filter|content|text|query)\b/;
const SSN = /(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])/g;
const FILTER = /(identifier\S*\s+[a-z]{2}\s+)("(?:[^"\\]|\\.)*"|[^\s)]+)/gi;
/** Commas that separate alternatives (R4 search.html#escaping). */
const COMMA = /(?<!\\),/;

/**
 * Parameters with {@link MASK} in the place of values that may be those of encrypted identifiers: of an encrypted system,
 * without a system, of an encrypted type, and those that `tells` knows.
 * @param tells whether a value is that of an encrypted identifier, as far as what was answered shows
 */
export function maskQuery(
  query: readonly (readonly [string, string])[],
  policy: FieldPolicy,
  tells: (value: string) => boolean = () => false,
): [string, string][] {
  if (protectsNothing(policy)) return query.map(([name, value]) => [name, value]);
  return query.map(([name, value]) => {
    if (TEXTS.test(name)) return [name, maskText(value, policy).replace(FILTER, `$1${MASK}`)];
    const isIdentifier = IDENTIFIER.test(name);
    if (!isIdentifier && !value.includes('|')) return [name, maskText(value, policy)];
    const mask = name.endsWith(':of-type') ? maskOfType : maskToken;
    return [
      name,
      value
        .split(COMMA)
        .map((one) => maskText(mask(one, policy, isIdentifier, tells), policy))
        .join(','),
    ];
  });
}

/** `system|value`; without a system only a parameter of identifiers can mean an identifier. */
function maskToken(
  text: string,
  { systems }: FieldPolicy,
  isIdentifier: boolean,
  tells: (value: string) => boolean,
): string {
  const bar = text.indexOf('|');
  const system = bar < 0 ? '' : text.slice(0, bar);
  const value = text.slice(bar + 1);
  if (value === '') return text;
  const secret = system === '' ? isIdentifier : systems.has(system) || (isIdentifier && tells(value));
  return secret ? `${text.slice(0, bar + 1)}${MASK}` : text;
}

/** `system of the type|code|value` (R4 search.html#token, `:of-type`). */
function maskOfType(
  text: string,
  policy: FieldPolicy,
  _isIdentifier: boolean,
  tells: (value: string) => boolean,
): string {
  const [system = '', code = '', ...rest] = text.split('|');
  const value = rest.join('|');
  const secret = hasProtectedType(policy, system, code) || tells(value);
  return secret ? `${system}|${code}|${MASK}` : text;
}

const patterns = new WeakMap<FieldPolicy, RegExp | null>();

/**
 * A text, such as an error's, with {@link MASK} in the place of what stands as `system|value` of an encrypted system
 * (percent-encoded or not), and of what is written like a social security number where those are encrypted.
 */
export function maskText(text: string, policy: FieldPolicy): string {
  let pattern = patterns.get(policy);
  if (pattern === undefined) patterns.set(policy, (pattern = patternOf(policy)));
  const masked = pattern === null ? text : text.replace(pattern, `$1${MASK}`);
  return protectsSsn(policy) ? masked.replace(SSN, MASK) : masked;
}

function patternOf({ systems }: FieldPolicy): RegExp | null {
  if (systems.size === 0) return null;
  const spelled = [...systems].flatMap((system) => [system, encodeURIComponent(system)]);
  const any = spelled.map((system) => system.replace(/[^\w]/g, '\\$&')).join('|');
  return new RegExp(`((?:${any})(?:\\||%7C))[^\\s,&'"\`)\\]]+`, 'gi');
}
