import type { DefinitionsModel, SearchParamModel, TypeSearchModel } from '../../conformance/model.ts';
import { isObject } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import type { Hash64 } from '../hash.ts';
import type { IndexEntries, IndexKeys } from '../index-model.ts';
import { compileComposite } from './composite.ts';
import { converterFor } from './convert.ts';
import { Extraction, type ParamContext } from './extraction.ts';
import { keyCache } from './key-cache.ts';
import { compileWithFallback } from './path-fallback.ts';
import { type CompiledPath, TypeSystem } from './path-types.ts';

/** What extraction depends on besides the resource, the definitions and the tenant's keys. */
export interface ExtractContext {
  /** The tenant's FHIR base URL without a slash at the end: absolute references below it are references to `Type/id`. */
  readonly baseUrl?: string;
}

/**
 * Makes the index entries of a resource of one type; see {@link IndexEntries}. The resource is valid against the R4
 * definitions and has an id; it is not changed. Throws FhirError 422 too-costly if one element of a composite parameter
 * has thousands of combinations of codes and values.
 */
export type Extractor = (resource: Resource, keys: IndexKeys, context: ExtractContext) => IndexEntries;

/** Parameters whose values lie in columns of the resource's row, or that search something else than values. */
const WITHOUT_ENTRIES = new Set([
  '_id',
  '_lastUpdated',
  '_text',
  '_content',
  '_query',
  '_list',
  '_has',
  '_type',
  '_filter',
]);

const extractors = new WeakMap<DefinitionsModel, Map<string, Extractor>>();
const typeSystems = new WeakMap<object, TypeSystem>();
const compiledParams = new WeakMap<SearchParamModel, CompiledParam>();

interface CompiledParam {
  readonly types: TypeSystem;
  readonly search: Pick<TypeSearchModel, 'primaryDate' | 'patientParam'>;
  readonly run: CompiledPath<Extraction> | undefined;
}

/** The type system of definitions; shared by definitions that share their types. */
export function typeSystemOf(definitions: DefinitionsModel): TypeSystem {
  let types = typeSystems.get(definitions.types);
  if (types === undefined) {
    types = new TypeSystem(definitions);
    typeSystems.set(definitions.types, types);
  }
  return types;
}

/**
 * The extractor of a resource type under these definitions (built-in ones, or withSearchParameters for a tenant's own
 * parameters). Expressions are compiled at the first resource and shared by all tenants: a parameter is compiled once,
 * however many definitions contain it. Throws FhirError 404 for an unknown type.
 */
export function createExtractor(definitions: DefinitionsModel, resourceType: string): Extractor {
  let byType = extractors.get(definitions);
  if (byType === undefined) {
    byType = new Map();
    extractors.set(definitions, byType);
  }
  let extractor = byType.get(resourceType);
  if (extractor === undefined) {
    extractor = makeExtractor(definitions, definitions.search(resourceType));
    byType.set(resourceType, extractor);
  }
  return extractor;
}

function makeExtractor(definitions: DefinitionsModel, search: TypeSearchModel): Extractor {
  const { resourceType } = search;
  const resourceTypes = new Set(definitions.resourceTypes);
  const isResourceType = (name: string): boolean => resourceTypes.has(name);
  const ownCompartment = definitions.compartments.has(resourceType);
  const isPatient = resourceType === 'Patient';
  let paths: CompiledPath<Extraction>[] | undefined;

  return (resource, keys, context) => {
    paths ??= compileAll(definitions, search);
    const cache = keyCache(keys, context.baseUrl, isResourceType);
    cache.trim();
    const extraction = new Extraction(resource, cache);
    for (let i = 0; i < paths.length; i++) (paths[i] as CompiledPath<Extraction>)(resource, extraction);
    if (ownCompartment && typeof resource.id === 'string') {
      const { hash } = cache.reference(`${resourceType}/${resource.id}`);
      extraction.compartment(resourceType, hash as Hash64);
      if (isPatient) extraction.patient = hash as Hash64;
    }
    const { contained } = resource;
    if (Array.isArray(contained)) {
      for (const inner of contained) {
        const type = isObject(inner) ? inner.resourceType : undefined;
        if (typeof type === 'string') extraction.token(keys.containedType(resourceType, type));
      }
    }
    return extraction.entries();
  };
}

function compileAll(definitions: DefinitionsModel, search: TypeSearchModel): CompiledPath<Extraction>[] {
  const paths: CompiledPath<Extraction>[] = [];
  for (const param of search.params.values()) {
    const run = compileParam(param, definitions, search);
    if (run !== undefined) paths.push(run);
  }
  return paths;
}

function compileParam(
  param: SearchParamModel,
  definitions: DefinitionsModel,
  search: TypeSearchModel,
): CompiledPath<Extraction> | undefined {
  const types = typeSystemOf(definitions);
  const known = compiledParams.get(param);
  if (
    known !== undefined &&
    known.types === types &&
    known.search.primaryDate === search.primaryDate &&
    known.search.patientParam === search.patientParam
  ) {
    return known.run;
  }
  const run = makePath(param, definitions, search, types);
  compiledParams.set(param, {
    types,
    search: {
      ...(search.primaryDate === undefined ? {} : { primaryDate: search.primaryDate }),
      ...(search.patientParam === undefined ? {} : { patientParam: search.patientParam }),
    },
    run,
  });
  return run;
}

function makePath(
  param: SearchParamModel,
  definitions: DefinitionsModel,
  search: TypeSearchModel,
  types: TypeSystem,
): CompiledPath<Extraction> | undefined {
  if (param.expression === '' || WITHOUT_ENTRIES.has(param.code)) return undefined;
  if (param.type === 'special' && param.code !== 'near') return undefined;
  const context: ParamContext = {
    key: param.key,
    primaryDate: param.type === 'date' && search.primaryDate === param.code,
    patient: search.patientParam === param.code,
    compartments: compartmentsOf(param, definitions),
  };
  if (param.type === 'composite') return compileComposite(param, context, definitions, types);
  return compileWithFallback<Extraction>(param.expression, param.resourceType, types, (type, element) => {
    const convert = converterFor(param.type, type, element, { definitions, types, param: context });
    return (
      convert &&
      ((value, extraction) => {
        // null: an extension in place of the value
        if (value === null) return;
        extraction.markPresent(context);
        convert(value, extraction);
      })
    );
  }).run;
}

/** The compartments into which the parameter's targets put a resource (R4 compartmentdefinition.html). */
function compartmentsOf(param: SearchParamModel, definitions: DefinitionsModel): string[] {
  if (param.type !== 'reference') return [];
  const compartments: string[] = [];
  for (const { code, params } of definitions.compartments.values()) {
    if (params.get(param.resourceType)?.includes(param.code)) compartments.push(code);
  }
  return compartments;
}

/**
 * The FHIR types of the values that a parameter's expression can give (`Coding`, `code`, `Identifier`...), as far as they
 * mean something for its search type. Empty where only the general engine can tell.
 */
export function valueTypes(param: SearchParamModel, definitions: DefinitionsModel): ReadonlySet<string> {
  const found = new Set<string>();
  if (param.expression === '') return found;
  const types = typeSystemOf(definitions);
  const context = { key: 0, primaryDate: false, patient: false, compartments: [] };
  compileWithFallback<Extraction>(param.expression, param.resourceType, types, (type, element) => {
    if (converterFor(param.type, type, element, { definitions, types, param: context }) !== undefined)
      found.add(type);
    return () => {};
  });
  return found;
}
