import { isCharacter, PREDEFINED } from './characters.ts';

const AMP = 0x26;
const DECLARATION =
  /^<\?xml\s+version\s*=\s*(["'])(1\.[0-9]+)\1(?:\s+encoding\s*=\s*(["'])([A-Za-z][\w.-]*)\3)?(?:\s+standalone\s*=\s*(["'])(?:yes|no)\5)?\s*$/;

/**
 * Reads the XML declaration at a position: version 1.0 (XML 1.0 section 2.8), and UTF-8, which FHIR asks for (R4 xml.html).
 * @returns the position behind it, the same if there is none, or what is wrong with it
 */
export function readDeclaration(text: string, at: number): number | string {
  if (!/^<\?xml[\t\n\r ]/.test(text.slice(at, at + 6))) return at;
  // As long as a declaration may sensibly be: a text without end is not searched.
  const end = text.slice(at, at + 1000).indexOf('?>');
  const found = DECLARATION.exec(end < 0 ? '' : text.slice(at, at + end));
  if (found === null) return 'the XML declaration is not well-formed';
  if (found[2] !== '1.0') return `XML ${found[2]} is not supported, only 1.0`;
  if (found[4] !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(found[4])) {
    return `the encoding must be UTF-8, not ${found[4]}`;
  }
  return at + end + 2;
}

/** What is wrong with a text, and where. */
export interface TextProblem {
  readonly message: string;
  readonly position: number;
}

/**
 * A piece of a text with references resolved and line ends as XML has them. In an attribute, white space that stands there
 * as it is becomes spaces (XML 1.0 sections 2.11, 3.3.3, 4.1).
 * @param entities named entities that are known besides those of XML
 * @returns the text, or the first thing that is wrong with it
 */
export function resolveReferences(
  text: string,
  from: number,
  to: number,
  inAttribute: boolean,
  entities: ReadonlyMap<string, string> | undefined,
): string | TextProblem {
  let result = '';
  let copied = from;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code === AMP) {
      const close = text.indexOf(';', i);
      if (close < 0 || close >= to) return { message: '"&" that begins no reference', position: i };
      const name = text.slice(i + 1, close);
      const resolved = name.startsWith('#') ? character(name) : (PREDEFINED.get(name) ?? entities?.get(name));
      if (resolved === undefined) return { message: unknown(name), position: i };
      result += text.slice(copied, i) + resolved;
      copied = close + 1;
      i = close;
    } else if (code < 0x20 && (inAttribute || code === 0x0d)) {
      result += text.slice(copied, i) + (inAttribute ? ' ' : '\n');
      if (code === 0x0d && text.charCodeAt(i + 1) === 0x0a) i++;
      copied = i + 1;
    }
  }
  return result + text.slice(copied, to);
}

function character(name: string): string | undefined {
  const hex = /^#x([0-9A-Fa-f]{1,8})$/.exec(name)?.[1];
  const decimal = /^#([0-9]{1,8})$/.exec(name)?.[1];
  const code = hex !== undefined ? Number.parseInt(hex, 16) : decimal !== undefined ? Number(decimal) : -1;
  return isCharacter(code) && code >= 0 ? String.fromCodePoint(code) : undefined;
}

function unknown(name: string): string {
  return name.startsWith('#')
    ? 'a reference to what is no XML character'
    : `the entity &${name.slice(0, 40)}; is not allowed; XML has only amp, lt, gt, quot and apos`;
}
