import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  environmentPackages,
  type FhirPackage,
  findPackages,
  PackageSet,
  packageCache,
  withDependencies,
} from '../conformance/packages/index.ts';
import { FhirError } from '../fhir/outcome.ts';
import { isResource } from '../fhir/resource-body.ts';
import { parseJson } from '../json/parse.ts';
import type { Severity, ValidationIssue } from '../validation/profiles/types.ts';
import { createValidators, validateResource } from '../validation/profiles/validate.ts';
import type { Validators } from '../validation/profiles/validators.ts';
import { type Command, parse, UsageError } from './command.ts';
import { inputFiles } from './loading/files.ts';
import { FORMATS } from './validate-report.ts';

/** `vesta validate`. */
export const validate: Command = {
  help: `Usage: vesta validate FILE|DIRECTORY|-... [OPTION...]

Validates FHIR resources in JSON (files, NDJSON with one resource a line, each gzipped or not; - is the standard
input) against FHIR R4, the profiles that they declare in meta.profile, and those asked for. Needs no server.

  --profile URL          validate against this profile too; several with commas
  --package PACKAGE      a package to use: a .tgz, a folder, a folder of packages, or name#version; several with commas
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
    const set = loadPackages(list(values.package));
    const validators = createValidators(set);
    const missing = set.missingDependencies();
    if (missing.length > 0 && name === 'text') {
      const names = [...new Set(missing.map((one) => `${one.name}#${one.version}`))];
      console.error(`Packages that are needed and were not found: ${names.join(', ')}`);
    }
    let failed = false;
    const report = format(console.log);
    for (const input of inputs(positionals)) {
      const issues = validateText(input.text, validators, {
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
function loadPackages(named: readonly string[]): PackageSet {
  const places = [...environmentPackages(), packageCache()];
  const wanted = named.length > 0 ? named : environmentPackages();
  const packages: FhirPackage[] = wanted.flatMap((one) => findPackages(one, places));
  return new PackageSet(withDependencies(packages, places));
}

interface Input {
  /** File, and line of an NDJSON file. */
  readonly place: string;
  readonly text: string;
}

function* inputs(positionals: readonly string[]): Generator<Input> {
  if (positionals.includes('-')) {
    if (positionals.length > 1) throw new UsageError('- stands alone');
    yield { place: '-', text: readFileSync(0, 'utf8') };
    return;
  }
  const files = inputFiles(positionals);
  if (files.length === 0) throw new UsageError('There are no .json, .ndjson or .jsonl files');
  for (const { path, gzip, ndjson } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const bytes = readFileSync(path);
    const text = (gzip ? gunzipSync(bytes) : bytes).toString('utf8').replace(/^\ufeff/, '');
    if (!ndjson) yield { place: path, text };
    else {
      for (const [i, line] of text.split('\n').entries()) {
        if (line.trim() !== '') yield { place: `${path}:${i + 1}`, text: line };
      }
    }
  }
}

function validateText(
  text: string,
  validators: Validators,
  request: Parameters<typeof validateResource>[2],
): ValidationIssue[] {
  try {
    const resource = parseJson(text, { maxDepth: 256 });
    if (!isResource(resource)) {
      return [
        {
          severity: 'error',
          code: 'structure',
          diagnostics: 'This is no FHIR resource',
          details: 'This is no FHIR resource',
        },
      ];
    }
    return validateResource(resource, validators, request);
  } catch (error) {
    if (error instanceof FhirError) return [...error.issues];
    throw error;
  }
}
