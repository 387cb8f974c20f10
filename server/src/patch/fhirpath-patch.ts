import type { DefinitionsModel, ElementModel } from '../conformance/model.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { Expression } from '../fhirpath/ast.ts';
import { FhirPathError } from '../fhirpath/errors.ts';
import type { JsonValue, Resource } from '../json/types.ts';
import { ElementTree, type Node, type Place } from './element-tree.ts';
import { deepCopy } from './json-value.ts';
import { type PatchOperation, parsePatchParameters } from './patch-parameters.ts';
import { parsePatchPath } from './patch-path.ts';
import { appendChild, buildItem, siblings } from './patch-value.ts';
import { PathError, PathEvaluator, Unsupported } from './path-evaluator.ts';

/**
 * Applies a FHIRPath Patch (R4 fhirpatch.html) to a resource and returns the patched copy; the resource itself is never
 * changed, and nothing is applied when any operation fails. Operations are applied in order, each on the result of the one
 * before. An element that a `delete` has left without content is removed too (R4 json.html: no empty objects).
 * The result still has to be validated: types are checked for their place here, not formats and cardinalities.
 *
 * @param parameters the parsed Parameters resource
 * @throws FhirError 400 for a malformed Parameters (`expression` names the parameter); 422 with the operation's path in
 *   `expression` for a path that is no FHIRPath, cannot be located or does not find what the operation needs, for a value
 *   that does not fit, and for a changed id
 */
export function applyFhirPathPatch(
  resource: Resource,
  parameters: JsonValue,
  definitions: DefinitionsModel,
): Resource {
  const operations = parsePatchParameters(parameters, definitions);
  const result = deepCopy(resource, { cells: Number.POSITIVE_INFINITY });
  for (const operation of operations) {
    try {
      apply(new ElementTree(definitions, result), operation);
    } catch (error) {
      throw asFhirError(error, operation);
    }
  }
  if (result['id'] !== resource['id']) {
    throw fhirError(422, 'processing', 'A patch must not change id', `${resource.resourceType}.id`);
  }
  return result;
}

function asFhirError(error: unknown, { type, path }: PatchOperation): unknown {
  if (error instanceof FhirPathError)
    return fhirError(422, 'invalid', `The path is not FHIRPath: ${error.message}`, path);
  if (error instanceof Unsupported) {
    return fhirError(422, 'not-supported', `A patch path cannot use this: ${error.message}`, path);
  }
  if (error instanceof PathError)
    return fhirError(422, 'processing', `Cannot ${type}: ${error.message}`, path);
  return error;
}

function apply(tree: ElementTree, operation: PatchOperation): void {
  const expression = parsePatchPath(operation.path);
  const nodes = new PathEvaluator(tree).locate(expression);
  if (nodes.some((node) => node !== tree.root && node.place === undefined)) {
    throw new PathError('the path gives a computed value, not an element of the resource');
  }
  switch (operation.type) {
    case 'add':
      appendChild(tree, exactlyOne(nodes), operation.name, operation.value);
      return;
    case 'replace':
      replace(tree, placeOf(exactlyOne(nodes)), operation);
      return;
    case 'delete':
      if (nodes.length > 0) remove(tree, placeOf(exactlyOne(nodes)));
      return;
    case 'insert': {
      const { parent, element, length } = wholeList(tree, nodes, expression);
      if (operation.index < 0 || operation.index > length) {
        throw new PathError(`index ${operation.index} is not within a list of ${length}`);
      }
      const items = tree.items(parent, element);
      items.splice(operation.index, 0, buildItem(tree, [element], operation.value).item);
      tree.setItems(parent, element, items);
      return;
    }
    case 'move': {
      const { parent, element, length } = wholeList(tree, nodes, expression);
      for (const index of [operation.source, operation.destination]) {
        if (index < 0 || index >= length)
          throw new PathError(`index ${index} is not within a list of ${length}`);
      }
      const items = tree.items(parent, element);
      items.splice(operation.destination, 0, ...items.splice(operation.source, 1));
      tree.setItems(parent, element, items);
    }
  }
}

function exactlyOne(nodes: readonly Node[]): Node {
  if (nodes.length === 1) return nodes[0] as Node;
  throw new PathError(
    nodes.length === 0 ? 'the path finds no element' : `the path finds ${nodes.length} elements, not one`,
  );
}

function placeOf(node: Node): Place {
  if (node.place === undefined)
    throw new PathError('the path is the resource itself, not one of its elements');
  return node.place;
}

function replace(
  tree: ElementTree,
  { parent, element, index }: Place,
  operation: PatchOperation & { type: 'replace' },
): void {
  const { element: chosen, item } = buildItem(tree, siblings(tree, parent, element), operation.value);
  if (chosen !== element) tree.setItems(parent, element, []);
  const items = tree.items(parent, chosen);
  items[chosen === element ? index : 0] = item;
  tree.setItems(parent, chosen, items);
}

function remove(tree: ElementTree, { parent, element, index }: Place): void {
  const items = tree.items(parent, element);
  items.splice(index, 1);
  tree.setItems(parent, element, items);
  dropIfEmpty(tree, parent);
}

function dropIfEmpty(tree: ElementTree, node: Node): void {
  const { place } = node;
  if (place === undefined || Object.keys(tree.container(node) ?? {}).length > 0) return;
  if (!tree.isPrimitive(node.type) || node.value === undefined) {
    remove(tree, place);
    return;
  }
  const items = tree.items(place.parent, place.element);
  items[place.index] = { value: node.value, extra: undefined };
  tree.setItems(place.parent, place.element, items);
}

/**
 * The list that a path of `insert` or `move` names: all values of one repeating element of one parent. Where it has no values yet,
 * the last step of the path names it.
 */
function wholeList(
  tree: ElementTree,
  nodes: readonly Node[],
  expression: Expression,
): { parent: Node; element: ElementModel; length: number } {
  const place = nodes.length > 0 ? placeOf(nodes[0] as Node) : emptyList(tree, expression);
  const { parent, element } = place;
  if (!element.array) throw new PathError(`${element.path} does not repeat`);
  const { length } = tree.items(parent, element);
  const whole = nodes.every(({ place: other }) => {
    return other?.element === element && tree.container(other.parent) === tree.container(parent);
  });
  if (!whole) throw new PathError('the path finds elements of more than one list');
  if (nodes.length !== length)
    throw new PathError('the path must find the whole list that the index counts in');
  return { parent, element, length };
}

function emptyList(tree: ElementTree, expression: Expression): { parent: Node; element: ElementModel } {
  if (expression.kind === 'step' && expression.step.kind === 'member') {
    const { left, step } = expression;
    const parents = left === undefined ? [tree.root] : new PathEvaluator(tree).locate(left);
    const parent = exactlyOne(parents);
    const element = tree.elements(parent.type, step.name)[0];
    if (element !== undefined) return { parent, element };
  }
  throw new PathError('the path finds no list');
}
