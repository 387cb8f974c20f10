import type { DefinitionsModel } from '../../conformance/model.ts';

/**
 * A path of JSON names as FHIRPath: `Observation.valueQuantity.code` is `Observation.value.ofType(Quantity).code`
 * (FHIRPath has no JSON names for the types of a choice), and `_name` is `name`.
 */
export function fhirPathOf(path: string, definitions: DefinitionsModel): string {
  const segments = path.split('.');
  let type: string | undefined = segments[0];
  const result: string[] = [];
  for (const [i, segment] of segments.entries()) {
    if (i === 0) {
      result.push(segment);
      continue;
    }
    const [, name = segment, index = ''] = /^_?([^[]*)((?:\[\d+\])?)$/.exec(segment) ?? [];
    const element = type === undefined ? undefined : definitions.types.get(type)?.elements.get(name);
    if (element?.choice !== undefined) result.push(`${element.choice}.ofType(${element.type})`);
    else result.push(name + index);
    type = element?.type;
    // The types of resources inside others are not in the path: names are looked for below any resource.
    if (type === 'Resource') {
      const next = segments[i + 1]?.replace(/^_|\[\d+\]$/g, '');
      type = next === undefined ? undefined : resourceWith(next, definitions);
    }
  }
  return result.join('.');
}

/** A resource type that has an element by a name, so that its choices are known. */
function resourceWith(name: string, definitions: DefinitionsModel): string | undefined {
  return definitions.resourceTypes.find((type) => definitions.types.get(type)?.elements.has(name));
}
