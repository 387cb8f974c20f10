/** As in R4 value set issue-type. */
export type ProblemCode = 'invalid' | 'not-found' | 'conflict' | 'business-rule';

/** Why something cannot be done with packages: what the client or user has to mend. */
export class PackageProblem extends Error {
  readonly code: ProblemCode;
  /** The file at fault, if it is one file of a package. */
  readonly file: string | undefined;

  constructor(code: ProblemCode, message: string, file?: string) {
    super(message);
    this.code = code;
    this.file = file;
  }
}
