import { HTML_ENTITIES } from '../xml/html-entities.ts';

/**
 * The XHTML of Narrative.div (R4 narrative.html, invariants txt-1 and txt-2): a well-formed fragment of the elements and
 * attributes of chapters 7 to 11 (without 9.4) and 15 of HTML 4.0, `a`, `img`, and styles; nothing that runs or loads
 * anything of its own accord.
 */

const ELEMENTS = new Set(
  (
    'a abbr acronym address area b bdo big blockquote br caption center cite code col colgroup dd dfn div dl dt em font ' +
    'h1 h2 h3 h4 h5 h6 hr i img kbd li map ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead ' +
    'tr tt u ul var'
  ).split(' '),
);

const ATTRIBUTES = new Set(
  (
    'abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset ' +
    'cite class clear color colspan compact coords dir face frame headers height href hreflang hspace id lang longdesc ' +
    'name nohref noshade nowrap rel rev rowspan rules scope shape size span src start style summary tabindex title type ' +
    'usemap ismap valign value vspace width xml:lang xml:id xml:space xmlns'
  ).split(' '),
);

const LINKS = new Set(['href', 'src', 'cite', 'longdesc', 'usemap']);
const XHTML = 'http://www.w3.org/1999/xhtml';

// One piece of markup or text: 1 comment, 2 closing tag, 3 begin of an opening tag, 4 text. Every alternative is decided by
// its first characters, so matching takes linear time; nothing but single characters is repeated, because what a group
// repeats takes memory of the engine for every repetition, which it has little of.
const PIECE = /<!--([\s\S]*?)-->|<\/([A-Za-z][\w:.-]*)\s*>|<([A-Za-z][\w:.-]*)|([^<]+)/y;
/** The next attribute of an opening tag: 1 name, 2 or 3 value. */
const ATTRIBUTE = /\s+([A-Za-z_:][\w:.-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
/** The end of an opening tag: 1 slash. */
const TAG_END = /\s*(\/?)>/y;
const BAD_ENTITY = /&(?!(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)/;

/** The block elements of HTML 4.0, which a paragraph holds none of (9.3.1). */
const BLOCKS = new Set('address blockquote center div dl h1 h2 h3 h4 h5 h6 hr ol p pre table ul'.split(' '));

/**
 * What is wrong with the text of a narrative's div; undefined if nothing.
 * @param strict also what a server may let pass: entities that XHTML does not have, blocks in a paragraph, links in a link
 *   (HTML 4.0, 9.3.1 and 12.2.2)
 */
export function checkXhtml(xhtml: string, strict = false): string | undefined {
  const open: string[] = [];
  let hasContent = false;
  let isDone = false;
  /** How many of each are open. */
  let paragraphs = 0;
  let links = 0;
  PIECE.lastIndex = 0;
  const trimmed = xhtml.trim();
  while (PIECE.lastIndex < trimmed.length) {
    const at = PIECE.lastIndex;
    const piece = PIECE.exec(trimmed);
    if (piece === null) return notWellFormed(at);
    if (piece[1] !== undefined) {
      if (piece[1].includes('--')) return 'an XHTML comment contains "--"';
      continue;
    }
    if (isDone) return 'there is something after the end of the div';
    const text = piece[4];
    if (text !== undefined) {
      if (open.length === 0) return 'the XHTML must begin with <div';
      if (text.includes('&')) {
        const wrong = wrongEntity(text, strict);
        if (wrong !== undefined) return wrong;
      }
      hasContent ||= /\S/.test(text);
    } else if (piece[2] !== undefined) {
      if (piece[2] === 'p') paragraphs--;
      else if (piece[2] === 'a') links--;
      if (open.pop() !== piece[2]) return `the XHTML is not well-formed: </${piece[2]}> closes nothing`;
      isDone = open.length === 0;
    } else {
      const name = piece[3] as string;
      if (open.length === 0 && name !== 'div') return 'the XHTML must begin with <div';
      if (!ELEMENTS.has(name)) return `the XHTML element ${name} is not allowed in a narrative`;
      if (strict && paragraphs > 0 && BLOCKS.has(name))
        return `the XHTML element ${name} is not allowed in a paragraph`;
      if (strict && links > 0 && name === 'a') return 'a link in the XHTML is in another link';
      const tag = readTag(name, trimmed, PIECE.lastIndex, open.length === 0, strict);
      if (typeof tag === 'string') return tag;
      if (tag === undefined) return notWellFormed(at);
      PIECE.lastIndex = tag.end;
      hasContent ||= name === 'img';
      if (tag.isEmpty) isDone = open.length === 0;
      else {
        open.push(name);
        if (name === 'p') paragraphs++;
        else if (name === 'a') links++;
      }
    }
  }
  if (!isDone)
    return open.length === 0
      ? 'the XHTML must begin with <div'
      : `the XHTML element ${open.at(-1)} is not closed`;
  return hasContent ? undefined : 'a narrative must have some content that is not whitespace';
}

function wrongEntity(text: string, strict: boolean): string | undefined {
  if (BAD_ENTITY.test(text)) return 'the XHTML holds an "&" that begins no entity';
  if (!strict) return undefined;
  for (const [entity, name] of text.matchAll(/&([A-Za-z][A-Za-z0-9]*);/g)) {
    if (!XML_ENTITIES.has(name as string) && !HTML_ENTITIES.has(name as string))
      return `XHTML has no entity ${entity}`;
  }
  return undefined;
}

const XML_ENTITIES = new Set(['amp', 'lt', 'gt', 'quot', 'apos']);

const notWellFormed = (at: number): string =>
  `the XHTML is not well-formed, or holds something that a narrative may not, at character ${at + 1}`;

/**
 * Reads the attributes of an opening tag and its end.
 * @param from after the element's name
 * @returns where it ends; a text for what is wrong with an attribute; undefined where it is no tag
 */
function readTag(
  element: string,
  text: string,
  from: number,
  isRoot: boolean,
  strict: boolean,
): { end: number; isEmpty: boolean } | string | undefined {
  const seen: string[] = [];
  let at = from;
  for (;;) {
    ATTRIBUTE.lastIndex = at;
    const match = ATTRIBUTE.exec(text);
    if (match === null) break;
    at = ATTRIBUTE.lastIndex;
    const name = match[1] as string;
    const value = match[2] ?? match[3] ?? '';
    if (!ATTRIBUTES.has(name)) return `the XHTML attribute ${name} is not allowed in a narrative`;
    if (seen.includes(name)) return `the XHTML attribute ${name} is there twice`;
    seen.push(name);
    if (value.includes('&')) {
      const wrong = wrongEntity(value, strict);
      if (wrong !== undefined) return wrong;
    }
    if (name === 'xmlns' && value !== XHTML) return `the namespace of the XHTML must be ${XHTML}`;
    if (LINKS.has(name) && !isSafeLink(decode(value), name === 'src')) {
      return `the XHTML attribute ${name} of ${element} has a link that a narrative may not have`;
    }
    if (
      name === 'style' &&
      /expression\s*\(|javascript:|vbscript:|-moz-binding|behavior\s*:|@import|\burl\s*\((?!\s*(?:['"]\s*)?(?:data:\s*image\/(?!svg)|#|[\w-][\w./-]*['"]?\s*\)))/i.test(
        styleText(value),
      )
    ) {
      return 'a style in the XHTML loads or runs something';
    }
  }
  TAG_END.lastIndex = at;
  const end = TAG_END.exec(text);
  if (end === null) return undefined;
  if (isRoot && !seen.includes('xmlns')) return `the div must have the namespace ${XHTML}`;
  return { end: TAG_END.lastIndex, isEmpty: end[1] !== '' };
}

/** Browsers drop control characters and whitespace in a scheme. */
function isSafeLink(link: string, isImage: boolean): boolean {
  const scheme = /^([a-z][a-z0-9+.-]*):/i
    .exec(link.replace(/[\u0000-\u0020\u007f-\u00a0]/g, ''))?.[1]
    ?.toLowerCase();
  if (scheme === undefined) return true;
  if (scheme === 'data') return isImage && /^\s*data:\s*image\/(?!svg)/i.test(link);
  return scheme !== 'javascript' && scheme !== 'vbscript' && scheme !== 'livescript' && scheme !== 'mocha';
}

const NAMED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['colon', ':'],
  ['Tab', '\t'],
  ['NewLine', '\n'],
]);

function decode(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:#x([0-9a-f]+)|#([0-9]+)|([A-Za-z][A-Za-z0-9]*));/gi,
    (_, hex, decimal, name: string) => {
      if (name !== undefined) return NAMED.get(name) ?? ' ';
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : ' ';
    },
  );
}

/** CSS as a browser reads it: entities, comments and escapes undone. */
function styleText(value: string): string {
  if (!/[&\\/]/.test(value)) return value;
  return withoutComments(decode(value))
    .replace(/\\([0-9a-f]{1,6})\s?/gi, (_, hex: string) => {
      const code = Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : '';
    })
    .replaceAll('\\', '');
}

function withoutComments(css: string): string {
  let result = '';
  let at = 0;
  for (let open = css.indexOf('/*'); open >= 0; open = css.indexOf('/*', at)) {
    result += css.slice(at, open);
    const close = css.indexOf('*/', open + 2);
    // What is not closed is a comment to the end.
    if (close < 0) return result;
    at = close + 2;
  }
  return result + css.slice(at);
}
