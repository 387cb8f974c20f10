import type { DefinitionsModel, ElementModel, TypeModel } from '../conformance/model.ts';

/**
 * How an element's values stand in XML (R4 xml.html): `string`, `boolean` and `number` are primitives, named for their
 * JSON form, with a value attribute; `xhtml` the narrative's div; `resource` an element around a resource; `object` the rest.
 */
export type XmlKind = 'string' | 'boolean' | 'number' | 'xhtml' | 'resource' | 'object';

/** An element of a type as XML has it. */
export interface XmlElement {
  /** Element name in XML, which is the JSON property name too. */
  readonly name: string;
  /** The JSON property of a primitive's id and extensions: `_birthDate`. */
  readonly sibling: string;
  readonly kind: XmlKind;
  readonly array: boolean;
  /** Place in the definition's order. All forms of a choice have the same. */
  readonly order: number;
  /** Name of the value's type. */
  readonly typeName: string;
  /** The plan of `typeName`, once it was asked for. */
  type: XmlType | undefined;
}

/** A type as XML has it. */
export interface XmlType {
  readonly name: string;
  readonly isResource: boolean;
  /** JSON properties that XML writes as attributes of the element: `id`, and `url` of an Extension. */
  readonly attributes: readonly string[];
  /** Elements by their name. */
  readonly elements: ReadonlyMap<string, XmlElement>;
  /** Elements by JSON property, those of the `_name` siblings included. */
  readonly properties: ReadonlyMap<string, XmlElement>;
}

const NUMBERS = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt']);

/** The plans of a set of definitions, made when first asked for. */
export class XmlPlans {
  readonly #definitions: DefinitionsModel;
  readonly #plans = new Map<string, XmlType>();

  constructor(definitions: DefinitionsModel) {
    this.#definitions = definitions;
  }

  /** The plan of a resource type; undefined when the name is no concrete resource type. */
  resource(name: string): XmlType | undefined {
    const known = this.#plans.get(name);
    if (known !== undefined) return known.isResource ? known : undefined;
    const type = this.#definitions.types.get(name);
    return type?.kind === 'resource' && !type.abstract ? this.#plan(type) : undefined;
  }

  /** The plan of an element's values. Throws for a type that the definitions do not have: they would be broken. */
  typeOf(element: XmlElement): XmlType {
    if (element.type === undefined) element.type = this.type(element.typeName);
    return element.type;
  }

  /** The plan of a type by its name. Throws as {@link typeOf}. */
  type(name: string): XmlType {
    const known = this.#plans.get(name);
    if (known !== undefined) return known;
    const type = this.#definitions.types.get(name);
    if (type === undefined) throw new Error(`the definitions have no type ${name}`);
    return this.#plan(type);
  }

  #plan(type: TypeModel): XmlType {
    const isResource = type.kind === 'resource';
    const attributes = isResource ? [] : type.name === 'Extension' ? ['id', 'url'] : ['id'];
    const elements = new Map<string, XmlElement>();
    const properties = new Map<string, XmlElement>();
    let order = -1;
    let last = '';
    for (const element of type.elements.values()) {
      if (attributes.includes(element.name)) continue;
      const stem = element.choice ?? element.name;
      if (stem !== last) order++;
      last = stem;
      const planned: XmlElement = {
        name: element.name,
        sibling: `_${element.name}`,
        kind: this.#kind(element),
        array: element.array,
        order,
        typeName: element.type,
        type: undefined,
      };
      elements.set(planned.name, planned);
      properties.set(planned.name, planned);
      if (planned.kind === 'string' || planned.kind === 'boolean' || planned.kind === 'number') {
        properties.set(planned.sibling, planned);
      }
    }
    const plan = { name: type.name, isResource, attributes, elements, properties };
    this.#plans.set(type.name, plan);
    return plan;
  }

  #kind(element: ElementModel): XmlKind {
    const kind = this.#definitions.types.get(element.type)?.kind;
    if (kind === 'resource') return 'resource';
    if (kind !== 'primitive') return 'object';
    if (element.type === 'xhtml') return 'xhtml';
    if (element.type === 'boolean') return 'boolean';
    return NUMBERS.has(element.type) ? 'number' : 'string';
  }
}

const byTypes = new WeakMap<DefinitionsModel['types'], XmlPlans>();

/** The plans of a set of definitions; the same for all models that share their types. */
export function xmlPlans(definitions: DefinitionsModel): XmlPlans {
  let plans = byTypes.get(definitions.types);
  if (plans === undefined) {
    plans = new XmlPlans(definitions);
    byTypes.set(definitions.types, plans);
  }
  return plans;
}
