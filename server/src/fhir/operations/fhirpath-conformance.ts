import { isObject, isResource } from '../../json/objects.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import type { ValidationIssue } from '../../validation/profiles/types.ts';

/* What conformsTo() (R4 fhirpath.html#functions) is about, in a server and without one. */

/** The resource without the profiles that it declares: only those asked for count. Undefined for what is no resource. */
export function profiledBy(value: JsonValue): Resource | undefined {
  if (!isResource(value)) return undefined;
  const { meta } = value;
  if (!isObject(meta)) return value;
  const { profile: _, ...rest } = meta;
  const { meta: __, ...without } = value;
  return { ...without, ...(Object.keys(rest).length === 0 ? {} : { meta: rest }) } as Resource;
}

/** Whether what a validator has found is nothing that keeps a resource from conforming. */
export function conforms(issues: readonly ValidationIssue[]): boolean {
  return !issues.some(({ severity }) => severity === 'error' || severity === 'fatal');
}
