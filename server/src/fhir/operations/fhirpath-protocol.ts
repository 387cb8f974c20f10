/** What the FHIRPath worker is asked to do. */
export interface FhirPathJob {
  readonly expression: string;
  /** Expression whose results, one at a time, `expression` is evaluated on; without it, on the resource. */
  readonly context?: string;
  /** JSON text of the resource; without it there is nothing to evaluate on. */
  readonly resource?: string;
  /** Variables by name (without %) as JSON text; one that is an array has several values. */
  readonly variables?: readonly (readonly [name: string, json: string])[];
}

/** A value that an expression gave. */
export interface FhirPathValue {
  /** Type name without namespace as FHIR writes it: `string`, `HumanName`, `Patient`, `Patient.contact`; `TypeInfo` for type(). */
  readonly type: string;
  /** JSON text of the value; undefined for a primitive that has only an id or extensions. */
  readonly json?: string;
  /** JSON text of a primitive's id and extensions. */
  readonly siblingJson?: string;
  /** Where in the resource it is, if it is from there: `Patient.name[0].given[1]`. */
  readonly path?: string;
}

/** What trace() was called with. */
export interface FhirPathTrace {
  readonly name: string;
  readonly values: readonly FhirPathValue[];
}

/** The outcome for one context. */
export interface FhirPathResult {
  /** Path of the context; undefined when there is no context expression. */
  readonly context?: string;
  readonly values: readonly FhirPathValue[];
  readonly traces: readonly FhirPathTrace[];
}

/** What the worker says: that it is ready, and then one answer to each job. */
export type FhirPathMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly results: readonly FhirPathResult[] }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'too-large' };
