import type { DefinitionsModel, ElementModel, TypeModel } from '../conformance/model.ts';
import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';

/** One value of an element. A primitive has its id and extensions in `extra`, what JSON keeps under `_name`. */
export interface Item {
  value: JsonValue | undefined;
  extra: JsonObject | undefined;
}

/** A value in FHIRPath terms; with a place when it is an element of the resource. */
export interface Node extends Item {
  /** FHIR type name (`HumanName`, `code`, `Patient.contact`); `System.String` and the like for literals and results. */
  readonly type: string;
  readonly place?: Place;
}

/** Where a node is: the how-manieth value of which element of which parent. */
export interface Place {
  readonly parent: Node;
  readonly element: ElementModel;
  readonly index: number;
}

/** A resource seen as elements, led by the definitions (R4 json.html): reading, finding children, writing lists of values. */
export class ElementTree {
  readonly definitions: DefinitionsModel;
  readonly root: Node;
  static readonly #choices = new WeakMap<TypeModel, ReadonlyMap<string, readonly ElementModel[]>>();

  constructor(definitions: DefinitionsModel, resource: Resource) {
    this.definitions = definitions;
    this.root = { value: resource, extra: undefined, type: resource.resourceType };
  }

  isPrimitive(type: string): boolean {
    const model = this.definitions.types.get(type);
    return model === undefined ? /^[a-z]/.test(type) : model.kind === 'primitive';
  }

  /** The element models that a name stands for in a type: one, or all types of a choice (`value`, `value[x]`); empty if there is none. */
  elements(type: string, name: string): readonly ElementModel[] {
    const model = this.definitions.types.get(type);
    if (model === undefined) return [];
    const element = model.elements.get(name);
    if (element !== undefined) return [element];
    let choices = ElementTree.#choices.get(model);
    if (choices === undefined) {
      choices = Map.groupBy(
        [...model.elements.values()].filter((candidate) => candidate.choice !== undefined),
        (candidate) => candidate.choice as string,
      );
      ElementTree.#choices.set(model, choices);
    }
    return choices.get(name.endsWith('[x]') ? name.slice(0, -3) : name) ?? [];
  }

  /** The JSON object that has the node's children as properties; undefined if it has none. */
  container(node: Node): JsonObject | undefined {
    if (this.isPrimitive(node.type)) return node.extra;
    return isObject(node.value) ? node.value : undefined;
  }

  /** As {@link container}, made (as `_name`) where a primitive has none yet. Throws TypeError for a node without children and place. */
  ensureContainer(node: Node): JsonObject {
    const container = this.container(node);
    if (container !== undefined) return container;
    if (node.place === undefined || !this.isPrimitive(node.type))
      throw new TypeError('not an element of the resource');
    const { parent, element, index } = node.place;
    const items = this.items(parent, element);
    const extra: JsonObject = {};
    (items[index] as Item).extra = extra;
    node.extra = extra;
    this.setItems(parent, element, items);
    return extra;
  }

  /** All values of an element of the node, in order. */
  items(node: Node, element: ElementModel): Item[] {
    const container = this.container(node);
    if (container === undefined) return [];
    const value = container[element.name];
    const extra = this.isPrimitive(element.type) ? container[`_${element.name}`] : undefined;
    if (!element.array) {
      return value === undefined && extra === undefined
        ? []
        : [{ value, extra: isObject(extra) ? extra : undefined }];
    }
    const values = Array.isArray(value) ? value : [];
    const extras = Array.isArray(extra) ? extra : [];
    return Array.from({ length: Math.max(values.length, extras.length) }, (_, i) => {
      const beside = extras[i];
      return { value: values[i] ?? undefined, extra: isObject(beside) ? beside : undefined };
    });
  }

  /** Writes all values of an element; none removes it. */
  setItems(node: Node, element: ElementModel, items: readonly Item[]): void {
    const container = this.ensureContainer(node);
    this.#write(container, element.name, element.array, items, (item) => item.value);
    if (this.isPrimitive(element.type)) {
      this.#write(container, `_${element.name}`, element.array, items, (item) => item.extra);
    }
  }

  #write(
    container: JsonObject,
    name: string,
    array: boolean,
    items: readonly Item[],
    part: (item: Item) => JsonValue | undefined,
  ): void {
    if (items.every((item) => part(item) === undefined)) delete container[name];
    else if (array) container[name] = items.map((item) => part(item) ?? null);
    else container[name] = part(items[0] as Item) as JsonValue;
  }

  /** The children of a node with a FHIRPath name. */
  children(node: Node, name: string): Node[] {
    return this.elements(node.type, name).flatMap((element) => this.#nodes(node, element));
  }

  /** All children of a node. */
  allChildren(node: Node): Node[] {
    const model = this.definitions.types.get(node.type);
    const container = this.container(node);
    if (model === undefined || container === undefined) return [];
    const names = new Set(Object.keys(container).map((name) => name.replace(/^_/, '')));
    return [...names].flatMap((name) => {
      const element = model.elements.get(name);
      return element === undefined ? [] : this.#nodes(node, element);
    });
  }

  #nodes(parent: Node, element: ElementModel): Node[] {
    return this.items(parent, element).map((item, index) => ({
      ...item,
      type: this.#actualType(element.type, item.value),
      place: { parent, element, index },
    }));
  }

  #actualType(type: string, value: JsonValue | undefined): string {
    if (this.definitions.types.get(type)?.kind !== 'resource' || !isObject(value)) return type;
    const actual = value['resourceType'];
    return typeof actual === 'string' && this.definitions.types.has(actual) ? actual : type;
  }

  /** Whether a type is, or derives from, a type named in an expression (`Quantity`, `FHIR.Quantity`). */
  isType(type: string, name: string): boolean {
    const wanted = name.replace(/^FHIR\./, '');
    let current: string | undefined = type;
    while (current !== undefined && current !== wanted) current = this.definitions.types.get(current)?.base;
    return current !== undefined;
  }
}
