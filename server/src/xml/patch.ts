import type { DefinitionsModel } from '../conformance/model.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import type { Resource } from '../json/types.ts';
import { FHIR, XHTML } from './namespaces.ts';
import { parseXml } from './read.ts';
import {
  type AttributeNode,
  appendText,
  type ChildNode,
  copyNode,
  type ElementNode,
  parseTree,
  serialize,
  stringValue,
} from './tree.ts';
import { writeXml } from './write.ts';
import { type Located, SelectorError, select } from './xpath.ts';

/** An operation that cannot be applied to the document as it is. */
class Impossible extends Error {}
/** An operation that is none. */
class Malformed extends Error {}

/**
 * Applies an XML Patch (RFC 5261, R4 http.html#patch) to the XML form of a resource and returns the patched resource; the
 * one given is not changed, and a patch that fails in any operation leaves nothing behind.
 *
 * The patch document's root holds `add`, `replace` and `remove` elements, carried out in order; each `sel` must find
 * exactly one node (see {@link select} for what a selector may be). Elements of the patch that are in no namespace come to
 * be in that of their place. Elements may be added at any place among their siblings: JSON has no order of properties. An
 * element that a removal has left empty is removed too, because FHIR's XML has no empty elements (R4 xml.html).
 *
 * @param patchText the patch document
 * @throws FhirError 400 for a document that is no XML Patch; 422 for an operation that cannot be applied (`processing`), a
 *   result that is no resource, or a changed type or id. `expression` names the operation: `patch[2]`.
 */
export function applyXmlPatch(
  resource: Resource,
  patchText: string,
  definitions: DefinitionsModel,
): Resource {
  const patch = parseTree(patchText, 'XML Patch: ');
  const operations = patch.children.filter((child) => child.kind === 'element');
  if (patch.children.some((child) => child.kind === 'text' && child.text.trim() !== '')) {
    throw fhirError(400, 'structure', 'An XML Patch holds operations, no text', 'patch');
  }
  const document = parseTree(writeXml(resource, definitions));
  operations.forEach((operation, index) => {
    try {
      apply(document, operation);
    } catch (error) {
      if (error instanceof Malformed || error instanceof SelectorError) {
        throw fhirError(400, 'structure', error.message, `patch[${index}]`);
      }
      if (error instanceof Impossible) throw fhirError(422, 'processing', error.message, `patch[${index}]`);
      throw error;
    }
  });
  const result = readResult(document, definitions);
  for (const name of ['resourceType', 'id']) {
    if (result[name] !== resource[name]) {
      throw fhirError(
        422,
        'processing',
        `A patch must not change ${name}`,
        `${resource.resourceType}.${name}`,
      );
    }
  }
  return result;
}

function readResult(document: ElementNode, definitions: DefinitionsModel): Resource {
  try {
    return parseXml(serialize(document), definitions, { anyOrder: true });
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    // Lines and columns of a document that the client has never seen would not help.
    const issues = error.issues.map((issue) => ({
      ...issue,
      diagnostics: `The patched resource is not valid: ${issue.diagnostics.replace(/^Line \d+, column \d+: /, '')}`,
    }));
    throw new FhirError(422, issues);
  }
}

function apply(document: ElementNode, operation: ElementNode): void {
  const place = locate(document, operation);
  switch (operation.local) {
    case 'add':
      add(place, operation);
      break;
    case 'replace':
      replace(place, operation);
      break;
    default:
      remove(place, operation);
  }
  for (const ancestor of place.ancestors) ancestor.source = undefined;
  if (place.node.kind === 'element') place.node.source = undefined;
}

function attributeOf(operation: ElementNode, name: string): string | undefined {
  return operation.attributes.find(({ local, namespace }) => local === name && namespace === '')?.value;
}

function locate(document: ElementNode, operation: ElementNode): Located {
  if (!['add', 'replace', 'remove'].includes(operation.local)) {
    throw new Malformed(`An operation is add, replace or remove, not ${operation.local.slice(0, 64)}`);
  }
  const selector = attributeOf(operation, 'sel');
  if (selector === undefined)
    throw new Malformed(`The operation ${operation.local} needs a selector in its attribute sel`);
  const found = select(document, selector, operation.scope);
  if (found.length === 1) return found[0] as Located;
  throw new Impossible(
    found.length === 0
      ? `There is nothing at ${shown(selector)}`
      : `${shown(selector)} stands for ${found.length} nodes, and must stand for one`,
  );
}

function shown(selector: string): string {
  return JSON.stringify(selector.length > 200 ? `${selector.slice(0, 200)}...` : selector);
}

/** RFC 5261 section 4.3. */
function add(place: Located, operation: ElementNode): void {
  const { node, ancestors } = place;
  if (node.kind !== 'element') throw new Malformed('The selector of an add stands for an element');
  const type = attributeOf(operation, 'type');
  const pos = attributeOf(operation, 'pos');
  if (type !== undefined) {
    addAttribute(node, type, operation);
    return;
  }
  if (pos === undefined || pos === 'prepend') {
    const content = contentFor(operation, node);
    if (pos === undefined) appendNodes(node.children, content);
    else node.children.splice(0, node.children.length, ...joined(content, node.children));
    return;
  }
  if (pos !== 'before' && pos !== 'after') throw new Malformed('pos must be prepend, before or after');
  const parent = ancestors.at(-1);
  if (parent === undefined) throw new Impossible('Nothing can be added beside the resource');
  const at = parent.children.indexOf(node) + (pos === 'after' ? 1 : 0);
  const behind = parent.children.splice(at);
  appendNodes(parent.children, contentFor(operation, parent));
  appendNodes(parent.children, behind);
}

function addAttribute(element: ElementNode, type: string, operation: ElementNode): void {
  const name = /^@([A-Za-z_][\w.-]*)$/.exec(type)?.[1];
  if (name === undefined) throw new Malformed('type must be @ and the name of an attribute');
  if (element.attributes.some(({ local, namespace }) => local === name && namespace === '')) {
    throw new Impossible(`The element ${element.local} has the attribute ${name} already`);
  }
  element.attributes.push({ kind: 'attribute', local: name, namespace: '', value: textContent(operation) });
}

/** RFC 5261 section 4.4. */
function replace(place: Located, operation: ElementNode): void {
  const { node, ancestors } = place;
  if (node.kind === 'attribute') {
    node.value = textContent(operation);
    return;
  }
  if (node.kind === 'text') {
    node.text = textContent(operation);
    return;
  }
  const elements = operation.children.filter((child) => child.kind === 'element');
  const [replacement] = elements;
  if (replacement === undefined || elements.length > 1 || hasText(operation)) {
    throw new Malformed('An element is replaced by exactly one element');
  }
  const parent = ancestors.at(-1);
  if (parent === undefined) throw new Impossible('The whole resource cannot be replaced: use an update');
  parent.children.splice(
    parent.children.indexOf(node),
    1,
    copyNode(replacement, namespaceIn(parent, replacement)),
  );
}

/** RFC 5261 section 4.5. White space is no matter here: the XML form has none. */
function remove(place: Located, operation: ElementNode): void {
  const ws = attributeOf(operation, 'ws');
  if (ws !== undefined && !['before', 'after', 'both'].includes(ws)) {
    throw new Malformed('ws must be before, after or both');
  }
  if (hasText(operation) || operation.children.some((child) => child.kind === 'element')) {
    throw new Malformed('A remove has no content');
  }
  const parents = [...place.ancestors];
  const parent = parents.pop();
  if (parent === undefined) throw new Impossible('The resource itself cannot be removed: use a delete');
  detach(parent, place.node);
  let emptied = parent;
  for (;;) {
    const outer = parents.pop();
    const isEmpty = emptied.attributes.length === 0 && emptied.children.length === 0;
    if (outer === undefined || !isEmpty || emptied.namespace !== FHIR) return;
    detach(outer, emptied);
    emptied = outer;
  }
}

function detach(parent: ElementNode, node: Located['node']): void {
  if (node.kind === 'attribute') {
    parent.attributes.splice(parent.attributes.indexOf(node as AttributeNode), 1);
    return;
  }
  const behind = parent.children.splice(parent.children.indexOf(node));
  appendNodes(parent.children, behind.slice(1));
}

function hasText(operation: ElementNode): boolean {
  return operation.children.some((child) => child.kind === 'text' && child.text.trim() !== '');
}

function textContent(operation: ElementNode): string {
  if (operation.children.some((child) => child.kind === 'element')) {
    throw new Malformed('An attribute or text is given as text, not by elements');
  }
  return stringValue(operation);
}

/** A narrative's div is in the namespace of XHTML wherever it is put. */
function namespaceIn(parent: ElementNode, child: ElementNode): string {
  return parent.namespace === FHIR && child.local === 'div' ? XHTML : parent.namespace;
}

/** Copies of what an operation brings. Between FHIR's elements white space only lays out the patch. */
function contentFor(operation: ElementNode, parent: ElementNode): ChildNode[] {
  return operation.children
    .filter((child) => parent.namespace !== FHIR || child.kind !== 'text' || child.text.trim() !== '')
    .map((child) => copyNode(child, child.kind === 'element' ? namespaceIn(parent, child) : ''));
}

function appendNodes(children: ChildNode[], more: readonly ChildNode[]): void {
  for (const node of more) {
    if (node.kind === 'text') appendText(children, node.text);
    else children.push(node);
  }
}

function joined(first: readonly ChildNode[], second: readonly ChildNode[]): ChildNode[] {
  const result: ChildNode[] = [];
  appendNodes(result, first);
  appendNodes(result, second);
  return result;
}
