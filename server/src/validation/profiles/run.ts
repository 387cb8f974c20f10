import type { IssueCode, IssueSeverity } from '../../fhir/outcome.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import type { Environment } from '../fhirpath/compile.ts';
import { type Node, objectNode } from '../fhirpath/nodes.ts';
import { anchorsOf } from './narrative-links.ts';
import type { Severity, ValidationIssue, ValidationOptions } from './types.ts';
import type { Validators } from './validators.ts';

/** Steps that the evaluation of one rule on one element may take, and all of a validation. */
const MAX_STEPS = 2_000_000;
const MAX_TOTAL_STEPS = 100_000_000;

/** Thrown when there are as many issues as asked for. */
export const ENOUGH = new Error('enough issues');

/** A Bundle that is being validated: how references inside it are resolved. */
export interface BundleScope {
  readonly type: string;
  /** Resources by fullUrl, and by fullUrl with version. */
  readonly byUrl: ReadonlyMap<string, JsonObject>;
  /** Resources by `Type/id` of the entries. */
  readonly byTypeAndId: ReadonlyMap<string, JsonObject>;
  /** The first resources of fullUrls that several entries have (R4 bdl-7: in different versions). */
  readonly repeated: ReadonlySet<JsonObject>;
}

export interface Source {
  readonly profile: string;
  readonly element: string | undefined;
  readonly constraint?: string;
}

/** The state of one validation: where it is, in which resource, and what it found. */
export class Run {
  readonly validators: Validators;
  readonly options: ValidationOptions;
  readonly environment: Environment;
  issues: ValidationIssue[] = [];
  /** JSON names from the root to the value, with indices (or -1) and the type of each value. */
  readonly names: string[] = [];
  readonly indices: number[] = [];
  readonly types: string[] = [];
  depth = 0;
  bundle: BundleScope | undefined;
  /** fullUrl of the entry that is being validated. */
  fullUrl: string | undefined;
  /** How many profiles are open inside one another. */
  nesting = 0;
  /** Invariants that could not be evaluated, or took too long: they are not tried again. */
  readonly unchecked = new Set<object>();
  /** Whether resources that references lead to follow profiles, by their URLs; undefined while that is being found out. */
  readonly #conformity = new Map<object, Map<string, readonly ValidationIssue[] | undefined>>();
  /** The contained resources of the last container asked for, by id. */
  #contained: { readonly of: object; readonly byId: ReadonlyMap<JsonValue, JsonObject> } | undefined;
  readonly #whole: JsonObject;
  #anchors: ReadonlySet<string> | undefined;
  #stepsLeft = MAX_TOTAL_STEPS;
  readonly #maxIssues: number;

  constructor(validators: Validators, options: ValidationOptions, resource: JsonObject) {
    this.validators = validators;
    this.options = options;
    this.#whole = resource;
    this.#maxIssues = options.maxIssues ?? 1000;
    const node = objectNode(resource, 'Resource');
    this.environment = {
      navigator: validators.navigator,
      resource: node,
      rootResource: node,
      context: node,
      self: [node],
      index: 0,
      steps: MAX_STEPS,
      resolve: (reference) => this.resolve(reference),
      memberOf: (value, valueSet) => validators.memberOf(value, valueSet),
      conformsTo: (value, profile) => {
        const validator = validators.profile(profile);
        return validator === undefined
          ? undefined
          : this.conforms(() => validator.run(value.v as JsonObject, this));
      },
    };
  }

  /**
   * Runs an evaluation of FHIRPath with a number of steps of its own.
   * @throws TooCostly when it, or all evaluations together, take too many
   */
  evaluate<T>(part: () => T): T {
    const { environment } = this;
    const outer = environment.steps;
    const steps = Math.min(MAX_STEPS, this.#stepsLeft);
    environment.steps = steps;
    try {
      return part();
    } finally {
      this.#stepsLeft -= steps - Math.max(0, environment.steps);
      environment.steps = outer;
    }
  }

  /**
   * What the validation of a resource against a profile finds, once for each: profiles may lead to one another and to
   * themselves through references. While it is being found out, nothing.
   */
  findings(target: object, profile: string, part: () => void): readonly ValidationIssue[] {
    let known = this.#conformity.get(target);
    if (known === undefined) {
      known = new Map();
      this.#conformity.set(target, known);
    }
    if (known.has(profile)) return known.get(profile) ?? [];
    known.set(profile, undefined);
    const found = this.collect(part);
    known.set(profile, found);
    return found;
  }

  enter(name: string, type: string, index = -1): void {
    this.names[this.depth] = name;
    this.types[this.depth] = type;
    this.indices[this.depth++] = index;
  }

  leave(): void {
    this.depth--;
  }

  expression(below?: string): string {
    let path = '';
    for (let i = 0; i < this.depth; i++) {
      if (i > 0) path += '.';
      path += this.names[i];
      const index = this.indices[i] as number;
      if (index >= 0) path += `[${index}]`;
    }
    return below === undefined ? path : `${path}.${below}`;
  }

  report(severity: Severity, code: IssueCode, message: string, source?: Source, below?: string): void {
    if (severity === 'ignore') return;
    const expression = this.expression(below);
    this.issues.push({
      severity: severity as IssueSeverity,
      code,
      diagnostics: message,
      expression,
      ...(source === undefined
        ? {}
        : {
            profile: source.profile,
            ...(source.element === undefined ? {} : { element: source.element }),
            ...(source.constraint === undefined ? {} : { constraint: source.constraint }),
          }),
    });
    if (this.issues.length >= this.#maxIssues) throw ENOUGH;
  }

  /** What a part of the validation finds, kept apart. */
  collect(part: () => void): ValidationIssue[] {
    const { issues, depth, nesting } = this;
    const found: ValidationIssue[] = [];
    this.issues = found;
    try {
      part();
    } catch (error) {
      if (error !== ENOUGH) throw error;
      this.depth = depth;
      this.nesting = nesting;
    } finally {
      this.issues = issues;
    }
    return found;
  }

  /** Whether a part of the validation finds no error. */
  conforms(part: () => void): boolean {
    return !this.collect(part).some(({ severity }) => severity === 'error' || severity === 'fatal');
  }

  /** Adds issues that were collected. */
  add(issues: readonly ValidationIssue[]): void {
    for (const issue of issues) {
      this.issues.push(issue);
      if (this.issues.length >= this.#maxIssues) throw ENOUGH;
    }
  }

  /**
   * The target of a reference (FHIRPath resolve()): a contained resource, an entry of the Bundle, or a resource with
   * nothing but its type where the reference names one.
   */
  resolve(reference: Node): Node | undefined {
    const text = isObject(reference.v) ? reference.v['reference'] : reference.v;
    if (typeof text === 'string') {
      const found = this.lookUp(text);
      if (found !== undefined) return objectNode(found, 'Resource');
    }
    const type = typeOfReference(reference.v, this.validators.definitions.resourceTypes);
    return type === undefined ? undefined : { v: { resourceType: type }, s: undefined, t: type };
  }

  #containedIn(root: JsonObject): ReadonlyMap<JsonValue, JsonObject> {
    if (this.#contained?.of !== root) {
      const byId = new Map<JsonValue, JsonObject>();
      const { contained } = root;
      for (const one of Array.isArray(contained) ? contained : []) {
        const id = isObject(one) ? one['id'] : undefined;
        if (id !== undefined && !byId.has(id)) byId.set(id, one as JsonObject);
      }
      this.#contained = { of: root, byId };
    }
    return this.#contained.byId;
  }

  /** What links of narratives to a place inside may lead to, in the whole of what is validated. */
  anchors(): ReadonlySet<string> {
    this.#anchors ??= anchorsOf(this.#whole);
    return this.#anchors;
  }

  /** The resource that a literal reference leads to inside the resource or its Bundle. */
  lookUp(reference: string): JsonObject | undefined {
    if (reference.startsWith('#')) {
      const root = this.environment.rootResource.v as JsonObject;
      if (reference === '#') return root;
      return this.#containedIn(root).get(reference.slice(1));
    }
    if (this.bundle === undefined) return undefined;
    return resolveInBundle(this.bundle, reference, this.fullUrl);
  }
}

/**
 * R4 bundle.html#references: absolute as they are, relative ones against the fullUrl of their entry; one that names a version
 * leads to that version only, unless the entry does not say which it is.
 * @param exactly false: a relative reference that leads nowhere so leads to an entry with its type and id, what is most
 *   probably meant
 */
export function resolveInBundle(
  bundle: BundleScope,
  reference: string,
  fullUrl: string | undefined,
  exactly = false,
): JsonObject | undefined {
  const bare = reference.split('#', 1)[0] as string;
  const direct = bundle.byUrl.get(bare);
  if (direct !== undefined) return direct;
  const plain = bare.replace(/\/_history\/.*$/, '');
  const version = plain === bare ? undefined : bare.slice(plain.length + '/_history/'.length);
  if (/^[a-z][a-z0-9+.-]*:/i.test(bare)) return ofVersion(bundle.byUrl.get(plain), version);
  const base = fullUrl === undefined ? undefined : /^(https?:\/\/.*?\/)[A-Za-z]+\/[^/]+$/.exec(fullUrl)?.[1];
  const absolute =
    base === undefined
      ? undefined
      : (bundle.byUrl.get(base + bare) ?? ofVersion(bundle.byUrl.get(base + plain), version));
  if (absolute !== undefined || exactly) return absolute;
  return ofVersion(bundle.byTypeAndId.get(plain), version);
}

/** A resource, unless it says that it is another version than the one asked for. */
function ofVersion(resource: JsonObject | undefined, version: string | undefined): JsonObject | undefined {
  if (version === undefined || resource === undefined) return resource;
  const meta = resource['meta'];
  const own = isObject(meta) ? meta['versionId'] : undefined;
  return own === undefined || own === version ? resource : undefined;
}

const REFERENCE =
  /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?(?:#.*)?$/;

/** The resource type that a Reference names, by its text or its `type`. */
export function typeOfReference(value: JsonValue | undefined, types: readonly string[]): string | undefined {
  const text = isObject(value) ? value['reference'] : value;
  if (typeof text === 'string') {
    const type = REFERENCE.exec(text)?.[1] ?? /^([A-Z][A-Za-z]+)\?/.exec(text)?.[1];
    if (type !== undefined && types.includes(type)) return type;
  }
  if (isObject(value) && typeof value['type'] === 'string') {
    const type = value['type'].replace(/^http:\/\/hl7\.org\/fhir\/StructureDefinition\//, '');
    if (types.includes(type)) return type;
  }
  return undefined;
}
