import { copyOf } from '../../json/copy.ts';
import type { MutableElement } from './snapshot-merge.ts';

/** An element of a snapshot that is being made. Paths and ids are set when it is written out. */
export interface SnapshotNode {
  definition: MutableElement;
  name: string;
  readonly children: SnapshotNode[];
  readonly slices: SnapshotNode[];
  /** As the base has it, before the differential changes it or what is below: slices begin from this. */
  pristine?: SnapshotNode;
  /** Its children were taken from its type. */
  isUnfolded?: boolean;
}

/** The tree of a snapshot, its elements copied. */
export function parseTree(elements: readonly MutableElement[]): SnapshotNode {
  const [first] = elements;
  if (first === undefined) throw new Error('a snapshot without elements');
  const root: SnapshotNode = {
    definition: copyOf(first),
    name: first.path,
    children: [],
    slices: [],
  };
  const open: SnapshotNode[] = [root];
  for (const element of elements.slice(1)) {
    const segments = element.path.split('.');
    const depth = segments.length - 1;
    const parent = open[depth - 1];
    if (depth === 0 || parent === undefined) continue;
    const name = segments[depth] as string;
    const node: SnapshotNode = { definition: copyOf(element), name, children: [], slices: [] };
    const sliced =
      element.sliceName === undefined ? undefined : parent.children.findLast((child) => child.name === name);
    if (sliced === undefined) parent.children.push(node);
    else ownerOf(sliced, element.sliceName as string).slices.push(node);
    open.length = depth;
    open[depth] = node;
  }
  return root;
}

/** What a slice by this name belongs to: of a reslice (`slice/reslice`) the slice in front of the last slash, if there is one, else the element. */
export function ownerOf(element: SnapshotNode, name: string): SnapshotNode {
  const slash = name.lastIndexOf('/');
  if (slash < 0) return element;
  const outer = name.slice(0, slash);
  const find = (node: SnapshotNode): SnapshotNode | undefined => {
    for (const slice of node.slices) {
      if (slice.definition.sliceName === outer) return slice;
      const found = find(slice);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return find(element) ?? element;
}

export function cloneNode(node: SnapshotNode): SnapshotNode {
  return {
    definition: copyOf(node.definition),
    name: node.name,
    children: node.children.map(cloneNode),
    slices: node.slices.map(cloneNode),
  };
}

/** The elements in their order, with paths and ids (R4 elementdefinition.html#id). */
export function emit(root: SnapshotNode): MutableElement[] {
  const elements: MutableElement[] = [];
  const visit = (node: SnapshotNode, path: string, id: string): void => {
    const { id: _id, path: _path, ...rest } = node.definition;
    elements.push({ id, path, ...rest });
    for (const child of node.children) {
      visit(child, `${path}.${child.name}`, `${id}.${child.name}`);
      visitSlices(child, `${path}.${child.name}`, `${id}.${child.name}`);
    }
  };
  const visitSlices = (node: SnapshotNode, path: string, id: string): void => {
    for (const slice of node.slices) {
      visit(slice, path, `${id}:${slice.definition.sliceName}`);
      visitSlices(slice, path, id);
    }
  };
  visit(root, root.name, root.name);
  return elements;
}
