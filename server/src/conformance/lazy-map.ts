/** A read-only map of known names whose values are made when first asked for, and kept. Iterates in the order of the names. */
export class LazyMap<V> implements ReadonlyMap<string, V> {
  readonly #names: readonly string[];
  readonly #known: ReadonlySet<string>;
  readonly #made = new Map<string, V>();
  readonly #make: (name: string) => V;

  constructor(names: readonly string[], make: (name: string) => V) {
    this.#names = names;
    this.#known = new Set(names);
    this.#make = make;
  }

  get size(): number {
    return this.#names.length;
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  get(name: string): V | undefined {
    const made = this.#made.get(name);
    if (made !== undefined || !this.#known.has(name)) return made;
    const value = this.#make(name);
    this.#made.set(name, value);
    return value;
  }

  keys(): MapIterator<string> {
    return this.#known.keys() as MapIterator<string>;
  }

  *values(): MapIterator<V> {
    for (const name of this.#names) yield this.get(name) as V;
  }

  *entries(): MapIterator<[string, V]> {
    for (const name of this.#names) yield [name, this.get(name) as V];
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, name: string, map: ReadonlyMap<string, V>) => void): void {
    for (const name of this.#names) visit(this.get(name) as V, name, this);
  }
}
