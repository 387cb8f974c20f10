import type { DefinitionsModel } from '../conformance/model.ts';
import { numberFromText } from '../json/exact-number.ts';
import type { ExactNumber, JsonObject, JsonValue, Resource } from '../json/types.ts';
import { type XmlElement, type XmlPlans, type XmlType, xmlPlans } from './element-plan.ts';
import { FHIR, SCHEMA_INSTANCE, XHTML } from './namespaces.ts';
import { readNarrative } from './narrative.ts';
import { XmlScanner } from './scanner.ts';

export interface XmlReadOptions {
  /** Greatest nesting of the JSON that is made, objects and arrays counted. Default 64, as for JSON. */
  readonly maxDepth?: number;
  /** Greatest number of UTF-16 code units of the text. Default 128 Mi. */
  readonly maxLength?: number;
  /** Takes elements in any order. Default false: they must stand in the order of the definition (R4 xml.html). */
  readonly anyOrder?: boolean;
}

/**
 * Reads a resource in FHIR's XML format (R4 xml.html) into its JSON form. Decimals keep their digits; the text of a
 * narrative stays as it is written. Only what changes the resource's form is checked: that every element and attribute
 * is one of its type, in order, not empty and not repeated where it must not be, and that booleans and numbers are such.
 * Cardinalities, formats and codes are validation's matter. Comments outside narratives are dropped, and so is
 * `xsi:schemaLocation` on the root.
 *
 * @throws FhirError 400: `structure` for what is no well-formed XML or not FHIR, `value` for a boolean or number that is
 *   none, `security` for a document type declaration, `invalid` or `too-long` beyond the limits. The diagnostics name line
 *   and column, the expression is the path of the element.
 */
export function parseXml(
  text: string,
  definitions: DefinitionsModel,
  options: XmlReadOptions = {},
): Resource {
  const reader = new Reader(text, xmlPlans(definitions), options);
  return reader.read();
}

/** A JSON number (RFC 8259 section 6): what decimal and the integer types are, but for the integers' optional plus sign. */
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const MAX_NUMBER_LENGTH = 1024;

class Reader {
  readonly #scanner: XmlScanner;
  readonly #plans: XmlPlans;
  readonly #anyOrder: boolean;
  readonly #maxDepth: number;
  /** The path to the element being read: names, and for each the index among its kind or -1. The first is the resource type. */
  readonly #names: string[] = [];
  readonly #indices: number[] = [];
  /** Objects and arrays around the element being read. */
  #depth = 0;

  constructor(text: string, plans: XmlPlans, options: XmlReadOptions) {
    this.#plans = plans;
    this.#anyOrder = options.anyOrder ?? false;
    this.#maxDepth = options.maxDepth ?? 64;
    this.#scanner = new XmlScanner(text, {
      where: () => this.#expression(),
      ...(options.maxLength === undefined ? {} : { maxLength: options.maxLength }),
    });
  }

  read(): Resource {
    const scanner: XmlScanner = this.#scanner;
    scanner.nextTag();
    const resource = this.#resource(true);
    scanner.nextTag();
    return resource;
  }

  #expression(): string | undefined {
    if (this.#names.length === 0) return undefined;
    return this.#names
      .map((name, i) => ((this.#indices[i] as number) < 0 ? name : `${name}[${this.#indices[i]}]`))
      .join('.');
  }

  /** The resource whose start tag the scanner is at. */
  #resource(isRoot: boolean): Resource {
    const scanner: XmlScanner = this.#scanner;
    const { local } = scanner;
    this.#checkNamespace();
    const type = this.#plans.resource(local);
    if (type === undefined) scanner.fail('structure', `${local} is not a resource type of FHIR R4`);
    if (isRoot) {
      this.#names.push(local);
      this.#indices.push(-1);
    }
    for (let i = 0; i < scanner.count; i++) {
      if (!this.#isIgnored(i, isRoot)) this.#failAttribute(i);
    }
    this.#deeper(1);
    const resource: Resource = { resourceType: local };
    this.#children(type, resource);
    this.#depth--;
    return resource;
  }

  #checkNamespace(): void {
    const { namespace, local } = this.#scanner;
    if (namespace === FHIR) return;
    const what = namespace === '' ? 'no namespace' : `the namespace ${namespace.slice(0, 100)}`;
    this.#scanner.fail('structure', `the element ${local} must be in the namespace ${FHIR}, not in ${what}`);
  }

  /** Namespace declarations say nothing about the resource; nor does the place of its schema. */
  #isIgnored(index: number, isRoot: boolean): boolean {
    const name = this.#scanner.names[index] as string;
    if (name === 'xmlns' || name.startsWith('xmlns:')) return true;
    const colon = name.indexOf(':');
    return (
      isRoot &&
      colon > 0 &&
      this.#scanner.namespaceOf(name.slice(0, colon)) === SCHEMA_INSTANCE &&
      /:(?:schemaLocation|noNamespaceSchemaLocation)$/.test(name)
    );
  }

  #failAttribute(index: number): never {
    const { names, nameStarts, local } = this.#scanner;
    return this.#scanner.fail(
      'structure',
      `the attribute ${names[index]} is not allowed on ${local}`,
      nameStarts[index],
    );
  }

  #deeper(levels: number): void {
    this.#depth += levels;
    if (this.#depth > this.#maxDepth) {
      this.#scanner.fail('invalid', `the resource is nested more than ${this.#maxDepth} levels deep`);
    }
  }

  /** Reads the elements up to the end tag into an object. */
  #children(type: XmlType, object: JsonObject): void {
    const scanner: XmlScanner = this.#scanner;
    const depth = this.#names.length;
    let last: XmlElement | undefined;
    while (scanner.nextTag() === 'start') {
      const element = type.elements.get(scanner.local);
      if (element === undefined) {
        this.#checkNamespace();
        scanner.fail('structure', `${type.name} has no element ${scanner.local.slice(0, 64)}`);
      }
      this.#names.push(element.name);
      this.#indices.push(element.array ? lengthOf(object, element) : -1);
      if (last !== undefined && element.order < last.order && !this.#anyOrder) {
        scanner.fail('structure', `the element ${element.name} must come before ${last.name}`);
      }
      last = element;
      this.#element(element, object);
      this.#names.length = depth;
      this.#indices.length = depth;
    }
  }

  #element(element: XmlElement, object: JsonObject): void {
    const { name } = element;
    if (element.kind === 'xhtml') {
      if (this.#scanner.namespace === XHTML) {
        this.#refuseSecond(element, object);
        object[name] = readNarrative(this.#scanner);
        return;
      }
      this.#scanner.fail('structure', `the element ${name} must be in the namespace ${XHTML}`);
    }
    this.#checkNamespace();
    if (!element.array) this.#refuseSecond(element, object);
    if (element.kind !== 'object' && element.kind !== 'resource') {
      this.#primitive(element, object);
      return;
    }
    const levels = element.array ? 2 : 1;
    this.#deeper(levels);
    const value = element.kind === 'object' ? this.#object(element) : this.#contained(element);
    this.#depth -= levels;
    if (!element.array) object[name] = value;
    else {
      const values = object[name] as JsonValue[] | undefined;
      if (values === undefined) object[name] = [value];
      else values.push(value);
    }
  }

  #refuseSecond(element: XmlElement, object: JsonObject): void {
    if (object[element.name] === undefined && object[element.sibling] === undefined) return;
    this.#scanner.fail('structure', `the element ${element.name} must not be repeated`);
  }

  #object(element: XmlElement): JsonObject {
    const scanner: XmlScanner = this.#scanner;
    const type = this.#plans.typeOf(element);
    const value: JsonObject = {};
    let attributes = 0;
    for (let i = 0; i < scanner.count; i++) {
      const name = scanner.names[i] as string;
      if (type.attributes.includes(name)) {
        value[name] = this.#attributeValue(i);
        attributes++;
      } else if (!this.#isIgnored(i, false)) this.#failAttribute(i);
    }
    const { start } = scanner;
    this.#children(type, value);
    if (attributes === 0 && isEmpty(value)) this.#failEmpty(element, start);
    return value;
  }

  #failEmpty(element: XmlElement, position: number): never {
    return this.#scanner.fail('structure', `the element ${element.name} is empty`, position);
  }

  #attributeValue(index: number): string {
    const value = this.#scanner.values[index] as string;
    if (value !== '') return value;
    const { names, nameStarts } = this.#scanner;
    return this.#scanner.fail('structure', `the attribute ${names[index]} is empty`, nameStarts[index]);
  }

  /** The resource inside `contained`, `resource` and the like. */
  #contained(element: XmlElement): JsonObject {
    const scanner: XmlScanner = this.#scanner;
    for (let i = 0; i < scanner.count; i++) {
      if (!this.#isIgnored(i, false)) this.#failAttribute(i);
    }
    const { start } = scanner;
    if (scanner.nextTag() !== 'start') this.#failEmpty(element, start);
    // The element and the resource are one object.
    this.#depth--;
    const resource = this.#resource(false);
    this.#depth++;
    if (scanner.nextTag() !== 'end') {
      scanner.fail('structure', `the element ${element.name} must hold one resource only`);
    }
    return resource;
  }

  #primitive(element: XmlElement, object: JsonObject): void {
    const scanner: XmlScanner = this.#scanner;
    const { start } = scanner;
    let value: JsonValue | undefined;
    let sibling: JsonObject | undefined;
    for (let i = 0; i < scanner.count; i++) {
      const name = scanner.names[i];
      if (name === 'value') value = this.#value(element, i);
      else if (name === 'id') sibling = { id: this.#attributeValue(i) };
      else if (!this.#isIgnored(i, false)) this.#failAttribute(i);
    }
    if (scanner.isEmpty) scanner.nextTag();
    else {
      const levels = element.array ? 2 : 1;
      const extended = sibling ?? {};
      this.#deeper(levels);
      this.#children(this.#plans.type('Element'), extended);
      this.#depth -= levels;
      if (sibling !== undefined || !isEmpty(extended)) sibling = extended;
    }
    if (value === undefined && sibling === undefined) this.#failEmpty(element, start);
    if (element.array) {
      if (this.#depth >= this.#maxDepth) this.#deeper(1);
      const before = lengthOf(object, element);
      append(object, element.name, before, value);
      append(object, element.sibling, before, sibling);
    } else {
      if (value !== undefined) object[element.name] = value;
      if (sibling !== undefined) object[element.sibling] = sibling;
    }
  }

  #value(element: XmlElement, index: number): string | boolean | number | ExactNumber {
    const text = this.#attributeValue(index);
    if (element.kind === 'string') return text;
    const position = this.#scanner.valueStarts[index];
    if (element.kind === 'boolean') {
      if (text === 'true') return true;
      if (text === 'false') return false;
      return this.#scanner.fail('value', `the element ${element.name} must be true or false`, position);
    }
    const unsigned = element.typeName !== 'decimal' && text.startsWith('+') ? text.slice(1) : text;
    if (text.length > MAX_NUMBER_LENGTH || !NUMBER.test(unsigned)) {
      this.#scanner.fail(
        'value',
        `the element ${element.name} must be a number (${element.typeName})`,
        position,
      );
    }
    return numberFromText(unsigned);
  }
}

function isEmpty(object: JsonObject): boolean {
  for (const _ in object) return false;
  return true;
}

/** How many values of a repeating element an object has. */
function lengthOf(object: JsonObject, element: XmlElement): number {
  const values = (object[element.name] ?? object[element.sibling]) as JsonValue[] | undefined;
  return values === undefined ? 0 : values.length;
}

/**
 * Adds to one of the two arrays of a repeating primitive. Each is there only when it has a value, and both are equally
 * long then: null fills the places where only the other has something (R4 json.html#primitive).
 */
function append(object: JsonObject, name: string, before: number, value: JsonValue | undefined): void {
  const values = object[name] as JsonValue[] | undefined;
  if (values !== undefined) values.push(value ?? null);
  else if (value !== undefined) {
    const filled: JsonValue[] = new Array(before).fill(null);
    filled.push(value);
    object[name] = filled;
  }
}
