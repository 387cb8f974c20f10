import type { DefinitionsModel, ElementModel } from '../conformance/model.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';

/** Makes the value of an element: of a primitive type, of any data type, or undefined to have it put together. */
export type ValueMaker = (element: ElementModel) => JsonValue | undefined;

const LEFT_OUT = new Set([
  'id',
  'extension',
  'modifierExtension',
  'contained',
  'meta',
  'text',
  'implicitRules',
  'language',
]);

/**
 * A resource of a type with one value of every element but those of choices that `choose` does not want.
 * @param make values; what it leaves is put together from the definitions, down to `depth` elements within elements
 */
export function fullResource(
  type: string,
  definitions: DefinitionsModel,
  make: ValueMaker,
  choose: (elements: readonly ElementModel[]) => ElementModel = ([first]) => first as ElementModel,
  depth = 4,
): Resource {
  return { resourceType: type, ...fullElement(type, definitions, make, choose, depth) };
}

function fullElement(
  typeName: string,
  definitions: DefinitionsModel,
  make: ValueMaker,
  choose: (elements: readonly ElementModel[]) => ElementModel,
  depth: number,
): JsonObject {
  const elements = [...(definitions.types.get(typeName)?.elements.values() ?? [])].filter(
    ({ name }) => !LEFT_OUT.has(name),
  );
  const result: JsonObject = {};
  const choices = Map.groupBy(elements, (element) => element.choice ?? element.name);
  for (const alternatives of choices.values()) {
    const element = choose(alternatives);
    const isPrimitive = definitions.types.get(element.type)?.kind === 'primitive';
    const value =
      make(element) ??
      (isPrimitive || depth === 0
        ? undefined
        : fullElement(element.type, definitions, make, choose, depth - 1));
    if (
      value === undefined ||
      (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
    )
      continue;
    result[element.name] = element.array ? [value] : value;
  }
  return result;
}
