import { loadTerminology } from '../../conformance/terminology.ts';
import type { SearchContext, Terminology } from '../../search/query/types.ts';
import type { TenantContext } from '../tenant-context.ts';

/** The built-in terminology as token modifiers ask it; its files are opened at the first question. */
const terminology: Terminology = {
  codesIn: (valueSetUrl) => loadTerminology().expandCodes(valueSetUrl),
  descendants: (system, code) => loadTerminology().descendants(system, code),
  ancestors: (system, code) => loadTerminology().ancestors(system, code),
};

/** What a tenant's searches are parsed with. */
export function searchContext(context: TenantContext): SearchContext {
  return { definitions: context.definitions, strict: false, baseUrl: context.baseUrl, terminology };
}
