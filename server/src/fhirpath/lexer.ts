import { FhirPathError, placeOf } from './errors.ts';

export type TokenKind =
  | 'identifier'
  | 'delimited'
  | 'string'
  | 'integer'
  | 'long'
  | 'decimal'
  | 'date'
  | 'dateTime'
  | 'time'
  | 'special'
  | 'constant'
  | 'symbol'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** What is meant: without quotes, `@`, `%` and escapes. */
  readonly text: string;
  readonly start: number;
}

const DATE = String.raw`\d{4}(?:-\d\d(?:-\d\d)?)?`;
const TIME = String.raw`\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?`;
const QUOTED = {
  string: String.raw`'(?:[^'\\]|\\[\s\S])*'`,
  delimited: '`(?:[^`\\\\]|\\\\[\\s\\S])*`',
  double: String.raw`"(?:[^"\\]|\\[\s\S])*"`,
};

const TOKEN = new RegExp(
  [
    String.raw`(?<skip>[ \t\r\n]+|//[^\r\n]*|/\*[\s\S]*?\*/)`,
    '(?<identifier>[A-Za-z_][A-Za-z0-9_]*)',
    `(?<delimited>${QUOTED.delimited})`,
    `(?<string>${QUOTED.string})`,
    `(?<time>@T${TIME})`,
    String.raw`(?<dateTime>@${DATE}T(?:${TIME}(?:Z|[+-]\d\d:\d\d)?)?)`,
    `(?<date>@${DATE})`,
    String.raw`(?<decimal>\d+\.\d+)`,
    String.raw`(?<long>\d+L(?![A-Za-z0-9_]))`,
    String.raw`(?<integer>\d+)`,
    String.raw`(?<special>\$(?:this|index|total)(?![A-Za-z0-9_]))`,
    // The names of R4 fhirpath.html#variables that hold a hyphen are written with and without quotes.
    `(?<constant>%(?:(?:vs|ext)-[A-Za-z0-9_-]+|[A-Za-z_][A-Za-z0-9_]*|${QUOTED.string}|${QUOTED.delimited}|${QUOTED.double}))`,
    String.raw`(?<symbol><=|>=|!=|!~|[.,()[\]{}|&+*/=~<>-])`,
  ].join('|'),
  'y',
);

/** The tokens of an expression, the last of kind `end`. @throws FhirPathError (syntax) */
export function tokensOf(text: string): Token[] {
  const list: Token[] = [];
  let start = 0;
  while (start < text.length) {
    TOKEN.lastIndex = start;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) {
      throw new FhirPathError(
        'syntax',
        `${JSON.stringify(text[start])} is not expected at ${placeOf(text, start)}`,
      );
    }
    const end = TOKEN.lastIndex;
    const kind = Object.keys(groups).find((name) => groups[name] !== undefined) as TokenKind | 'skip';
    if (kind !== 'skip') list.push({ kind, text: meaning(kind, text.slice(start, end)), start });
    start = end;
  }
  list.push({ kind: 'end', text: '', start: text.length });
  return list;
}

function meaning(kind: TokenKind, text: string): string {
  switch (kind) {
    case 'string':
    case 'delimited':
      return unescaped(text.slice(1, -1));
    case 'constant':
      return /^%['"`]/.test(text) ? unescaped(text.slice(2, -1)) : text.slice(1);
    case 'date':
    case 'dateTime':
      return text.slice(1);
    case 'time':
      return text.slice(2);
    case 'long':
      return text.slice(0, -1);
    default:
      return text;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' };

/** FHIRPath section 4.1.2 (String): a backslash in front of anything else is ignored. */
export function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|([\s\S]))/g, (_, hex: string | undefined, char: string) =>
    hex === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
