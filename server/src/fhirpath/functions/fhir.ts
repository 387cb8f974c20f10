import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { checkXhtml } from '../../validation/xhtml.ts';
import { failure } from '../errors.ts';
import { boolean, EMPTY, FALSE, type Item, type Items, itemOf, type Node, plainValue } from '../values.ts';
import type { Call, FunctionGroup } from './call.ts';

/** R4 fhirpath.html#functions. What is not in the resource itself is asked of the environment's knowledge. */
export const FHIR: FunctionGroup = {
  extension: [1, 1, (call) => extensions(call, 'extension')],
  hasExtension: [1, 1, (call) => boolean(extensions(call, 'extension').length > 0)],
  hasValue: [0, 0, ({ input }) => boolean(input.length === 1 && hasValue(input[0] as Item))],
  getValue: [
    0,
    0,
    ({ input }) => {
      const [item] = input;
      const value = item !== undefined && input.length === 1 && hasValue(item) ? plainValue(item) : undefined;
      return value === undefined ? EMPTY : [value];
    },
  ],
  resolve: [0, 0, (call) => call.input.flatMap((item) => resolve(call, item))],
  htmlChecks: [
    0,
    0,
    (call) => {
      const { item, value } = call;
      if (item === undefined) return EMPTY;
      if (value?.kind !== 'String') return FALSE;
      return boolean(checkXhtml(value.value) === undefined);
    },
  ],
  checkModifiers: [0, Infinity, checkModifiers],
  memberOf: [1, 1, memberOf],
  conformsTo: [1, 1, conformsTo],
  elementDefinition: [0, 0, elementDefinition],
  slice: [2, 2, slice],
  subsumes: [1, 1, (call) => subsumption(call, false)],
  subsumedBy: [1, 1, (call) => subsumption(call, true)],
};

function hasValue(item: Item): boolean {
  if (item.kind !== 'Node') return true;
  return item.value !== undefined && !isObject(item.value) && !Array.isArray(item.value);
}

function extensions(call: Call, name: string): Items {
  const url = call.textParameter(0);
  const found: Item[] = [];
  for (const item of call.input) call.environment.model.child(item, name, found);
  return found.filter((item) => {
    const value = item.kind === 'Node' && isObject(item.value) ? item.value['url'] : undefined;
    return url !== undefined && value === url;
  });
}

/** @throws FhirPathError if an item has a modifier extension that is not among the URLs given, which may stand in braces */
function checkModifiers(call: Call): Items {
  const known = new Set<string>();
  for (let i = 0; i < call.count; i++) {
    for (const url of (call.textParameter(i) ?? '').split(',')) known.add(url.trim().replace(/^\{|\}$/g, ''));
  }
  const found: Item[] = [];
  for (const item of call.input) call.environment.model.child(item, 'modifierExtension', found);
  const others = found.flatMap((item) => {
    const url = item.kind === 'Node' && isObject(item.value) ? item.value['url'] : undefined;
    return typeof url === 'string' && known.has(url) ? [] : [String(url)];
  });
  if (others.length > 0) throw failure(`there are modifier extensions: ${others.join(', ')}`);
  return call.input;
}

/** What a Reference, or a text that is one, points to: contained, in the same Bundle, or known outside; else nothing. */
function resolve(call: Call, item: Item): Items {
  const value = plainValue(item);
  const data = item.kind === 'Node' && isObject(item.value) ? item.value['reference'] : undefined;
  const reference = value?.kind === 'String' ? value.value : data;
  if (typeof reference !== 'string' || reference === '') return resolvedOutside(call, item, undefined);
  const [root] = call.environment.rootResource;
  const { model } = call.environment;
  if (reference.startsWith('#')) {
    const id = reference.slice(1);
    for (let node = item.kind === 'Node' ? item : undefined; node !== undefined; node = node.parent) {
      const found = containedIn(node, id, call);
      if (found !== undefined) return [found];
    }
    const found = root?.kind === 'Node' ? containedIn(root, id, call) : undefined;
    return found === undefined ? resolvedOutside(call, item, reference) : [found];
  }
  for (const bundle of bundlesAround(item, root)) {
    const found: Item[] = [];
    for (const entry of entries(bundle, reference, call)) model.child(entry, 'resource', found);
    if (found.length > 0) return found.slice(0, 1);
  }
  return resolvedOutside(call, item, reference);
}

function resolvedOutside({ environment: { knowledge } }: Call, item: Item, text: string | undefined): Items {
  const found = knowledge.resolve?.(text, item);
  return found === undefined ? EMPTY : [found];
}

/** R4 references.html#contained: the contained resource of an id; for no id the resource around. */
function containedIn(node: Node, id: string, { environment: { model } }: Call): Node | undefined {
  if (!isObject(node.value) || !model.isResource(node.type) || node.value['contained'] === undefined)
    return undefined;
  if (id === '') return node;
  const contained: Item[] = [];
  model.child(node, 'contained', contained);
  return contained.find(
    (one): one is Node => one.kind === 'Node' && isObject(one.value) && one.value['id'] === id,
  );
}

function* bundlesAround(item: Item, root: Item | undefined): Generator<Node> {
  for (let node = item.kind === 'Node' ? item : undefined; node !== undefined; node = node.parent) {
    if (node.type === 'Bundle') yield node;
  }
  if (root?.kind === 'Node' && root.type === 'Bundle') yield root;
}

/** R4 bundle.html#references: the entries whose fullUrl is, or ends in, the reference. */
function entries(bundle: Node, reference: string, { environment: { model } }: Call): Item[] {
  const target = reference.replace(/\/_history\/[^/]+$/, '');
  const found: Item[] = [];
  model.child(bundle, 'entry', found);
  return found.filter((entry) => {
    const fullUrl = entry.kind === 'Node' && isObject(entry.value) ? entry.value['fullUrl'] : undefined;
    return typeof fullUrl === 'string' && (fullUrl === target || fullUrl.endsWith(`/${target}`));
  });
}

function memberOf(call: Call): Items {
  const { item } = call;
  const url = call.textParameter(0);
  if (item === undefined || url === undefined) return EMPTY;
  const value = item.kind === 'Node' ? item : item.kind === 'String' ? item.value : undefined;
  if (value === undefined) throw call.wrongInput();
  const result = call.environment.knowledge.memberOf?.(value, url);
  if (result === undefined) throw failure(`memberOf() cannot tell what is in the value set "${url}"`);
  return boolean(result);
}

function conformsTo(call: Call): Items {
  const { item } = call;
  const url = call.textParameter(0);
  if (item === undefined || url === undefined) return EMPTY;
  if (item.kind !== 'Node') throw call.wrongInput();
  const result = call.environment.knowledge.conformsTo?.(item, url);
  if (result === undefined) throw failure(`conformsTo() does not know the profile "${url}"`);
  return boolean(result);
}

/** The definitions of elements; those that have none here are left out. */
function elementDefinition(call: Call): Items {
  const { knowledge, model } = call.environment;
  if (knowledge.elementDefinition === undefined)
    throw failure('elementDefinition() knows no definitions here');
  return call.input.flatMap((item) => {
    const found = item.kind === 'Node' ? knowledge.elementDefinition?.(item) : undefined;
    return found === undefined ? EMPTY : itemOf(found, 'ElementDefinition', model);
  });
}

/** @throws FhirPathError for a structure or slice that is not known */
function slice(call: Call): Items {
  const structure = call.textParameter(0);
  const name = call.textParameter(1);
  if (structure === undefined || name === undefined) return EMPTY;
  return call.input.filter((item) => {
    if (item.kind !== 'Node') return false;
    const result = call.environment.knowledge.isInSlice?.(item, structure, name);
    if (result === undefined) throw failure(`slice() does not know the slice "${name}" of "${structure}"`);
    return result;
  });
}

interface Coded {
  readonly system: string | undefined;
  readonly code: string;
}

/** The codes of a Coding, CodeableConcept or code. */
function codesOf(item: Item): Coded[] | undefined {
  const value = plainValue(item);
  if (value?.kind === 'String') return [{ system: undefined, code: value.value }];
  if (item.kind !== 'Node' || !isObject(item.value)) return undefined;
  const codings: JsonValue = item.type === 'CodeableConcept' ? (item.value['coding'] ?? []) : [item.value];
  if (item.type !== 'CodeableConcept' && item.type !== 'Coding') return undefined;
  return (Array.isArray(codings) ? codings : []).filter(isObject).flatMap(coded);
}

function coded({ system, code }: JsonObject): Coded[] {
  return typeof code === 'string' ? [{ system: typeof system === 'string' ? system : undefined, code }] : [];
}

/** Whether any code of the one subsumes any of the other; a code is of the system of what it is compared with. */
function subsumption(call: Call, reversed: boolean): Items {
  const { item } = call;
  const [parameter, ...more] = call.argument(0);
  if (item === undefined || parameter === undefined) return EMPTY;
  if (more.length > 0) throw failure(`${call.name}() takes a single parameter item, not ${more.length + 1}`);
  const [left, right] = [codesOf(item), codesOf(parameter)];
  if (left === undefined) throw call.wrongInput();
  if (right === undefined) throw call.wrongParameter(0, 'a code, Coding or CodeableConcept', parameter);
  const [above, below] = reversed ? [right, left] : [left, right];
  let known = false;
  for (const one of above) {
    for (const other of below) {
      const system = one.system ?? other.system;
      if (system === undefined || (other.system ?? system) !== system) continue;
      const result = call.environment.knowledge.subsumes?.(system, one.code, other.code);
      if (result === true) return boolean(true);
      known ||= result === false;
    }
  }
  if (
    !known &&
    above.length > 0 &&
    below.length > 0 &&
    above.some(({ system }) => below.some((other) => system === other.system))
  ) {
    throw failure(`${call.name}() does not know the code system`);
  }
  return FALSE;
}
