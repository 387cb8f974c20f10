import { failure } from '../errors.ts';
import { checkLength } from '../limits.ts';
import { safeRegExp, safeReplace } from '../regexp.ts';
import { boolean, EMPTY, type Items, integer, plainValue, string } from '../values.ts';
import type { Call, FunctionGroup } from './call.ts';

/** A function of the input text and one text parameter; empty if either is. */
function withText(run: (text: string, parameter: string) => Items) {
  return (call: Call): Items => {
    const { text } = call;
    const parameter = call.textParameter(0);
    return text === undefined || parameter === undefined ? EMPTY : run(text, parameter);
  };
}

/** A function of the input text alone. */
function ofText(run: (text: string) => Items) {
  return ({ text }: Call): Items => (text === undefined ? EMPTY : run(text));
}

/** How many Unicode scalar values are in front of a place in a text. */
function scalars(text: string, end: number): number {
  return end < 0 ? end : [...text.slice(0, end)].length;
}

/** FHIRPath 5.6: texts are of Unicode scalar values. */
export const STRINGS: FunctionGroup = {
  indexOf: [1, 1, withText((text, part) => integer(scalars(text, text.indexOf(part))))],
  lastIndexOf: [1, 1, withText((text, part) => integer(scalars(text, text.lastIndexOf(part))))],
  substring: [1, 2, substring],
  startsWith: [1, 1, withText((text, part) => boolean(text.startsWith(part)))],
  endsWith: [1, 1, withText((text, part) => boolean(text.endsWith(part)))],
  contains: [1, 1, withText((text, part) => boolean(text.includes(part)))],
  upper: [0, 0, ofText((text) => string(text.toUpperCase()))],
  lower: [0, 0, ofText((text) => string(text.toLowerCase()))],
  replace: [2, 2, replace],
  matches: [1, 2, (call) => matches(call, (pattern) => pattern)],
  matchesFull: [1, 2, (call) => matches(call, (pattern) => `^(?:${pattern})$`)],
  replaceMatches: [2, 3, replaceMatches],
  length: [0, 0, ofText((text) => integer([...text].length))],
  toChars: [0, 0, ofText((text) => [...text].flatMap((char) => string(char)))],
  trim: [0, 0, ofText((text) => string(text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')))],
  split: [
    1,
    1,
    withText((text, separator) => (separator === '' ? [...text] : text.split(separator)).flatMap(string)),
  ],
  join: [0, 1, join],
  encode: [1, 1, withText(encode)],
  decode: [1, 1, withText(decode)],
  escape: [1, 1, withText(escaped)],
  unescape: [1, 1, withText(unescapedText)],
};

function substring(call: Call): Items {
  const { text } = call;
  const start = call.wholeParameter(0);
  const length = call.wholeParameter(1);
  if (text === undefined || start === undefined) return EMPTY;
  const chars = [...text];
  if (start < 0 || start >= chars.length) return EMPTY;
  return string(chars.slice(start, length === undefined ? undefined : start + Math.max(0, length)).join(''));
}

function replace(call: Call): Items {
  const { text } = call;
  const pattern = call.textParameter(0);
  const substitution = call.textParameter(1);
  if (text === undefined || pattern === undefined || substitution === undefined) return EMPTY;
  const parts = pattern === '' ? ['', ...text, ''] : text.split(pattern);
  checkLength(text.length + parts.length * substitution.length);
  return string(parts.join(substitution));
}

function matches(call: Call, whole: (pattern: string) => string): Items {
  const { text } = call;
  const pattern = call.textParameter(0);
  const flags = call.textParameter(1) ?? '';
  if (text === undefined || pattern === undefined) return EMPTY;
  return boolean(safeRegExp(whole(pattern), text, flags, call.environment.spend));
}

/** `${name}` and `$1` in the substitution stand for groups; no pattern leaves the text as it is. */
function replaceMatches(call: Call): Items {
  const { text } = call;
  const pattern = call.textParameter(0);
  const substitution = call.textParameter(1);
  const flags = call.textParameter(2) ?? '';
  if (text === undefined || pattern === undefined || substitution === undefined) return EMPTY;
  if (pattern === '') return string(text);
  const groups = substitution.replace(/\$\{(?:(\d+)|(\w+))\}/g, (_, number, name) =>
    number === undefined ? `$<${name}>` : `$${number}`,
  );
  return string(safeReplace(pattern, text, groups, flags, call.environment.spend));
}

function join(call: Call): Items {
  const separator = call.count === 0 ? '' : call.textParameter(0);
  if (call.input.length === 0) return EMPTY;
  const texts = call.input.flatMap((item) => {
    const value = plainValue(item);
    if (value === undefined && item.kind === 'Node' && item.value === undefined) return [];
    if (value?.kind !== 'String') throw failure('join() takes Strings');
    return [value.value];
  });
  checkLength(texts.reduce((sum, text) => sum + text.length + (separator?.length ?? 0), 0));
  return string(texts.join(separator ?? ''));
}

function encode(text: string, format: string): Items {
  const bytes = Buffer.from(text, 'utf8');
  switch (format) {
    case 'hex':
      return string(bytes.toString('hex'));
    case 'base64':
      return string(bytes.toString('base64'));
    case 'urlbase64':
      return string(bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_'));
    case 'ascii':
      return string([...text].map((char) => ((char.codePointAt(0) ?? 0) > 127 ? '?' : char)).join(''));
    default:
      return EMPTY;
  }
}

/** Empty for what is not in the format, or no UTF-8. */
function decode(text: string, format: string): Items {
  const forms: Readonly<Record<string, RegExp>> = {
    hex: /^(?:[0-9a-fA-F]{2})*$/,
    base64: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
    urlbase64: /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}(?:==)?|[A-Za-z0-9_-]{3}=?)?$/,
  };
  const form = Object.hasOwn(forms, format) ? forms[format] : undefined;
  if (form === undefined || !form.test(text)) return EMPTY;
  const bytes = Buffer.from(text, format === 'hex' ? 'hex' : format === 'base64' ? 'base64' : 'base64url');
  try {
    return string(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return EMPTY;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": '#39',
};
const CHARACTERS: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
};

function escaped(text: string, target: string): Items {
  if (target === 'html') return string(text.replace(/[&<>"']/g, (char) => `&${ENTITIES[char]};`));
  return target === 'json' ? string(JSON.stringify(text).slice(1, -1)) : EMPTY;
}

const JSON_ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', b: '\b' };

function unescapedText(text: string, target: string): Items {
  if (target === 'html') {
    return string(
      text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(\w+));/g, (all, digits, hex, name) => {
        if (name !== undefined) return Object.hasOwn(CHARACTERS, name) ? (CHARACTERS[name] as string) : all;
        const code = digits === undefined ? Number.parseInt(hex, 16) : Number(digits);
        return code <= 0x10ffff ? String.fromCodePoint(code) : all;
      }),
    );
  }
  if (target !== 'json') return EMPTY;
  return string(
    text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, hex, char) =>
      hex === undefined ? (JSON_ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
    ),
  );
}
