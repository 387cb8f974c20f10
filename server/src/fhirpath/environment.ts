import type { JsonObject } from '../json/types.ts';
import { type Spend, UNLIMITED } from './limits.ts';
import type { Model } from './model.ts';
import { momentAt, type Temporal } from './temporal.ts';
import { EMPTY, type Item, type Items, type Node, string } from './values.ts';

/** What functions ask that is not in the expression and the resource. Undefined means that it is not known here. */
export interface Knowledge {
  /** R4 fhirpath.html#functions, memberOf(): whether a coded value is in a value set. */
  memberOf?(value: Node | string, valueSet: string): boolean | undefined;
  /** Whether a value conforms to a profile, by its canonical URL. */
  conformsTo?(value: Node, profile: string): boolean | undefined;
  /** Whether one code subsumes another of the same system. */
  subsumes?(system: string, code: string, other: string): boolean | undefined;
  /**
   * What a reference leads to that neither contained resources nor the Bundle hold.
   * @param text the literal reference, if there is one
   * @param reference the Reference, or the primitive that is one
   */
  resolve?(text: string | undefined, reference: Item): Node | undefined;
  /** The ElementDefinition of an element. */
  elementDefinition?(value: Node): JsonObject | undefined;
  /** R4 fhirpath.html#functions, slice(): whether an element is in a slice, by the structure's URL and the slice's name. */
  isInSlice?(value: Node, structure: string, name: string): boolean | undefined;
}

/** Environment variables that every expression has (R4 fhirpath.html#variables). */
const FIXED: ReadonlyMap<string, string> = new Map([
  ['ucum', 'http://unitsofmeasure.org'],
  ['sct', 'http://snomed.info/sct'],
  ['loinc', 'http://loinc.org'],
]);
const FAMILIES: readonly (readonly [prefix: string, base: string])[] = [
  ['vs-', 'http://hl7.org/fhir/ValueSet/'],
  ['ext-', 'http://hl7.org/fhir/StructureDefinition/'],
];

/** What one evaluation knows besides its expression. */
export class Environment {
  readonly model: Model;
  readonly knowledge: Knowledge;
  readonly spend: Spend;
  /** See the constructor's option. */
  readonly isLenient: boolean;
  readonly trace: (name: string, items: Items) => void;
  readonly #constants: ReadonlyMap<string, Items>;
  readonly #now: Temporal;

  /**
   * @param constants the environment variables by name, `resource`, `rootResource` and `context` among them
   * @param now the moment that now(), today() and timeOfDay() tell
   */
  constructor(
    model: Model,
    constants: ReadonlyMap<string, Items>,
    options: {
      readonly knowledge?: Knowledge;
      readonly trace?: (name: string, items: Items) => void;
      readonly now?: Date;
      /** Counts the work; without it there is no limit. */
      readonly spend?: Spend;
      /**
       * How published invariants are read: several items where one belongs count as their first, or as true for a
       * condition, and FHIRPath's own type names stand for FHIR's primitive types too.
       */
      readonly lenient?: boolean;
    } = {},
  ) {
    this.model = model;
    this.#constants = constants;
    this.knowledge = options.knowledge ?? {};
    this.trace = options.trace ?? (() => {});
    this.spend = options.spend ?? UNLIMITED;
    this.isLenient = options.lenient === true;
    const moment = options.now ?? new Date();
    this.#now = momentAt(moment.getTime(), -moment.getTimezoneOffset());
  }

  get now(): Temporal {
    return this.#now;
  }

  get rootResource(): Items {
    return this.#constants.get('rootResource') ?? EMPTY;
  }

  /** The value of an environment variable; undefined if there is none of this name. */
  constant(name: string): Items | undefined {
    const given = this.#constants.get(name);
    if (given !== undefined) return given;
    const fixed = FIXED.get(name);
    if (fixed !== undefined) return string(fixed);
    const family = FAMILIES.find(([prefix]) => name.startsWith(prefix));
    return family === undefined ? undefined : string(family[1] + name.slice(family[0].length));
  }
}
