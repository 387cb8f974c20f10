import { escapeText } from './characters.ts';
import { HTML_ENTITIES } from './html-entities.ts';
import { XHTML } from './namespaces.ts';
import { XmlScanner } from './scanner.ts';

/*
 * The div of a narrative (R4 narrative.html): in JSON a string that holds XHTML, in XML elements. It goes from one to the
 * other as it is written. Changed is only what would mean something else, or nothing, on the other side: prefixes and
 * inherited namespaces, CDATA sections, entities of HTML, and carriage returns, which XML readers drop: in XML they are
 * written `&#13;`, and that is read as a carriage return.
 */

/** Changes to a piece of a text, made from front to back. */
class Edits {
  readonly #text: string;
  #result = '';
  #copied: number;

  constructor(text: string, from: number) {
    this.#text = text;
    this.#copied = from;
  }

  replace(from: number, to: number, replacement: string): void {
    this.#result += this.#text.slice(this.#copied, from) + replacement;
    this.#copied = to;
  }

  /** The text up to a position, with the changes. */
  until(to: number): string {
    const rest = this.#text.slice(this.#copied, to);
    return this.#result === '' ? rest : this.#result + rest;
  }
}

/**
 * Reads a div. The scanner stands at its start tag and ends at its end tag.
 * @returns the JSON string: the element as it is written, without prefixes and with its namespace declared
 * @throws FhirError as the scanner does, and for elements of another namespace
 */
export function readNarrative(scanner: XmlScanner): string {
  const div = copyDiv(scanner, undefined);
  const withLineEnds = div.includes('\r') ? div.replace(/\r\n?/g, '\n') : div;
  return withLineEnds.includes('&#13;') ? withLineEnds.replaceAll('&#13;', '\r') : withLineEnds;
}

/**
 * The XML of a div that JSON holds as a string.
 * @param where FHIRPath of the div, for the error
 * @throws FhirError 422 when the string is no well-formed XHTML div
 */
export function writeNarrative(div: string, where: () => string): string {
  const scanner = new XmlScanner(div, {
    defaultNamespace: XHTML,
    entities: HTML_ENTITIES,
    status: 422,
    label: 'The narrative cannot be written as XML. ',
    where,
  });
  if (scanner.nextTag() !== 'start' || scanner.local !== 'div' || scanner.namespace !== XHTML) {
    scanner.fail('structure', 'a narrative must be one XHTML div');
  }
  const result = copyDiv(scanner, HTML_ENTITIES);
  scanner.nextTag();
  return result.includes('\r') ? result.replaceAll('\r', '&#13;') : result;
}

/**
 * The text of the element that the scanner is at.
 * @param entities named entities to write as characters; without them carriage returns are left to the caller
 */
function copyDiv(scanner: XmlScanner, entities: ReadonlyMap<string, string> | undefined): string {
  const edits = new Edits(scanner.text, scanner.start);
  const depth = scanner.depth;
  copyStartTag(scanner, edits, true, entities);
  for (;;) {
    switch (scanner.next()) {
      case 'start':
        copyStartTag(scanner, edits, false, entities);
        break;
      case 'end':
        // An empty element has no end tag of its own.
        if (scanner.text.startsWith('</', scanner.start)) copyEndTag(scanner, edits, entities);
        if (scanner.depth < depth) return edits.until(scanner.end);
        break;
      case 'text':
        if (scanner.text.slice(scanner.start, scanner.end).includes('&')) {
          // Refuses what is no reference.
          scanner.content();
          if (entities !== undefined) replaceEntities(scanner, edits, scanner.start, scanner.end, entities);
        }
        break;
      case 'cdata':
        edits.replace(scanner.start, scanner.end, escapeText(scanner.content()));
        break;
      default:
        break;
    }
  }
}

function copyStartTag(
  scanner: XmlScanner,
  edits: Edits,
  isRoot: boolean,
  entities: ReadonlyMap<string, string> | undefined,
): void {
  const { text, prefix, local } = scanner;
  if (scanner.namespace !== XHTML) {
    scanner.fail('structure', `the element ${local} of a narrative must be in the namespace ${XHTML}`);
  }
  let at = scanner.start + 1;
  if (prefix !== '') {
    edits.replace(at, at + prefix.length + 1, '');
    at += prefix.length + 1;
  }
  at += local.length;
  if (isRoot && scanner.attribute('xmlns') !== XHTML) edits.replace(at, at, ` xmlns="${XHTML}"`);
  for (let i = 0; i < scanner.count; i++) {
    const name = scanner.names[i] as string;
    const from = scanner.valueStarts[i] as number;
    const to = scanner.valueEnds[i] as number;
    const foreign = name === 'xmlns' ? scanner.values[i] !== XHTML : name.startsWith('xmlns:');
    if (foreign) {
      edits.replace(at, to + 1, '');
    } else {
      if (name.includes(':') && !name.startsWith('xml:')) {
        scanner.fail(
          'structure',
          `the attribute ${name} is not allowed in a narrative`,
          scanner.nameStarts[i],
        );
      }
      if (entities !== undefined) {
        withoutReturns(text, edits, at, from);
        replaceEntities(scanner, edits, from, to, entities);
      }
    }
    at = to + 1;
  }
  if (entities !== undefined) withoutReturns(text, edits, at, scanner.end);
}

function copyEndTag(
  scanner: XmlScanner,
  edits: Edits,
  entities: ReadonlyMap<string, string> | undefined,
): void {
  const { prefix, start, end, text } = scanner;
  if (prefix !== '') edits.replace(start + 2, start + 2 + prefix.length + 1, '');
  if (entities !== undefined) withoutReturns(text, edits, start, end);
}

/** Inside a tag a carriage return is white space, and cannot be written as a reference. */
function withoutReturns(text: string, edits: Edits, from: number, to: number): void {
  for (let at = from; at < to; at++) {
    if (text.charCodeAt(at) !== 0x0d) continue;
    edits.replace(at, at + 1, text.charCodeAt(at + 1) === 0x0a ? '' : '\n');
  }
}

function replaceEntities(
  scanner: XmlScanner,
  edits: Edits,
  from: number,
  to: number,
  entities: ReadonlyMap<string, string>,
): void {
  const { text } = scanner;
  for (let at = from; at < to; at++) {
    if (text.charCodeAt(at) !== 0x26) continue;
    const close = text.indexOf(';', at);
    const characters = entities.get(text.slice(at + 1, close));
    if (characters !== undefined) edits.replace(at, close + 1, characters);
  }
}
