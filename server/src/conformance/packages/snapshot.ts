import { copyOf } from '../../json/copy.ts';
import type { Resource } from '../../json/types.ts';
import type { CanonicalResolver } from './package-set.ts';
import { type MutableElement, mergeElement } from './snapshot-merge.ts';
import { cloneNode, emit, ownerOf, parseTree, type SnapshotNode } from './snapshot-tree.ts';

/** A snapshot that cannot be made; the message says of what and why. */
export class SnapshotError extends Error {}

const CORE = 'http://hl7.org/fhir/StructureDefinition/';
const EXTENSION_SLICING = { discriminator: [{ type: 'value', path: 'url' }], ordered: false, rules: 'open' };

/**
 * A StructureDefinition with a snapshot made of its base's snapshot and its differential (R4 profiling.html#snapshot):
 * slices and reslices, choice types by their shortcut (`valueQuantity`), content references, elements of data types and
 * of their profiles where the differential goes below them.
 *
 * @param resolver finds the base, the data types and their profiles; bases without a snapshot get one first
 * @returns a new resource; the one given is not changed
 * @throws SnapshotError if a definition is missing, refers to itself, or the differential names what is not there
 */
export function withSnapshot(structure: Resource, resolver: CanonicalResolver): Resource {
  return new SnapshotMaker(resolver, [], new Map()).complete(structure);
}

interface Step {
  readonly name: string;
  readonly slice: string | undefined;
}

class SnapshotMaker {
  readonly #resolver: CanonicalResolver;
  readonly #path: readonly string[];
  /** Snapshots made on the way, so that a base that is used often is made once. */
  readonly #made: Map<Resource, Resource>;

  constructor(resolver: CanonicalResolver, path: readonly string[], made: Map<Resource, Resource>) {
    this.#resolver = resolver;
    this.#path = path;
    this.#made = made;
  }

  complete(structure: Resource): Resource {
    const known = this.#made.get(structure);
    if (known !== undefined) return known;
    const url = String(structure['url']);
    if (this.#path.includes(url)) {
      throw new SnapshotError(`The profile ${url} is based on itself: ${[...this.#path, url].join(' -> ')}`);
    }
    if (this.#path.length > 40) throw new SnapshotError(`The profile ${url} has too many bases`);
    const inner = new SnapshotMaker(this.#resolver, [...this.#path, url], this.#made);
    const element = inner.#make(structure, url);
    const complete = { ...structure, snapshot: { element } } as unknown as Resource;
    this.#made.set(structure, complete);
    return complete;
  }

  #make(structure: Resource, url: string): MutableElement[] {
    const baseUrl = structure['baseDefinition'];
    if (typeof baseUrl !== 'string') throw new SnapshotError(`The profile ${url} has no baseDefinition`);
    const root = this.#tree(baseUrl, structure, url);
    const differential = (structure['differential'] as { element?: unknown } | undefined)?.element;
    if (!Array.isArray(differential)) throw new SnapshotError(`The profile ${url} has no differential`);
    const type = String(structure['type']);
    if (root.definition.path !== type) rename(root, type);
    const elements = differential as readonly MutableElement[];
    let open: Step[] = [];
    const told = idsNameSlices(elements);
    for (const element of elements) {
      open = stepsOf(element, open, url, told);
      const node = this.#locate(root, open, element, structure, url);
      mergeElement(node.definition, element, url);
      const sliceName = open.at(-1)?.slice;
      if (sliceName !== undefined) node.definition.sliceName = sliceName;
    }
    return emit(root);
  }

  /** The snapshot of a structure as a tree of its own. */
  #tree(canonical: string, origin: object, url: string): SnapshotNode {
    const base = this.#resolver.resolve('StructureDefinition', canonical, origin);
    if (base === undefined)
      throw new SnapshotError(`The profile ${url} needs ${canonical}, which is not known here`);
    const has = (base['snapshot'] as { element?: unknown } | undefined)?.element;
    const complete = Array.isArray(has) && has.length > 0 ? base : this.complete(base);
    return parseTree((complete['snapshot'] as unknown as { element: MutableElement[] }).element);
  }

  #locate(
    root: SnapshotNode,
    steps: readonly Step[],
    element: MutableElement,
    origin: object,
    url: string,
  ): SnapshotNode {
    let node = root;
    for (const [i, { name, slice }] of steps.entries()) {
      const at = (): string =>
        steps
          .slice(0, i + 1)
          .map((step) => step.name)
          .join('.');
      if (node.children.length === 0) this.#unfold(root, node, origin, url);
      const next: SnapshotNode | undefined = node.children.find((child) => child.name === name);
      if (next === undefined) {
        const choice = choiceFor(node, name);
        if (choice === undefined)
          throw new SnapshotError(
            `The profile ${url} constrains ${root.name}.${at()}, which its base does not have`,
          );
        remember(choice);
        const type = typeOfShortcut(choice, name);
        const isLast = i === steps.length - 1;
        const known = choice.slices.some(({ definition }) => definition.sliceName === name);
        if (
          !known &&
          steps.slice(0, i).some((step) => step.slice !== undefined) &&
          node.isUnfolded !== true
        ) {
          // Inside a slice the element itself is narrowed to the type.
          if (type !== undefined) choice.definition.type = [type];
          node = choice;
          continue;
        }
        // A value that must be there leaves no place for one of another type.
        const isOnly = isLast && (element.min ?? 0) > 0;
        choice.definition.slicing ??= {
          discriminator: [{ type: 'type', path: '$this' }],
          ordered: false,
          rules: isOnly ? 'closed' : 'open',
        };
        const made = sliceOf(choice, slice ?? name);
        if (made.isNew && type !== undefined) made.node.definition.type = [type];
        if (made.isNew && isOnly && type !== undefined) {
          choice.definition.type = [copyOf(type)];
          choice.definition.min = element.min as number;
        }
        node = made.node;
        continue;
      }
      remember(next);
      const sliceName = slice;
      if (sliceName !== undefined) {
        if (next.definition.slicing === undefined && (name === 'extension' || name === 'modifierExtension')) {
          next.definition.slicing = copyOf(EXTENSION_SLICING);
        }
        const made = sliceOf(next, sliceName);
        node = made.node;
        if (made.isNew && name.endsWith('[x]')) {
          const type = typeOfShortcut(next, sliceName);
          if (type !== undefined) node.definition.type = [type];
          next.definition.slicing ??= {
            discriminator: [{ type: 'type', path: '$this' }],
            ordered: false,
            rules: 'open',
          };
        }
      } else node = next;
    }
    return node;
  }

  /** Gives an element the children of its type, of its type's profile, or of the element that it refers to. */
  #unfold(root: SnapshotNode, node: SnapshotNode, origin: object, url: string): void {
    const { contentReference, type } = node.definition;
    if (contentReference !== undefined) {
      const target = findByPath(root, contentReference.slice(contentReference.indexOf('#') + 1));
      if (target === undefined)
        throw new SnapshotError(`The profile ${url}: ${contentReference} leads nowhere`);
      node.children.push(...target.children.map(cloneNode));
      delete node.definition.contentReference;
      node.definition.type ??= copyOf(target.definition.type ?? []);
      return;
    }
    const codes = new Set((type ?? []).map(({ code }) => code));
    const [first] = type ?? [];
    if (first === undefined) return;
    // Of several types only what all elements have.
    const profile = codes.size === 1 && first.profile?.length === 1 ? first.profile[0] : undefined;
    const code = codes.size === 1 ? (first.code.startsWith('http:') ? 'Element' : first.code) : 'Element';
    const source = this.#typeTree(profile, code, origin, url);
    node.children.push(...source.children.map(cloneNode));
    node.isUnfolded = true;
  }

  #typeTree(profile: string | undefined, code: string, origin: object, url: string): SnapshotNode {
    if (profile !== undefined) {
      const known = this.#resolver.resolve('StructureDefinition', profile, origin);
      // A profile that constrains an element with itself is unfolded by its type.
      if (known !== undefined && !this.#path.includes(String(known['url'])))
        return this.#tree(profile, origin, url);
    }
    return this.#tree(CORE + code, origin, url);
  }
}

/**
 * Whether the ids of a differential say which slice an element is of (R4 elementdefinition.html#id). Some are no more than
 * the path: then the order of the elements says it.
 */
function idsNameSlices(elements: readonly MutableElement[]): boolean {
  return elements.every(({ id, path, sliceName }) => {
    if (sliceName === undefined || typeof id !== 'string' || typeof path !== 'string') return true;
    const [step, name] = [id.split('.').at(-1), path.split('.').at(-1)];
    return step !== name || name === sliceName;
  });
}

/** The steps to an element: from its id if that tells its slices, or from its path and the elements before it. */
function stepsOf(element: MutableElement, open: readonly Step[], url: string, told: boolean): Step[] {
  const { path, sliceName } = element;
  const id = told ? element.id : undefined;
  if (typeof path !== 'string') throw new SnapshotError(`The profile ${url} has an element without a path`);
  const names = path.split('.').slice(1);
  if (id?.includes('.') || (id !== undefined && names.length === 0)) {
    const steps = id
      .split('.')
      .slice(1)
      .map((part): Step => {
        const colon = part.indexOf(':');
        return colon < 0
          ? { name: part, slice: undefined }
          : { name: part.slice(0, colon), slice: part.slice(colon + 1) };
      });
    if (steps.length === names.length) {
      return steps.map((step, i) => ({ name: names[i] as string, slice: step.slice }));
    }
  }
  const isSame = (depth: number): boolean => names.slice(0, depth).every((name, i) => open[i]?.name === name);
  return names.map((name, i) => {
    const isLast = i === names.length - 1;
    if (isLast) return { name, slice: sliceName };
    return { name, slice: isSame(i + 1) ? open[i]?.slice : undefined };
  });
}

/**
 * The slice of an element by name, made after the element if it is not there; a reslice is made after its slice. A name with
 * a slash whose first part is no slice is a name like any other.
 */
function sliceOf(element: SnapshotNode, name: string): { node: SnapshotNode; isNew: boolean } {
  const owner = ownerOf(element, name);
  const known = owner.slices.find(({ definition }) => definition.sliceName === name);
  if (known !== undefined) return { node: known, isNew: false };
  remember(owner);
  const node = cloneNode(owner.pristine as SnapshotNode);
  delete node.definition.slicing;
  node.definition.sliceName = name;
  // A slice need not be there because its element must.
  node.definition.min = 0;
  owner.slices.push(node);
  return { node, isNew: true };
}

/** Keeps an element as it is before it is changed. */
function remember(node: SnapshotNode): void {
  node.pristine ??= cloneNode({
    definition: node.definition,
    name: node.name,
    children: node.children,
    slices: [],
  });
}

function choiceFor(node: SnapshotNode, name: string): SnapshotNode | undefined {
  return node.children.find(
    (child) =>
      child.name.endsWith('[x]') &&
      name.startsWith(child.name.slice(0, -3)) &&
      typeOfShortcut(child, name) !== undefined,
  );
}

/** The type of a choice that a shortcut such as `valueQuantity` stands for. */
function typeOfShortcut(
  choice: SnapshotNode,
  name: string,
): NonNullable<MutableElement['type']>[number] | undefined {
  const stem = choice.name.slice(0, -3);
  const type = choice.definition.type?.find(
    ({ code }) => stem + code.charAt(0).toUpperCase() + code.slice(1) === name,
  );
  return type === undefined ? undefined : copyOf(type);
}

function findByPath(root: SnapshotNode, path: string): SnapshotNode | undefined {
  let node: SnapshotNode | undefined = root;
  for (const name of path.split('.').slice(1))
    node = node?.children.find((child) => child.name === name.split(':')[0]);
  return node;
}

/** Gives a tree another root: of a type that specialises its base. */
function rename(root: SnapshotNode, name: string): void {
  root.name = name;
  root.definition.path = name;
}
