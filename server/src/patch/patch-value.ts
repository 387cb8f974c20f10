import type { ElementModel } from '../conformance/model.ts';
import type { ElementTree, Item, Node } from './element-tree.ts';
import { deepCopy } from './json-value.ts';
import type { PatchValue } from './patch-parameters.ts';
import { PathError } from './path-evaluator.ts';

/** Primitive types that carry each other's values; whether the text fits is for validation to say. */
const FAMILIES: readonly ReadonlySet<string>[] = [
  new Set(['string', 'code', 'id', 'markdown', 'xhtml', 'uri', 'url', 'canonical', 'oid', 'uuid']),
  new Set(['integer', 'unsignedInt', 'positiveInt']),
];

/**
 * Makes the value of an element from what a patch gives (R4 fhirpatch.html: the type must be right for the place).
 * @param candidates the element, or the types of a choice element
 * @returns which candidate the value is for, and the value
 * @throws PathError when the type does not fit
 */
export function buildItem(
  tree: ElementTree,
  candidates: readonly ElementModel[],
  value: PatchValue,
): { element: ElementModel; item: Item } {
  const element = choose(tree, candidates, value);
  switch (value.kind) {
    case 'typed': {
      const item = {
        value:
          value.value === undefined ? undefined : deepCopy(value.value, { cells: Number.POSITIVE_INFINITY }),
        extra:
          value.extra === undefined ? undefined : deepCopy(value.extra, { cells: Number.POSITIVE_INFINITY }),
      };
      return { element, item };
    }
    case 'resource': {
      const copy = deepCopy(value.resource, { cells: Number.POSITIVE_INFINITY });
      return { element, item: { value: copy, extra: undefined } };
    }
    case 'parts':
      return { element, item: buildParts(tree, element, value.parts) };
  }
}

function choose(tree: ElementTree, candidates: readonly ElementModel[], value: PatchValue): ElementModel {
  const first = candidates[0] as ElementModel;
  if (value.kind === 'resource') {
    const found = candidates.find(
      ({ type }) =>
        tree.definitions.types.get(type)?.kind === 'resource' &&
        tree.isType(value.resource.resourceType, type),
    );
    if (found === undefined)
      throw new PathError(`${first.path} does not take a ${value.resource.resourceType} resource`);
    return found;
  }
  if (value.kind === 'parts') {
    if (candidates.length > 1) throw new PathError(`the value of ${first.path} needs a type (value[x])`);
    return first;
  }
  const found =
    candidates.find(({ type }) => type === value.type) ??
    candidates.find(({ type }) => fits(tree, type, value.type));
  if (found === undefined) throw new PathError(`${first.path} does not take a ${value.type}`);
  return found;
}

function fits(tree: ElementTree, wanted: string, given: string): boolean {
  if (FAMILIES.some((family) => family.has(wanted) && family.has(given))) return true;
  if (tree.isPrimitive(wanted) || tree.isPrimitive(given)) return false;
  return tree.isType(given, wanted) || tree.isType(wanted, given);
}

function buildParts(
  tree: ElementTree,
  element: ElementModel,
  parts: readonly { readonly name: string; readonly value: PatchValue }[],
): Item {
  const object = {};
  const primitive = tree.isPrimitive(element.type);
  const node: Node = primitive
    ? { value: undefined, extra: object, type: element.type }
    : { value: object, extra: undefined, type: element.type };
  for (const part of parts) appendChild(tree, node, part.name, part.value);
  return { value: node.value, extra: node.extra };
}

/**
 * Appends a value to a child element of a node.
 * @throws PathError when there is no such element, the type does not fit, or an element that does not repeat is there already
 */
export function appendChild(tree: ElementTree, node: Node, name: string, value: PatchValue): void {
  const candidates = tree.elements(node.type, name);
  if (candidates.length === 0) throw new PathError(`${node.type} has no element '${name}'`);
  const { element, item } = buildItem(tree, candidates, value);
  const taken = siblings(tree, node, element).find((other) => tree.items(node, other).length > 0);
  if (!element.array && taken !== undefined)
    throw new PathError(`${element.path} is there already and does not repeat`);
  tree.setItems(node, element, [...tree.items(node, element), item]);
}

/** All types of the choice that the element belongs to, or the element alone. */
export function siblings(tree: ElementTree, node: Node, element: ElementModel): readonly ElementModel[] {
  return element.choice === undefined ? [element] : tree.elements(node.type, element.choice);
}
