import type { IssueCode, IssueSeverity } from '../fhir/outcome.ts';
import type { JsonObject } from '../json/types.ts';
import { type MessageId, messageText } from './messages.ts';

const TX_ISSUE_TYPE = 'http://hl7.org/fhir/tools/CodeSystem/tx-issue-type';
const MESSAGE_ID = 'http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id';

/** What went wrong with terminology, in the codes of the terminology ecosystem (code system tx-issue-type). */
export type TxIssueType =
  | 'not-found'
  | 'not-in-vs'
  | 'this-code-not-in-vs'
  | 'invalid-code'
  | 'invalid-display'
  | 'display-comment'
  | 'invalid-data'
  | 'vs-invalid'
  | 'cannot-infer'
  | 'code-rule'
  | 'code-comment'
  | 'status-check'
  | 'version-error'
  | 'processing-note'
  | 'too-costly'
  | 'not-supported'
  | 'business-rule';

export interface TxIssue {
  severity: IssueSeverity;
  code: IssueCode;
  type: TxIssueType;
  text: string;
  id?: MessageId;
  /** FHIRPath in the validated value: `Coding.code`, `CodeableConcept.coding[1].system`, `code`. */
  expression?: string;
  diagnostics?: string;
}

/** An issue whose text comes from the message table. */
export function txIssue(
  severity: IssueSeverity,
  code: IssueCode,
  type: TxIssueType,
  expression: string | undefined,
  id: MessageId,
  ...args: readonly (string | number | undefined)[]
): TxIssue {
  return {
    severity,
    code,
    type,
    text: messageText(id, ...args),
    id,
    ...(expression === undefined || expression === '' ? {} : { expression }),
  };
}

/**
 * Thrown when a terminology operation cannot be carried out. `$validate-code` answers most of them as a result that is
 * false; those with `outcome` and all other operations' are an OperationOutcome with the HTTP status.
 */
export class TxError extends Error {
  readonly status: number;
  readonly issues: readonly TxIssue[];
  readonly outcome: boolean;
  /** The code system (`url` or `url|version`) whose absence is the cause. */
  readonly unknownSystem: string | undefined;

  constructor(
    status: number,
    issues: TxIssue | readonly TxIssue[],
    options: { outcome?: boolean; unknownSystem?: string } = {},
  ) {
    const list = Array.isArray(issues) ? (issues as readonly TxIssue[]) : [issues as TxIssue];
    super(list[0]?.text ?? 'terminology error');
    this.name = 'TxError';
    this.status = status;
    this.issues = list;
    this.outcome = options.outcome ?? false;
    this.unknownSystem = options.unknownSystem;
  }
}

/** An error with a text of this server's own. */
export function txError(status: number, code: IssueCode, type: TxIssueType, text: string): TxError {
  return new TxError(status, { severity: 'error', code, type, text }, { outcome: true });
}

/** OperationOutcome.issue of an issue (R4 operationoutcome.html), with the coded details of the terminology ecosystem. */
export function issueJson(issue: TxIssue): JsonObject {
  return {
    ...(issue.id === undefined ? {} : { extension: [{ url: MESSAGE_ID, valueString: issue.id }] }),
    severity: issue.severity,
    code: issue.code,
    details: { coding: [{ system: TX_ISSUE_TYPE, code: issue.type }], text: issue.text },
    ...(issue.diagnostics === undefined ? {} : { diagnostics: issue.diagnostics }),
    ...(issue.expression === undefined ? {} : { expression: [issue.expression] }),
  };
}

export function outcomeJson(issues: readonly TxIssue[]): JsonObject {
  return { resourceType: 'OperationOutcome', issue: issues.map(issueJson) };
}
