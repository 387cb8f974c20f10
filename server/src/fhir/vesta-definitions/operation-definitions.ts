import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { OPERATIONS, type Operation } from '../operations/operations.ts';
import { definition, pascalCase, VESTA } from './common.ts';
import type { ParameterDefinition } from './parameter.ts';
import { OPERATION_TEXTS } from './parameters.ts';

/**
 * The OperationDefinitions (R4 operationdefinition.html) of the operations that are Vesta's own: levels, types and effect
 * as the table of operations has them, parameters as their handlers read and answer them.
 */
export function operationDefinitions(): Resource[] {
  return OPERATIONS.filter((operation) => operation.definition.startsWith(VESTA)).map(definitionOf);
}

function definitionOf({ name, definition: url, types, levels, safe }: Operation): Resource {
  // Operations of different types may have one name.
  const id = url.slice(url.lastIndexOf('/') + 1);
  const text = OPERATION_TEXTS[id];
  if (text === undefined) throw new Error(`$${name} (${url}) has no definition`);
  const listed = types === '*' ? ['Resource'] : [...types];
  return {
    ...definition('OperationDefinition', id, pascalCase(id), text.title),
    kind: 'operation',
    description: text.description,
    // By GET $break-glass lists, by POST it opens.
    affectsState: !safe || name === 'break-glass',
    code: name,
    ...(listed.length === 0 ? {} : { resource: listed }),
    system: levels.includes('system'),
    type: levels.includes('type'),
    instance: levels.includes('instance'),
    parameter: text.parameters.map(parameterOf),
  };
}

function parameterOf({ part, ...rest }: ParameterDefinition): JsonObject {
  const parts: JsonValue[] = (part ?? []).map(parameterOf);
  return { ...rest, ...(parts.length === 0 ? {} : { part: parts }) };
}
