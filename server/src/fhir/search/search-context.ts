import { visibleDefinitions } from '../../access/hidden-parameters.ts';
import type { AccessScope } from '../../access/scope.ts';
import { loadTerminology } from '../../conformance/terminology.ts';
import type { SearchContext, Terminology } from '../../search/query/types.ts';
import { searchTerminology } from '../../terminology/search-terminology.ts';
import { terminologyOf, visibleTo } from '../operations/terminology/call.ts';
import type { FhirRequest } from '../request.ts';
import type { Services } from '../services.ts';
import type { TenantContext } from '../tenant-context.ts';

/** The built-in terminology as token modifiers ask it; its files are opened at the first question. */
const terminology: Terminology = {
  codesIn: (valueSetUrl) => loadTerminology().expandCodes(valueSetUrl),
  descendants: (system, code) => loadTerminology().descendants(system, code),
  ancestors: (system, code) => loadTerminology().ancestors(system, code),
};

/** What a tenant's searches are parsed with where nothing can be looked up first: built-in terminology only. */
export function searchContext(context: TenantContext): SearchContext {
  return { definitions: context.definitions, strict: false, baseUrl: context.baseUrl, terminology };
}

/** The same for what a client asks: it knows no parameters that look at elements which are hidden from the client. */
export function clientSearchContext(context: TenantContext, { hidden }: AccessScope): SearchContext {
  return { ...searchContext(context), definitions: visibleDefinitions(context.definitions, hidden) };
}

/** Parameters that ask terminology: by modifier, or by an operator of `_filter`. */
const ASKS_TERMINOLOGY = /:(in|not-in|above|below)\b|^_filter$/;

/** What a client's search is parsed with: the terminology that it asks, the tenant's own included, is looked up before. */
export async function terminologySearchContext(
  services: Services,
  context: TenantContext,
  request: FhirRequest,
): Promise<SearchContext> {
  const plain = clientSearchContext(context, request.scope);
  if (!request.query.some(([name]) => ASKS_TERMINOLOGY.test(name))) return plain;
  const visible = visibleTo(request);
  return {
    ...plain,
    terminology: await searchTerminology(terminologyOf(services), context, request.query, { visible }),
  };
}
