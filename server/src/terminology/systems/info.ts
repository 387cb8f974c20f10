import type { JsonObject } from '../../json/types.ts';
import { extensionText, objectsOf, STANDARDS_STATUS, stringOf } from '../json.ts';
import type { PropertyDefinition, SystemInfo } from '../model.ts';

/** Everything of a CodeSystem resource but its concepts. */
export function systemInfo(
  resource: JsonObject,
  more: { hasHierarchy: boolean; size?: number; supplements?: readonly string[] },
): SystemInfo {
  const text = (name: string) => stringOf(resource[name]);
  const optional = (key: keyof SystemInfo, value: unknown) => (value === undefined ? {} : { [key]: value });
  return {
    url: text('url') ?? '',
    content: text('content') ?? 'complete',
    // R4 leaves it open what an absent caseSensitive means; the ecosystem reads it as "not case sensitive".
    caseSensitive: resource['caseSensitive'] === true,
    properties: objectsOf(resource['property']).flatMap(propertyDefinition),
    hasHierarchy: more.hasHierarchy,
    supplements: more.supplements ?? [],
    ...optional('version', text('version')),
    ...optional('name', text('name')),
    ...optional('title', text('title')),
    ...optional('status', text('status')),
    ...optional('standardsStatus', extensionText(resource, STANDARDS_STATUS)),
    ...optional('experimental', resource['experimental'] === true ? true : undefined),
    ...optional('hierarchyMeaning', text('hierarchyMeaning')),
    ...optional('language', text('language')),
    ...optional('valueSet', text('valueSet')),
    ...optional('compositional', resource['compositional'] === true ? true : undefined),
    ...optional('versionNeeded', resource['versionNeeded'] === true ? true : undefined),
    ...optional('size', more.size),
  };
}

export function propertyDefinition(property: JsonObject): PropertyDefinition[] {
  const code = stringOf(property['code']);
  if (code === undefined) return [];
  const uri = stringOf(property['uri']);
  const type = stringOf(property['type']);
  const description = stringOf(property['description']);
  return [
    {
      code,
      ...(uri === undefined ? {} : { uri }),
      ...(type === undefined ? {} : { type }),
      ...(description === undefined ? {} : { description }),
    },
  ];
}
