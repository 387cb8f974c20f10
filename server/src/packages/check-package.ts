import { loadDefinitions, withSearchParameters } from '../conformance/definitions.ts';
import type { SearchParamModel } from '../conformance/model.ts';
import {
  type CanonicalResolver,
  type FhirPackage,
  type PackageEntry,
  PackageError,
  type PackageSet,
  SnapshotError,
  withSnapshot,
} from '../conformance/packages/index.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import { parseExpression } from '../fhirpath/parser.ts';
import type { Resource } from '../json/types.ts';
import { compileSearchParameter } from '../search/index/search-parameter.ts';

/** Core packages of other FHIR versions: who depends on one is not of R4. */
const OTHER_CORE = /^hl7\.fhir\.(?!r4\.)r\d+b?\.core$/;
/** Longest chain of baseDefinitions. */
const MOST_BASES = 40;

/**
 * Checks that everything in a package can be used.
 *
 * @param set the package and what it may depend on
 * @returns what a person should know of parts that cannot be used though they are not wrong
 * @throws PackageError for a package that is not of FHIR 4.0, a file that is no resource, a StructureDefinition whose
 *   snapshot cannot be made or whose bases lead in a circle, and a SearchParameter that lacks what it needs or whose
 *   expression is not FHIRPath. One that asks for what R4 does not have (US Core 5.0.1 has such) is a warning.
 */
export function checkPackage(from: FhirPackage, set: PackageSet): string[] {
  const name = `${from.manifest.name}#${from.manifest.version}`;
  checkVersion(name, from);
  const [stray] = from.strays ?? [];
  if (stray !== undefined)
    throw new PackageError(`The package ${name}: ${stray} is no resource: it has no resourceType`, stray);
  const isComplete = !set.missingDependencies().some((missing) => missing.package === name);
  const warnings: string[] = [];
  for (const entry of from.entries) {
    if (entry.resourceType === 'StructureDefinition') {
      const warning = checkStructure(name, entry, from, set, isComplete);
      if (warning !== undefined) warnings.push(warning);
    }
  }
  return [...warnings, ...checkSearchParameters(name, from)];
}

function checkVersion(name: string, { manifest }: FhirPackage): void {
  const { fhirVersions, dependencies } = manifest;
  const other = [...dependencies.keys()].find((dependency) => OTHER_CORE.test(dependency));
  if (
    fhirVersions.length > 0
      ? fhirVersions.some((version) => /^4\.0(\.|$)/.test(version))
      : other === undefined
  )
    return;
  const said = fhirVersions.length > 0 ? fhirVersions.join(', ') : `that of ${other}`;
  throw new PackageError(
    `The package ${name}: package/package.json: it is for FHIR ${said}; this server is of FHIR R4 (4.0.1)`,
    'package/package.json',
  );
}

/** @returns a warning for a profile whose base is in a package that is missing */
function checkStructure(
  name: string,
  entry: PackageEntry,
  from: FhirPackage,
  set: PackageSet,
  isComplete: boolean,
): string | undefined {
  const refusal = (message: string) =>
    new PackageError(`The package ${name}: ${entry.file}: ${message}`, entry.file);
  const structure = set.read({ entry, package: from });
  const seen = new Set<string>();
  for (let next: Resource | undefined = structure; next !== undefined; ) {
    const url = `${next['url']}|${next['version'] ?? ''}`;
    if (seen.has(url))
      throw refusal(`The profile ${structure['url']} is based on itself, by way of ${[...seen].join(', ')}`);
    seen.add(url);
    if (seen.size > MOST_BASES)
      throw refusal(`The profile ${structure['url']} has more than ${MOST_BASES} bases`);
    const base: unknown = next['baseDefinition'];
    next = typeof base === 'string' ? set.resolve('StructureDefinition', base, next) : undefined;
  }
  const snapshot = (structure['snapshot'] as { element?: unknown } | undefined)?.element;
  if (Array.isArray(snapshot) && snapshot.length > 0) return undefined;
  const missing = new Set<string>();
  const resolver: CanonicalResolver = {
    resolve(type, canonical, origin) {
      const found = set.resolve(type, canonical, origin);
      if (found === undefined) missing.add(canonical);
      return found;
    },
  };
  try {
    withSnapshot(structure, resolver);
  } catch (error) {
    if (!(error instanceof SnapshotError))
      throw refusal(`no snapshot can be made: ${(error as Error).message}`);
    if (missing.size === 0 || isComplete) throw refusal(error.message);
    return `${entry.file} cannot be used until the packages that ${name} depends on are there: ${error.message}`;
  }
  return undefined;
}

/** Elements whose faults make a SearchParameter broken; with others it only cannot be used. */
const BROKEN = /^SearchParameter\.(url|code|type|base)$/;

function checkSearchParameters(name: string, from: FhirPackage): string[] {
  const warnings: string[] = [];
  let definitions = loadDefinitions();
  const resources = from.entries
    .filter(({ resourceType }) => resourceType === 'SearchParameter')
    .map((entry) => ({ entry, resource: from.read(entry) }));
  const isComposite = ({ resource }: (typeof resources)[number]): boolean => resource['type'] === 'composite';
  // Composite ones may be made of others of the package, so they come last.
  for (const composite of [false, true]) {
    const models: SearchParamModel[] = [];
    for (const { entry, resource } of resources.filter((one) => isComposite(one) === composite)) {
      if (resource['status'] === 'retired') continue;
      const expression: unknown = resource['expression'];
      if (resource['type'] === 'special' || expression === undefined) {
        warnings.push(`${entry.file} adds no search parameter: no expression says what is searched`);
        continue;
      }
      const problem = syntaxError(expression);
      try {
        if (problem !== undefined) throw fhirError(422, 'invalid', problem, 'SearchParameter.expression');
        models.push(...compileSearchParameter(resource, definitions));
      } catch (error) {
        const at = error instanceof FhirError ? error.issues[0]?.expression : undefined;
        const message = `${at === undefined ? '' : `${at}: `}${(error as Error).message}`;
        if (problem !== undefined || at === undefined || BROKEN.test(at))
          throw new PackageError(`The package ${name}: ${entry.file}: ${message}`, entry.file);
        warnings.push(`${entry.file} adds no search parameter: ${message}`);
      }
    }
    if (models.length > 0) definitions = withSearchParameters(definitions, models);
  }
  return warnings;
}

/** Why something is no FHIRPath expression; undefined if it is one. */
function syntaxError(expression: unknown): string | undefined {
  if (typeof expression !== 'string') return 'the expression must be a string';
  try {
    parseExpression(expression, { lenient: true });
    return undefined;
  } catch (error) {
    return `the expression is not FHIRPath: ${(error as Error).message}`;
  }
}
