import type { DefinitionsModel } from '../conformance/model.ts';
import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { TypeNavigator } from '../validation/fhirpath/nodes.ts';
import { failure } from './errors.ts';
import { type Item, itemOf, type Node, plainValue, type TypeInfo, UNKNOWN_TYPE } from './values.ts';

type Definitions = Pick<DefinitionsModel, 'types'>;

/** A type that an expression names. */
export interface TypeName {
  readonly namespace: 'System' | 'FHIR';
  readonly name: string;
  /** Without a namespace, Quantity is FHIR's and FHIRPath's own. */
  readonly qualified: boolean;
}

const SYSTEM = new Set([
  'Any',
  'Boolean',
  'String',
  'Integer',
  'Long',
  'Decimal',
  'Date',
  'DateTime',
  'Time',
  'Quantity',
  'TypeInfo',
  'SimpleTypeInfo',
  'ClassInfo',
]);
/** Profiles of R4 that its expressions name as types. */
const PROFILED: Readonly<Record<string, string>> = { SimpleQuantity: 'Quantity', MoneyQuantity: 'Quantity' };

/** The types of R4 and how their values are walked. */
export class Model {
  readonly navigator: TypeNavigator;

  constructor(definitions: Definitions) {
    this.navigator = new TypeNavigator(definitions);
  }

  /** The names of a type and of all it derives from, the type first. */
  chain(type: string): readonly string[] {
    return this.navigator.chain(type);
  }

  isType(name: string): boolean {
    return this.navigator.definitions.types.get(name) !== undefined;
  }

  isResource(name: string): boolean {
    return this.navigator.definitions.types.get(name)?.kind === 'resource';
  }

  isPrimitive(name: string): boolean {
    return this.navigator.isPrimitive(name);
  }

  /**
   * FHIRPath 10.1: without a namespace FHIR's types come first, then FHIRPath's own.
   * @throws FhirPathError for a name that is no type
   */
  resolveType(text: string): TypeName {
    const dot = text.indexOf('.');
    const namespace = dot < 0 ? undefined : text.slice(0, dot);
    const given = dot < 0 ? text : text.slice(dot + 1);
    const name = Object.hasOwn(PROFILED, given) ? (PROFILED[given] as string) : given;
    const qualified = namespace !== undefined;
    if (namespace !== 'System' && namespace !== undefined && namespace !== 'FHIR') {
      // The name of a backbone element, such as Patient.contact.
      if (this.isType(text)) return { namespace: 'FHIR', name: text, qualified };
      throw failure(`${text} is no type`);
    }
    if (namespace !== 'System' && this.isType(name)) return { namespace: 'FHIR', name, qualified };
    // A name of the other namespace is known: nothing can be of such a type.
    if (namespace !== 'FHIR' && (SYSTEM.has(name) || this.isType(name)))
      return { namespace: 'System', name, qualified };
    throw failure(`${text} is no type`);
  }

  /** FHIRPath 6.3: whether an item is of a type or of one that derives from it. */
  isOf(item: Item, type: TypeName): boolean {
    if (type.namespace === 'System' && type.name === 'Any') return true;
    if (item.kind === 'Node') return type.namespace === 'FHIR' && this.chain(item.type).includes(type.name);
    if (item.kind !== type.name) return item.kind === 'TypeInfo' && /^(?:Simple|Class)/.test(type.name);
    return type.namespace === 'System' || !type.qualified;
  }

  typeInfo(item: Item): TypeInfo {
    if (item.kind !== 'Node') return { namespace: 'System', name: item.kind, baseType: 'System.Any' };
    const base = this.chain(item.type)[1];
    if (item.type.includes('.') && base !== undefined) {
      return { namespace: 'FHIR', name: base, baseType: `FHIR.${this.chain(item.type)[2] ?? 'Element'}` };
    }
    return {
      namespace: 'FHIR',
      name: item.type,
      baseType: base === undefined ? 'System.Any' : `FHIR.${base}`,
    };
  }

  /** A resource as the root of an evaluation. */
  resource(value: Resource, path: string | undefined = value.resourceType): Node {
    return { kind: 'Node', type: value.resourceType, value, extra: undefined, path, parent: undefined };
  }

  /** The children of an item by name, appended to `into`. */
  child(item: Item, name: string, into: Item[]): void {
    if (item.kind !== 'Node') {
      valueMember(item, name, into);
      return;
    }
    const { value, extra, type } = item;
    const object = isObject(value) ? value : extra;
    if (type === UNKNOWN_TYPE) {
      const inner = object === undefined || !Object.hasOwn(object, name) ? undefined : object[name];
      for (const one of Array.isArray(inner) ? inner : [inner ?? null])
        into.push(...itemOf(one, undefined, this));
      return;
    }
    if (name === 'value' && this.isPrimitive(type)) {
      const own = plainValue(item);
      if (own !== undefined) into.push(own);
      return;
    }
    const properties = this.navigator.members(type)?.get(name);
    if (object === undefined || properties === undefined) return;
    for (const property of properties) this.#collect(item, object, property, name, into);
  }

  /** All children of an item, in the order of the type's elements. */
  children(item: Item, into: Item[]): void {
    if (item.kind !== 'Node') return;
    const object = isObject(item.value) ? item.value : item.extra;
    const members = this.navigator.members(item.type);
    if (object === undefined || members === undefined) return;
    for (const [name, properties] of members) {
      for (const property of properties) this.#collect(item, object, property, name, into);
    }
  }

  #collect(
    parent: Node,
    object: JsonObject,
    property: { readonly name: string; readonly type: string; readonly primitive: boolean },
    step: string,
    into: Item[],
  ): void {
    const value = Object.hasOwn(object, property.name) ? object[property.name] : undefined;
    const siblings = property.primitive ? object[`_${property.name}`] : undefined;
    if (value === undefined && siblings === undefined) return;
    const path = parent.path === undefined ? undefined : `${parent.path}.${step}`;
    const add = (one: JsonValue | undefined, other: JsonValue | undefined, place: string | undefined) => {
      const item = one ?? undefined;
      const extra = isObject(other) ? other : undefined;
      if (item === undefined && extra === undefined) return;
      if (!property.primitive && !isObject(item)) return;
      const own = isObject(item) ? item['resourceType'] : undefined;
      const type =
        typeof own === 'string' && this.isResource(property.type)
          ? own
          : // R4 gives ids the type String (their fhir-type is string).
            property.name === 'id'
            ? 'string'
            : property.type;
      into.push({ kind: 'Node', type, value: item, extra, path: place, parent });
    };
    if (Array.isArray(value) || Array.isArray(siblings)) {
      const values = Array.isArray(value) ? value : [];
      const others = Array.isArray(siblings) ? siblings : [];
      for (let i = 0; i < Math.max(values.length, others.length); i++) {
        add(values[i], others[i], path === undefined ? undefined : `${path}[${i}]`);
      }
    } else add(value, siblings, path);
  }
}

const models = new WeakMap<Definitions, Model>();

/** The model over some definitions, made once. */
export function modelOf(definitions: Definitions): Model {
  let model = models.get(definitions);
  if (model === undefined) {
    model = new Model(definitions);
    models.set(definitions, model);
  }
  return model;
}

/** The elements of FHIRPath's own types: those of Quantity and of what type() gives. */
function valueMember(item: Exclude<Item, Node>, name: string, into: Item[]): void {
  if (item.kind === 'Quantity') {
    if (name === 'value') into.push({ kind: 'Decimal', value: item.value.value });
    if (name === 'unit') into.push({ kind: 'String', value: item.value.written ?? item.value.unit });
  } else if (item.kind === 'TypeInfo' && (name === 'name' || name === 'namespace' || name === 'baseType')) {
    into.push({ kind: 'String', value: item.value[name] });
  }
}
