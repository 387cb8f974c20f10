import { isExpressionError } from '../../fhirpath/errors.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { compileExpression, type Evaluate, truth } from '../fhirpath/compile.ts';
import { type Node, type Nodes, objectNode } from '../fhirpath/nodes.ts';
import { keptByUrl } from './kept-by-url.ts';
import type { Run } from './run.ts';
import { buildTree } from './tree.ts';
import { choiceOf, type StructureDefinition, snapshotOf } from './types.ts';
import { profileKey, profileName, type Validators } from './validators.ts';

/** What is known of an extension's definition. */
interface KnownExtension {
  readonly structure: { readonly url: string; readonly name: string };
  readonly isModifier: boolean;
  /** The urls of the extensions that it may hold; undefined if it does not say. */
  readonly inner: ReadonlySet<string> | undefined;
  readonly contexts: readonly { readonly type: string; readonly expression: string }[];
  readonly contextInvariants: readonly string[];
  readonly canonical: string;
}

const CORE = 'http://hl7.org/fhir/StructureDefinition/';

/** Definitions that R4 names in several ways: extensions that any element of any version may have. */
const EXAMPLE_DOMAINS = /^https?:\/\/(?:[\w.-]+\.)?(?:example\.(?:org|com)|acme\.com)(?:[/:]|$)/;

/**
 * An extension against its definition (R4 extensibility.html, defining-extensions.html): known, of the right kind
 * (modifier or not), where it may be, and as its definition says.
 */
export function checkExtension(extension: JsonObject, isModifier: boolean, run: Run): void {
  const { url } = extension;
  if (typeof url !== 'string') return;
  if (!/^[a-z][a-z0-9+.-]*:/i.test(url)) {
    checkInner(url, run);
    return;
  }
  const { validators } = run;
  const definition = lookUp(url, validators);
  if (definition === undefined) {
    reportUnknown(url, isModifier, run);
    return;
  }
  const source = { profile: definition.structure.name, element: 'Extension' };
  if (definition.isModifier !== isModifier) {
    run.report(
      'error',
      'extension',
      isModifier
        ? `The extension ${url} is no modifier extension: it must be in "extension"`
        : `The extension ${url} is a modifier extension: it must be in "modifierExtension"`,
      source,
    );
  }
  checkContext(definition, url, run, source);
  if (definition.contextInvariants.length > 0) checkContextInvariants(definition, run, source);
  validators.profile(definition.canonical)?.run(extension, run);
}

function reportUnknown(url: string, isModifier: boolean, run: Run): void {
  if (isModifier) {
    run.report(
      'error',
      'extension',
      `The modifier extension ${url} is not known: what it changes cannot be understood (isModifier)`,
    );
    return;
  }
  const severity = run.options.unknownExtensions ?? 'information';
  // Examples may use what nobody defines.
  run.report(
    severity === 'error' && EXAMPLE_DOMAINS.test(url) ? 'information' : severity,
    'extension',
    `The extension ${url} is not known here: it was not checked`,
  );
}

/** An extension with a relative url belongs to the extension that it is in. */
function checkInner(url: string, run: Run): void {
  // The stack ends with this extension; the one around it is in the resource that the path leads through.
  const outer = outerExtension(run);
  if (outer === undefined) {
    run.report(
      'error',
      'extension',
      `The url of an extension must be absolute, ${JSON.stringify(url)} is not`,
      undefined,
      'url',
    );
    return;
  }
  if (outer === '') return;
  const definition = lookUp(outer, run.validators);
  if (definition?.inner === undefined || definition.inner.has(url)) return;
  run.report('error', 'extension', `The extension ${outer} has no part ${JSON.stringify(url)}`, {
    profile: definition.structure.name,
    element: 'Extension.extension',
  });
}

/**
 * The url of the extension that holds the present one: '' if it has a relative url itself, undefined if the present one
 * is in no extension.
 */
function outerExtension(run: Run): string | undefined {
  const parent = run.depth - 2;
  if (parent < 1 || run.types[parent] !== 'Extension') return undefined;
  const { v } = nodeAt(run, parent);
  const url = isObject(v) ? v['url'] : undefined;
  return typeof url !== 'string' ? undefined : /^[a-z][a-z0-9+.-]*:/i.test(url) ? url : '';
}

/** The value at a depth of the run's path, inside the innermost resource that the path leads through. */
function nodeAt(run: Run, depth: number): Node {
  let start = depth;
  while (start > 0 && !isResourceType(run, start)) start--;
  let v: JsonValue | undefined = run.environment.resource.v;
  let s: JsonObject | undefined;
  for (let i = start + 1; i <= depth; i++) {
    const name = run.names[i] as string;
    const index = run.indices[i] as number;
    // Extensions of a primitive are in its other property.
    const holder: JsonObject | undefined = isObject(v) ? v : s;
    const at = (value: JsonValue | undefined): JsonValue | undefined =>
      index >= 0 && Array.isArray(value) ? value[index] : value;
    v = at(holder?.[name]) ?? undefined;
    const sibling: JsonValue | undefined = at(holder?.[`_${name.replace(/^_/, '')}`]);
    s = isObject(v) || !isObject(sibling) ? undefined : sibling;
  }
  return { v, s, t: run.types[depth] as string };
}

function isResourceType(run: Run, depth: number): boolean {
  return run.validators.definitions.types.get(run.types[depth] as string)?.kind === 'resource';
}

const lookUp = keptByUrl(extensionOf);

function extensionOf(url: string, validators: Validators): KnownExtension | undefined {
  const structure = validators.structure(url);
  return structure?.type === 'Extension' ? describe(structure) : undefined;
}

function describe(structure: StructureDefinition): KnownExtension {
  const elements = snapshotOf(structure) ?? [];
  const tree = buildTree(elements);
  const extensions = tree.children.find(({ name }) => name === 'extension');
  const inner = extensions?.slices.flatMap((slice) => {
    const url = slice.children.find(({ name }) => name === 'url');
    const fixed = url === undefined ? undefined : choiceOf(url.definition, 'fixed');
    return typeof fixed === 'string' ? [fixed] : [];
  });
  const contexts = Array.isArray(structure['context']) ? structure['context'] : [];
  const invariants = structure['contextInvariant'];
  return {
    structure: { url: structure.url, name: profileName(structure) },
    isModifier: elements[0]?.isModifier === true,
    inner:
      extensions === undefined || (inner?.length ?? 0) === 0
        ? extensions?.definition.max === '0'
          ? new Set()
          : undefined
        : new Set(inner),
    contexts: contexts as unknown as KnownExtension['contexts'],
    contextInvariants: Array.isArray(invariants) ? (invariants as string[]) : [],
    canonical: profileKey(structure).replace(/\|$/, ''),
  };
}

/** R4 defining-extensions.html#context. */
function checkContext(
  definition: KnownExtension,
  url: string,
  run: Run,
  source: { profile: string; element: string },
): void {
  const { contexts } = definition;
  if (contexts.length === 0 || WIDENED.test(url)) return;
  for (const { type, expression } of contexts) {
    if (typeof expression !== 'string') return;
    if (type === 'extension') {
      const outer = outerExtension(run);
      if (outer === undefined ? false : outer === '' || outer === expression) return;
    } else if (type === 'fhirpath') {
      if (isSelected(expression, run)) return;
    } else if (isOnElement(expression, run)) return;
  }
  const allowed = contexts.map(({ type, expression }) =>
    type === 'element' ? expression : `${type}: ${expression}`,
  );
  run.report(
    'error',
    'extension',
    `The extension ${url} is not allowed here; it may be on ${allowed.slice(0, 10).join(', ')}${allowed.length > 10 ? '...' : ''}`,
    source,
  );
}

/**
 * Extensions of conformance resources that R4 published with contexts too narrow for its own use of them, and that later
 * publications of the same URLs widened.
 */
const WIDENED =
  /^http:\/\/hl7\.org\/fhir\/StructureDefinition\/(?:structuredefinition-|capabilitystatement-|elementdefinition-|operationdefinition-|resource-|regex$|valueset-concept-|codesystem-|data-absent-reason$|ordinalValue$|iso21090-)/;

const paths = new Map<string, Evaluate | null>();
const KEPT_PATHS = 2000;

/** A compiled expression; null for what cannot be compiled. */
function compiledPath(expression: string): Evaluate | null {
  let evaluate = paths.get(expression);
  if (evaluate === undefined) {
    try {
      evaluate = compileExpression(expression);
    } catch {
      evaluate = null;
    }
    if (paths.size >= KEPT_PATHS) paths.clear();
    paths.set(expression, evaluate);
  }
  return evaluate;
}

/** A FHIRPath context: whether the element that has the extension is among those that it selects in the resource. */
function isSelected(expression: string, run: Run): boolean {
  const evaluate = compiledPath(expression);
  if (evaluate === null) return true;
  const root = objectNode(run.environment.resource.v as JsonObject, 'Resource');
  const holder = nodeAt(run, run.depth - 2);
  let selected: Nodes;
  try {
    selected = run.evaluate(() => evaluate([root], run.environment));
  } catch (error) {
    if (isExpressionError(error)) return true;
    throw error;
  }
  return selected.some(
    ({ v, s }) => v === true || (isObject(v) && v === holder.v) || (s !== undefined && s === holder.s),
  );
}

/** R4 StructureDefinition.contextInvariant: FHIRPath that holds on the element that has the extension. */
function checkContextInvariants(
  definition: KnownExtension,
  run: Run,
  source: { profile: string; element: string },
): void {
  for (const expression of definition.contextInvariants) {
    const evaluate = compiledPath(expression);
    if (evaluate === null) continue;
    const { environment } = run;
    const { context, self } = environment;
    environment.context = nodeAt(run, run.depth - 2);
    environment.self = [environment.context];
    let holds: boolean | undefined;
    try {
      holds = truth(run.evaluate(() => evaluate(environment.self, environment)));
    } catch (error) {
      if (!isExpressionError(error)) throw error;
      holds = true;
    } finally {
      environment.context = context;
      environment.self = self;
    }
    if (holds === true) continue;
    run.report(
      'error',
      'invariant',
      `The extension is not allowed here: its context invariant ${expression} does not hold`,
      source,
    );
  }
}

/** Whether the element that has the extension is one of those that a context of type `element` names. */
function isOnElement(expression: string, run: Run): boolean {
  // The stack: ..., element, extension.
  const element = run.depth - 2;
  if (element < 0) return false;
  const [name = '', ...rest] = expression.split('.');
  const hash = name.indexOf('#');
  const bare = hash < 0 ? name.replace(CORE, '') : name.slice(hash + 1).split('.')[0]!;
  const { navigator } = run.validators;
  if (rest.length === 0) {
    const type = run.types[element] as string;
    if (bare === 'Element') return true;
    return typesOf(type, run).includes(bare);
  }
  // A backbone's type is its path, also where a content reference repeats it (Questionnaire.item.item).
  if (run.types[element] === expression) return true;
  const holder = run.types[element - 1];
  if (holder?.includes('.')) {
    const own = navigator.definitions.types.get(holder)?.elements.get(run.names[element] as string);
    if (`${holder}.${own?.choice ?? own?.name}` === expression.replace('[x]', '')) return true;
  }
  // `Patient.contact.name`: the element itself, in a value of the type that the path begins with.
  const start = element - rest.length;
  if (start < 0) return false;
  for (let i = 0; i < rest.length; i++) {
    const wanted = (rest[i] as string).replace('[x]', '');
    const actual = run.names[start + 1 + i] as string;
    const definition = navigator.members(run.types[start + i] as string)?.get(wanted);
    if (actual !== wanted && definition?.some((one) => one.name === actual) !== true) return false;
  }
  return typesOf(run.types[start] as string, run).includes(bare);
}

function typesOf(type: string, run: Run): readonly string[] {
  const chain = run.validators.navigator.chain(type);
  if (!type.includes('.')) return chain;
  // A backbone element is a BackboneElement or Element.
  return [...chain, 'BackboneElement', 'Element'];
}
