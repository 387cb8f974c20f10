import { splitCanonical } from '../../conformance/packages/package-set.ts';
import { isExpressionError } from '../../fhirpath/errors.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { compileExpression, type Evaluate } from '../fhirpath/compile.ts';
import type { Node } from '../fhirpath/nodes.ts';
import type { ProfileCompiler } from './profile.ts';
import type { Run } from './run.ts';
import type { Item } from './slicing.ts';
import { type ElementNode, findById } from './tree.ts';
import { choiceOf, type Discriminator, type ElementDefinition } from './types.ts';
import { isCoreType } from './validators.ts';
import { matchesPattern, sameValue } from './values.ts';

/** Whether a value belongs to a slice. */
export type Matcher = (item: Item, run: Run) => boolean;

type NodeTest = (node: Node, run: Run) => boolean;

/** Where a discriminator's path leads in the definition of a slice. */
interface Target {
  readonly node: ElementNode;
  /** What a fixed or pattern value further up says of this place. */
  readonly value: JsonValue | undefined;
  /** Profiles of which the target of a reference must follow one, behind resolve(). */
  readonly profiles: readonly string[] | undefined;
}

/**
 * The test of a slice by its discriminators (R4 profiling.html#discriminator): all must hold. Without discriminators the
 * fixed and pattern values of the slice decide.
 */
export function compileMatcher(
  slice: ElementNode,
  discriminators: readonly Discriminator[],
  compiler: ProfileCompiler,
): Matcher {
  if (discriminators.length === 0) {
    const test = compileWhole(slice);
    return test === undefined ? () => false : (item, run) => test(item, run);
  }
  // What a slice says nothing of does not tell it from others: the other discriminators do.
  const tests = discriminators.flatMap(
    (discriminator) => compileDiscriminator(slice, discriminator, compiler) ?? [],
  );
  const [only] = tests;
  if (only === undefined) return () => false;
  if (tests.length === 1) return only;
  return (item, run) => tests.every((test) => test(item, run));
}

function compileDiscriminator(
  slice: ElementNode,
  { type, path }: Discriminator,
  compiler: ProfileCompiler,
): Matcher | undefined {
  const steps = splitPath(path);
  if (type === 'value' || type === 'pattern') {
    if (path === 'url' && (slice.name === 'extension' || slice.name === 'modifierExtension')) {
      const url = extensionUrl(slice);
      if (url !== undefined) return ({ v }) => isObject(v) && v['url'] === url;
    }
  }
  const target = locate(slice, steps, compiler);
  const select = compileSelect(steps);
  if (type === 'exists') {
    const isAbsent = target?.node.definition.max === '0';
    return (item, run) => select(item, run).length > 0 !== isAbsent;
  }
  if (target === undefined) return undefined;
  const test =
    type === 'type'
      ? typeTest(target, compiler)
      : type === 'profile'
        ? profileTest(target, compiler)
        : valueTest(target, compiler);
  if (test === undefined) return undefined;
  if (steps.length === 0) return (item, run) => test(item, run);
  return (item, run) => {
    for (const node of select(item, run)) if (test(node, run)) return true;
    return false;
  };
}

/** The steps of a discriminator's path: dots inside parentheses do not part them; `$this` is no step. */
function splitPath(path: string): string[] {
  const steps: string[] = [];
  let depth = 0;
  let quoted = false;
  let step = '';
  for (const char of path) {
    if (char === "'") quoted = !quoted;
    else if (!quoted && char === '(') depth++;
    else if (!quoted && char === ')') depth--;
    if (char === '.' && depth === 0 && !quoted) {
      steps.push(step);
      step = '';
    } else step += char;
  }
  steps.push(step);
  return steps.filter((text) => text !== '' && text !== '$this');
}

function compileSelect(steps: readonly string[]): (item: Item, run: Run) => readonly Node[] {
  if (steps.length === 0) return (item) => [item];
  let evaluate: Evaluate;
  try {
    evaluate = compileExpression(steps.join('.'));
  } catch {
    return () => [];
  }
  return (item, run) => {
    const { environment } = run;
    const { self } = environment;
    environment.self = [item];
    try {
      return run.evaluate(() => evaluate(environment.self, environment));
    } catch (error) {
      // A path that cannot be followed selects nothing.
      if (isExpressionError(error)) return [];
      throw error;
    } finally {
      environment.self = self;
    }
  };
}

/** The url that a slice on extensions stands for: fixed, or that of the profile of its type. */
function extensionUrl(slice: ElementNode): string | undefined {
  const url = slice.children.find(({ name }) => name === 'url');
  const fixed =
    url === undefined
      ? undefined
      : (choiceOf(url.definition, 'fixed') ?? choiceOf(url.definition, 'pattern'));
  if (typeof fixed === 'string') return fixed;
  const profile = slice.definition.type?.[0]?.profile?.[0];
  return profile === undefined ? undefined : splitCanonical(profile)[0];
}

/** The definition that a path leads to. */
function locate(slice: ElementNode, steps: readonly string[], compiler: ProfileCompiler): Target | undefined {
  let node: ElementNode = slice;
  let value: JsonValue | undefined;
  let profiles: readonly string[] | undefined;
  for (const step of steps) {
    value =
      value === undefined
        ? (choiceOf(node.definition, 'fixed') ?? choiceOf(node.definition, 'pattern'))
        : value;
    profiles = undefined;
    const call = /^(\w+)\((.*)\)$/s.exec(step);
    if (call === null) {
      value = value === undefined ? undefined : below(value, step);
      const next: ElementNode | undefined = child(node, step, compiler);
      if (next === undefined) return value === undefined ? undefined : { node, value, profiles };
      // What the element itself does not say, a slice of it that must be there does (coding:SBPCode of R4's bp).
      node = next.slices.find(({ definition }) => (definition.min ?? 0) > 0) ?? next;
      continue;
    }
    const [, name, argument = ''] = call;
    value = undefined;
    if (name === 'extension') {
      const url = argument.replace(/^\s*['"]|['"]\s*$/g, '');
      const extensions: ElementNode | undefined = child(node, 'extension', compiler);
      const found: ElementNode | undefined = extensions?.slices.find((one) => extensionUrl(one) === url);
      const whole: ElementNode | undefined = found ?? compiler.validators.tree(url, compiler.origin);
      if (whole === undefined) return undefined;
      node = whole;
    } else if (name === 'resolve') {
      profiles = node.definition.type?.flatMap(({ targetProfile }) => targetProfile ?? []);
      const first: string | undefined = profiles?.[0];
      const tree: ElementNode | undefined =
        first === undefined ? undefined : compiler.validators.tree(first, compiler.origin);
      if (tree === undefined) return undefined;
      node = tree;
    } else if (name === 'ofType' || name === 'as') {
      const type = argument.trim();
      const typed: ElementNode | undefined = node.slices.find((one) =>
        one.definition.type?.some(({ code }) => code === type),
      );
      node = typed ?? node;
    } else return undefined;
  }
  return { node, value, profiles };
}

/** An element below another: in the snapshot, else in the profile of its type, else in the type. */
function child(node: ElementNode, name: string, compiler: ProfileCompiler): ElementNode | undefined {
  const among = (owner: ElementNode | undefined): ElementNode | undefined =>
    owner?.children.find((one) => one.name === name || one.name === `${name}[x]`);
  const own = among(node);
  if (own !== undefined) return own;
  const { contentReference, type } = node.definition;
  if (contentReference !== undefined) {
    const found = findById(compiler.tree, contentReference.slice(contentReference.indexOf('#') + 1));
    if (found !== undefined && found !== node) return among(found);
  }
  for (const { code, profile } of type ?? []) {
    for (const canonical of [...(profile ?? []), `http://hl7.org/fhir/StructureDefinition/${code}`]) {
      const found = among(compiler.validators.tree(canonical, compiler.origin));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** The part of a fixed or pattern value at a name; of a list its first that has it. */
function below(value: JsonValue, name: string): JsonValue | undefined {
  if (Array.isArray(value)) {
    for (const item of value) {
      const found = below(item, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return isObject(value) ? (value as JsonObject)[name] : undefined;
}

function valueTest({ node, value }: Target, compiler: ProfileCompiler): NodeTest | undefined {
  const { definition } = node;
  const fixed = choiceOf(definition, 'fixed');
  if (fixed !== undefined) return ({ v }) => v !== undefined && sameValue(fixed, v);
  const pattern = choiceOf(definition, 'pattern') ?? value;
  if (pattern !== undefined) {
    return ({ v }) =>
      v !== undefined && matchesPattern(Array.isArray(pattern) ? (pattern[0] as JsonValue) : pattern, v);
  }
  const whole = compileWhole(node);
  if (whole !== undefined) return whole;
  const { binding } = definition;
  if (binding?.valueSet !== undefined && binding.strength === 'required') {
    const { valueSet } = binding;
    if (isBoundByR4(definition, valueSet, compiler)) return undefined;
    return ({ v }, run) => isMember(v, valueSet, run, compiler);
  }
  return undefined;
}

/** Whether R4 itself binds the element so, which then tells no slice from another. */
function isBoundByR4(definition: ElementDefinition, valueSet: string, compiler: ProfileCompiler): boolean {
  const path = definition.base?.path ?? definition.path;
  const own = compiler.validators.baseElements(path).get(path)?.binding;
  return (
    own?.strength === 'required' &&
    own.valueSet !== undefined &&
    splitCanonical(own.valueSet)[0] === splitCanonical(valueSet)[0]
  );
}

function isMember(
  value: JsonValue | undefined,
  valueSet: string,
  run: Run,
  compiler: ProfileCompiler,
): boolean {
  const ask = (system?: JsonValue, code?: JsonValue, version?: JsonValue): boolean =>
    typeof code === 'string' &&
    run.validators.terminology.validateCode(
      typeof system === 'string' ? system : undefined,
      code,
      undefined,
      valueSet,
      compiler.origin,
      typeof version === 'string' ? version : undefined,
    ).result === 'yes';
  if (!isObject(value)) return ask(undefined, value);
  const { coding } = value;
  if (!Array.isArray(coding)) return ask(value['system'], value['code'], value['version']);
  return coding.some((one) => isObject(one) && ask(one['system'], one['code'], one['version']));
}

/** The test by all fixed and pattern values at and below an element; undefined if it has none. */
function compileWhole(node: ElementNode): NodeTest | undefined {
  const { definition } = node;
  const fixed = choiceOf(definition, 'fixed');
  const pattern = choiceOf(definition, 'pattern');
  const tests: NodeTest[] = [];
  if (fixed !== undefined) tests.push(({ v }) => v !== undefined && sameValue(fixed, v));
  if (pattern !== undefined) tests.push(({ v }) => v !== undefined && matchesPattern(pattern, v));
  for (const inner of node.children) {
    const test = compileWhole(inner);
    if (test === undefined) continue;
    const name = inner.name.replace('[x]', '');
    tests.push((one, run) => {
      const found: Node[] = [];
      run.environment.navigator.child(one, name, found);
      return found.some((value) => test(value, run));
    });
  }
  // A sliced list: each slice that must be there is.
  for (const inner of node.children) {
    for (const slice of inner.slices) {
      if ((slice.definition.min ?? 0) < 1) continue;
      const test = compileWhole(slice);
      if (test === undefined) continue;
      const name = inner.name.replace('[x]', '');
      tests.push((one, run) => {
        const found: Node[] = [];
        run.environment.navigator.child(one, name, found);
        return found.some((value) => test(value, run));
      });
    }
  }
  if (tests.length === 0) return undefined;
  return (one, run) => tests.every((test) => test(one, run));
}

function typeTest({ node, profiles }: Target, compiler: ProfileCompiler): NodeTest | undefined {
  const types =
    profiles === undefined
      ? (node.definition.type ?? []).flatMap(({ code, profile = [] }) =>
          // Of any resource that follows a profile the profile says the type.
          code === 'Resource' && profile.length > 0
            ? profile.map((one) => typeOfProfile(one, compiler) ?? code)
            : code,
        )
      : profiles.flatMap((profile) => typeOfProfile(profile, compiler) ?? []);
  // The root of a structure has no type: it is its path.
  if (types.length === 0 && !node.definition.path.includes('.')) types.push(node.definition.path);
  if (types.length === 0) return undefined;
  return (one, run) => types.some((type) => run.environment.navigator.hasType(one, type));
}

export function typeOfProfile(
  canonical: string,
  compiler: Pick<ProfileCompiler, 'validators' | 'origin'>,
): string | undefined {
  const { validators, origin } = compiler;
  return isCoreType(canonical, validators.definitions) ?? validators.structure(canonical, origin)?.type;
}

function profileTest({ node, profiles }: Target, compiler: ProfileCompiler): NodeTest | undefined {
  const list = profiles ?? (node.definition.type ?? []).flatMap(({ profile }) => profile ?? []);
  if (list.length === 0) return typeTest({ node, profiles, value: undefined }, compiler);
  return (one, run) =>
    list.some((canonical) => {
      const type = typeOfProfile(canonical, compiler);
      if (type !== undefined && !run.environment.navigator.hasType(one, type)) return false;
      const validator = compiler.validators.profile(canonical, compiler.origin);
      const { v } = one;
      if (validator === undefined || !isObject(v)) return false;
      return !run
        .findings(v, validator.name, () => validator.run(v, run))
        .some(({ severity }) => severity === 'error');
    });
}
