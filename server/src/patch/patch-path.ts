import type { Expression } from '../fhirpath/ast.ts';
import { FhirPathError } from '../fhirpath/errors.ts';
import { parseExpression } from '../fhirpath/parser.ts';

const MAX_LENGTH = 4096;
const MAX_NESTING = 50;

/**
 * The syntax tree of a patch operation's path (R4 fhirpatch.html).
 * @throws FhirPathError (syntax) for what is no FHIRPath, also for more than 4,096 characters or 50 nested levels
 */
export function parsePatchPath(text: string): Expression {
  if (text.length > MAX_LENGTH)
    throw new FhirPathError('syntax', `it is longer than ${MAX_LENGTH} characters`);
  return parseExpression(text, { lenient: true, maxNesting: MAX_NESTING });
}
