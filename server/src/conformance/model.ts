/**
 * The compiled form of FHIR definitions that the rest of the server uses: what conformance/ makes of
 * StructureDefinition, SearchParameter and CompartmentDefinition. Pure data, shared, never changed after loading.
 */

/** One element of a type, by its JSON property name. A choice element appears once per allowed type (`valueQuantity`). */
export interface ElementModel {
  /** JSON property name: `name`, `valueQuantity`. */
  readonly name: string;
  /** Definition path without indices: `Patient.contact.name`, `Observation.value[x]`. */
  readonly path: string;
  /** Type name of the value: a key of {@link DefinitionsModel.types} (`HumanName`, `code`, or a backbone's path such as `Patient.contact`). */
  readonly type: string;
  readonly min: number;
  /** Greatest number of values; Infinity for `*`. */
  readonly max: number;
  /** Whether JSON writes an array (the base definition's max is above 1). */
  readonly array: boolean;
  /** For a choice element: `value` of `value[x]`. At most one of the choice's properties may be present. */
  readonly choice?: string;
  /** Resource types or profiles that a Reference or canonical may point to, by type name; empty means any. */
  readonly targets?: readonly string[];
  /** Canonical URL (without version) of the value set of a required binding. */
  readonly requiredBinding?: string;
  readonly isModifier?: boolean;
  readonly isSummary?: boolean;
}

export type TypeKind = 'resource' | 'complex' | 'backbone' | 'primitive';

/** A resource type, data type, primitive or backbone element. */
export interface TypeModel {
  readonly name: string;
  readonly kind: TypeKind;
  /** Elements by JSON property name. For primitives: only `id` and `extension`. Inherited elements are included. */
  readonly elements: ReadonlyMap<string, ElementModel>;
  readonly abstract: boolean;
  /** Name of the base type: `DomainResource`, `Element`, `Quantity`... */
  readonly base?: string;
}

export type SearchParamType =
  | 'number'
  | 'date'
  | 'string'
  | 'token'
  | 'reference'
  | 'composite'
  | 'quantity'
  | 'uri'
  | 'special';

/** A SearchParameter as one resource type uses it. */
export interface SearchParamModel {
  readonly code: string;
  readonly url: string;
  readonly type: SearchParamType;
  /** The resource type that it is seen from. */
  readonly resourceType: string;
  /** The part of SearchParameter.expression that concerns `resourceType` (union branches of other types left out). */
  readonly expression: string;
  /** Permitted target types of a reference; every resource type where the definition names none. */
  readonly targets: readonly string[];
  /** Components of a composite: the parameter each is of and the expression relative to the composite's own. */
  readonly components: readonly {
    readonly definition: string;
    readonly code: string;
    readonly expression: string;
  }[];
  /** Identifies (resourceType, code) in index rows: a 32-bit signed integer that depends on nothing else. */
  readonly key: number;
  readonly description?: string;
}

/** The search parameters of one resource type, including those of Resource and DomainResource. */
export interface TypeSearchModel {
  readonly resourceType: string;
  readonly params: ReadonlyMap<string, SearchParamModel>;
  /**
   * The parameter whose value lies in the resource row itself (columns date_low, date_high), so that newest-first
   * needs no join: the first of a fixed preference list (date, authoredon, created, ...) that is a date and cannot repeat.
   */
  readonly primaryDate?: string;
  /**
   * The parameter whose target's reference hash lies in the resource row (column patient): a reference parameter named
   * `patient` that cannot repeat. For Patient itself it is undefined and the column holds the patient's own hash.
   */
  readonly patientParam?: string;
}

/** A compartment: for each resource type, the search parameters that put a resource into it (R4 compartmentdefinition.html). */
export interface CompartmentModel {
  /** `Patient`, `Encounter`, `Practitioner`, `RelatedPerson`, `Device`. */
  readonly code: string;
  readonly url: string;
  readonly params: ReadonlyMap<string, readonly string[]>;
}

/** Everything compiled from the definitions that are built in. */
export interface DefinitionsModel {
  readonly types: ReadonlyMap<string, TypeModel>;
  /** The 148 or so concrete R4 resource types, alphabetically; see resource-types.ts for their stored codes. */
  readonly resourceTypes: readonly string[];
  readonly compartments: ReadonlyMap<string, CompartmentModel>;
  search(resourceType: string): TypeSearchModel;
  /**
   * Codes of a value set with a required binding that can be listed from the definitions (`system|code` and bare `code`
   * both in the set); undefined where it cannot be listed (a code system that is not here, or computed like UCUM).
   */
  requiredCodes(valueSetUrl: string): ReadonlySet<string> | undefined;
}
