import { SsoError } from '../proved-identity.ts';

export const PROTOCOL = 'urn:oasis:names:tc:SAML:2.0:protocol';
export const ASSERTION = 'urn:oasis:names:tc:SAML:2.0:assertion';
export const METADATA = 'urn:oasis:names:tc:SAML:2.0:metadata';
export const SIGNATURE = 'http://www.w3.org/2000/09/xmldsig#';

/** What is used of an element of the DOM. */
export interface XmlElement {
  readonly nodeType: number;
  readonly namespaceURI: string | null;
  readonly localName: string;
  readonly textContent: string | null;
  readonly parentNode: unknown;
  readonly childNodes: ArrayLike<unknown>;
  /** Empty when there is none. */
  getAttribute(name: string): string | null;
  hasAttribute(name: string): boolean;
}

/**
 * Parses XML as the library does that checks signatures, so that both see the same. A document with a DOCTYPE, comments,
 * CDATA or processing instructions is refused: SAML needs none of them, and entities, and texts in pieces, come by them.
 * @throws SsoError
 */
export async function parseSecureXml(text: string): Promise<XmlElement> {
  const body = text.replace(/^\ufeff?\s*<\?xml[^<>]*\?>/, '');
  if (/<[!?]/.test(body))
    throw new SsoError('the XML has a DOCTYPE, comments, CDATA or processing instructions');
  const { parseDomFromString } = await import('@node-saml/node-saml/lib/xml.js');
  try {
    const { documentElement } = (await parseDomFromString(text)) as unknown as {
      documentElement: XmlElement | null;
    };
    if (documentElement !== null && isShallow(documentElement)) return documentElement;
  } catch {
    // Said below; the parser's message quotes the document.
  }
  throw new SsoError('the XML is not well-formed, or too deep');
}

/** Deepest nesting: SAML has about ten levels, and what walks through a document calls itself. */
const DEEPEST = 50;

function isShallow(root: XmlElement): boolean {
  let level: XmlElement[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return false;
    level = level.flatMap((each) => children(each));
  }
  return true;
}

const isElement = (node: unknown): node is XmlElement => (node as XmlElement).nodeType === 1;

/** The child elements, of one name if it is given. */
export function children(element: XmlElement, namespace?: string, name?: string): XmlElement[] {
  return Array.from(element.childNodes)
    .filter(isElement)
    .filter(
      ({ namespaceURI, localName }) =>
        (namespace === undefined || namespaceURI === namespace) && (name === undefined || localName === name),
    );
}

/** The element and all below it. */
export function descendants(element: XmlElement): XmlElement[] {
  const found: XmlElement[] = [element];
  for (let at = 0; at < found.length; at++) found.push(...children(found[at] as XmlElement));
  return found;
}

/** The one child of a name. @throws SsoError when there is none or more */
export function only(element: XmlElement, namespace: string, name: string): XmlElement {
  const found = children(element, namespace, name);
  if (found.length !== 1)
    throw new SsoError(`${element.localName} has ${found.length} ${name} elements, not one`);
  return found[0] as XmlElement;
}

/** An attribute; undefined when it is missing. */
export const attribute = (element: XmlElement, name: string): string | undefined =>
  element.hasAttribute(name) ? (element.getAttribute(name) ?? undefined) : undefined;

/** The element's text without the space around it. */
export const textOf = (element: XmlElement): string => (element.textContent ?? '').trim();

/**
 * A moment as epoch milliseconds (xs:dateTime in UTC; SAML core, 1.3.3).
 * @returns undefined when the attribute is missing
 * @throws SsoError
 */
export function instant(element: XmlElement, name: string): number | undefined {
  const value = attribute(element, name);
  if (value === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw new SsoError(`${name} is no time in UTC`);
  return time;
}
