import { LoadError } from './loaded-system.ts';

export type XmlEvent =
  | { readonly kind: 'open'; readonly name: string; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: 'close'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string };

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

function unescaped(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, name: string) => {
    if (name.startsWith('#')) {
      const point =
        name[1] === 'x' || name[1] === 'X' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
      return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    }
    const known = ENTITIES.get(name);
    if (known === undefined)
      throw new LoadError(`The XML file uses the entity &${name};, which is not supported`);
    return known;
  });
}

/** Longest tag or text between tags, in characters. */
const MAX_PIECE = 1_000_000;

/**
 * The tags and texts of an XML document, given in pieces. Made for data files of published classifications: declarations,
 * comments and processing instructions are skipped, a document type with entities is refused.
 * @throws LoadError for what is not well-formed
 */
export async function* xmlEvents(chunks: AsyncIterable<string>): AsyncIterable<XmlEvent> {
  let rest = '';
  const open: string[] = [];
  for await (const chunk of chunks) {
    rest += chunk;
    for (;;) {
      const start = rest.indexOf('<');
      if (start < 0) break;
      const opening = rest.slice(start, start + 9);
      const [from, end] = opening.startsWith('<!--')
        ? [start + 4, '-->']
        : opening.startsWith('<![CDATA[')
          ? [start + 9, ']]>']
          : opening.startsWith('<?')
            ? [start + 2, '?>']
            : [start + 1, '>'];
      // The opening of a comment or CDATA may be cut off by the end of the piece.
      if (opening.length < 9 && !rest.includes('>', start)) break;
      const stop = rest.indexOf(end as string, from as number);
      if (stop < 0) break;
      const text = rest.slice(0, start);
      if (text.trim() !== '') yield { kind: 'text', text: unescaped(text) };
      const inner = rest.slice(from as number, stop);
      rest = rest.slice(stop + (end as string).length);
      if (end === ']]>') yield { kind: 'text', text: inner };
      if (end !== '>') continue;
      if (inner.startsWith('!')) {
        if (inner.includes('['))
          throw new LoadError('The XML file has a document type with declarations, which is not supported');
        continue;
      }
      if (inner.startsWith('/')) {
        const name = inner.slice(1).trim();
        if (open.pop() !== name) throw new LoadError(`The XML file closes <${name}> where it is not open`);
        yield { kind: 'close', name };
        continue;
      }
      const empty = inner.endsWith('/');
      const match = /^([^\s/]+)(.*)$/s.exec(empty ? inner.slice(0, -1) : inner);
      if (match === null) throw new LoadError('The XML file has a tag without a name');
      const name = match[1] as string;
      const attributes = new Map<string, string>();
      for (const [, key, double, single] of (match[2] ?? '').matchAll(
        /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g,
      ))
        attributes.set(key as string, unescaped(double ?? single ?? ''));
      yield { kind: 'open', name, attributes };
      if (empty) yield { kind: 'close', name };
      else {
        open.push(name);
        if (open.length > 200) throw new LoadError('The XML file is nested too deeply');
      }
    }
    if (rest.length > MAX_PIECE) throw new LoadError('The XML file has a tag or text that is too long');
  }
  if (open.length > 0) throw new LoadError(`The XML file ends within <${open.at(-1)}>`);
}
