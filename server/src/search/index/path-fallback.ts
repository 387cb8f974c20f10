import type { Expression } from '../../fhirpath/ast.ts';
import { textOf } from '../../fhirpath/decimal.ts';
import { Environment } from '../../fhirpath/environment.ts';
import { failure } from '../../fhirpath/errors.ts';
import { evaluate } from '../../fhirpath/evaluate.ts';
import { limited } from '../../fhirpath/limits.ts';
import { type Model, modelOf } from '../../fhirpath/model.ts';
import { parseExpression } from '../../fhirpath/parser.ts';
import { temporalText } from '../../fhirpath/temporal.ts';
import type { Node as Element, Item, Items } from '../../fhirpath/values.ts';
import { numberFromText } from '../../json/exact-number.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { compilePath, type PathCompilation } from './path-compiler.ts';
import { pathObjection } from './path-guard.ts';
import { UnsupportedPath } from './path-parser.ts';
import type { CompiledPath, PathScope, Sink, SinkFor, TypeSystem } from './path-types.ts';
import { containedResource, typeOfReferenceType } from './references.ts';

/** Steps that the general evaluator may take for one expression on one resource. */
const MAX_STEPS = 50_000;

/** A compilation, and whether it takes the general engine. */
export interface Compilation<S extends PathScope> extends PathCompilation<S> {
  readonly general: boolean;
}

/**
 * Compiles an expression to closures, or for the general FHIRPath evaluator where {@link compilePath} does not know enough
 * of the language. An expression that cannot be evaluated on a resource, or takes too many steps, has no values.
 */
export function compileWithFallback<S extends PathScope>(
  expression: string,
  contextType: string,
  types: TypeSystem,
  sinkFor: SinkFor<S>,
): Compilation<S> {
  try {
    return { ...compilePath(expression, contextType, types, sinkFor), general: false };
  } catch (error) {
    if (!(error instanceof UnsupportedPath)) throw error;
    return { run: generalPath(expression, contextType, types, sinkFor), unknown: [], general: true };
  }
}

/**
 * The expression by the general evaluator.
 * @param failed called with what the evaluator throws; without it such an expression has no values
 */
export function generalPath<S extends PathScope>(
  expression: string,
  contextType: string,
  types: TypeSystem,
  sinkFor: SinkFor<S>,
  failed?: (error: unknown) => void,
): CompiledPath<S> {
  const sinks = new Map<string, Sink<S> | undefined>();
  const sinkOf = (type: string): Sink<S> | undefined => {
    if (!sinks.has(type)) sinks.set(type, sinkFor(type, undefined));
    return sinks.get(type);
  };
  const model = modelOf(types.definitions);
  let tree: Expression | undefined;
  return (value, scope) => {
    try {
      tree ??= parseGeneral(expression);
      const resource = model.resource(scope.resource, undefined);
      const input: Items = value === scope.resource ? [resource] : [element(value, contextType)];
      for (const item of evaluate(tree, input, environmentOf(resource, scope, model))) {
        const type = typeName(item);
        if (type !== undefined) sinkOf(type)?.(jsonOf(item), scope);
      }
    } catch (error) {
      failed?.(error);
    }
  };
}

/** @throws FhirPathError */
function parseGeneral(expression: string): Expression {
  const tree = parseExpression(expression, { lenient: true });
  const objection = pathObjection(tree);
  if (objection !== undefined) throw failure(objection);
  return tree;
}

function environmentOf(resource: Element, scope: PathScope, model: Model): Environment {
  const items = [resource];
  const constants = new Map(['resource', 'rootResource', 'context'].map((name) => [name, items]));
  return new Environment(model, constants, {
    lenient: true,
    spend: limited(MAX_STEPS),
    knowledge: { resolve: (text, item) => resolved(text, item, scope) },
  });
}

function element(value: JsonValue, type: string): Element {
  return { kind: 'Node', type, value, extra: undefined, path: undefined, parent: undefined };
}

/** resolve() while indexing: a contained resource, or a resource of the target's type with nothing in it. */
function resolved(text: string | undefined, item: Item, scope: PathScope): Element | undefined {
  let target: JsonObject | undefined;
  if (text?.startsWith('#')) target = containedResource(text, scope.resource);
  else {
    const reference = item.kind === 'Node' && isObject(item.value) ? item.value : undefined;
    const named = text === undefined ? undefined : scope.referenceType(text);
    const type = named ?? typeOfReferenceType(reference?.['type']);
    if (type !== undefined) target = { resourceType: type };
  }
  const type = target?.['resourceType'];
  return target === undefined || typeof type !== 'string' ? undefined : element(target, type);
}

const SYSTEM_TYPES: Readonly<Partial<Record<Item['kind'], string>>> = {
  String: 'string',
  Boolean: 'boolean',
  Integer: 'integer',
  Decimal: 'decimal',
  Date: 'date',
  DateTime: 'dateTime',
};

function typeName(item: Item): string | undefined {
  if (item.kind !== 'Node') return SYSTEM_TYPES[item.kind];
  return item.value === undefined ? undefined : item.type;
}

function jsonOf(item: Item): JsonValue {
  switch (item.kind) {
    case 'Node':
      return item.value ?? null;
    case 'Boolean':
    case 'String':
      return item.value;
    case 'Integer':
      return Number(item.value);
    case 'Decimal':
      return numberFromText(textOf(item.value));
    case 'Date':
    case 'DateTime':
      return temporalText(item.value);
    default:
      return null;
  }
}

/**
 * Whether the general evaluator can parse an expression and evaluate it on an empty value of the context's type.
 * @returns what is wrong, or undefined
 */
export function generalPathError(
  expression: string,
  contextType: string,
  types: TypeSystem,
): string | undefined {
  let problem: string | undefined;
  const kind = types.definitions.types.get(contextType)?.kind;
  const resource = { resourceType: kind === 'resource' ? contextType : 'Basic' };
  const run = generalPath(
    expression,
    contextType,
    types,
    () => undefined,
    (error) => {
      problem = error instanceof Error ? error.message : String(error);
    },
  );
  run(kind === 'resource' ? resource : {}, { resource, referenceType: () => undefined });
  return problem;
}
