import type { DefinitionsModel } from '../../conformance/model.ts';
import { isExactNumber, numberOf } from '../../json/exact-number.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';

/** A value with its type: what FHIRPath's collections hold here. */
export interface Node {
  /** The JSON value; undefined for a primitive that has only extensions. */
  readonly v: JsonValue | undefined;
  /** Id and extensions of a primitive: the `_name` property. */
  readonly s: JsonObject | undefined;
  /** FHIR type name, or `System.Boolean` and so on for what an expression made. */
  readonly t: string;
}

export type Nodes = readonly Node[];

export const EMPTY: Nodes = [];
export const TRUE: Nodes = [{ v: true, s: undefined, t: 'System.Boolean' }];
export const FALSE: Nodes = [{ v: false, s: undefined, t: 'System.Boolean' }];

export function bool(value: boolean): Nodes {
  return value ? TRUE : FALSE;
}

/** A JSON property that holds an element. */
interface Property {
  readonly name: string;
  readonly type: string;
  readonly primitive: boolean;
}

/** The elements of one type by FHIRPath name: a choice element has a property for each of its types. */
export type Members = ReadonlyMap<string, readonly Property[]>;

/** How values of FHIR types are walked and compared by type. */
export class TypeNavigator {
  readonly definitions: Pick<DefinitionsModel, 'types'>;
  readonly #members = new Map<string, Members>();
  readonly #chains = new Map<string, readonly string[]>();

  constructor(definitions: Pick<DefinitionsModel, 'types'>) {
    this.definitions = definitions;
  }

  isPrimitive(type: string): boolean {
    return this.definitions.types.get(type)?.kind === 'primitive';
  }

  members(type: string): Members | undefined {
    let members = this.#members.get(type);
    if (members === undefined) {
      const model = this.definitions.types.get(type);
      if (model === undefined) return undefined;
      const map = new Map<string, Property[]>();
      for (const element of model.elements.values()) {
        const name = element.choice ?? element.name;
        const property = {
          name: element.name,
          type: element.type,
          primitive: this.isPrimitive(element.type),
        };
        const list = map.get(name);
        if (list === undefined) map.set(name, [property]);
        else list.push(property);
      }
      members = map;
      this.#members.set(type, members);
    }
    return members;
  }

  /** The type with all it derives from: `Age, Quantity, Element`. */
  chain(type: string): readonly string[] {
    let chain = this.#chains.get(type);
    if (chain === undefined) {
      const names = [type];
      for (
        let base = this.definitions.types.get(type)?.base;
        base !== undefined && names.length < 10;
        base = this.definitions.types.get(base)?.base
      )
        names.push(base);
      chain = names;
      this.#chains.set(type, chain);
    }
    return chain;
  }

  /** The values of one property of an object, appended to `into`. */
  collect(object: JsonObject, property: Property, into: Node[]): void {
    const value = object[property.name];
    if (property.primitive) {
      const sibling = object[`_${property.name}`];
      if (value === undefined && sibling === undefined) return;
      if (Array.isArray(value) || Array.isArray(sibling)) {
        const values = Array.isArray(value) ? value : [];
        const siblings = Array.isArray(sibling) ? sibling : [];
        for (let i = 0; i < Math.max(values.length, siblings.length); i++) {
          const item = values[i] ?? undefined;
          const extra = siblings[i];
          const other = isObject(extra) ? extra : undefined;
          if (item !== undefined || other !== undefined) into.push({ v: item, s: other, t: property.type });
        }
      } else {
        const other = isObject(sibling) ? sibling : undefined;
        into.push({ v: value ?? undefined, s: other, t: property.type });
      }
      return;
    }
    if (value === undefined) return;
    if (Array.isArray(value)) {
      for (const item of value) if (isObject(item)) into.push(objectNode(item, property.type));
    } else if (isObject(value)) into.push(objectNode(value, property.type));
  }

  /** The children of a node by name. */
  child(node: Node, name: string, into: Node[]): void {
    const { v, s } = node;
    if (isObject(v)) {
      const properties = this.members(node.t)?.get(name);
      if (properties !== undefined) {
        for (const property of properties) this.collect(v, property, into);
      }
    } else if (s !== undefined && (name === 'extension' || name === 'id')) {
      const properties = this.members('Element')?.get(name);
      if (properties !== undefined) for (const property of properties) this.collect(s, property, into);
    }
  }

  /** All children of a node. */
  children(node: Node, into: Node[]): void {
    const object = isObject(node.v) ? node.v : node.s;
    if (object === undefined) return;
    const members = this.members(isObject(node.v) ? node.t : 'Element');
    if (members === undefined) return;
    for (const properties of members.values()) {
      for (const property of properties) this.collect(object, property, into);
    }
  }

  /** Whether a node is of a type or one that derives from it; `Boolean` is `boolean` too. */
  hasType(node: Node, asked: string): boolean {
    const dot = asked.indexOf('.');
    const name = dot < 0 ? asked : asked.slice(dot + 1);
    if (node.t.startsWith('System.'))
      return node.t.slice(7) === name || node.t.slice(7).toLowerCase() === name;
    if (this.chain(node.t).includes(name)) return true;
    return this.isPrimitive(node.t) && node.t.toLowerCase() === name.toLowerCase();
  }
}

export function objectNode(value: JsonObject, type: string): Node {
  const own = value['resourceType'];
  return { v: value, s: undefined, t: typeof own === 'string' && isResourceSlot(type) ? own : type };
}

function isResourceSlot(type: string): boolean {
  return type === 'Resource' || type === 'DomainResource';
}

/** Whether a string is of a type whose values are dates or times. */
export function isTemporal(type: string): boolean {
  return (
    type === 'date' ||
    type === 'dateTime' ||
    type === 'instant' ||
    type === 'time' ||
    type === 'System.DateTime'
  );
}

/** FHIRPath equality of two items (N1 section 6.1): of complex values all children. */
export function equalNodes(a: Node, b: Node): boolean {
  return equalValues(a.v, b.v);
}

export function equalValues(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a === null || b === null) return false;
  if (typeof a === 'number' || typeof b === 'number' || isExactNumber(a) || isExactNumber(b)) {
    return numberOf(a) === numberOf(b);
  }
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, i) => equalValues(item, b[i]))
    );
  }
  const left = a as JsonObject;
  const right = b as JsonObject;
  let count = 0;
  for (const name in left) {
    count++;
    if (!equalValues(left[name], right[name])) return false;
  }
  for (const _ in right) count--;
  return count === 0;
}

/** A text that two equal values share, to find duplicates in linear time. */
export function identity(node: Node): string {
  const { v } = node;
  if (typeof v === 'string') return `s${v}`;
  if (isExactNumber(v)) return `n${Number(v.rawJSON)}`;
  if (typeof v === 'number') return `n${v}`;
  if (isObject(v)) return `o${canonicalText(v)}`;
  return `x${JSON.stringify(v) ?? ''}`;
}

function canonicalText(value: JsonValue): string {
  if (isExactNumber(value)) return String(Number(value.rawJSON));
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value)
    .sort()
    .map((name) => `${name}:${canonicalText(value[name] as JsonValue)}`)
    .join()}}`;
}
