import type { ResourceScope } from '../auth/scopes/scope.ts';
import type { DefinitionsModel } from '../conformance/model.ts';
import { FhirError } from '../fhir/outcome.ts';
import { parseCriteria } from '../search/query/parse.ts';

/**
 * Why the search of a granular scope cannot be carried out, which must be found before it is granted: what cannot be
 * searched for would refuse every request. Undefined where it can, or the scope has none.
 */
export function scopeSearchProblem(scope: ResourceScope, definitions: DefinitionsModel): string | undefined {
  if (scope.search.length === 0) return undefined;
  try {
    parseCriteria(scope.type, scope.search, { definitions, strict: true, baseUrl: '' });
    return undefined;
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    return error.message;
  }
}
