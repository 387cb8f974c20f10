import type { DefinitionsModel, ElementModel } from '../conformance/model.ts';
import { PRIMITIVES, type PrimitiveCheck, STRICT_PRIMITIVES } from './primitives.ts';

/** How the values of one JSON property are checked. */
export interface PropertyChecker {
  /** Element name, without the underscore of a primitive's sibling. */
  readonly name: string;
  readonly element: ElementModel;
  readonly array: boolean;
  readonly min: number;
  readonly max: number;
  /** Bits of {@link TypeChecker.required} and of the choices that the property belongs to; 0 for none. */
  readonly requiredBit: number;
  readonly choiceBit: number;
  /** `value`: a primitive; `sibling`: its `_name` with id and extensions; `resource`: any resource; `object`: the rest. */
  readonly kind: 'value' | 'sibling' | 'resource' | 'object';
  readonly check: PrimitiveCheck;
  /** What is checked besides when strictness is asked for. */
  readonly strictCheck: PrimitiveCheck | undefined;
  /** Whether that is in place of the other check: a narrative is read once. */
  readonly strictIsWhole: boolean;
  /** Name of the other property of a primitive: `_birthDate` for `birthDate` and the other way round. */
  readonly partner: string;
  readonly isReference: boolean;
  readonly binding: 'code' | 'Coding' | 'CodeableConcept' | undefined;
  /** The checker of an object's type, once it was asked for. */
  type: TypeChecker | undefined;
  /** The codes of the required binding, once they were asked for; null if they cannot be listed. */
  codes: ReadonlySet<string> | null | undefined;
}

/** How an object of one type is checked. */
export interface TypeChecker {
  readonly name: string;
  readonly isResource: boolean;
  readonly properties: ReadonlyMap<string, PropertyChecker>;
  /** The bits of all required elements, and what they are called. */
  readonly required: number;
  readonly requiredNames: readonly string[];
  /** For each choice its stem (`value`) and its properties. */
  readonly choices: readonly { readonly stem: string; readonly names: readonly string[] }[];
}

export type Checkers = Map<string, TypeChecker>;

const byTypes = new WeakMap<DefinitionsModel['types'], Checkers>();

/** The checkers made so far for a set of definitions: shared by all models that share its types. */
export function checkersOf(definitions: DefinitionsModel): Checkers {
  let checkers = byTypes.get(definitions.types);
  if (checkers === undefined) {
    checkers = new Map();
    byTypes.set(definitions.types, checkers);
  }
  return checkers;
}

/** The checker of a type, made on first use. Throws for a name that no type has: the definitions would be broken. */
export function checkerFor(name: string, definitions: DefinitionsModel, checkers: Checkers): TypeChecker {
  let checker = checkers.get(name);
  if (checker === undefined) {
    checker = compile(name, definitions);
    checkers.set(name, checker);
  }
  return checker;
}

const accept: PrimitiveCheck = () => undefined;

function compile(name: string, definitions: DefinitionsModel): TypeChecker {
  const type = definitions.types.get(name);
  if (type === undefined) throw new Error(`the definitions have no type ${name}`);
  const properties = new Map<string, PropertyChecker>();
  const requiredNames: string[] = [];
  const choices: { stem: string; names: string[] }[] = [];
  for (const element of type.elements.values()) {
    const { choice } = element;
    let choiceBit = 0;
    if (choice !== undefined) {
      let place = choices.findIndex(({ stem }) => stem === choice);
      if (place < 0) place = choices.push({ stem: choice, names: [] }) - 1;
      choices[place]?.names.push(element.name);
      choiceBit = bit(place);
    }
    let requiredBit = 0;
    if (element.min > 0) {
      const label = choice === undefined ? element.name : `${choice}[x]`;
      let place = requiredNames.indexOf(label);
      if (place < 0) place = requiredNames.push(label) - 1;
      requiredBit = bit(place);
    }
    const target = definitions.types.get(element.type);
    const isPrimitive = target?.kind === 'primitive';
    const property: PropertyChecker = {
      name: element.name,
      element,
      array: element.array,
      min: element.min,
      max: element.max,
      requiredBit,
      choiceBit,
      kind: isPrimitive ? 'value' : target?.kind === 'resource' ? 'resource' : 'object',
      check: isPrimitive ? (PRIMITIVES.get(element.type) ?? accept) : accept,
      strictCheck: isPrimitive ? STRICT_PRIMITIVES.get(element.type) : undefined,
      strictIsWhole: element.type === 'xhtml',
      partner: `_${element.name}`,
      isReference: element.type === 'Reference',
      binding:
        element.requiredBinding !== undefined &&
        (element.type === 'code' || element.type === 'Coding' || element.type === 'CodeableConcept')
          ? element.type
          : undefined,
      type: undefined,
      codes: undefined,
    };
    properties.set(element.name, property);
    if (isPrimitive && !isAttribute(name, element)) {
      properties.set(`_${element.name}`, {
        ...property,
        kind: 'sibling',
        partner: element.name,
        binding: undefined,
      });
    }
  }
  return {
    name,
    isResource: type.kind === 'resource',
    properties,
    required: requiredNames.length === 0 ? 0 : bit(requiredNames.length) - 1,
    requiredNames,
    choices,
  };
}

/** What cannot have extensions: ids, Extension.url and the narrative (R4 extensibility.html, xml.html: XML attributes; narrative.html). */
function isAttribute(typeName: string, element: ElementModel): boolean {
  return (
    element.name === 'id' || element.type === 'xhtml' || (typeName === 'Extension' && element.name === 'url')
  );
}

function bit(place: number): number {
  // No R4 type has more than a few; a definition beyond that must not go unchecked.
  if (place > 30) throw new Error('more than 30 required elements or choices in one type');
  return 1 << place;
}
