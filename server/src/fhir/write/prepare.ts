import { typeCode } from '../../conformance/resource-types.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { withNarrative } from '../../narrative/index.ts';
import type { Hash64 } from '../../search/hash.ts';
import { compileSearchParameter } from '../../search/index/search-parameter.ts';
import type { IndexEntries } from '../../search/index-model.ts';
import type { FieldCipher } from '../../security/fields/cipher.ts';
import { maskFields, sealedText } from '../../security/fields/fields.ts';
import { DELETE, type Method, type NewVersion } from '../../storage/rows.ts';
import { validateStructure } from '../../validation/structure.ts';
import { FhirError, type Issue } from '../outcome.ts';
import type { TenantContext } from '../tenant-context.ts';
import type { WriteRequest } from './write-request.ts';

/**
 * Checks a resource against the R4 definitions before it is written. Where the tenant's policy is `off` only what cannot
 * be read as a resource is refused.
 * @param at FHIRPath of where the resource stands, e.g. `Bundle.entry[3].resource`; empty when it is the body itself
 * @throws FhirError 422 for rules of the definitions, 400 where the JSON has not the shape of a resource at all
 */
export function checkStructure(context: TenantContext, resource: Resource, at: string): void {
  const wrong = validateStructure(resource, context.definitions).filter(
    (issue) => issue.severity === 'error' || issue.severity === 'fatal',
  );
  const isShape = (issue: Issue) => issue.code === 'structure' || issue.code === 'invalid';
  const issues = context.policy.validation.writes === 'off' ? wrong.filter(isShape) : wrong;
  const shape = issues.some(isShape);
  if (issues.length > 0) throw new FhirError(shape ? 400 : 422, placedUnder(at, issues));
  if (resource.resourceType !== 'SearchParameter') return;
  const reasons = unusable(context, resource);
  if (reasons.length > 0) throw new FhirError(422, placedUnder(at, reasons));
}

/**
 * Why a SearchParameter could not be used. One without an expression is kept as it is (special parameters have none), and
 * so is one that is retired.
 */
function unusable(context: TenantContext, resource: Resource): readonly Issue[] {
  if (resource['expression'] === undefined || resource['status'] === 'retired') return [];
  try {
    compileSearchParameter(resource, context.definitions);
    return [];
  } catch (error) {
    if (error instanceof FhirError) return error.issues;
    throw error;
  }
}

/** Issues of a resource as those of the Bundle that it stands in. */
export function placedUnder(at: string, issues: readonly Issue[]): readonly Issue[] {
  return at === ''
    ? issues
    : issues.map((issue) => ({ ...issue, expression: placeUnder(at, issue.expression) }));
}

/** `Patient.name[0]` seen under `Bundle.entry[3].resource` is `Bundle.entry[3].resource.name[0]`. */
function placeUnder(at: string, expression: string | undefined): string {
  if (expression === undefined) return at;
  const dot = expression.search(/[.[]/);
  return dot < 0 ? at : at + expression.slice(dot);
}

/** The instant as R4 writes it, in UTC with milliseconds. */
export function instant(millis: number): string {
  return new Date(millis).toISOString();
}

/** A resource as a version: id, meta.versionId and meta.lastUpdated are the server's (R4 resource.html#Meta). */
export function stamp(resource: Resource, id: string, version: number, lastUpdated: number): Resource {
  const meta: JsonObject = { versionId: String(version), lastUpdated: instant(lastUpdated) };
  const own = resource['meta'] as JsonObject | undefined;
  for (const name in own)
    if (name !== 'versionId' && name !== 'lastUpdated') meta[name] = own[name] as JsonValue;
  // Property by property, because a rest pattern is several times slower and this runs for every write.
  const stamped: Resource = { resourceType: resource.resourceType, id, meta };
  for (const name in resource) {
    if (name !== 'resourceType' && name !== 'id' && name !== 'meta')
      stamped[name] = resource[name] as JsonValue;
  }
  return stamped;
}

/**
 * The row of a new version, stamped and indexed.
 * @param cipher of the tenant's fields, where the context has some encrypted
 */
export function makeVersion(
  context: TenantContext,
  row: { rid: Hash64; refHash: Hash64; id: string; version: number; lastUpdated: number; method: Method },
  resource: Resource,
  cipher?: FieldCipher,
): NewVersion {
  const { fields, definitions } = context;
  const told = context.policy.narrative
    ? withNarrative(resource, definitions, undefined, maskFields(resource, fields))
    : resource;
  const withId: Resource = told['id'] === row.id ? told : { ...told, id: row.id };
  const stamped = stamp(told, row.id, row.version, row.lastUpdated);
  const sealed = cipher && sealedText(stamped, fields, cipher);
  return {
    ...row,
    typeCode: typeCode(resource.resourceType) as number,
    deleted: false,
    content: JSON.stringify(stamped),
    ...(sealed === undefined ? {} : { sealed }),
    index: context.extract(withId),
  };
}

const NOTHING: IndexEntries = {
  dateLow: null,
  dateHigh: null,
  patient: null,
  tokens: [],
  referenceCount: 0,
  present: [],
  dates: [],
  strings: [],
  quantities: [],
  texts: [],
};

/** The row of a deletion: no content, nothing to find it by. */
export function makeDeletion(
  row: { rid: Hash64; refHash: Hash64; id: string; version: number; lastUpdated: number },
  type: string,
): NewVersion {
  return {
    ...row,
    typeCode: typeCode(type) as number,
    method: DELETE,
    deleted: true,
    content: '',
    index: NOTHING,
  };
}

/** Rejects an issue list's worth of trouble as one error, e.g. several entries of a transaction at once. */
export function placed(error: unknown, at: string): unknown {
  if (at === '' || !(error instanceof FhirError)) return error;
  const issues: Issue[] = error.issues.map((issue) => ({
    ...issue,
    expression: issue.expression?.startsWith('Bundle.') ? issue.expression : at,
    diagnostics: issue.diagnostics.startsWith(at) ? issue.diagnostics : `${at}: ${issue.diagnostics}`,
  }));
  return new FhirError(error.status, issues, error.headers);
}

/** FHIRPath of a request's body: empty for the body of the HTTP request itself. */
export function bodyAt({ at }: WriteRequest): string {
  return at === '' ? '' : `${at}.resource`;
}
