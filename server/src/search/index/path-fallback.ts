import { createRequire } from 'node:module';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { compilePath, type PathCompilation } from './path-compiler.ts';
import { pathObjection } from './path-guard.ts';
import { UnsupportedPath } from './path-parser.ts';
import type { CompiledPath, PathScope, Sink, SinkFor, TypeSystem } from './path-types.ts';
import { containedResource, typeOfReferenceType } from './references.ts';

/** The part of the `fhirpath` package that is used. */
interface FhirPathEngine {
  compile(path: string | { base: string; expression: string }, model: object, options: object): Evaluate;
  parse(expression: string): unknown;
  types(results: readonly unknown[]): string[];
}
type Evaluate = (value: unknown, variables: Record<string, unknown>) => unknown[];

/** A value inside the engine. */
interface EngineNode {
  readonly data: JsonValue;
  readonly constructor: {
    makeResNode(
      context: unknown,
      data: unknown,
      parent: null,
      path: string,
      companion: null,
      type: string,
    ): EngineNode;
  };
}

let engine: { fhirpath: FhirPathEngine; model: object } | undefined;

function loadEngine(): { fhirpath: FhirPathEngine; model: object } {
  if (engine === undefined) {
    const require = createRequire(import.meta.url);
    engine = {
      fhirpath: require('fhirpath') as FhirPathEngine,
      model: require('fhirpath/fhir-context/r4') as object,
    };
  }
  return engine;
}

/** A compilation, and whether it takes the general engine. */
export interface Compilation<S extends PathScope> extends PathCompilation<S> {
  readonly general: boolean;
}

/**
 * Compiles an expression to closures, or to a call of the general FHIRPath engine where {@link compilePath} does not know
 * enough of the language. The engine is loaded at the first value it is needed for; an expression that it cannot evaluate
 * has no values.
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
 * The expression by the general engine.
 * @param failed called with what the engine throws; without it such an expression has no values
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
  let evaluate: Evaluate | undefined;
  return (value, scope) => {
    try {
      const { fhirpath } = loadEngine();
      evaluate ??= compileGeneral(expression, contextType, types);
      resolving = scope;
      const resource = plain(scope.resource);
      const results = evaluate(value === scope.resource ? resource : plain(value), { resource });
      const names = fhirpath.types(results);
      results.forEach((result, i) => {
        const type = typeName(names[i] ?? '', result, types);
        if (type === undefined) return;
        sinkOf(type)?.(jsonOf(result), scope);
      });
    } catch (error) {
      failed?.(error);
    } finally {
      resolving = undefined;
    }
  };
}

/** The scope of the evaluation that runs: resolve() asks it. */
let resolving: PathScope | undefined;

function compileGeneral(expression: string, contextType: string, types: TypeSystem): Evaluate {
  const objection = pathObjection(expression);
  if (objection !== undefined) throw new Error(objection);
  const { fhirpath, model } = loadEngine();
  const kind = types.definitions.types.get(contextType)?.kind;
  const path = kind === 'resource' ? expression : { base: contextType, expression };
  return fhirpath.compile(path, model, {
    resolveInternalTypes: false,
    userInvocationTable: { resolve: { fn: resolveStub, arity: { 0: [] }, internalStructures: true } },
  });
}

/** resolve() while indexing: a contained resource, or a resource of the target's type with nothing in it. */
function resolveStub(this: unknown, inputs: readonly EngineNode[]): EngineNode[] {
  const scope = resolving;
  if (scope === undefined) return [];
  return inputs.flatMap((node) => {
    const reference = node.data;
    const text = isObject(reference) ? reference.reference : reference;
    let target: JsonObject | undefined;
    if (typeof text === 'string' && text.startsWith('#')) target = containedResource(text, scope.resource);
    else {
      const named = typeof text === 'string' ? scope.referenceType(text) : undefined;
      const type = named ?? (isObject(reference) ? typeOfReferenceType(reference.type) : undefined);
      if (type !== undefined) target = { resourceType: type };
    }
    if (typeof target?.resourceType !== 'string') return [];
    const type = target.resourceType;
    return [node.constructor.makeResNode(this, target, null, type, null, type)];
  });
}

/** JSON with plain numbers: the engine does not know those that keep their digits. */
function plain(value: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}

const SYSTEM_TYPES: Readonly<Record<string, string>> = {
  String: 'string',
  Boolean: 'boolean',
  Integer: 'integer',
  Decimal: 'decimal',
  Date: 'date',
  DateTime: 'dateTime',
};

function typeName(name: string, result: unknown, types: TypeSystem): string | undefined {
  if (name.startsWith('System.')) return SYSTEM_TYPES[name.slice(7)];
  const bare = name.slice(name.indexOf('.') + 1);
  if (types.definitions.types.has(bare) && bare !== 'BackboneElement' && bare !== 'Element') return bare;
  const path = (result as { path?: unknown }).path;
  return typeof path === 'string' && types.definitions.types.has(path) ? path : undefined;
}

function jsonOf(result: unknown): JsonValue {
  if (typeof result !== 'object' || result === null) return result as JsonValue;
  const { data } = result as { data?: JsonValue };
  // Dates of the engine are objects that print as FHIR writes them.
  return data !== undefined ? data : String(result);
}

/**
 * Asks the general engine whether it can parse an expression and evaluate it on an empty value of the context's type.
 * @returns what the engine says is wrong, or undefined
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
