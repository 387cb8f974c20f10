/** Order and closure of a hierarchy that is known by the parents of each code. */
export class Hierarchy {
  /** All codes, parents before children, otherwise as they came. */
  readonly order: readonly string[];
  readonly #places = new Map<string, number>();
  readonly #parents: ReadonlyMap<string, readonly string[]>;

  /** @param entries codes in order, each with its parents; parents that are no codes are left out */
  constructor(entries: readonly (readonly [code: string, parents: readonly string[]])[]) {
    const known = new Set(entries.map(([code]) => code));
    this.#parents = new Map(
      entries.map(([code, parents]) => [code, parents.filter((parent) => known.has(parent))]),
    );
    const children = new Map<string, string[]>();
    for (const [code, parents] of this.#parents) {
      for (const parent of parents) {
        const list = children.get(parent);
        if (list === undefined) children.set(parent, [code]);
        else list.push(code);
      }
    }
    const order: string[] = [];
    const seen = new Set<string>();
    const visit = (start: string): void => {
      const open = [start];
      for (let code = open.pop(); code !== undefined; code = open.pop()) {
        if (seen.has(code)) continue;
        seen.add(code);
        this.#places.set(code, order.length);
        order.push(code);
        const below = children.get(code) ?? [];
        for (let i = below.length - 1; i >= 0; i--) open.push(below[i] as string);
      }
    };
    for (const [code, parents] of this.#parents) if (parents.length === 0) visit(code);
    for (const code of this.#parents.keys()) visit(code);
    this.order = order;
  }

  place(code: string): number {
    return this.#places.get(code) as number;
  }

  /** Places of all codes above one, without itself. */
  ancestors(code: string): number[] {
    const found = new Set<string>();
    const open = [code];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const parent of this.#parents.get(at) ?? []) {
        if (parent === code || found.has(parent)) continue;
        found.add(parent);
        open.push(parent);
      }
    }
    return [...found].map((one) => this.place(one));
  }
}
