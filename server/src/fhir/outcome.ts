import type { JsonObject } from '../json/types.ts';
import { withoutBadCharacters } from '../xml/characters.ts';

/** R4 value set issue-severity. */
export type IssueSeverity = 'fatal' | 'error' | 'warning' | 'information';

/** R4 value set issue-type (http://hl7.org/fhir/R4/valueset-issue-type.html); the codes that this server uses. */
export type IssueCode =
  | 'invalid'
  | 'structure'
  | 'required'
  | 'value'
  | 'invariant'
  | 'security'
  | 'login'
  | 'forbidden'
  | 'processing'
  | 'not-supported'
  | 'duplicate'
  | 'multiple-matches'
  | 'not-found'
  | 'deleted'
  | 'too-long'
  | 'code-invalid'
  | 'extension'
  | 'too-costly'
  | 'business-rule'
  | 'conflict'
  | 'transient'
  | 'lock-error'
  | 'exception'
  | 'timeout'
  | 'throttled'
  | 'informational'
  | 'incomplete';

/** One OperationOutcome.issue before it is written as JSON. */
export interface Issue {
  severity: IssueSeverity;
  code: IssueCode;
  /** What a person reads: OperationOutcome.issue.diagnostics. */
  diagnostics: string;
  /** FHIRPath of the element at fault, e.g. `Patient.name[0].given`, or `http.<name>` for a header or URL part. */
  expression?: string;
  /** What a person reads as details.text, if other than diagnostics. */
  details?: string;
  /** `Type/id` of resources that are the reason. Only those that the asker may see are told; see fhir/reasons.ts. */
  reasons?: readonly string[];
  /** OperationOutcome.issue.extension. */
  extension?: readonly JsonObject[];
}

/**
 * The OperationOutcome resource for a list of issues (R4 operationoutcome.html). What they quote of a request may hold
 * characters that no answer can.
 */
export function operationOutcome(issues: readonly Issue[]): {
  resourceType: 'OperationOutcome';
  issue: Record<string, unknown>[];
} {
  return {
    resourceType: 'OperationOutcome',
    issue: issues.map(({ severity, code, diagnostics, expression, details, extension = [] }) => ({
      ...(extension.length === 0 ? {} : { extension }),
      severity,
      code,
      ...(details === undefined ? {} : { details: { text: withoutBadCharacters(details) } }),
      diagnostics: withoutBadCharacters(diagnostics),
      ...(expression === undefined ? {} : { expression: [withoutBadCharacters(expression)] }),
    })),
  };
}

/**
 * An error that a client is to see: an HTTP status and the issues of its OperationOutcome.
 * Everything below http/ throws this for what the client did wrong; any other error becomes a 500.
 */
export class FhirError extends Error {
  readonly status: number;
  readonly issues: readonly Issue[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, issues: readonly Issue[] | Issue, headers: Record<string, string> = {}) {
    const list = Array.isArray(issues) ? (issues as readonly Issue[]) : [issues as Issue];
    super(list[0]?.diagnostics ?? `HTTP ${status}`);
    this.name = 'FhirError';
    this.status = status;
    this.issues = list;
    this.headers = headers;
  }
}

/** A FhirError with one issue of severity error. `expression` names the element, header or parameter at fault. */
export function fhirError(
  status: number,
  code: IssueCode,
  diagnostics: string,
  expression?: string,
): FhirError {
  return new FhirError(status, {
    severity: 'error',
    code,
    diagnostics,
    ...(expression === undefined ? {} : { expression }),
  });
}
