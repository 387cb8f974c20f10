import type { JsonObject, JsonValue } from '../json/types.ts';
import type { TxContext } from './context.ts';
import { Designations } from './designations.ts';
import { type TxError, txError } from './issues.ts';
import { stringOf, typedValue } from './json.ts';
import type { Child, CodeSystemProvider, Concept } from './model.ts';
import { isAbstract, isInactive } from './status.ts';
import type { ResultParameter } from './validation-target.ts';

/** Parameters of the answer that `property` may ask for, besides the properties of the code system. */
type Part = 'definition' | 'abstract' | 'inactive' | 'designation' | 'parent' | 'child';

/** A code that its code system does not have. @see codesystem-operation-lookup.html: 404 */
export function noSuchCode({ info }: CodeSystemProvider, code: string): TxError {
  const version = info.version === undefined ? '' : ` version ${info.version}`;
  return txError(404, 'not-found', 'invalid-code', `Unable to find code '${code}' in ${info.url}${version}`);
}

/**
 * CodeSystem/$lookup (R4 codesystem-operation-lookup.html).
 * @throws TxError 404 when the code system has no such code
 */
export async function lookup(
  context: TxContext,
  system: CodeSystemProvider,
  code: string,
): Promise<ResultParameter[]> {
  const { info } = system;
  const { parameters } = context;
  const concept = await system.locate(code);
  if (concept === undefined) throw noSuchCode(system, code);
  const { properties } = parameters;
  const asked = (part: Part): boolean =>
    properties.length === 0 || properties.some((name) => name === '*' || name.toLowerCase() === part);
  const designations = Designations.of(info, concept);
  const shown = designations.preferred(parameters.languages);
  const result: ResultParameter[] = [
    { name: 'name', valueString: info.name ?? info.title ?? info.url },
    { name: 'code', valueCode: concept.code },
    { name: 'system', valueUri: info.url },
    ...(info.version === undefined ? [] : [{ name: 'version', valueString: info.version }]),
    { name: 'display', valueString: shown?.value ?? concept.display ?? concept.code },
  ];
  if (asked('definition') && concept.definition !== undefined)
    result.push({ name: 'definition', valueString: concept.definition });
  if (asked('abstract')) result.push({ name: 'abstract', valueBoolean: isAbstract(info, concept) });
  if (asked('inactive')) result.push(property('inactive', 'valueBoolean', isInactive(info, concept)));
  if (asked('designation')) {
    for (const { language, use, value, source } of designations.all) {
      result.push({
        name: 'designation',
        part: [
          ...(source === undefined ? [] : [{ name: 'source', valueCanonical: source }]),
          ...(language === undefined ? [] : [{ name: 'language', valueCode: language }]),
          ...(use === undefined ? [] : [{ name: 'use', valueCoding: use }]),
          { name: 'value', valueString: value },
        ],
      });
    }
  }
  for (const one of concept.property) {
    const name = stringOf(one['code']);
    const value = typedValue(one);
    if (name === undefined || value === undefined || name === 'inactive') continue;
    if (
      properties.length > 0 &&
      !properties.some((wanted) => wanted === '*' || wanted === 'property' || wanted === name)
    )
      continue;
    const description = info.properties.find((defined) => defined.code === name)?.description;
    result.push(property(name, value[0], value[1], description));
  }
  const [above, below] = await Promise.all([
    asked('parent') ? parentsOf(system, concept) : [],
    asked('child') ? system.children(concept.code) : [],
  ]);
  for (const [name, others] of [
    ['parent', above],
    ['child', below],
  ] as const) {
    for (const { code: other, display } of others) {
      if (concept.property.some((one) => one['code'] === name && Object.values(one).includes(other)))
        continue;
      result.push(property(name, 'valueCode', other, display));
    }
  }
  for (const supplement of info.supplements)
    result.push({ name: 'used-supplement', valueCanonical: supplement });
  return result;
}

async function parentsOf(system: CodeSystemProvider, { parents }: Concept): Promise<Child[]> {
  if (parents.length === 0) return [];
  const known = await system.locateAll(parents);
  return parents.map((code) => known.get(code) ?? { code });
}

function property(code: string, type: string, value: JsonValue, description?: string): ResultParameter {
  const part: JsonObject[] = [
    { name: 'code', valueCode: code },
    { name: 'value', [type]: value },
    ...(description === undefined ? [] : [{ name: 'description', valueString: description }]),
  ];
  return { name: 'property', part };
}
