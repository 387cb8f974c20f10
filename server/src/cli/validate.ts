import { loadDefinitions } from '../conformance/definitions.ts';
import {
  environmentPackages,
  type FhirPackage,
  findPackages,
  PackageSet,
  packageCache,
  withDependencies,
} from '../conformance/packages/index.ts';
import { FhirError } from '../fhir/outcome.ts';
import { isObject } from '../json/objects.ts';
import type { Severity, ValidationIssue } from '../validation/profiles/types.ts';
import {
  createValidators,
  type ValidationRequest,
  validateResource,
} from '../validation/profiles/validate.ts';
import type { Validators } from '../validation/profiles/validators.ts';
import { type Command, parse, UsageError } from './command.ts';
import { inputs, looseDefinitions, parseInput } from './validate-input.ts';
import { FORMATS } from './validate-report.ts';

/** `vesta validate`. */
export const validate: Command = {
  help: `Usage: vesta validate FILE|DIRECTORY|-... [OPTION...]

Validates FHIR resources in JSON or XML (files, NDJSON with one resource a line, each gzipped or not; - is the standard
input) against FHIR R4, the profiles that they declare in meta.profile, those that the implementation guides named here
ask of all resources, and those asked for. Needs no server.

  --profile URL          validate against this profile too; several with commas
  --package PACKAGE      a package to use: a .tgz, a folder, a folder of packages, or name#version; several with commas
  --definitions PATH     files or folders with profiles, value sets, questionnaires and so on that are in no package;
                         several with commas
  --format FORMAT        text (default), json (an OperationOutcome for each resource) or sarif
  --unknown-extensions SEVERITY
                         how an extension without a known definition is judged: error, warning, information (default)
                         or ignore; modifier extensions are always errors
  --best-practice        show rules that are best practice
  --preferred            show codes that are not in a preferred value set
  --errors-only          show errors only

Without --package those named by VESTA_PACKAGES are used. Those that a package depends on, and name#version,
are looked for there and in ~/.fhir/packages. The exit code is 1 when there is an error in a resource.`,

  async run(args) {
    const { values, positionals } = parse(
      args,
      {
        profile: { type: 'string' },
        package: { type: 'string' },
        definitions: { type: 'string' },
        format: { type: 'string' },
        'unknown-extensions': { type: 'string' },
        'best-practice': { type: 'boolean' },
        preferred: { type: 'boolean' },
        'errors-only': { type: 'boolean' },
      },
      [1, 10_000],
    );
    const name = values.format ?? 'text';
    const format = FORMATS[name];
    if (format === undefined) throw new UsageError(`--format: "${name}" is not text, json or sarif`);
    const unknownExtensions = severityOf('unknown-extensions', values['unknown-extensions']);
    const profiles = list(values.profile);
    const { set, named } = loadPackages(list(values.package), list(values.definitions));
    const globals = globalProfiles(set, named);
    const validators = createValidators(set);
    const missing = set.missingDependencies();
    if (missing.length > 0 && name === 'text') {
      const names = [...new Set(missing.map((one) => `${one.name}#${one.version}`))];
      console.error(`Packages that are needed and were not found: ${names.join(', ')}`);
    }
    let failed = false;
    const report = format(console.log);
    for (const input of inputs(positionals)) {
      const issues = validateText(input, validators, globals, {
        profiles,
        options: {
          ...(unknownExtensions === undefined ? {} : { unknownExtensions }),
          ...(values['best-practice'] ? { bestPractice: 'warning' } : {}),
          ...(values.preferred ? { preferredBindings: 'information' } : {}),
        },
      });
      const shown = values['errors-only'] ? issues.filter(isError) : issues;
      failed ||= issues.some(isError);
      report.add({ place: input.place, issues: shown });
    }
    report.end();
    return failed ? 1 : 0;
  },
};

function isError({ severity }: ValidationIssue): boolean {
  return severity === 'error' || severity === 'fatal';
}

function list(text: string | undefined): string[] {
  return (text ?? '').split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
}

function severityOf(option: string, text: string | undefined): Severity | undefined {
  if (text === undefined) return undefined;
  if (text === 'error' || text === 'warning' || text === 'information' || text === 'ignore') return text;
  throw new UsageError(`--${option}: "${text}" is not error, warning, information or ignore`);
}

/** The packages asked for, else those of VESTA_PACKAGES, with what they depend on. */
function loadPackages(
  named: readonly string[],
  loose: readonly string[],
): { set: PackageSet; named: ReadonlySet<FhirPackage> } {
  const places = [...environmentPackages(), packageCache()];
  const wanted = named.length > 0 ? named : environmentPackages();
  const packages: FhirPackage[] = wanted.flatMap((one) => findPackages(one, places));
  const own = loose.length === 0 ? [] : [looseDefinitions(loose, loadDefinitions())];
  const set = new PackageSet([...own, ...withDependencies(packages, places)]);
  return { set, named: new Set([...own, ...packages]) };
}

/**
 * The profiles that all resources of a type must follow by the implementation guides of the packages asked for
 * (R4 implementationguide.html#ImplementationGuide.global): to ask for a guide says that it covers what is validated.
 */
function globalProfiles(
  set: PackageSet,
  named: ReadonlySet<FhirPackage>,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const candidate of set.list('ImplementationGuide')) {
    if (!named.has(candidate.package)) continue;
    const global = set.read(candidate)['global'];
    for (const one of Array.isArray(global) ? global : []) {
      if (!isObject(one) || typeof one['type'] !== 'string' || typeof one['profile'] !== 'string') continue;
      if (set.find('StructureDefinition', one['profile']) === undefined) continue;
      found.set(one['type'], [...(found.get(one['type']) ?? []), one['profile']]);
    }
  }
  return found;
}

function validateText(
  input: ReturnType<typeof inputs> extends Generator<infer T> ? T : never,
  validators: Validators,
  globals: ReadonlyMap<string, readonly string[]>,
  request: ValidationRequest,
): ValidationIssue[] {
  try {
    if ('error' in input) throw input.error;
    const resource = parseInput(input.text, validators.definitions);
    const profiles = [...(request.profiles ?? []), ...(globals.get(resource.resourceType) ?? [])];
    return validateResource(resource, validators, { ...request, profiles });
  } catch (error) {
    if (error instanceof FhirError) return [...error.issues];
    throw error;
  }
}
