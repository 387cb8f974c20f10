import type { ElementDefinition } from './types.ts';

/** An element of a snapshot with those below it. */
export interface ElementNode {
  readonly definition: ElementDefinition;
  /** Last segment of the path: `name`, `value[x]`; of the root its whole path. */
  readonly name: string;
  readonly children: ElementNode[];
  /** The slices of this element, in their order; of a slice its reslices. */
  readonly slices: ElementNode[];
  readonly parent: ElementNode | undefined;
}

/**
 * The tree of a snapshot (R4 profiling.html#snapshot: depth first; a slice and what is below it comes after the element
 * that it slices and what is below that).
 */
export function buildTree(elements: readonly ElementDefinition[]): ElementNode {
  const [first] = elements;
  if (first === undefined) throw new Error('a snapshot without elements');
  const root: ElementNode = {
    definition: first,
    name: first.path,
    children: [],
    slices: [],
    parent: undefined,
  };
  /** The element that is open at each depth. */
  const open: ElementNode[] = [root];
  for (const definition of elements.slice(1)) {
    const segments = definition.path.split('.');
    const depth = segments.length - 1;
    const parent = open[depth - 1];
    if (depth === 0 || parent === undefined) continue;
    const name = segments[depth] as string;
    const node: ElementNode = { definition, name, children: [], slices: [], parent };
    const { sliceName } = definition;
    const sliced =
      sliceName === undefined ? undefined : parent.children.findLast((child) => child.name === name);
    if (sliced !== undefined && sliceName !== undefined) sliceOwner(sliced, sliceName).slices.push(node);
    else parent.children.push(node);
    open.length = depth;
    open[depth] = node;
  }
  return root;
}

/** A reslice is named `slice/reslice`: it belongs to the slice in front of its last slash. */
function sliceOwner(element: ElementNode, sliceName: string): ElementNode {
  const slash = sliceName.lastIndexOf('/');
  if (slash < 0) return element;
  const outer = sliceName.slice(0, slash);
  const find = (node: ElementNode): ElementNode | undefined => {
    for (const slice of node.slices) {
      if (slice.definition.sliceName === outer) return slice;
      const inner = find(slice);
      if (inner !== undefined) return inner;
    }
    return undefined;
  };
  return find(element) ?? element;
}

/** The element with an id in a tree. */
export function findById(root: ElementNode, id: string): ElementNode | undefined {
  if (root.definition.id === id || (root.definition.id === undefined && root.definition.path === id))
    return root;
  for (const node of [...root.children, ...root.slices]) {
    const found = findById(node, id);
    if (found !== undefined) return found;
  }
  return undefined;
}
