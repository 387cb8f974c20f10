import type { DefinitionsModel, ElementModel } from '../../conformance/model.ts';
import type { JsonValue, Resource } from '../../json/types.ts';

/** What evaluating a path needs to know besides its input. */
export interface PathScope {
  /** The resource that the whole expression is evaluated on: `%resource`, and the container of `#id` references. */
  readonly resource: Resource;
  /** Type of the target that a reference's text names, if it tells one. */
  referenceType(text: string): string | undefined;
}

/**
 * Takes one value of a path's result. `companion` is the object of a primitive's id and extensions (`_birthDate`), handed
 * over only where the path asks for it; the value then may be null.
 */
export type Sink<S extends PathScope> = (value: JsonValue, scope: S, companion?: JsonValue) => void;

/** Makes the sink for values of a FHIR type; undefined if such values are of no interest, so that they are not looked for. */
export type SinkFor<S extends PathScope> = (
  type: string,
  element: ElementModel | undefined,
) => Sink<S> | undefined;

/** A compiled path: feeds every value of its result, in order, to the sinks it was compiled with. */
export type CompiledPath<S extends PathScope> = Sink<S>;

/** The types of a {@link DefinitionsModel}, asked the way FHIRPath asks. */
export class TypeSystem {
  readonly definitions: Pick<DefinitionsModel, 'types'>;
  readonly #ancestors = new Map<string, ReadonlySet<string>>();

  constructor(definitions: Pick<DefinitionsModel, 'types'>) {
    this.definitions = definitions;
  }

  /** The type that a type specifier names; undefined if there is none. `FHIR.` and a wrong case of the first letter are forgiven. */
  named(specifier: string): string | undefined {
    const name = specifier.startsWith('FHIR.') ? specifier.slice(5) : specifier;
    if (this.definitions.types.has(name)) return name;
    // R4's code-value-date says ofType(DateTime)
    const lower = name.charAt(0).toLowerCase() + name.slice(1);
    return this.definitions.types.has(lower) ? lower : undefined;
  }

  /** Whether `type` is `ancestor` or derives from it. */
  isA(type: string, ancestor: string): boolean {
    if (type === ancestor) return true;
    let ancestors = this.#ancestors.get(type);
    if (ancestors === undefined) {
      const set = new Set<string>();
      for (let base = this.definitions.types.get(type)?.base; base !== undefined && !set.has(base); ) {
        set.add(base);
        base = this.definitions.types.get(base)?.base;
      }
      ancestors = set;
      this.#ancestors.set(type, ancestors);
    }
    return ancestors.has(ancestor);
  }

  /** Whether values of the declared type tell their own type in `resourceType`. */
  isOpen(type: string): boolean {
    return type === 'Resource' || type === 'DomainResource';
  }
}
