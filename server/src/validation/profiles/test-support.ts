import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadPackage, PackageSet } from '../../conformance/packages/index.ts';
import type { CanonicalResolver } from '../../conformance/packages/package-set.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import type { ValidationOptions } from './types.ts';
import { createValidators, validateResource } from './validate.ts';
import type { Validators } from './validators.ts';

export const US_CORE_VERSIONS = ['3.1.1', '5.0.1', '6.1.0', '7.0.0', '8.0.0'] as const;

const data = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));

export function usCorePath(version: string): string {
  return `${data}packages/hl7.fhir.us.core-${version}.tgz`;
}
export const hasUsCore = existsSync(usCorePath('6.1.0'));

const sets = new Map<string, { set: PackageSet; validators: Validators }>();

/** Validators over one version of US Core, shared by the tests of a file. */
export function usCore(version: string): { set: PackageSet; validators: Validators } {
  let entry = sets.get(version);
  if (entry === undefined) {
    const set = new PackageSet([loadPackage(usCorePath(version))]);
    entry = { set, validators: createValidators(set) };
    sets.set(version, entry);
  }
  return entry;
}

/** A resolver with a few resources of its own in front of R4 core, by the versions that they have, if any. */
export function withResources(resources: readonly object[]): CanonicalResolver {
  const core = new PackageSet([]);
  return {
    resolve(type, canonical, origin) {
      const [url, version] = canonical.split('|');
      const own = (resources as Resource[]).find(
        (one) =>
          one.resourceType === type &&
          one['url'] === url &&
          (version === undefined || one['version'] === undefined || one['version'] === version),
      );
      return own ?? core.resolve(type, canonical, origin);
    },
  };
}

export function parsed(resource: object): JsonValue {
  return parseJson(JSON.stringify(resource));
}

/** The issues as `severity code expression constraint`, errors only unless asked. */
export function check(
  resource: object,
  validators: Validators,
  request: { profiles?: string[]; options?: ValidationOptions; all?: boolean } = {},
): string[] {
  const { all, ...rest } = request;
  return validateResource(parsed(resource), validators, rest)
    .filter(({ severity }) => all || severity === 'error')
    .map(({ severity, code, expression, constraint }) =>
      [severity, code, expression, ...(constraint === undefined ? [] : [constraint])].join(' '),
    );
}

/** A profile with a differential only. */
export function profile(type: string, element: object[], more: object = {}): Resource {
  return {
    resourceType: 'StructureDefinition',
    url: 'http://example.org/StructureDefinition/p',
    name: 'P',
    status: 'draft',
    kind: 'resource',
    abstract: false,
    type,
    baseDefinition: `http://hl7.org/fhir/StructureDefinition/${type}`,
    derivation: 'constraint',
    differential: { element },
    ...more,
  } as unknown as Resource;
}

export const P = 'http://example.org/StructureDefinition/p';
export const core = createValidators(withResources([]));

/** Errors of a resource against a profile of one differential. */
export function against(
  elements: object[],
  resource: { resourceType: string; [name: string]: unknown },
  more: object[] = [],
): string[] {
  const validators = createValidators(withResources([profile(resource.resourceType, elements), ...more]));
  const issues = check(resource, validators, { profiles: [P] });
  if (validators.problems.size > 0) throw new Error([...validators.problems.values()].join());
  return issues;
}
export const observation = (more: object) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  ...more,
});
export const patient = (more: object) => ({ resourceType: 'Patient', ...more });
