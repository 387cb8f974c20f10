import { readFileSync } from 'node:fs';
import { loadDefinitions } from '../conformance/definitions.ts';
import {
  environmentPackages,
  findPackages,
  PackageSet,
  packageCache,
  withDependencies,
} from '../conformance/packages/index.ts';
import { conforms, profiledBy } from '../fhir/operations/fhirpath-conformance.ts';
import { type FhirPathAnswers, FhirPathEvaluator } from '../fhir/operations/fhirpath-evaluator.ts';
import type { FhirPathResult, FhirPathValue } from '../fhir/operations/fhirpath-protocol.ts';
import { FhirError } from '../fhir/outcome.ts';
import { isResource } from '../json/objects.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonValue, Resource } from '../json/types.ts';
import { createValidators, validateResource } from '../validation/profiles/validate.ts';
import type { Validators } from '../validation/profiles/validators.ts';
import { parseXml } from '../xml/index.ts';
import { type Command, parse, wholeNumber } from './command.ts';

/** `vesta fhirpath`: evaluates an expression without a server. */
export const fhirpath: Command = {
  help: `Usage: vesta fhirpath EXPRESSION [FILE|-] [OPTION...]

Evaluates a FHIRPath expression on a resource in JSON or XML, read from a file or, with "-", from standard input, and
prints its results, one a line: primitives bare, the rest as JSON. Without a resource the expression stands alone. What trace() is given goes to standard
error. No server is needed: resolve() finds what is contained or in the same Bundle; conformsTo() and memberOf() know the
profiles and value sets of R4 and of the packages. Elements that a type does not have, and other things that cannot be
right whatever the data, are errors.

  --context EXPRESSION  evaluate on each result of this expression
  --package PACKAGE     a package to use, as vesta validate takes it; several with commas. Without it those named by
                        VESTA_PACKAGES are used
  --lenient             elements that a type does not have give nothing
  --json                print a JSON array: for each result its type, path and value
  --timeout SECONDS     how long it may take (30)

The exit code is 1 when the expression or the resource is wrong.`,

  async run(args) {
    const { values, positionals } = parse(
      args,
      {
        context: { type: 'string' },
        package: { type: 'string' },
        lenient: { type: 'boolean' },
        json: { type: 'boolean' },
        timeout: { type: 'string' },
      },
      [1, 2],
    );
    const [expression, file] = positionals as [string, string?];
    const seconds = wholeNumber('timeout', values.timeout, 30, 1, 3600);
    const evaluator = new FhirPathEvaluator();
    try {
      const resource = file === undefined ? undefined : readResource(file);
      const results = await evaluator.evaluate(
        {
          expression,
          lenient: values.lenient === true,
          ...(values.context === undefined ? {} : { context: values.context }),
          ...(resource === undefined ? {} : { resource: JSON.stringify(resource) }),
        },
        seconds * 1000,
        answersFrom(values.package),
      );
      printTraces(results);
      if (values.json) console.log(jsonOutput(results));
      else for (const line of textOutput(results)) console.log(line);
      return 0;
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
      for (const { diagnostics, expression: path } of error.issues) {
        console.error(path === undefined ? diagnostics : `${path}: ${diagnostics}`);
      }
      return 1;
    } finally {
      await evaluator.close();
    }
  },
};

/** Answers from R4 and packages, which are loaded at the first question. */
function answersFrom(packages: string | undefined): FhirPathAnswers {
  let validators: Validators | undefined;
  return async ({ kind, type, url, json }) => {
    // What R4 itself says of codes is known already; packages seldom define hierarchies.
    if (kind === 'subsumes') return undefined;
    validators ??= createValidators(loadPackages(packages));
    const value = parseJson(json);
    if (kind === 'memberOf') return validators.memberOf({ v: value, s: undefined, t: type }, url);
    const resource = profiledBy(value);
    if (resource === undefined || validators.profile(url) === undefined) return undefined;
    return conforms(validateResource(resource, validators, { profiles: [url] }));
  };
}

/** The packages asked for, else those of VESTA_PACKAGES, with what they depend on. */
function loadPackages(named: string | undefined): PackageSet {
  const places = [...environmentPackages(), packageCache()];
  const wanted = named === undefined ? environmentPackages() : named.split(',').map((one) => one.trim());
  return new PackageSet(
    withDependencies(
      wanted.filter((one) => one !== '').flatMap((one) => findPackages(one, places)),
      places,
    ),
  );
}

/** @throws Error for a file that cannot be read or is no resource, FhirError for broken JSON or XML */
function readResource(file: string): Resource {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
  const resource = text.trimStart().startsWith('<') ? parseXml(text, loadDefinitions()) : parseJson(text);
  if (isResource(resource)) return resource;
  throw new Error(`${file === '-' ? 'Standard input' : file} holds no resource`);
}

/** A value as one line: primitives bare, the rest as JSON, as are texts of several lines. */
function valueText({ json, siblingJson }: FhirPathValue): string {
  if (json === undefined) return siblingJson ?? '';
  if (!json.startsWith('"')) return json;
  const text = JSON.parse(json) as string;
  return /[\r\n]/.test(text) ? json : text;
}

function textOutput(results: readonly FhirPathResult[]): string[] {
  return results.flatMap(({ context, values }) => {
    const lines = values.map(valueText);
    return context === undefined ? lines : [`# ${context}`, ...lines];
  });
}

function jsonOutput(results: readonly FhirPathResult[]): string {
  const items = results.flatMap(({ context, values }) =>
    values.map(
      ({ type, path, json, siblingJson }): Record<string, JsonValue> => ({
        ...(context === undefined ? {} : { context }),
        type,
        ...(path === undefined ? {} : { path }),
        ...(json === undefined ? {} : { value: parseJson(json) }),
        ...(siblingJson === undefined ? {} : { _value: parseJson(siblingJson) }),
      }),
    ),
  );
  return JSON.stringify(items, undefined, 2);
}

function printTraces(results: readonly FhirPathResult[]): void {
  for (const { traces } of results) {
    for (const { name, values } of traces) console.error(`${name}: ${values.map(valueText).join(' | ')}`);
  }
}
