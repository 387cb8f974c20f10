import { isUnrestricted } from '../access/scope.ts';
import { FhirError, type Issue } from './outcome.ts';
import type { FhirRequest } from './request.ts';
import { isVisible } from './search/conditional-search.ts';
import type { Services } from './services.ts';

/**
 * An error whose issues name the resources that are their reason, as far as the asker may read them: of others it must
 * not tell that they exist. Any other error is returned as it is.
 */
export async function withVisibleReasons(
  services: Services,
  request: Pick<FhirRequest, 'scope' | 'context'>,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof FhirError) || !error.issues.some(({ reasons }) => reasons !== undefined))
    return error;
  const issues = await Promise.all(error.issues.map((issue) => withNames(services, request, issue)));
  return new FhirError(error.status, issues, { ...error.headers });
}

async function withNames(
  services: Services,
  { scope, context }: Pick<FhirRequest, 'scope' | 'context'>,
  { reasons = [], ...issue }: Issue,
): Promise<Issue> {
  const seen = await Promise.all(
    reasons.map((name) => {
      const type = name.slice(0, name.indexOf('/'));
      if (isUnrestricted(scope, type, 'read')) return true;
      return isVisible(services, scope, context, type, 'read', context.keys.reference(name));
    }),
  );
  const names = reasons.filter((_, i) => seen[i]);
  return names.length === 0 ? issue : { ...issue, diagnostics: `${issue.diagnostics} (${names.join(', ')})` };
}
