import { operationOutcome } from '../fhir/outcome.ts';
import type { ValidationIssue } from '../validation/profiles/types.ts';

/** What was found in one resource. */
export interface FileResult {
  /** File, or file:line. */
  readonly place: string;
  readonly issues: readonly ValidationIssue[];
}

/** Writes results in one format, as they come or at the end. */
export interface Report {
  add(result: FileResult): void;
  end(): void;
}

type Print = (line: string) => void;

/** The formats by name. */
export const FORMATS: Readonly<Record<string, ((print: Print) => Report) | undefined>> = {
  __proto__: null as never,
  text: textReport,
  json: jsonReport,
  sarif: sarifReport,
};

function textReport(print: Print): Report {
  const counts = { error: 0, warning: 0, information: 0, files: 0 };
  return {
    add({ place, issues }) {
      counts.files++;
      const errors = issues.filter(({ severity }) => severity === 'error' || severity === 'fatal').length;
      print(`${place}: ${errors === 0 ? 'valid' : `${errors} error${errors === 1 ? '' : 's'}`}`);
      for (const issue of issues) {
        const kind = issue.severity === 'fatal' ? 'error' : issue.severity;
        counts[kind]++;
        print(`  ${kind} ${issue.diagnostics}`);
      }
    },
    end() {
      print(
        `${counts.files} resources, ${counts.error} errors, ${counts.warning} warnings, ${counts.information} notes`,
      );
    },
  };
}

/** One line of JSON for each resource: `{"file": ..., "outcome": OperationOutcome}`. */
function jsonReport(print: Print): Report {
  return {
    add({ place, issues }) {
      const none: ValidationIssue = {
        severity: 'information',
        code: 'informational',
        diagnostics: 'The resource is valid',
      };
      print(
        JSON.stringify({ file: place, outcome: operationOutcome(issues.length === 0 ? [none] : issues) }),
      );
    },
    end() {},
  };
}

/** SARIF 2.1.0 (OASIS): one run, a rule for each kind of issue. */
function sarifReport(print: Print): Report {
  const results: object[] = [];
  const rules = new Map<string, object>();
  return {
    add({ place, issues }) {
      const [, file = place, line] = /^(.*?)(?::(\d+))?$/.exec(place) ?? [];
      for (const issue of issues) {
        const ruleId = issue.constraint ?? issue.code;
        if (!rules.has(ruleId)) rules.set(ruleId, { id: ruleId });
        results.push({
          ruleId,
          level:
            issue.severity === 'warning' ? 'warning' : issue.severity === 'information' ? 'note' : 'error',
          message: { text: issue.details ?? issue.diagnostics },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: file.replaceAll('\\', '/') },
                ...(line === undefined ? {} : { region: { startLine: Number(line) } }),
              },
              ...(issue.expression === undefined
                ? {}
                : { logicalLocations: [{ fullyQualifiedName: issue.expression, kind: 'element' }] }),
            },
          ],
          ...(issue.profile === undefined
            ? {}
            : {
                properties: {
                  profile: issue.profile,
                  ...(issue.element === undefined ? {} : { element: issue.element }),
                },
              }),
        });
      }
    },
    end() {
      const driver = { name: 'vesta', rules: [...rules.values()] };
      print(
        JSON.stringify({
          $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
          version: '2.1.0',
          runs: [{ tool: { driver }, results }],
        }),
      );
    },
  };
}
