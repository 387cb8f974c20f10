import type { IssueCode, IssueSeverity } from '../../fhir/outcome.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import type { Environment } from '../fhirpath/compile.ts';
import { isObject, type Node, objectNode } from '../fhirpath/nodes.ts';
import type { Severity, ValidationIssue, ValidationOptions } from './types.ts';
import type { Validators } from './validators.ts';

/** Thrown when there are as many issues as asked for. */
export const ENOUGH = new Error('enough issues');

/** A Bundle that is being validated: how references inside it are resolved. */
export interface BundleScope {
  readonly type: string;
  /** Resources by fullUrl, and by fullUrl with version. */
  readonly byUrl: ReadonlyMap<string, JsonObject>;
  /** Resources by `Type/id` of the entries. */
  readonly byTypeAndId: ReadonlyMap<string, JsonObject>;
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
  readonly #maxIssues: number;

  constructor(validators: Validators, options: ValidationOptions, resource: JsonObject) {
    this.validators = validators;
    this.options = options;
    this.#maxIssues = options.maxIssues ?? 1000;
    const node = objectNode(resource, 'Resource');
    this.environment = {
      navigator: validators.navigator,
      resource: node,
      rootResource: node,
      context: node,
      self: [node],
      index: 0,
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
    const type = typeOfReference(reference.v, this.validators.navigator.definitions.resourceTypes);
    return type === undefined ? undefined : { v: { resourceType: type }, s: undefined, t: type };
  }

  /** The resource that a literal reference leads to inside the resource or its Bundle. */
  lookUp(reference: string): JsonObject | undefined {
    if (reference.startsWith('#')) {
      const root = this.environment.rootResource.v as JsonObject;
      if (reference === '#') return root;
      const { contained } = root;
      const id = reference.slice(1);
      return (Array.isArray(contained) ? contained : []).find(
        (one): one is JsonObject => isObject(one) && one['id'] === id,
      );
    }
    if (this.bundle === undefined) return undefined;
    return resolveInBundle(this.bundle, reference, this.fullUrl);
  }
}

/** R4 bundle.html#references: absolute as they are, relative ones against the fullUrl of their entry. */
export function resolveInBundle(
  bundle: BundleScope,
  reference: string,
  fullUrl: string | undefined,
): JsonObject | undefined {
  const bare = reference.split('#', 1)[0] as string;
  const direct = bundle.byUrl.get(bare);
  if (direct !== undefined) return direct;
  if (/^[a-z][a-z0-9+.-]*:/i.test(bare)) return bundle.byUrl.get(bare.replace(/\/_history\/.*$/, ''));
  const plain = bare.replace(/\/_history\/.*$/, '');
  const base = fullUrl === undefined ? undefined : /^(https?:\/\/.*?\/)[A-Za-z]+\/[^/]+$/.exec(fullUrl)?.[1];
  const absolute =
    base === undefined ? undefined : (bundle.byUrl.get(base + bare) ?? bundle.byUrl.get(base + plain));
  return absolute ?? bundle.byTypeAndId.get(plain);
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
