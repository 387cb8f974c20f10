import type { DefinitionsModel } from '../../conformance/model.ts';
import { SnapshotError, withSnapshot } from '../../conformance/packages/snapshot.ts';
import { parseExpression } from '../../fhirpath/parser.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { checkDifferential } from './differential-checks.ts';
import { listOf } from './indexed.ts';
import type { Run } from './run.ts';
import { TERMINOLOGY_CHECKS } from './terminology-resources.ts';
import { choiceOf, type ElementDefinition, type ElementType, snapshotOf } from './types.ts';
import type { Validators } from './validators.ts';

type Check = (resource: JsonObject, run: Run) => void;

/** Rules on definitions as instances that R4's invariants do not say, by resource type. */
export const CONFORMANCE_CHECKS: Readonly<Record<string, Check>> = {
  StructureDefinition: checkStructureDefinition,
  SearchParameter: checkSearchParameter,
  CapabilityStatement: checkCapabilityStatement,
  ...TERMINOLOGY_CHECKS,
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
    const complete = snapshotOf(base) === undefined ? withSnapshot(base, run.validators.resolver) : base;
    checkDifferential(structure as Resource, complete, run);
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
  if (!Array.isArray(type)) return;
  checkTypeProfiles(type, run);
  if (type.length !== 1) return;
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

/** R4 elementdefinition.html#ElementDefinition.type.profile: profiles of the type that they stand with. */
function checkTypeProfiles(types: readonly ElementType[], run: Run): void {
  const { validators } = run;
  for (const [index, one] of types.entries()) {
    const { code, profile } = one ?? {};
    if (typeof code !== 'string' || !Array.isArray(profile)) continue;
    if (validators.definitions.types.get(code)?.kind === undefined) continue;
    for (const [place, canonical] of profile.entries()) {
      if (typeof canonical !== 'string' || canonical.includes('#')) continue;
      const actual = validators.resolver.resolve('StructureDefinition', canonical)?.['type'];
      if (typeof actual !== 'string' || fits(actual, code, validators)) continue;
      run.report(
        'error',
        'business-rule',
        `The profile ${canonical} is for ${actual}, not for the type ${code}`,
        undefined,
        `type[${index}].profile[${place}]`,
      );
    }
  }
}

/** Whether values of one type may be where the other is said: the same, or derived from it. */
function fits(actual: string, code: string, { navigator, definitions }: Validators): boolean {
  if (actual === code || definitions.types.get(actual) === undefined) return true;
  return definitions.types.get(code)?.abstract === true && navigator.chain(actual).includes(code);
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
  const master = searchParameter(derivedFrom, run.validators);
  if (master === undefined) return;
  if (master.type !== type) {
    run.report(
      'error',
      'business-rule',
      `The parameter that it derives from is of the type ${master.type}, not ${String(type)}`,
    );
  }
  const { bases } = master;
  if (!Array.isArray(base)) return;
  for (const one of base) {
    if (bases.includes(String(one)) || bases.includes('Resource') || bases.includes('DomainResource'))
      continue;
    run.report('error', 'business-rule', `The parameter that it derives from is not for ${String(one)}`);
  }
}

interface KnownParameter {
  readonly type: string;
  readonly bases: readonly string[];
}

const coreParameters = new WeakMap<DefinitionsModel, Map<string, { type: string; bases: string[] }>>();

/** The search parameter with a canonical URL, of the packages or of R4 itself. */
function searchParameter(canonical: string, validators: Validators): KnownParameter | undefined {
  const { definitions, resolver } = validators;
  const resource = resolver.resolve('SearchParameter', canonical);
  if (resource !== undefined) {
    const { type, base } = resource;
    return { type: String(type), bases: Array.isArray(base) ? base.map(String) : [] };
  }
  let byUrl = coreParameters.get(definitions);
  if (byUrl === undefined) {
    byUrl = new Map();
    for (const resourceType of definitions.resourceTypes) {
      for (const { url, type } of definitions.search(resourceType).params.values()) {
        // Here also those without an expression, whatever their definition calls them.
        if (type === 'special') continue;
        const known = byUrl.get(url);
        if (known === undefined) byUrl.set(url, { type, bases: [resourceType] });
        else known.bases.push(resourceType);
      }
    }
    coreParameters.set(definitions, byUrl);
  }
  return byUrl.get(canonical.split('|', 1)[0] as string);
}

/** R4 capabilitystatement.html#CapabilityStatement.rest.resource.searchParam: the type is that of the definition. */
function checkCapabilityStatement(statement: JsonObject, run: Run): void {
  for (const [index, rest] of listOf(statement['rest'])) {
    run.enter('rest', 'CapabilityStatement.rest', index);
    checkSearchParams(rest, run);
    for (const [place, resource] of listOf(rest['resource'])) {
      run.enter('resource', 'CapabilityStatement.rest.resource', place);
      checkSearchParams(resource, run);
      run.leave();
    }
    run.leave();
  }
}

function checkSearchParams(holder: JsonObject, run: Run): void {
  for (const [index, { name, type, definition }] of listOf(holder['searchParam'])) {
    if (typeof definition !== 'string' || typeof type !== 'string') continue;
    const known = searchParameter(definition, run.validators);
    if (known === undefined || known.type === type) continue;
    run.enter('searchParam', 'CapabilityStatement.rest.resource.searchParam', index);
    run.report(
      'error',
      'business-rule',
      `The search parameter ${String(name)} is of the type ${known.type} by its definition, not ${type}`,
      undefined,
      'type',
    );
    run.leave();
  }
}
