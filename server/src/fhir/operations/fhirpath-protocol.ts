/** What the FHIRPath worker is asked to do. */
export interface FhirPathJob {
  readonly expression: string;
  /** Expression whose results, one at a time, `expression` is evaluated on; without it, on the resource. */
  readonly context?: string;
  /** JSON text of the resource; without it there is nothing to evaluate on. */
  readonly resource?: string;
  /** Variables by name (without %), each with its values. */
  readonly variables?: readonly (readonly [name: string, values: readonly FhirPathVariable[]])[];
  /** Elements that the types do not have are no errors: they give nothing. */
  readonly lenient?: boolean;
  /** Milliseconds that the evaluation may take. */
  readonly timeLimit: number;
  /** Answers to questions that were asked before, by {@link questionKey}; null where there is none. */
  readonly answers?: readonly (readonly [key: string, answer: boolean | null])[];
}

/** What a function asks that the thread does not know. */
export interface FhirPathQuestion {
  readonly kind: 'memberOf' | 'conformsTo' | 'subsumes';
  /** FHIR type of the value. */
  readonly type: string;
  /** JSON text of the value; for `subsumes` of the two codes, the one that may be above first. */
  readonly json: string;
  /** Canonical URL of the value set, profile or code system. */
  readonly url: string;
}

export function questionKey({ kind, type, json, url }: FhirPathQuestion): string {
  return `${kind} ${type} ${url} ${json}`;
}

/** A value of a variable: its JSON text and, where it is known, its FHIR type. */
export interface FhirPathVariable {
  readonly json: string;
  readonly type?: string;
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

/** What the worker says: that it is ready, and then one answer to each job, or what it must know to give one. */
export type FhirPathMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly results: readonly FhirPathResult[] }
  | { readonly kind: 'asks'; readonly questions: readonly FhirPathQuestion[] }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'too-costly'; readonly message: string }
  | { readonly kind: 'too-large' };
