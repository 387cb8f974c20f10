import { PREDEFINED } from '../../xml/characters.ts';

/**
 * A start tag, then in it the attributes that hold links. Quoted attribute values may contain `>`. Only attributes are
 * repeated as a group, of which a narrative has few: the engine keeps something of every repetition.
 */
const TAG = /<[A-Za-z][^<>"']*(?:(?:"[^"]*"|'[^']*')[^<>"']*)*>/g;
const LINK = /(\s(?:href|src)\s*=\s*)(?:"([^"]*)"|'([^']*)')/g;

/** The values of `href` and `src` attributes in a narrative's XHTML, in order, entities resolved. */
export function narrativeLinks(div: string): string[] {
  const links: string[] = [];
  replaceNarrativeLinks(div, (link) => {
    links.push(link);
    return undefined;
  });
  return links;
}

/**
 * The XHTML with links replaced (R4 http.html#trules: `a/@href` and `img/@src`).
 * @param replace gets a link (entities resolved) and its position; returns what it becomes, or undefined to leave it
 */
export function replaceNarrativeLinks(
  div: string,
  replace: (link: string, position: number) => string | undefined,
): string {
  if (!div.includes('href') && !div.includes('src')) return div;
  let position = 0;
  return div.replace(TAG, (tag) => {
    if (!tag.includes('href') && !tag.includes('src')) return tag;
    return tag.replace(
      LINK,
      (whole, start: string, double: string | undefined, single: string | undefined) => {
        const replacement = replace(decode(double ?? single ?? ''), position++);
        return replacement === undefined ? whole : `${start}"${encode(replacement)}"`;
      },
    );
  });
}

function decode(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(\w+));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return PREDEFINED.get(name) ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function encode(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
