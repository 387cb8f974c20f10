import { compileTypes, unpackType } from '../../conformance/compile-types.ts';
import { LazyMap } from '../../conformance/lazy-map.ts';
import type { DefinitionsModel, TypeModel } from '../../conformance/model.ts';
import { PackageSet } from '../../conformance/packages/package-set.ts';
import type { SourceElement, SourceStructure } from '../../conformance/source-model.ts';
import type { JsonObject } from '../../json/types.ts';
import { differentialOf, type ElementDefinition, type StructureDefinition, snapshotOf } from './types.ts';
import { profileKey, Validators } from './validators.ts';

const CORE = 'http://hl7.org/fhir/StructureDefinition/';
const FHIRPATH = 'http://hl7.org/fhirpath/';

/** An instance of a logical model, and validators that know the model as a type. */
export interface LogicalInstance {
  /** With the model's root element as resourceType. */
  readonly instance: JsonObject;
  readonly validators: Validators;
}

interface Model {
  readonly root: string;
  readonly validators: Validators;
}

/** How many models are kept of each set of validators; each has compiled validators of the data types that it uses. */
const KEPT = 8;
/** How long a chain of base definitions may be. */
const MAX_DEPTH = 20;
/** Required elements, and choices, of one type that the structural validator can tell apart. */
const MAX_REQUIRED = 30;
/** Types of elements that have elements of their own. */
const GROUPS: ReadonlySet<string> = new Set(['BackboneElement', 'Element']);
const kept = new WeakMap<Validators, Map<string, Model | undefined>>();

/**
 * Takes a JSON object whose resourceType is no resource type of R4, but names a logical model (R4
 * structuredefinition.html#kind): by the URL of its StructureDefinition, by its type, or by the last part of that.
 *
 * @returns undefined if there is no such model, or it uses types that are not known here
 */
export function logicalInstance(object: JsonObject, validators: Validators): LogicalInstance | undefined {
  const { resourceType: name } = object;
  if (typeof name !== 'string' || validators.definitions.types.has(name)) return undefined;
  const structure = find(name, validators);
  if (structure === undefined) return undefined;
  let models = kept.get(validators);
  if (models === undefined) kept.set(validators, (models = new Map()));
  const key = profileKey(structure);
  let model = models.get(key);
  if (model === undefined && !models.has(key)) {
    model = modelOf(structure, validators);
    if (models.size >= KEPT) models.clear();
    models.set(key, model);
  }
  return model && { instance: { ...object, resourceType: model.root }, validators: model.validators };
}

function find(name: string, validators: Validators): StructureDefinition | undefined {
  const { resolver } = validators;
  const direct = /^[a-z][a-z0-9+.-]*:/i.test(name) ? structureOf(name, validators) : undefined;
  if (direct !== undefined) return isModel(direct) ? direct : undefined;
  if (!(resolver instanceof PackageSet)) return undefined;
  for (const { entry } of resolver.list('StructureDefinition')) {
    if (entry.kind !== 'logical' || (entry.type !== name && lastPart(entry.type) !== name)) continue;
    const canonical = entry.version === '' ? entry.url : `${entry.url}|${entry.version}`;
    const structure = structureOf(canonical, validators);
    if (structure !== undefined && isModel(structure)) return structure;
  }
  return undefined;
}

/** A structure with a snapshot: of a model without one the elements of its base and its own (R4 profiling.html#snapshot). */
function structureOf(
  canonical: string,
  validators: Validators,
  origin?: object,
  depth = 0,
): StructureDefinition | undefined {
  const { resolver } = validators;
  const found = resolver.resolve('StructureDefinition', canonical, origin) as StructureDefinition | undefined;
  if (found === undefined || snapshotOf(found) !== undefined) return found;
  const own = differentialOf(found);
  const root = own?.[0]?.path.split('.', 1)[0];
  if (own === undefined || root === undefined || !isModel(found) || depth > MAX_DEPTH) return undefined;
  const { baseDefinition } = found;
  const base =
    typeof baseDefinition === 'string'
      ? structureOf(baseDefinition, validators, found, depth + 1)
      : undefined;
  const paths = new Set(own.map(({ path }) => path));
  const inherited = (base === undefined ? [] : (snapshotOf(base) ?? []))
    .map(({ contentReference, ...element }) => ({
      ...element,
      path: root + below(element.path),
      // What refers to a part of the base refers to the same part here.
      ...(contentReference === undefined
        ? {}
        : {
            contentReference: `#${root}${below(contentReference.slice(contentReference.indexOf('#') + 1))}`,
          }),
    }))
    .filter(({ path }) => path !== root && !paths.has(path));
  const first = own[0]?.path === root ? own[0] : { path: root };
  const element = [first, ...inherited, ...own.filter(({ path }) => path !== root)];
  const complete = { ...found, snapshot: { element } } as unknown as StructureDefinition;
  if (resolver instanceof PackageSet) resolver.adopt(complete, found);
  return complete;
}

/** A path without its root: `.part.note`. */
function below(path: string): string {
  return path.slice(path.search(/\.|$/));
}

function isModel(structure: StructureDefinition): boolean {
  return structure['kind'] === 'logical' && structure['derivation'] !== 'constraint';
}

function lastPart(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

function rootOf(structure: StructureDefinition): string {
  return snapshotOf(structure)?.[0]?.path ?? '';
}

/** The model and those that its elements are of, as types beside those of R4. */
function modelOf(structure: StructureDefinition, validators: Validators): Model | undefined {
  const { definitions, resolver } = validators;
  const root = rootOf(structure);
  const structures = new Map<string, StructureDefinition>();
  const own = new Map<string, TypeModel>();
  const open: StructureDefinition[] = [structure];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const name = rootOf(next);
    if (structures.has(name)) continue;
    // A model that is called as a type of R4 cannot stand beside it.
    if (name === '' || definitions.types.has(name)) return undefined;
    structures.set(name, next);
    const converted = convert(next, next === structure, validators, open);
    if (converted === undefined) return undefined;
    for (const [type, packed] of compileTypes([converted])) own.set(type, unpackType(type, packed));
    const backbone = definitions.types.get('BackboneElement');
    for (const { path, type } of converted.snapshot.element) {
      // One without elements of its own.
      if (backbone !== undefined && !own.has(path) && GROUPS.has(type?.[0]?.code ?? ''))
        own.set(path, { ...backbone, name: path, kind: 'backbone' });
    }
  }
  if (!own.has(root)) return undefined;
  for (const { elements } of own.values()) if (!isUsable(elements, own, definitions)) return undefined;
  const names = [...definitions.types.keys(), ...own.keys()];
  const types = new LazyMap(names, (name) => own.get(name) ?? (definitions.types.get(name) as TypeModel));
  const resolve: typeof resolver.resolve = (type, canonical, origin) => {
    const mine =
      type === 'StructureDefinition' && canonical.startsWith(CORE)
        ? structures.get(canonical.slice(CORE.length))
        : undefined;
    return mine ?? resolver.resolve(type, canonical, origin);
  };
  return {
    root,
    validators: new Validators({ ...definitions, types }, { resolve }, validators.terminology),
  };
}

/** Whether the types of all elements are there, and not more of them are required than can be checked. */
function isUsable(
  elements: TypeModel['elements'],
  own: ReadonlyMap<string, TypeModel>,
  definitions: DefinitionsModel,
): boolean {
  const list = [...elements.values()];
  const isKnown = list.every(({ type }) => own.has(type) || definitions.types.has(type));
  const required = new Set(list.filter(({ min }) => min > 0).map(({ name, choice }) => choice ?? name));
  const choices = new Set(list.flatMap(({ choice }) => choice ?? []));
  return isKnown && required.size <= MAX_REQUIRED && choices.size <= MAX_REQUIRED;
}

/** A model in the form in which R4's types are compiled; models that its elements are of are added to `open`. */
function convert(
  structure: StructureDefinition,
  isRoot: boolean,
  validators: Validators,
  open: StructureDefinition[],
): SourceStructure | undefined {
  const elements = snapshotOf(structure) ?? [];
  const parents = new Set(elements.map(({ path }) => path.slice(0, Math.max(0, path.lastIndexOf('.')))));
  const typeName = (code: string, element: ElementDefinition): string | undefined => {
    const name = code.startsWith(CORE) ? code.slice(CORE.length) : code;
    if (parents.has(element.path) && (name === 'Base' || GROUPS.has(name))) return 'BackboneElement';
    if (validators.definitions.types.has(name) || name.startsWith(FHIRPATH)) return name;
    const other = structureOf(name, validators, structure);
    if (other === undefined || !isModel(other)) return undefined;
    open.push(other);
    return rootOf(other);
  };
  const converted: SourceElement[] = [];
  for (const element of elements) {
    const type: { code: string; targetProfile?: readonly string[] }[] = [];
    for (const one of element.path.includes('.') ? (element.type ?? []) : []) {
      const code = typeName(one.code, element);
      if (code === undefined) return undefined;
      type.push({ ...one, code });
    }
    converted.push({ ...element, min: element.min ?? 0, max: element.max ?? '*', type } as SourceElement);
  }
  return {
    resourceType: 'StructureDefinition',
    name: rootOf(structure),
    type: rootOf(structure),
    kind: isRoot ? 'resource' : 'complex-type',
    abstract: false,
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Element',
    snapshot: { element: converted },
  };
}
