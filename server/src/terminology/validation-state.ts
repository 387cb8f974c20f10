import type { JsonObject } from '../json/types.ts';
import { issueJson, type TxIssue, txIssue } from './issues.ts';
import { type Publication, validationNote } from './warnings.ts';

/** What a validation has found out so far. */
export class ValidationState {
  readonly issues: TxIssue[] = [];
  /** Texts for the summary in `message`. */
  readonly #messages: string[] = [];
  /** Code systems that were not found, `url` or `url|version`. */
  readonly unknownSystems = new Set<string>();
  /** The coding whose concept is inactive, if one is. */
  inactive: { readonly path: string; readonly code: string } | undefined;
  status: string | undefined;
  normalizedCode: string | undefined;
  /** The system that was inferred from the value set. */
  impliedSystem: string | undefined;

  add(issue: TxIssue): void {
    this.issues.push(issue);
  }

  /** Adds an issue unless one says the same. */
  addNew(issue: TxIssue): boolean {
    if (this.issues.some(({ text }) => text === issue.text)) return false;
    this.issues.push(issue);
    return true;
  }

  /** Adds an issue that belongs to the summary. */
  report(issue: TxIssue): void {
    this.add(issue);
    this.say(issue.text);
  }

  say(text: string): void {
    if (!this.#messages.includes(text)) this.#messages.push(text);
  }

  unsay(text: string): void {
    const at = this.#messages.indexOf(text);
    if (at >= 0) this.#messages.splice(at, 1);
  }

  note(used: Publication, source: Publication): void {
    const issue = validationNote(used, source);
    if (issue !== undefined) this.addNew(issue);
  }

  get hasErrors(): boolean {
    return this.issues.some(({ severity }) => severity === 'error');
  }

  /** What to say of inactive and deprecated concepts. */
  reportStatus(code: string | undefined, path: string): void {
    const { inactive, status } = this;
    if (inactive !== undefined) {
      const plain = status === 'inactive' || status === 'DISCOURAGED';
      const text = plain
        ? txIssue(
            'warning',
            'business-rule',
            'code-comment',
            inactive.path || 'code',
            'INACTIVE_CONCEPT_FOUND',
            status,
            inactive.code,
          )
        : txIssue(
            'warning',
            'business-rule',
            'code-comment',
            inactive.path || 'code',
            'INACTIVE_CONCEPT_FOUND_ADD',
            status ?? '',
            inactive.code,
            'inactive',
          );
      this.report({ ...text, id: 'INACTIVE_CONCEPT_FOUND' });
    } else if (status?.toLowerCase() === 'deprecated') {
      this.report(
        txIssue('warning', 'business-rule', 'code-comment', path, 'DEPRECATED_CONCEPT_FOUND', status, code),
      );
    }
  }

  /** The summary: everything said, with all errors; undefined when there is nothing to say. */
  get message(): string | undefined {
    const texts = [...this.#messages];
    for (const { severity, text } of this.issues) {
      if (severity === 'error' && !texts.includes(text)) texts.push(text);
    }
    return texts.length === 0 ? undefined : texts.sort().join('; ');
  }

  get outcome(): JsonObject | undefined {
    if (this.issues.length === 0) return undefined;
    return { resourceType: 'OperationOutcome', issue: this.issues.map(issueJson) };
  }
}

/** `parent.child`, or the child alone at the root. */
export function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
