import { SnapshotError, withSnapshot } from '../../conformance/packages/snapshot.ts';
import { parseExpression } from '../../fhirpath/parser.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import type { Run } from './run.ts';
import { choiceOf, type ElementDefinition } from './types.ts';

type Check = (resource: JsonObject, run: Run) => void;

/** Rules on definitions as instances that R4's invariants do not say, by resource type. */
export const CONFORMANCE_CHECKS: Readonly<Record<string, Check>> = {
  StructureDefinition: checkStructureDefinition,
  SearchParameter: checkSearchParameter,
  CodeSystem: checkCodeSystem,
  ValueSet: checkValueSet,
};

/**
 * R4 profiling.html, structuredefinition.html: a profile is of its base's type, its differential can be put over the base,
 * FHIRPath constraints can be parsed, and fixed values and patterns are of the element's type.
 */
function checkStructureDefinition(structure: JsonObject, run: Run): void {
  const { derivation, baseDefinition, type, kind } = structure;
  for (const part of ['snapshot', 'differential']) {
    const view = structure[part];
    const elements = isObject(view) ? view['element'] : undefined;
    if (!Array.isArray(elements)) continue;
    run.enter(part, `StructureDefinition.${part}`);
    for (const [index, element] of elements.entries()) {
      if (!isObject(element)) continue;
      run.enter('element', 'ElementDefinition', index);
      checkElement(element as unknown as ElementDefinition, part === 'differential', run);
      run.leave();
    }
    run.leave();
  }
  if (derivation !== 'constraint' || typeof baseDefinition !== 'string' || kind === 'logical') return;
  const base = run.validators.resolver.resolve('StructureDefinition', baseDefinition);
  if (base === undefined) {
    run.report(
      'warning',
      'not-found',
      `The base ${baseDefinition} is not known here: the differential was not checked`,
      undefined,
      'baseDefinition',
    );
    return;
  }
  if (typeof type === 'string' && base['type'] !== type) {
    run.report('error', 'business-rule', `The base is of the type ${String(base['type'])}, not ${type}`);
    return;
  }
  if (!isObject(structure['differential'])) return;
  try {
    withSnapshot(structure as Resource, run.validators.resolver);
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    run.report('error', 'business-rule', `No snapshot can be made: ${error.message}`);
  }
}

function checkElement(element: ElementDefinition, isDifferential: boolean, run: Run): void {
  const { constraint, type } = element;
  if (Array.isArray(constraint) && isDifferential) {
    for (const [index, one] of constraint.entries()) {
      run.enter('constraint', 'ElementDefinition.constraint', index);
      checkExpression(one.expression, 'expression', run);
      run.leave();
    }
  }
  if (!Array.isArray(type) || type.length !== 1) return;
  const code = type[0]?.code;
  if (typeof code !== 'string' || run.validators.definitions.types.get(code) === undefined) return;
  for (const stem of ['fixed', 'pattern']) {
    if (choiceOf(element, stem) === undefined) continue;
    const name = Object.keys(element).find(
      (key) => key.startsWith(stem) && /^[A-Z]/.test(key.slice(stem.length)),
    );
    const actual = name?.slice(stem.length) ?? '';
    if (actual.toLowerCase() === code.toLowerCase()) continue;
    // A Quantity stands for those types that are nothing but a Quantity.
    if (run.validators.navigator.chain(code).includes(actual)) continue;
    run.report('error', 'business-rule', `${name} is no value of the element's type ${code}`);
  }
}

/** Whether a text can be parsed as FHIRPath. */
function checkExpression(expression: unknown, below: string, run: Run): void {
  if (typeof expression !== 'string') return;
  try {
    parseExpression(expression, { lenient: true });
  } catch (error) {
    run.report(
      'error',
      'invalid',
      `The FHIRPath expression cannot be read: ${(error as Error).message.slice(0, 200)}`,
      undefined,
      below,
    );
  }
}

/** R4 searchparameter.html: the expression is FHIRPath, and a derived parameter is of the type of what it derives from. */
function checkSearchParameter(parameter: JsonObject, run: Run): void {
  checkExpression(parameter['expression'], 'expression', run);
  const { derivedFrom, type, base } = parameter;
  if (typeof derivedFrom !== 'string') return;
  const master = run.validators.resolver.resolve('SearchParameter', derivedFrom);
  if (master === undefined) return;
  if (master['type'] !== type) {
    run.report(
      'error',
      'business-rule',
      `The parameter that it derives from is of the type ${String(master['type'])}, not ${String(type)}`,
    );
  }
  const bases = master['base'];
  if (!Array.isArray(base) || !Array.isArray(bases)) return;
  for (const one of base) {
    if (bases.includes(one) || bases.includes('Resource') || bases.includes('DomainResource')) continue;
    run.report('error', 'business-rule', `The parameter that it derives from is not for ${String(one)}`);
  }
}

/** R4 codesystem.html: what a supplement adds to, and the number of concepts. */
function checkCodeSystem(system: JsonObject, run: Run): void {
  const { content, supplements, count, concept } = system;
  if (content === 'supplement' && supplements === undefined) {
    run.report('error', 'business-rule', 'A supplement must say what it supplements');
  }
  if (content !== 'complete' || typeof count !== 'number') return;
  const actual = countConcepts(concept);
  if (actual !== count) {
    run.report(
      'warning',
      'business-rule',
      `The count is ${count}, but the complete code system has ${actual} concepts`,
    );
  }
}

function countConcepts(list: JsonValue | undefined): number {
  let count = 0;
  const open: (JsonValue | undefined)[] = [list];
  while (open.length > 0) {
    const next = open.pop();
    if (!Array.isArray(next)) continue;
    for (const concept of next) {
      count++;
      if (isObject(concept)) open.push(concept['concept']);
    }
  }
  return count;
}

const MAX_CONCEPTS = 10_000;

/** R4 valueset.html#ValueSet.compose.include: codes that a known code system does not have. */
function checkValueSet(set: JsonObject, run: Run): void {
  const { compose } = set;
  if (!isObject(compose)) return;
  run.enter('compose', 'ValueSet.compose');
  for (const name of ['include', 'exclude']) {
    const list = compose[name];
    if (!Array.isArray(list)) continue;
    for (const [index, include] of list.entries()) {
      if (!isObject(include)) continue;
      run.enter(name, 'ValueSet.compose.include', index);
      checkInclude(include, run);
      run.leave();
    }
  }
  run.leave();
}

function checkInclude({ system, version, concept }: JsonObject, run: Run): void {
  if (typeof system !== 'string' || !Array.isArray(concept)) return;
  const { terminology } = run.validators;
  const meant = typeof version === 'string' && version !== '*' ? version : undefined;
  for (const [index, one] of concept.slice(0, MAX_CONCEPTS).entries()) {
    const code = isObject(one) ? one['code'] : undefined;
    if (typeof code !== 'string') continue;
    const { result } = terminology.validateCode(system, code, undefined, undefined, undefined, meant);
    if (result !== 'no') continue;
    run.report(
      'warning',
      'business-rule',
      `The code ${JSON.stringify(code.slice(0, 100))} is not in the code system ${system}`,
      undefined,
      `concept[${index}]`,
    );
  }
}
