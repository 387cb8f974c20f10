/**
 * The XHTML of Narrative.div (R4 narrative.html, invariants txt-1 and txt-2): a well-formed fragment of the elements and
 * attributes of chapters 7 to 11 (without 9.4) and 15 of HTML 4.0, `a`, `img`, and styles; nothing that runs or loads
 * anything of its own accord.
 */

const ELEMENTS = new Set(
  (
    'a abbr acronym address b bdo big blockquote br caption center cite code col colgroup dd dfn div dl dt em font ' +
    'h1 h2 h3 h4 h5 h6 hr i img kbd li ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead ' +
    'tr tt u ul var'
  ).split(' '),
);

const ATTRIBUTES = new Set(
  (
    'abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset ' +
    'cite class clear color colspan compact coords dir face frame headers height href hreflang hspace id lang longdesc ' +
    'name noshade nowrap rel rev rowspan rules scope shape size span src start style summary tabindex title type ' +
    'usemap ismap valign value vspace width xml:lang xml:id xml:space xmlns'
  ).split(' '),
);

const LINKS = new Set(['href', 'src', 'cite', 'longdesc', 'usemap']);
const XHTML = 'http://www.w3.org/1999/xhtml';

// One piece of markup or text. Every alternative is decided by its first characters, so matching takes linear time.
const PIECE =
  /<!--(?<comment>[\s\S]*?)-->|<\/(?<close>[A-Za-z][\w:.-]*)\s*>|<(?<open>[A-Za-z][\w:.-]*)(?<attributes>(?:\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(?<empty>\/?)>|(?<text>[^<]+)/y;
const ATTRIBUTE = /([A-Za-z_:][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const BAD_ENTITY = /&(?!(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)/;

/** What is wrong with the text of a narrative's div; undefined if nothing. */
export function checkXhtml(text: string): string | undefined {
  const open: string[] = [];
  let hasContent = false;
  let isDone = false;
  PIECE.lastIndex = 0;
  const trimmed = text.trim();
  while (PIECE.lastIndex < trimmed.length) {
    const at = PIECE.lastIndex;
    const groups = PIECE.exec(trimmed)?.groups;
    if (groups === undefined) {
      return `the XHTML is not well-formed, or holds something that a narrative may not, at character ${at + 1}`;
    }
    if (groups['comment'] !== undefined) {
      if (groups['comment'].includes('--')) return 'an XHTML comment contains "--"';
      continue;
    }
    if (isDone) return 'there is something after the end of the div';
    if (groups['text'] !== undefined) {
      if (open.length === 0) return 'the XHTML must begin with <div';
      if (BAD_ENTITY.test(groups['text'])) return 'the XHTML holds an "&" that begins no entity';
      hasContent ||= /\S/.test(groups['text']);
    } else if (groups['close'] !== undefined) {
      if (open.pop() !== groups['close'])
        return `the XHTML is not well-formed: </${groups['close']}> closes nothing`;
      isDone = open.length === 0;
    } else {
      const name = groups['open'] as string;
      if (open.length === 0 && name !== 'div') return 'the XHTML must begin with <div';
      if (!ELEMENTS.has(name)) return `the XHTML element ${name} is not allowed in a narrative`;
      const wrong = checkAttributes(name, groups['attributes'] as string, open.length === 0);
      if (wrong !== undefined) return wrong;
      hasContent ||= name === 'img';
      if (groups['empty'] === '') open.push(name);
      else isDone = open.length === 0;
    }
  }
  if (!isDone)
    return open.length === 0
      ? 'the XHTML must begin with <div'
      : `the XHTML element ${open.at(-1)} is not closed`;
  return hasContent ? undefined : 'a narrative must have some content that is not whitespace';
}

function checkAttributes(element: string, text: string, isRoot: boolean): string | undefined {
  const seen = new Set<string>();
  for (const [, name = '', double, single] of text.matchAll(ATTRIBUTE)) {
    const value = double ?? single ?? '';
    if (!ATTRIBUTES.has(name)) return `the XHTML attribute ${name} is not allowed in a narrative`;
    if (seen.has(name)) return `the XHTML attribute ${name} is there twice`;
    seen.add(name);
    if (BAD_ENTITY.test(value)) return 'the XHTML holds an "&" that begins no entity';
    if (name === 'xmlns' && value !== XHTML) return `the namespace of the XHTML must be ${XHTML}`;
    if (LINKS.has(name) && !isSafeLink(decode(value), name === 'src')) {
      return `the XHTML attribute ${name} of ${element} has a link that a narrative may not have`;
    }
    if (
      name === 'style' &&
      /expression\s*\(|javascript:|vbscript:|-moz-binding|behavior\s*:|@import|\burl\s*\((?!\s*(?:['"]\s*)?(?:data:image\/|#))/i.test(
        styleText(value),
      )
    ) {
      return 'a style in the XHTML loads or runs something';
    }
  }
  return isRoot && !seen.has('xmlns') ? `the div must have the namespace ${XHTML}` : undefined;
}

/** Browsers drop control characters and whitespace in a scheme. */
function isSafeLink(link: string, isImage: boolean): boolean {
  const scheme = /^([a-z][a-z0-9+.-]*):/i
    .exec(link.replace(/[\u0000-\u0020\u007f-\u00a0]/g, ''))?.[1]
    ?.toLowerCase();
  if (scheme === undefined) return true;
  if (scheme === 'data') return isImage && /^\s*data:image\/(?!svg)/i.test(link);
  return scheme !== 'javascript' && scheme !== 'vbscript' && scheme !== 'livescript' && scheme !== 'mocha';
}

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  colon: ':',
  Tab: '\t',
  NewLine: '\n',
};

function decode(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]+)|#([0-9]+)|([A-Za-z][A-Za-z0-9]*));/gi,
    (_, hex, decimal, name: string) => {
      if (name !== undefined) return NAMED[name] ?? ' ';
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : ' ';
    },
  );
}

/** CSS as a browser reads it: entities, comments and escapes undone. */
function styleText(value: string): string {
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
