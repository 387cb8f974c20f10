import type { ElementModel, TypeKind, TypeModel } from './model.ts';
import type { SourceElement, SourceElementType, SourceStructure } from './source-model.ts';

/** A type as it is stored in the cache. Tuples, because property names would be most of the text. */
export type PackedType = readonly [
  kind: TypeKind,
  abstract: 0 | 1,
  base: string,
  elements: readonly PackedElement[],
];
/** `max` is 0 for unbounded. `types` has one entry, or those of a choice element, whose `name` is then `value` of `value[x]`. */
export type PackedElement = readonly [
  name: string,
  path: string,
  types: readonly PackedElementType[],
  min: number,
  max: number,
  flags: number,
  binding: string,
];
export type PackedElementType = string | readonly [type: string, ...targets: string[]];

const ARRAY = 1;
const CHOICE = 2;
const MODIFIER = 4;
const SUMMARY = 8;

/**
 * Every type of the structures, its backbones included, by type name (R4 structuredefinition.html, elementdefinition.html).
 * Throws if a structure is not as R4 writes it.
 */
export function compileTypes(structures: readonly SourceStructure[]): Map<string, PackedType> {
  const types = new Map<string, PackedType>();
  for (const structure of structures) {
    if (structure.derivation === 'constraint' || structure.kind === 'logical') continue;
    const root = structure.name;
    const kind =
      structure.kind === 'complex-type'
        ? 'complex'
        : structure.kind === 'resource'
          ? 'resource'
          : 'primitive';
    const children = new Map<string, SourceElement[]>();
    const backbones = new Map<string, string>();
    for (const element of structure.snapshot.element) {
      const dot = element.path.lastIndexOf('.');
      if (dot < 0 || element.sliceName !== undefined) continue;
      const parent = element.path.slice(0, dot);
      const siblings = children.get(parent);
      if (siblings === undefined) children.set(parent, [element]);
      else siblings.push(element);
      const type = element.type?.[0]?.code;
      if (type === 'BackboneElement' || type === 'Element') backbones.set(element.path, type);
    }
    for (const [parent, elements] of children) {
      const isRoot = parent === root;
      const packed = elements
        .filter((element) => !(kind === 'primitive' && element.path === `${root}.value`))
        .map((element) => packElement(element, kind === 'resource', backbones));
      types.set(parent, [
        isRoot ? kind : 'backbone',
        isRoot && structure.abstract ? 1 : 0,
        isRoot ? (structure.baseDefinition?.split('/').at(-1) ?? '') : (backbones.get(parent) ?? 'Element'),
        packed,
      ]);
    }
  }
  return types;
}

function packElement(
  element: SourceElement,
  inResource: boolean,
  backbones: ReadonlyMap<string, string>,
): PackedElement {
  const { path } = element;
  const last = path.slice(path.lastIndexOf('.') + 1);
  const choice = last.endsWith('[x]');
  const flags =
    ((element.base?.max ?? element.max) === '1' ? 0 : ARRAY) |
    (choice ? CHOICE : 0) |
    (element.isModifier ? MODIFIER : 0) |
    (element.isSummary ? SUMMARY : 0);
  const required = element.binding?.strength === 'required' ? (element.binding.valueSet ?? '') : '';
  return [
    choice ? last.slice(0, -3) : last,
    path,
    element.contentReference === undefined
      ? (element.type ?? []).map((type) => packType(type, element, inResource, backbones))
      : [element.contentReference.slice(element.contentReference.indexOf('#') + 1)],
    element.min,
    element.max === '*' ? 0 : Number(element.max),
    flags,
    required.split('|')[0] as string,
  ];
}

function packType(
  type: SourceElementType,
  element: SourceElement,
  inResource: boolean,
  backbones: ReadonlyMap<string, string>,
): PackedElementType {
  if (backbones.has(element.path)) return element.path;
  if (type.code.startsWith('http://hl7.org/fhirpath/')) {
    // R4 resource.html#Resource: id has the type id; the StructureDefinitions call it string.
    if (inResource && /^[A-Za-z]+\.id$/.test(element.path)) return 'id';
    return (
      type.extension?.find((extension) => extension.url.endsWith('structuredefinition-fhir-type'))
        ?.valueUrl ?? 'string'
    );
  }
  const targets = (type.targetProfile ?? []).map((profile) => profile.slice(profile.lastIndexOf('/') + 1));
  return targets.length === 0 || targets.includes('Resource') ? type.code : [type.code, ...targets];
}

/** The model of a type from its stored form. A choice element becomes one element for each of its types. */
export function unpackType(name: string, [kind, abstract, base, elements]: PackedType): TypeModel {
  const map = new Map<string, ElementModel>();
  for (const [stem, path, types, min, max, flags, binding] of elements) {
    for (const packed of types) {
      const [type, ...targets] = typeof packed === 'string' ? [packed] : packed;
      const property = (flags & CHOICE) === 0 ? stem : stem + type.charAt(0).toUpperCase() + type.slice(1);
      map.set(property, {
        name: property,
        path,
        type,
        min,
        max: max === 0 ? Number.POSITIVE_INFINITY : max,
        array: (flags & ARRAY) !== 0,
        ...((flags & CHOICE) === 0 ? {} : { choice: stem }),
        ...(targets.length === 0 ? {} : { targets }),
        ...(binding === '' ? {} : { requiredBinding: binding }),
        ...((flags & MODIFIER) === 0 ? {} : { isModifier: true }),
        ...((flags & SUMMARY) === 0 ? {} : { isSummary: true }),
      });
    }
  }
  return { name, kind, abstract: abstract === 1, ...(base === '' ? {} : { base }), elements: map };
}
