import { type CacheOptions, openCache } from './cache.ts';
import type { PackedCodeSystem, PackedInclude, PackedValueSet } from './compile-terminology.ts';
import type { PackedSection } from './packed.ts';

/** A code of an expansion. */
export interface ExpandedCode {
  readonly system: string;
  readonly code: string;
  readonly display?: string;
  /** Not to be chosen: only there to group others. */
  readonly abstract?: true;
}

/** The code systems and value sets that are built in: those of R4 itself, of HL7 v2 and of v3. */
export interface Terminology {
  /**
   * All codes of a value set (R4 valueset.html#compose), by canonical URL (a version is ignored). Undefined if the value
   * set is not here or cannot be listed: it draws on a code system that is not here, not complete, or not enumerable,
   * or uses a filter that needs a terminology server.
   */
  expandCodes(valueSetUrl: string): readonly ExpandedCode[] | undefined;
  /** The concept's display; null if it has none; undefined if the system is not here or has no such code. */
  display(system: string, code: string): string | null | undefined;
  /** Whether the code system is here with all its codes. */
  isComplete(system: string): boolean;
  /** All codes below a code, without itself (R4 codesystem.html#hierarchy); empty for an unknown system or code. */
  descendants(system: string, code: string): string[];
  /** All codes above a code, without itself. */
  ancestors(system: string, code: string): string[];
}

const loaded = new Map<string, Terminology>();

/** The built-in terminology; the same object for every call with the same directory. Opens its cache file on the first question. */
export function loadTerminology(options: CacheOptions = {}): Terminology {
  const key = options.cacheDir ?? '';
  let terminology = loaded.get(key);
  if (terminology === undefined) {
    terminology = new PackedTerminology(options);
    loaded.set(key, terminology);
  }
  return terminology;
}

/** A code system with an index of its codes and children. */
class CodeSystem {
  readonly packed: PackedCodeSystem;
  readonly url: string;
  readonly #index: ReadonlyMap<string, number>;
  readonly #abstract: ReadonlySet<number>;
  #children: Map<number, number[]> | undefined;

  constructor(url: string, packed: PackedCodeSystem) {
    this.url = url;
    this.packed = packed;
    this.#index = new Map(packed.codes.map((code, place) => [code, place]));
    this.#abstract = new Set(packed.abstract);
  }

  place(code: string): number | undefined {
    return this.#index.get(code);
  }

  at(place: number): ExpandedCode {
    const display = this.packed.displays[place];
    return {
      system: this.url,
      code: this.packed.codes[place] as string,
      ...(display ? { display } : {}),
      ...(this.#abstract.has(place) ? { abstract: true } : {}),
    };
  }

  parents(place: number): readonly number[] {
    const parents = this.packed.parents[place] ?? -1;
    return typeof parents === 'number' ? (parents < 0 ? [] : [parents]) : parents;
  }

  children(place: number): readonly number[] {
    if (this.#children === undefined) {
      this.#children = new Map();
      for (let child = 0; child < this.packed.codes.length; child++) {
        for (const parent of this.parents(child)) {
          const siblings = this.#children.get(parent);
          if (siblings === undefined) this.#children.set(parent, [child]);
          else siblings.push(child);
        }
      }
    }
    return this.#children.get(place) ?? [];
  }

  /** Every concept that can be reached by steps from one, without itself. */
  reach(code: string, step: (place: number) => readonly number[]): Set<number> {
    const start = this.place(code);
    const reached = new Set<number>();
    const open = start === undefined ? [] : [start];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      for (const next of step(place)) {
        if (next === start || reached.has(next)) continue;
        reached.add(next);
        open.push(next);
      }
    }
    return reached;
  }

  below(code: string): Set<number> {
    return this.reach(code, (place) => this.children(place));
  }

  above(code: string): Set<number> {
    return this.reach(code, (place) => this.parents(place));
  }

  property(place: number, name: string): string[] {
    if (name === 'code' || name === 'concept') return [this.packed.codes[place] as string];
    if (name === 'display') return this.packed.displays[place] ? [this.packed.displays[place] as string] : [];
    if (name === 'parent') return this.parents(place).map((parent) => this.packed.codes[parent] as string);
    if (name === 'child') return this.children(place).map((child) => this.packed.codes[child] as string);
    return (this.packed.properties[place] ?? []).filter(([code]) => code === name).map(([, value]) => value);
  }

  /** The concepts that a filter keeps (R4 valueset-filter-operator); undefined for one that is not understood. */
  filter([property, op, value]: readonly [string, string, string]): ((place: number) => boolean) | undefined {
    const hierarchical = property === 'concept' || property === 'code';
    const start = this.place(value);
    switch (op) {
      case '=':
        return (place) => this.property(place, property).includes(value);
      case 'in':
      case 'not-in': {
        const values = value.split(',').map((text) => text.trim());
        return (place) =>
          this.property(place, property).some((text) => values.includes(text)) === (op === 'in');
      }
      case 'exists':
        return (place) => this.property(place, property).length > 0 === (value === 'true');
      case 'is-a':
      case 'descendent-of':
      case 'is-not-a': {
        if (!hierarchical || start === undefined) return undefined;
        const below = this.below(value);
        if (op !== 'descendent-of') below.add(start);
        return (place) => below.has(place) !== (op === 'is-not-a');
      }
      case 'generalizes': {
        if (!hierarchical || start === undefined) return undefined;
        const above = this.above(value).add(start);
        return (place) => above.has(place);
      }
      default:
        // regex: the built-in value sets use it only on code systems that are not here.
        return undefined;
    }
  }
}

class PackedTerminology implements Terminology {
  readonly #options: CacheOptions;
  #sections: Map<string, PackedSection> | undefined;
  // Code systems are large and seldom asked for again: the few last used are kept.
  readonly #systems = new Map<string, CodeSystem>();

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  #read(section: string, url: string): unknown {
    this.#sections ??= openCache('terminology', this.#options);
    return this.#sections.get(section)?.read(url);
  }

  #system(url: string): CodeSystem | undefined {
    let system = this.#systems.get(url);
    if (system === undefined) {
      const packed = this.#read('codeSystems', url) as PackedCodeSystem | undefined;
      if (packed === undefined) return undefined;
      system = new CodeSystem(url, packed);
      const oldest = this.#systems.keys().next();
      if (this.#systems.size >= 16 && !oldest.done) this.#systems.delete(oldest.value);
    } else this.#systems.delete(url);
    this.#systems.set(url, system);
    return system;
  }

  expandCodes(valueSetUrl: string): readonly ExpandedCode[] | undefined {
    const codes = this.#expand(valueSetUrl, []);
    return codes && [...codes.values()];
  }

  /** Codes by `system|code`. `path` holds the value sets being expanded: one that imports itself cannot be listed. */
  #expand(url: string, path: readonly string[]): Map<string, ExpandedCode> | undefined {
    const canonical = url.split('|')[0] as string;
    if (path.includes(canonical)) return undefined;
    const valueSet = this.#read('valueSets', canonical) as PackedValueSet | undefined;
    if (valueSet === undefined) return undefined;
    const inner = [...path, canonical];
    const result = new Map<string, ExpandedCode>();
    for (const include of valueSet[0]) {
      const part = this.#expandInclude(include, inner);
      if (part === undefined) return undefined;
      for (const [key, code] of part) if (!result.has(key)) result.set(key, code);
    }
    for (const exclude of valueSet[1]) {
      const part = this.#expandInclude(exclude, inner);
      if (part === undefined) return undefined;
      for (const key of part.keys()) result.delete(key);
    }
    return result;
  }

  /** R4 valueset.html: an include's system part and each of its value sets are intersected. */
  #expandInclude(include: PackedInclude, path: readonly string[]): Map<string, ExpandedCode> | undefined {
    let result: Map<string, ExpandedCode> | undefined;
    if (include.s !== undefined) {
      const codes = this.#expandSystem(include.s, include);
      if (codes === undefined) return undefined;
      result = new Map(codes.map((code) => [`${code.system}|${code.code}`, code]));
    }
    for (const url of include.v ?? []) {
      const imported = this.#expand(url, path);
      if (imported === undefined) return undefined;
      if (result === undefined) result = imported;
      else for (const key of [...result.keys()]) if (!imported.has(key)) result.delete(key);
    }
    return result;
  }

  #expandSystem(url: string, include: PackedInclude): ExpandedCode[] | undefined {
    if (include.c !== undefined) {
      const system = include.c.some(([, display]) => display === undefined) ? this.#system(url) : undefined;
      return include.c.map(([code, display]) => {
        const place = system?.place(code);
        if (display === undefined && place !== undefined) return (system as CodeSystem).at(place);
        return { system: url, code, ...(display === undefined ? {} : { display }) };
      });
    }
    const system = this.#system(url);
    if (system === undefined || system.packed.complete === 0) return undefined;
    let places = system.packed.codes.map((_, place) => place);
    for (const filter of include.f ?? []) {
      const keeps = system.filter(filter);
      if (keeps === undefined) return undefined;
      places = places.filter(keeps);
    }
    return places.map((place) => system.at(place));
  }

  display(system: string, code: string): string | null | undefined {
    const codeSystem = this.#system(system);
    const place = codeSystem?.place(code);
    return place === undefined ? undefined : (codeSystem?.at(place).display ?? null);
  }

  isComplete(system: string): boolean {
    return this.#system(system)?.packed.complete === 1;
  }

  descendants(system: string, code: string): string[] {
    const codeSystem = this.#system(system);
    if (codeSystem === undefined) return [];
    return [...codeSystem.below(code)].map((place) => codeSystem.packed.codes[place] as string);
  }

  ancestors(system: string, code: string): string[] {
    const codeSystem = this.#system(system);
    if (codeSystem === undefined) return [];
    return [...codeSystem.above(code)].map((place) => codeSystem.packed.codes[place] as string);
  }
}
