import { followPath, splitUnion } from '../../conformance/expression.ts';
import type { DefinitionsModel, SearchParamModel } from '../../conformance/model.ts';

/** A path through the JSON of a resource, for expressions that are plain paths of elements. */
export interface JsonPath {
  /** Property names from the resource to the value; arrays on the way are gone through. */
  readonly names: readonly string[];
  /** Only values of the step with this index whose property equals this text: `telecom.where(system='phone')`. */
  readonly filter?: { readonly at: number; readonly property: string; readonly equals: string };
  /** Only references to this type. */
  readonly resolvesTo?: string;
  /** FHIR type at the end. */
  readonly type: string;
}

const STEP =
  /^(?:(\w+)|ofType\((\w+)\)|where\((\w+)='([^'\\]*)'\)|where\(resolve\(\)isa?(\w+)\)|first\(\))(?:\[\d+\])?$/;

/** The paths of a parameter's expression; undefined if one of its branches is more than a plain path. */
export function jsonPaths(param: SearchParamModel, definitions: DefinitionsModel): JsonPath[] | undefined {
  const paths: JsonPath[] = [];
  for (const branch of splitUnion(param.expression)) {
    const path = pathOf(branch, param.resourceType, definitions);
    if (path === undefined) return undefined;
    paths.push(...path);
  }
  return paths;
}

function pathOf(branch: string, resourceType: string, definitions: DefinitionsModel): JsonPath[] | undefined {
  const elements = followPath(branch, resourceType, definitions.types)?.elements;
  if (elements === undefined || elements.length === 0) return undefined;
  const text = branch
    .trim()
    .replace(/\.as\(/g, '.ofType(')
    .replace(/\s+as\s+(\w+)/g, '.ofType($1)')
    .replace(/\s+/g, '')
    .replace(/^\((.*)\)$/, '$1')
    .replace(/^\((.*)\)\./, '$1.');
  const [root, ...steps] = splitSteps(text);
  if (root === undefined || !/^[A-Z]\w*$/.test(root)) return undefined;
  const names: string[] = [];
  let filter: JsonPath['filter'];
  let resolvesTo: string | undefined;
  for (const step of steps) {
    const match = STEP.exec(step);
    if (match === null) return undefined;
    const [, name, type, property, equals, target] = match;
    if (name !== undefined) names.push(name);
    else if (type !== undefined) {
      const last = names.pop();
      if (last === undefined) return undefined;
      names.push(`${last}${type[0]?.toUpperCase()}${type.slice(1)}`);
    } else if (property !== undefined && equals !== undefined) {
      filter = { at: names.length - 1, property, equals };
    } else if (target !== undefined) resolvesTo = target;
  }
  // A choice element without ofType() is there under the name of each of its types.
  return elements.map((element) => ({
    names: element.choice === names.at(-1) ? [...names.slice(0, -1), element.name] : names,
    type: element.type,
    ...(filter === undefined ? {} : { filter }),
    ...(resolvesTo === undefined ? {} : { resolvesTo }),
  }));
}

function splitSteps(text: string): string[] {
  const steps: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "'") quoted = !quoted;
    else if (quoted) continue;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '.' && depth === 0) {
      steps.push(text.slice(start, i));
      start = i + 1;
    }
  }
  steps.push(text.slice(start));
  return steps;
}

/** The property that a value of a type is compared by, below the value itself. */
const PROPERTY: Readonly<Record<string, string>> = {
  CodeableConcept: '.coding.code',
  Coding: '.code',
  Identifier: '.value',
  ContactPoint: '.value',
  Reference: '.reference',
  CodeableReference: '.reference.reference',
};

/** The path in SQL's jsonpath, down to the text that values are ordered by. */
export function toJsonPath({ names, filter, resolvesTo, type }: JsonPath): string {
  const steps = names.map((name, i) => {
    const condition =
      filter?.at === i ? ` ? (@."${filter.property}" == ${JSON.stringify(filter.equals)})` : '';
    return `."${name}"${condition}`;
  });
  // A member is looked for in each item of an array, but an array at the end stays one value unless it is opened.
  const end = PROPERTY[type] ?? '[*]';
  const only = resolvesTo === undefined ? '' : ` ? (@ like_regex "(^|/)${resolvesTo}/")`;
  return `$${steps.join('')}${end}${only}`;
}

/** The values at a path in a parsed resource. */
export function valuesAt(resource: unknown, { names, filter }: JsonPath): unknown[] {
  let values: unknown[] = [resource];
  names.forEach((name, i) => {
    values = values.flatMap((value) => {
      const next =
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
      return next === undefined ? [] : Array.isArray(next) ? next : [next];
    });
    if (filter?.at === i) {
      values = values.filter(
        (value) => (value as Record<string, unknown> | null)?.[filter.property] === filter.equals,
      );
    }
  });
  return values;
}
