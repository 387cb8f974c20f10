import type { Model } from '../model.ts';
import { isQuantityType, systemKind, UNKNOWN_TYPE } from '../values.ts';

/** The types that the items of a part of an expression can have: FHIR's by name, FHIRPath's as `System.String`; undefined where anything may come. */
export type Types = readonly string[] | undefined;

/** Types whose values may have elements that the type itself does not have. */
const OPEN = new Set([UNKNOWN_TYPE, 'Resource', 'DomainResource', 'Element', 'BackboneElement']);

const SYSTEM_MEMBERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'System.Quantity': { value: 'System.Decimal', unit: 'System.String' },
  'System.TypeInfo': { namespace: 'System.String', name: 'System.String', baseType: 'System.String' },
};

/** What an expression can be checked by: what types have which elements. */
export function memberTypes(types: readonly string[], name: string, model: Model): Types | null {
  const found = new Set<string>();
  for (const type of types) {
    if (OPEN.has(type)) return undefined;
    const own = SYSTEM_MEMBERS[type];
    if (own !== undefined) {
      if (Object.hasOwn(own, name)) found.add(own[name] as string);
    } else if (name === 'value' && model.isPrimitive(type)) {
      found.add(`System.${systemKind(type)}`);
    } else {
      for (const property of model.navigator.members(type)?.get(name) ?? []) {
        // A resource of any type.
        if (property.type === 'Resource') return undefined;
        found.add(name === 'id' ? 'string' : property.type);
      }
    }
  }
  return found.size === 0 && types.length > 0 ? null : [...found];
}

/** Both together; undefined if either may be anything. */
export function either(a: Types, b: Types): Types {
  return a === undefined || b === undefined ? undefined : [...new Set([...a, ...b])];
}

/** FHIRPath's type that values of a type have: `String`, `Quantity`; `complex` for what has none; undefined where that is not known. */
export function kindOf(type: string, model: Model): string | undefined {
  if (type.startsWith('System.')) return type.slice(7);
  if (isQuantityType(type)) return 'Quantity';
  if (OPEN.has(type)) return undefined;
  return model.isPrimitive(type) ? systemKind(type) : 'complex';
}

/** FHIRPath's types that items of some types can have; undefined where anything may come. */
export function kindsOf(types: Types, model: Model): readonly string[] | undefined {
  if (types === undefined) return undefined;
  const kinds: string[] = [];
  for (const type of types) {
    const kind = kindOf(type, model);
    if (kind === undefined) return undefined;
    kinds.push(kind);
  }
  return kinds;
}

/** Whether none of the types is one of these of FHIRPath, and there are any. */
export function never(types: Types, wanted: readonly string[], model: Model): boolean {
  const kinds = kindsOf(types, model);
  return kinds !== undefined && kinds.length > 0 && !kinds.some((kind) => wanted.includes(kind));
}

export function nameOf(types: Types): string {
  return types === undefined ? 'anything' : types.join(' or ');
}
