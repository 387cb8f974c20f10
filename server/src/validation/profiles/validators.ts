import type { DefinitionsModel } from '../../conformance/model.ts';
import { type CanonicalResolver, splitCanonical } from '../../conformance/packages/package-set.ts';
import { SnapshotError, withSnapshot } from '../../conformance/packages/snapshot.ts';
import { isObject } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { type Node, TypeNavigator } from '../fhirpath/nodes.ts';
import { type BaseType, compileBaseType } from './base.ts';
import { compileProfile, type ProfileValidator } from './profile.ts';
import { buildTree, type ElementNode } from './tree.ts';
import {
  type ElementDefinition,
  type StructureDefinition,
  snapshotOf,
  type TerminologyProvider,
} from './types.ts';

const CORE = 'http://hl7.org/fhir/StructureDefinition/';
/** How many compiled profiles are kept; those of a few implementation guides. */
const KEPT_PROFILES = 600;
const KEPT_TREES = 40;

/** The compiled validators over one set of definitions: shared by all validations that use it, made when first needed. */
export class Validators {
  readonly definitions: DefinitionsModel;
  readonly resolver: CanonicalResolver;
  readonly terminology: TerminologyProvider;
  readonly navigator: TypeNavigator;
  readonly #bases = new Map<string, BaseType>();
  readonly #profiles = new Map<string, ProfileValidator | undefined>();
  readonly #trees = new Map<string, ElementNode | undefined>();
  readonly #elements = new Map<string, ReadonlyMap<string, ElementDefinition>>();
  /** Profiles by the canonical that they were asked for with, where that alone decides. */
  readonly #asked = new Map<string, ProfileValidator>();
  readonly #snapshots = new WeakMap<Resource, StructureDefinition>();
  /** Problems of definitions met while compiling: `url` to what is wrong. */
  readonly problems = new Map<string, string>();

  constructor(definitions: DefinitionsModel, resolver: CanonicalResolver, terminology: TerminologyProvider) {
    this.definitions = definitions;
    this.resolver = resolver;
    this.terminology = terminology;
    this.navigator = new TypeNavigator(definitions);
  }

  /** What R4 itself says of a type, beyond structure: by type name, also of backbones (`Patient.contact`). */
  base(type: string): BaseType {
    let base = this.#bases.get(type);
    if (base === undefined) {
      base = compileBaseType(type, this);
      this.#bases.set(type, base);
    }
    return base;
  }

  /**
   * The validator of a profile; undefined if there is no such structure, or it cannot be used (then
   * {@link problems} says why).
   */
  profile(canonical: string, origin?: object): ProfileValidator | undefined {
    if (origin !== undefined) return this.#profile(canonical, origin);
    const known = this.#asked.get(canonical);
    if (known !== undefined) return known;
    const made = this.#profile(canonical, undefined);
    if (this.#asked.size >= KEPT_PROFILES) this.#asked.clear();
    if (made !== undefined) this.#asked.set(canonical, made);
    return made;
  }

  #profile(canonical: string, origin: object | undefined): ProfileValidator | undefined {
    const found = this.structure(canonical, origin);
    if (found === undefined) return undefined;
    const key = profileKey(found);
    if (this.#profiles.has(key)) {
      const validator = this.#profiles.get(key);
      return validator;
    }
    let validator: ProfileValidator | undefined;
    try {
      validator = compileProfile(found, this);
    } catch (error) {
      this.problems.set(found.url, (error as Error).message);
    }
    const oldest = this.#profiles.keys().next();
    if (this.#profiles.size >= KEPT_PROFILES && !oldest.done) this.#profiles.delete(oldest.value);
    this.#profiles.set(key, validator);
    return validator;
  }

  /** A structure with a snapshot, made if it has none. */
  structure(canonical: string, origin?: object): StructureDefinition | undefined {
    const resource = this.resolver.resolve('StructureDefinition', canonical, origin) as
      | StructureDefinition
      | undefined;
    if (resource === undefined || snapshotOf(resource) !== undefined) return resource;
    let complete = this.#snapshots.get(resource);
    if (complete === undefined) {
      try {
        complete = withSnapshot(resource, this.resolver) as StructureDefinition;
      } catch (error) {
        if (!(error instanceof SnapshotError)) throw error;
        this.problems.set(resource.url, error.message);
        return undefined;
      }
      this.#snapshots.set(resource, complete);
    }
    return complete;
  }

  /** The tree of a structure's snapshot. */
  tree(canonical: string, origin?: object): ElementNode | undefined {
    const structure = this.structure(canonical, origin);
    if (structure === undefined) return undefined;
    const key = profileKey(structure);
    let tree = this.#trees.get(key);
    if (tree === undefined) {
      tree = buildTree(snapshotOf(structure) ?? []);
      const oldest = this.#trees.keys().next();
      if (this.#trees.size >= KEPT_TREES && !oldest.done) this.#trees.delete(oldest.value);
      this.#trees.set(key, tree);
    }
    return tree;
  }

  /** R4's own definition of an element of a type: `baseElement('Observation', 'value[x]')`. */
  baseElement(type: string, name: string): ElementDefinition | undefined {
    return this.baseElements(type).get(`${type}.${name}`);
  }

  /** R4's own definitions of all elements of a type and its backbones, by path. */
  baseElements(type: string): ReadonlyMap<string, ElementDefinition> {
    const root = type.split('.', 1)[0] as string;
    let elements = this.#elements.get(root);
    if (elements === undefined) {
      const structure = this.resolver.resolve('StructureDefinition', CORE + root);
      const map = new Map<string, ElementDefinition>();
      for (const element of (structure && snapshotOf(structure)) ?? []) {
        if (!map.has(element.path)) map.set(element.path, slim(element));
      }
      elements = map;
      this.#elements.set(root, elements);
    }
    return elements;
  }

  memberOf(value: Node, valueSet: string): boolean | undefined {
    const ask = (system: unknown, code: unknown, version?: unknown): boolean | undefined => {
      if (typeof code !== 'string') return undefined;
      const { result } = this.terminology.validateCode(
        typeof system === 'string' ? system : undefined,
        code,
        undefined,
        valueSet,
        undefined,
        typeof version === 'string' ? version : undefined,
      );
      return result === 'unknown' ? undefined : result === 'yes';
    };
    if (!isObject(value.v)) return ask(undefined, value.v);
    const { coding } = value.v;
    if (!Array.isArray(coding)) return ask(value.v['system'], value.v['code'], value.v['version']);
    const results = coding.map((one) =>
      isObject(one) ? ask(one['system'], one['code'], one['version']) : undefined,
    );
    return results.includes(true) ? true : results.includes(undefined) ? undefined : false;
  }
}

/** The URLs of a structure and of all that it is based on, as far as they are known here. */
export function basesOf(structure: StructureDefinition, validators: Validators): ReadonlySet<string> {
  const bases = new Set<string>();
  for (let next: Resource | undefined = structure; next !== undefined; ) {
    if (bases.has(String(next['url']))) break;
    bases.add(String(next['url']));
    const base: unknown = next['baseDefinition'];
    next =
      typeof base === 'string' ? validators.resolver.resolve('StructureDefinition', base, next) : undefined;
  }
  return bases;
}

export function profileKey(structure: Resource): string {
  return `${structure['url']}|${structure['version'] ?? ''}`;
}

/** The canonical with which a structure is named in issues. */
export function profileName(structure: Resource): string {
  const url = String(structure['url'] ?? '');
  return typeof structure['version'] === 'string' && !url.startsWith(CORE)
    ? `${url}|${structure['version']}`
    : url;
}

export function isCoreType(canonical: string, definitions: DefinitionsModel): string | undefined {
  const [url] = splitCanonical(canonical);
  if (!url.startsWith(CORE)) return undefined;
  const name = url.slice(CORE.length);
  return definitions.types.get(name) === undefined ? undefined : name;
}

/** Without the texts that only readers need. */
function slim(element: ElementDefinition): ElementDefinition {
  const { id, path, min, max, base, contentReference, type, binding, constraint, isModifier, maxLength } =
    element;
  const rest: Record<string, unknown> = {};
  for (const name in element)
    if (/^(?:fixed|pattern|minValue|maxValue)[A-Z]/.test(name)) rest[name] = element[name];
  return {
    path,
    ...rest,
    ...(id === undefined ? {} : { id }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(base === undefined ? {} : { base }),
    ...(contentReference === undefined ? {} : { contentReference }),
    ...(type === undefined ? {} : { type }),
    ...(binding === undefined ? {} : { binding }),
    ...(constraint === undefined ? {} : { constraint }),
    ...(isModifier === undefined ? {} : { isModifier }),
    ...(maxLength === undefined ? {} : { maxLength }),
  };
}
