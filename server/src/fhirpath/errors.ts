/**
 * An expression that is no FHIRPath (`syntax`), can never be evaluated on what it is for (`semantic`), or failed on the
 * values that it met (`evaluation`). The message is for the person who wrote the expression.
 */
export class FhirPathError extends Error {
  readonly stage: 'syntax' | 'semantic' | 'evaluation';

  constructor(stage: 'syntax' | 'semantic' | 'evaluation', message: string) {
    super(message);
    this.stage = stage;
  }
}

/** An error of an evaluation. */
export function failure(message: string): FhirPathError {
  return new FhirPathError('evaluation', message);
}

/** Line and column (from 1) of a place in a text: `line 1, column 7`. */
export function placeOf(text: string, at: number): string {
  const before = text.slice(0, at).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** Whether an error is one of an expression: also of one that goes too deep for the stack, or makes too much at once. */
export function isExpressionError(error: unknown): error is Error {
  return error instanceof FhirPathError || error instanceof RangeError;
}
