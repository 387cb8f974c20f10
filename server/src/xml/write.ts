import type { DefinitionsModel } from '../conformance/model.ts';
import { fhirError, type IssueCode } from '../fhir/outcome.ts';
import { textOf } from '../json/exact-number.ts';
import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { badCharacter, escapeAttribute } from './characters.ts';
import { type XmlElement, type XmlPlans, type XmlType, xmlPlans } from './element-plan.ts';
import { FHIR } from './namespaces.ts';
import { writeNarrative } from './narrative.ts';

export interface XmlWriteOptions {
  /** Whether to put elements on lines of their own, indented. The narrative stays as it is. */
  readonly pretty?: boolean;
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';

/**
 * Writes a resource in FHIR's XML format (R4 xml.html), with an XML declaration. Elements are put into the order of the
 * definition. What {@link import('./read.ts').parseXml} reads from the text is the same resource, if it was a valid one.
 *
 * @param resource a resource in its JSON form. What is invalid about it but has a place in XML, such as a missing element
 *   or a wrong code, is written.
 * @throws FhirError 422 (structure) for what XML has no place for: properties that the type does not have, values of the
 *   wrong JSON shape, characters that XML does not allow, a narrative that is not well-formed. The expression is its path.
 */
export function writeXml(
  resource: JsonValue,
  definitions: DefinitionsModel,
  options: XmlWriteOptions = {},
): string {
  out = DECLARATION;
  plans = xmlPlans(definitions);
  pretty = options.pretty ?? false;
  newline = pretty ? '\n' : '';
  names.length = 0;
  indices.length = 0;
  try {
    writeResource(resource, ` xmlns="${FHIR}"`);
    const written = pretty ? `${out}\n` : out;
    if (badCharacter(written) < 0) return written;
    // Once more, to find out where it is.
    checking = true;
    out = '';
    names.length = 0;
    indices.length = 0;
    writeResource(resource, '');
    throw new Error('a character that XML does not allow was found and lost');
  } finally {
    checking = false;
    out = '';
  }
}

// The state of the one call that runs: passing it along would cost more than the writing.
let out = '';
let plans: XmlPlans;
let pretty = false;
/** Whether every text is checked for characters that XML does not allow; else the whole is, at the end. */
let checking = false;
/** What comes before a tag: a line end and the indent. */
let newline = '';
const names: string[] = [];
const indices: number[] = [];
/** More than any reader takes: keeps a deep value from exhausting the stack. */
const MAX_DEPTH = 100;

function expression(): string {
  return names.map((name, i) => ((indices[i] as number) < 0 ? name : `${name}[${indices[i]}]`)).join('.');
}

function fail(message: string, code: IssueCode = 'structure'): never {
  const path = expression();
  throw fhirError(
    422,
    code,
    `The resource cannot be written as XML: ${path === '' ? '' : `${path} `}${message}`,
    path === '' ? undefined : path,
  );
}

function enter(name: string, index: number): void {
  if (names.length >= MAX_DEPTH) fail('is nested too deeply', 'too-costly');
  names.push(name);
  indices.push(index);
  if (pretty) newline += '  ';
}

function leave(): void {
  names.pop();
  indices.pop();
  if (pretty) newline = newline.slice(0, -2);
}

function writeResource(value: JsonValue, namespace: string): void {
  const isRoot = names.length === 0;
  const name = isObject(value) ? value['resourceType'] : undefined;
  const type = typeof name === 'string' ? plans.resource(name) : undefined;
  if (type === undefined) fail('is no resource of FHIR R4');
  if (isRoot) {
    names.push(type.name);
    indices.push(-1);
  }
  out += `${newline}<${type.name}${namespace}`;
  const start = out;
  out += '>';
  writeChildren(type, value as JsonObject);
  if (out.length === start.length + 1) out = `${start}/>`;
  else out += `${newline}</${type.name}>`;
}

/** The elements of an object in the order of the definition. */
function writeChildren(type: XmlType, object: JsonObject): void {
  const start = out;
  let last = -1;
  for (const name in object) {
    const element = type.properties.get(name);
    if (element === undefined) {
      if (!isNoElement(type, name)) failUnknown(type, name);
      continue;
    }
    if (element.order < last) {
      // Not in order after all: once more from the beginning.
      out = start;
      writeSorted(type, object);
      return;
    }
    last = element.order;
    writeProperty(element, name, object);
  }
}

function writeSorted(type: XmlType, object: JsonObject): void {
  const found: { element: XmlElement; name: string }[] = [];
  for (const name of Object.keys(object)) {
    const element = type.properties.get(name);
    if (element !== undefined) found.push({ element, name });
    else if (!isNoElement(type, name)) failUnknown(type, name);
  }
  found.sort((a, b) => a.element.order - b.element.order);
  for (const { element, name } of found) writeProperty(element, name, object);
}

function isNoElement(type: XmlType, name: string): boolean {
  return (name === 'resourceType' && type.isResource) || type.attributes.includes(name);
}

function failUnknown(type: XmlType, name: string): never {
  fail(`has a property ${JSON.stringify(name.slice(0, 64))} that ${type.name} does not have`);
}

function writeProperty(element: XmlElement, name: string, object: JsonObject): void {
  const value = object[element.name];
  switch (element.kind) {
    case 'object':
    case 'resource':
      if (!element.array) writeOne(element, value, -1);
      else if (Array.isArray(value)) for (let i = 0; i < value.length; i++) writeOne(element, value[i], i);
      else failShape(element, 'must be an array');
      return;
    case 'xhtml':
      if (typeof value !== 'string') failShape(element, 'must be a string');
      enter(element.name, -1);
      out += newline + writeNarrative(value, expression);
      leave();
      return;
    default: {
      // Value and sibling are one element: it is written for the first of them.
      if (name === element.sibling && value !== undefined) return;
      const sibling = object[element.sibling];
      if (!element.array) writePrimitive(element, value, sibling, -1);
      else writePrimitives(element, value, sibling);
    }
  }
}

function failShape(element: XmlElement, message: string): never {
  names.push(element.name);
  indices.push(-1);
  fail(message);
}

function writeOne(element: XmlElement, value: JsonValue | undefined, index: number): void {
  enter(element.name, index);
  if (!isObject(value)) fail('must be a JSON object');
  const { name } = element;
  if (element.kind === 'resource') {
    out += `${newline}<${name}>`;
    const outer = newline;
    if (pretty) newline += '  ';
    writeResource(value, '');
    newline = outer;
    out += `${newline}</${name}>`;
  } else {
    const type = plans.typeOf(element);
    const before = out;
    out += `${newline}<${name}`;
    for (const attribute of type.attributes) {
      const text = value[attribute];
      if (text !== undefined) out += ` ${attribute}="${attributeText(text)}"`;
    }
    closeTag(name, type, value, before, before.length + newline.length + 1 + name.length);
  }
  leave();
}

/** Writes the children and the end of an element whose tag is begun; one without anything is not written at all. */
function closeTag(name: string, type: XmlType, value: JsonObject, before: string, bare: number): void {
  const tag = out;
  out += '>';
  writeChildren(type, value);
  if (out.length > tag.length + 1) out += `${newline}</${name}>`;
  else out = tag.length === bare ? before : `${tag}/>`;
}

function writePrimitives(
  element: XmlElement,
  values: JsonValue | undefined,
  siblings: JsonValue | undefined,
): void {
  if (values !== undefined && !Array.isArray(values)) failShape(element, 'must be an array');
  if (siblings !== undefined && !Array.isArray(siblings))
    failShape(element, 'must be an array in its _ sibling too');
  const length = Math.max(values?.length ?? 0, siblings?.length ?? 0);
  for (let i = 0; i < length; i++) writePrimitive(element, values?.[i], siblings?.[i], i);
}

function writePrimitive(
  element: XmlElement,
  value: JsonValue | undefined,
  sibling: JsonValue | undefined,
  index: number,
): void {
  enter(element.name, index);
  const { name } = element;
  const text = value === undefined || value === null ? undefined : attributeText(value);
  if (sibling === undefined || sibling === null) {
    if (text !== undefined) out += `${newline}<${name} value="${text}"/>`;
  } else {
    if (!isObject(sibling)) fail('must have an object in its _ sibling');
    const before = out;
    out += `${newline}<${name}`;
    const id = sibling['id'];
    if (id !== undefined) out += ` id="${attributeText(id)}"`;
    if (text !== undefined) out += ` value="${text}"`;
    closeTag(name, plans.type('Element'), sibling, before, before.length + newline.length + 1 + name.length);
  }
  leave();
}

function attributeText(value: JsonValue): string {
  if (typeof value === 'string') {
    if (checking && badCharacter(value) >= 0) fail('has a character that XML does not allow');
    return escapeAttribute(value);
  }
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return textOf(value) ?? fail('must be a string, a number or a boolean');
}
