import { escapeAttribute, escapeText } from './characters.ts';
import { type NamespaceScope, XHTML, XML } from './namespaces.ts';
import { XmlScanner } from './scanner.ts';

/** An attribute; namespace declarations are none. */
export interface AttributeNode {
  readonly kind: 'attribute';
  readonly local: string;
  readonly namespace: string;
  value: string;
}

export interface TextNode {
  readonly kind: 'text';
  text: string;
}

interface CommentNode {
  readonly kind: 'comment';
  readonly text: string;
}

export interface ElementNode {
  readonly kind: 'element';
  readonly local: string;
  readonly namespace: string;
  /** The namespaces in force at the element, where it was read. */
  readonly scope: NamespaceScope;
  readonly attributes: AttributeNode[];
  readonly children: ChildNode[];
  /** How a narrative's div was written, as long as nothing in it was changed. */
  source: string | undefined;
}

export type ChildNode = ElementNode | TextNode | CommentNode;

/**
 * The tree of an XML document, for what must reach any part of it; resources are read without one (read.ts).
 * @throws FhirError 400 as {@link XmlScanner}
 */
export function parseTree(text: string, label = ''): ElementNode {
  const scanner = new XmlScanner(text, { label });
  scanner.nextTag();
  const root = elementAt(scanner);
  const open: { element: ElementNode; start: number }[] = [{ element: root, start: scanner.start }];
  for (;;) {
    const { element, start } = open.at(-1) as { element: ElementNode; start: number };
    switch (scanner.next()) {
      case 'start': {
        const child = elementAt(scanner);
        element.children.push(child);
        open.push({ element: child, start: scanner.start });
        break;
      }
      case 'end':
        if (element.namespace === XHTML && element.local === 'div')
          element.source = text.slice(start, scanner.end);
        open.pop();
        if (open.length === 0) {
          scanner.nextTag();
          return root;
        }
        break;
      case 'comment':
        element.children.push({ kind: 'comment', text: text.slice(scanner.start, scanner.end) });
        break;
      default:
        appendText(element.children, scanner.content());
    }
  }
}

function elementAt(scanner: XmlScanner): ElementNode {
  const attributes: AttributeNode[] = [];
  for (let i = 0; i < scanner.count; i++) {
    const name = scanner.names[i] as string;
    if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
    const colon = name.indexOf(':');
    attributes.push({
      kind: 'attribute',
      local: name.slice(colon + 1),
      namespace: colon < 0 ? '' : (scanner.namespaceOf(name.slice(0, colon)) ?? ''),
      value: scanner.values[i] as string,
    });
  }
  const { local, namespace, scope } = scanner;
  return { kind: 'element', local, namespace, scope, attributes, children: [], source: undefined };
}

/** Adds text, to the text before it if there is some: text nodes never follow one another. */
export function appendText(children: ChildNode[], text: string): void {
  const last = children.at(-1);
  if (last?.kind === 'text') last.text += text;
  else children.push({ kind: 'text', text });
}

/** A deep copy. Elements in no namespace come to be in the one given. */
export function copyNode(node: ChildNode, namespace: string): ChildNode {
  if (node.kind !== 'element') return { ...node };
  const own = node.namespace === '' ? namespace : node.namespace;
  return {
    ...node,
    namespace: own,
    attributes: node.attributes.map((attribute) => ({ ...attribute })),
    children: node.children.map((child) => copyNode(child, own)),
    source: undefined,
  };
}

/** The text of all below a node (XPath 1.0 section 5: string-value). */
export function stringValue(node: ChildNode | AttributeNode): string {
  switch (node.kind) {
    case 'attribute':
      return node.value;
    case 'text':
      return node.text;
    case 'comment':
      return '';
    default:
      return node.children.map(stringValue).join('');
  }
}

/** The XML of an element, without prefixes: each element that is in another namespace than the one around it says so. */
export function serialize(element: ElementNode, outer = ''): string {
  if (element.source !== undefined) return element.source;
  let out = `<${element.local}`;
  if (element.namespace !== outer) out += ` xmlns="${escapeAttribute(element.namespace)}"`;
  for (const { local, namespace, value } of element.attributes) {
    // An attribute of any other namespace is none that FHIR knows: it is refused when the text is read.
    const prefix = namespace === XML ? 'xml:' : namespace === '' ? '' : 'unknown:';
    out += ` ${prefix}${local}="${escapeAttribute(value)}"`;
  }
  if (element.children.length === 0) return `${out}/>`;
  out += '>';
  for (const child of element.children) {
    if (child.kind === 'element') out += serialize(child, element.namespace);
    else out += child.kind === 'text' ? escapeText(child.text) : child.text;
  }
  return `${out}</${element.local}>`;
}
