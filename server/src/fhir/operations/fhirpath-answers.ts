import { isObject } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { TxContext } from '../../terminology/context.ts';
import { TxError } from '../../terminology/issues.ts';
import { TxParameters } from '../../terminology/parameters.ts';
import { Sources } from '../../terminology/sources.ts';
import { subsumes } from '../../terminology/subsumes.ts';
import { tenantTerminology } from '../../terminology/tenant-terminology.ts';
import type { FhirRequest } from '../request.ts';
import type { Services } from '../services.ts';
import { validateInTenant } from '../validation/validate-in-tenant.ts';
import { conforms, profiledBy } from './fhirpath-conformance.ts';
import type { FhirPathAnswers } from './fhirpath-evaluator.ts';
import { terminologyOf, visibleTo } from './terminology/call.ts';

/** Answers with a tenant's packages, profiles and terminology (R4 fhirpath.html#functions: conformsTo(), memberOf(), subsumes()). */
export function answersInTenant(services: Services, request: FhirRequest): FhirPathAnswers {
  return async ({ kind, url, json }) => {
    const value = parseJson(json);
    const terminology = terminologyOf(services);
    const context = await services.tenants.current(request.context.tenant);
    if (kind === 'subsumes') return subsumesInTenant(services, request, url, value);
    if (kind === 'conformsTo') {
      const resource = profiledBy(value);
      if (resource === undefined || (await context.validators()).profile(url) === undefined) return undefined;
      return conforms(
        await validateInTenant(terminology, context, resource, { profiles: [url] }, visibleTo(request)),
      );
    }
    const ask = await tenantTerminology(terminology, context, visibleTo(request));
    return anyMember(value, async ({ system, code, version }) => {
      const { result } = await ask.validateCode(system, code, undefined, url, version);
      return result === 'unknown' ? undefined : result;
    });
  };
}

/** Whether the first of two codes subsumes the second or is the same; undefined where the system or a code is not known. */
async function subsumesInTenant(
  services: Services,
  request: FhirRequest,
  system: string,
  codes: JsonValue,
): Promise<boolean | undefined> {
  const [above, below] = Array.isArray(codes) ? codes : [];
  if (typeof above !== 'string' || typeof below !== 'string') return undefined;
  const sources = new Sources({
    service: terminologyOf(services),
    context: request.context,
    visible: visibleTo(request),
    extra: [],
  });
  try {
    const provider = await new TxContext(sources, new TxParameters([], undefined, false)).codeSystem(
      system,
      undefined,
    );
    if (provider === undefined) return undefined;
    const outcome = await subsumes(provider, above, below);
    return outcome === 'equivalent' || outcome === 'subsumes';
  } catch (error) {
    if (error instanceof TxError) return undefined;
    throw error;
  }
}

interface AskedCode {
  readonly system: string | undefined;
  readonly code: string;
  readonly version: string | undefined;
}

/** Whether a code, Coding or any coding of a CodeableConcept is in a value set; undefined if that is not known. */
async function anyMember(
  value: JsonValue,
  ask: (code: AskedCode) => Promise<boolean | undefined>,
): Promise<boolean | undefined> {
  if (typeof value === 'string') return ask({ system: undefined, code: value, version: undefined });
  if (!isObject(value)) return false;
  const { coding } = value;
  const codings = Array.isArray(coding) ? coding.filter(isObject) : [value];
  const results: (boolean | undefined)[] = [];
  for (const one of codings) {
    const code = codeOf(one);
    results.push(code === undefined ? false : await ask(code));
  }
  return results.includes(true) ? true : results.includes(undefined) ? undefined : false;
}

function codeOf({ system, code, version }: JsonObject): AskedCode | undefined {
  if (typeof code !== 'string') return undefined;
  return {
    code,
    system: typeof system === 'string' ? system : undefined,
    version: typeof version === 'string' ? version : undefined,
  };
}
