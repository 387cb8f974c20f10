import { compileSearchParameter as compileModels } from '../../conformance/compile-search.ts';
import type { DefinitionsModel, SearchParamModel, SearchParamType } from '../../conformance/model.ts';
import type { SourceSearchParameter } from '../../conformance/source-model.ts';
import { type FhirError, fhirError } from '../../fhir/outcome.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { componentType } from './composite.ts';
import { converterFor } from './convert.ts';
import type { Extraction } from './extraction.ts';
import { typeSystemOf } from './extractor.ts';
import { compileWithFallback, generalPathError } from './path-fallback.ts';
import type { TypeSystem } from './path-types.ts';
import { quantityRows } from './quantities.ts';

const TYPES: readonly string[] = [
  'number',
  'date',
  'string',
  'token',
  'reference',
  'composite',
  'quantity',
  'uri',
];
/** Longest expression that is compiled. */
const LONGEST_EXPRESSION = 4000;

/**
 * Compiles a SearchParameter resource (R4 searchparameter.html) for each resource type that it applies to; base types
 * Resource and DomainResource stand for the types below them.
 *
 * @param resource a SearchParameter, already valid in structure
 * @param definitions the definitions that its base types, components and value sets come from
 * @throws FhirError 422 naming the element at fault: SearchParameter.url, code, base, type, expression or component.
 *   An expression is refused if it cannot be parsed, names an element that its base type has not, says nothing about one
 *   of the base types, or can give no value that the parameter's type understands.
 */
export function compileSearchParameter(
  resource: JsonObject,
  definitions: DefinitionsModel,
): SearchParamModel[] {
  const source = readSource(resource, definitions);
  const models = compileModels(source, definitions.types, definitions.resourceTypes, (url) =>
    codeOf(url, source.base, definitions),
  );
  const types = typeSystemOf(definitions);
  for (const model of models) {
    if (model.expression === '') {
      throw refused(
        'expression',
        `The expression says nothing about ${model.resourceType}, which is one of the base types`,
      );
    }
    if (source.type === 'composite') checkComposite(model, definitions, types);
    else checkPath(model, definitions, types);
  }
  return models;
}

function readSource(resource: JsonObject, definitions: DefinitionsModel): SourceSearchParameter {
  const { url, code, type, base, expression, target, component, description } = resource;
  if (typeof url !== 'string' || url === '') throw refused('url', 'A search parameter needs a canonical URL');
  if (typeof code !== 'string' || !/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(code)) {
    throw refused(
      'code',
      'The code of a search parameter begins with a letter and has letters, digits, "-" and "_" only',
    );
  }
  if (typeof type !== 'string' || !TYPES.includes(type)) {
    throw refused(
      'type',
      `Search parameters of type ${JSON.stringify(type ?? null)} cannot be defined by an expression`,
    );
  }
  const bases = texts(base);
  if (bases.length === 0) throw refused('base', 'A search parameter needs a base type');
  for (const name of bases) {
    if (definitions.types.get(name)?.kind !== 'resource')
      throw refused('base', `Unknown base type ${JSON.stringify(name)}`);
  }
  if (typeof expression !== 'string' || expression.trim() === '') {
    throw refused('expression', 'A search parameter needs an expression');
  }
  if (expression.length > LONGEST_EXPRESSION) {
    throw refused('expression', `The expression is longer than ${LONGEST_EXPRESSION} characters`);
  }
  const components = Array.isArray(component) ? component.filter(isObject) : [];
  return {
    resourceType: 'SearchParameter',
    url,
    code,
    type: type as SearchParamType,
    base: bases,
    expression,
    target: texts(target),
    description: typeof description === 'string' ? description : '',
    component: components.map((one) => ({
      definition: String(one.definition),
      expression: String(one.expression),
    })),
  };
}

function texts(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** The code of the parameter with a URL, among those of the base types: a URL need not end with the code. */
function codeOf(url: string, bases: readonly string[], definitions: DefinitionsModel): string | undefined {
  const bare = url.split('|')[0] as string;
  for (const base of bases) {
    if (!definitions.resourceTypes.includes(base)) continue;
    for (const param of definitions.search(base).params.values()) if (param.url === bare) return param.code;
  }
  return undefined;
}

function checkPath(model: SearchParamModel, definitions: DefinitionsModel, types: TypeSystem): void {
  const param = { key: 0, primaryDate: false, patient: false, compartments: [] };
  let useful = false;
  const found = new Set<string>();
  const { unknown, general } = compileWithFallback<Extraction>(
    model.expression,
    model.resourceType,
    types,
    (type, element) => {
      found.add(type);
      if (converterFor(model.type, type, element, { definitions, types, param }) !== undefined) useful = true;
      return () => {};
    },
  );
  if (general) checkGeneral(model.expression, model.resourceType, types);
  else if (unknown.length > 0) throw refused('expression', `There is no element ${unknown.join(', ')}`);
  else if (!useful && ![...found].every((type) => types.isOpen(type))) {
    throw refused(
      'expression',
      `The expression gives ${[...found].join(', ')}, which a parameter of type ${model.type} cannot be searched by`,
    );
  } else if (found.size === 0)
    throw refused('expression', `The expression gives no value of ${model.resourceType}`);
}

function checkGeneral(expression: string, contextType: string, types: TypeSystem): void {
  const problem = generalPathError(expression, contextType, types);
  if (problem !== undefined) throw refused('expression', `The expression cannot be evaluated: ${problem}`);
}

function checkComposite(model: SearchParamModel, definitions: DefinitionsModel, types: TypeSystem): void {
  if (model.components.length < 2)
    throw refused('component', 'A composite search parameter needs two components or more');
  const kinds = model.components.map((component) => {
    const kind = componentType(component, model, definitions);
    if (kind === undefined || kind === 'composite' || kind === 'special') {
      throw refused(
        'component',
        `${component.definition} is no search parameter of ${model.resourceType} that can be a component`,
      );
    }
    return kind;
  });
  const contexts = new Set<string>();
  const context = compileWithFallback<Extraction>(model.expression, model.resourceType, types, (type) => {
    contexts.add(type);
    return () => {};
  });
  if (context.general) {
    checkGeneral(model.expression, model.resourceType, types);
    return;
  }
  if (context.unknown.length > 0)
    throw refused('expression', `There is no element ${context.unknown.join(', ')}`);
  for (const type of contexts) {
    for (const [i, { expression }] of model.components.entries()) {
      checkComponent(expression, kinds[i] as SearchParamType, type, types);
    }
  }
}

function checkComponent(
  expression: string,
  kind: SearchParamType,
  contextType: string,
  types: TypeSystem,
): void {
  let values = 0;
  const { unknown, general } = compileWithFallback<Extraction>(expression, contextType, types, (type) => {
    if ((kind !== 'number' && kind !== 'quantity') || quantityRows(type, types) !== undefined) values++;
    return () => {};
  });
  if (general) {
    const problem = generalPathError(expression, contextType, types);
    if (problem !== undefined) throw refused('component', `${expression} cannot be evaluated: ${problem}`);
  } else if (unknown.length > 0) throw refused('component', `There is no element ${unknown.join(', ')}`);
  else if (values === 0 && !expression.startsWith('%')) {
    throw refused('component', `${expression} gives no value that a parameter of type ${kind} understands`);
  }
}

function refused(element: string, diagnostics: string): FhirError {
  return fhirError(422, 'invalid', diagnostics, `SearchParameter.${element}`);
}
