import { type FhirError, fhirError, type IssueCode } from '../../fhir/outcome.ts';

/** A parameter or modifier that this server does not know: an error under strict handling, else left out. */
export class UnknownParameter extends Error {
  override readonly name = 'UnknownParameter';
}

/** The expression that names a query parameter in an OperationOutcome. */
export function parameterExpression(name: string): string {
  return `http.query.${name.length > 200 ? `${name.slice(0, 200)}…` : name}`;
}

/** A 400 about the value of a parameter. */
export function badValue(name: string, problem: string, code: IssueCode = 'value'): FhirError {
  return fhirError(400, code, `Search parameter ${shown(name)}: ${problem}`, parameterExpression(name));
}

/** A text in quotes, cut where it is long. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
