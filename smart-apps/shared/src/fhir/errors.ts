import type { OperationOutcome } from './types.ts';

/** What a FHIR server has refused or failed to do, in its own words. */
export class FhirRequestError extends Error {
  /** HTTP status; 0 when the server was not reached. */
  readonly status: number;
  readonly outcome: OperationOutcome | undefined;

  constructor(status: number, outcome: OperationOutcome | undefined, message?: string) {
    super(message ?? textOf(outcome) ?? `HTTP ${status}`);
    this.name = 'FhirRequestError';
    this.status = status;
    this.outcome = outcome;
  }

  /** Whether the server could not be reached, rather than answered. */
  get isUnreachable(): boolean {
    return this.status === 0;
  }

  /** Whether the access has ended and only a new sign-in helps. */
  get isSignedOut(): boolean {
    return this.status === 401;
  }
}

/** The texts of the issues of errors, for a person to read. */
function textOf(outcome: OperationOutcome | undefined): string | undefined {
  const texts = (outcome?.issue ?? [])
    .filter(({ severity }) => severity === 'error' || severity === 'fatal')
    .map(({ details, diagnostics }) => details?.text ?? diagnostics)
    .filter((text) => text !== undefined);
  return texts.length === 0 ? undefined : texts.join(' ');
}

/** An error as one of ours: what is thrown by fetch itself means that nobody was reached. */
export function asRequestError(error: unknown): FhirRequestError {
  if (error instanceof FhirRequestError) return error;
  return new FhirRequestError(0, undefined, error instanceof Error ? error.message : String(error));
}
