import type { Issue } from '../../fhir/outcome.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';

/** ElementDefinition.type (R4 elementdefinition.html). */
export interface ElementType {
  readonly code: string;
  readonly profile?: readonly string[];
  readonly targetProfile?: readonly string[];
  readonly aggregation?: readonly string[];
  readonly versioning?: string;
  readonly extension?: readonly JsonObject[];
}

export interface Constraint {
  readonly key: string;
  readonly severity?: string;
  readonly human?: string;
  readonly expression?: string;
  readonly source?: string;
  readonly extension?: readonly JsonObject[];
}

export interface ElementBinding {
  readonly strength: string;
  readonly valueSet?: string;
  readonly description?: string;
  readonly extension?: readonly JsonObject[];
}

export interface Discriminator {
  readonly type: string;
  readonly path: string;
}

export interface Slicing {
  readonly discriminator?: readonly Discriminator[];
  readonly description?: string;
  readonly ordered?: boolean;
  readonly rules?: string;
}

/** The parts of an ElementDefinition that validation and snapshots use; `fixed[x]` and the like are read by name. */
export interface ElementDefinition {
  readonly id?: string;
  readonly path: string;
  readonly sliceName?: string;
  readonly slicing?: Slicing;
  readonly min?: number;
  readonly max?: string;
  readonly base?: { readonly path: string; readonly min: number; readonly max: string };
  readonly contentReference?: string;
  readonly type?: readonly ElementType[];
  readonly binding?: ElementBinding;
  readonly constraint?: readonly Constraint[];
  readonly maxLength?: number;
  readonly isModifier?: boolean;
  readonly mustSupport?: boolean;
  readonly extension?: readonly JsonObject[];
  readonly [name: string]: unknown;
}

/** A StructureDefinition as it is in JSON. */
export interface StructureDefinition extends Resource {
  readonly resourceType: 'StructureDefinition';
  readonly url: string;
  readonly type: string;
}

/** The elements of a structure's snapshot; undefined if it has none. */
export function snapshotOf(structure: Resource): readonly ElementDefinition[] | undefined {
  return elementsOf(structure['snapshot']);
}

/** The elements of a structure's differential; undefined if it has none. */
export function differentialOf(structure: Resource): readonly ElementDefinition[] | undefined {
  return elementsOf(structure['differential']);
}

function elementsOf(part: JsonValue | undefined): readonly ElementDefinition[] | undefined {
  const elements = (part as { element?: unknown } | undefined)?.element;
  return Array.isArray(elements) && elements.length > 0
    ? (elements as unknown as readonly ElementDefinition[])
    : undefined;
}

/** The `value[x]` of a choice such as `fixed` in an ElementDefinition. */
export function choiceOf(definition: ElementDefinition, stem: string): JsonValue | undefined {
  for (const name in definition) {
    if (name.startsWith(stem) && name.length > stem.length && /^[A-Z]/.test(name.slice(stem.length))) {
      return definition[name] as JsonValue;
    }
  }
  return undefined;
}

/** What a terminology provider says of a code. */
export interface CodeResult {
  /** `unknown`: it cannot be told here. */
  readonly result: 'yes' | 'no' | 'unknown';
  /** Why not, why it is unknown, or what else there is to say of a code that is right (it is inactive): for a person. */
  readonly message?: string;
  /** The right display, if one was given that is not. */
  readonly display?: string;
  /** The code system itself is here with all its codes and does not have the code. */
  readonly notInSystem?: boolean;
  /** The value set is not known at all. */
  readonly unknownValueSet?: boolean;
  /** The code system is known, but not in the version that the coding names. */
  readonly unknownVersion?: boolean;
  /** No other source knows better: a value set whose definition is known to lag behind. */
  readonly final?: boolean;
}

/** What the codes of a value set come from, canonical URLs without version. */
export interface Sources {
  readonly systems: ReadonlySet<string>;
  /** The value sets that it imports, directly or not. */
  readonly valueSets: ReadonlySet<string>;
}

/** Where codes are validated. Synchronous: it answers from memory or says `unknown`. */
export interface TerminologyProvider {
  /**
   * @param system undefined where only a code is known (data type `code`): any system of the value set then
   * @param valueSet canonical URL; undefined to ask only whether the system has the code
   * @param origin the resource in which the value set's URL stands, see CanonicalResolver.resolve
   * @param version Coding.version: of the code system
   */
  validateCode(
    system: string | undefined,
    code: string,
    display: string | undefined,
    valueSet: string | undefined,
    origin?: object,
    version?: string,
  ): CodeResult;
  /** The code systems and value sets that a value set draws on, as far as they are known. */
  drawsOn?(valueSet: string, origin?: object): Sources;
}

/** An issue, and where the rule that it breaks stands. */
export interface ValidationIssue extends Issue {
  /** Canonical URL with version of the StructureDefinition. */
  profile?: string;
  /** ElementDefinition.id in it. */
  element?: string;
  /** ElementDefinition.constraint.key. */
  constraint?: string;
}

export type Severity = 'error' | 'warning' | 'information' | 'ignore';

export interface ValidationOptions {
  /** Constraints marked as best practice (dom-6 and others). Default `ignore`. */
  readonly bestPractice?: Severity;
  /** Bindings of strength preferred that a code is not in. Default `ignore`; `information` shows them. */
  readonly preferredBindings?: Severity;
  /** A profile in meta.profile that is not known. Default `warning`. */
  readonly unknownProfiles?: Severity;
  /** A profile that was asked for and is not known. Default `error`. */
  readonly unknownAskedProfiles?: Severity;
  /** An extension (not a modifier: that is always an error) whose definition is not known. Default `information`. */
  readonly unknownExtensions?: Severity;
  /** A display that is not the code's. Default `warning`. */
  readonly wrongDisplays?: Severity;
  /** A code of UCUM that is no unit. Default `error` (R4 datatypes.html#Quantity: the code is of its system). */
  readonly wrongUnits?: Severity;
  /** A code or value set that cannot be checked here. Default `information`; with a required binding one level up. */
  readonly uncheckedCodes?: Severity;
  /** Default false: a reference that is a search is an error outside of a Bundle of type transaction. */
  readonly conditionalReferences?: boolean;
  /** Default true: profiles in meta.profile are validated against. */
  readonly declaredProfiles?: boolean;
  /**
   * Default true: an Observation with a LOINC code of R4's vital signs must follow R4's profile of it, declared or not
   * (R4 observation-vitalsigns.html: "they SHALL conform").
   */
  readonly vitalSigns?: boolean;
  /** Greatest number of issues. Default 1000. */
  readonly maxIssues?: number;
}
