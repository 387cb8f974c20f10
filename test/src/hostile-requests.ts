import type { Outgoing } from './exchange.ts';
import { headerRequest, operationRequest, pathRequest } from './hostile-http.ts';
import { searchRequest } from './hostile-search.ts';
import { bundleRequest, patchRequest, resourceRequest, searchParameterRequest } from './hostile-writes.ts';
import type { Random } from './random.ts';

/** What a request is about, and the request. */
export interface Case {
  readonly kind: string;
  readonly outgoing: Outgoing;
}

/** A hostile request that the seed determines. @param base path of the tenant, e.g. `/fhir/north` */
export function hostileRequest(base: string, random: Random): Case {
  const make = (kind: string, outgoing: Outgoing): Case => ({ kind, outgoing });
  return random.weighted<Case>([
    [30, () => make('resource', resourceRequest(base, random))],
    [32, () => make('search', searchRequest(base, random))],
    [10, () => make('bundle', bundleRequest(base, random))],
    [8, () => make('patch', patchRequest(base, random))],
    [9, () => make('path', pathRequest(base, random))],
    [9, () => make('header', headerRequest(base, random))],
    [5, () => make('operation', operationRequest(base, random))],
    [3, () => make('SearchParameter', searchParameterRequest(base, random))],
  ]);
}
