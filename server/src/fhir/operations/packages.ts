import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isUnrestricted } from '../../access/scope.ts';
import { RESOURCE_TYPES } from '../../conformance/resource-types.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonValue } from '../../json/types.ts';
import { type InstallReport, installPackage, missingText } from '../../packages/install-package.ts';
import { type ListedPackage, listPackages } from '../../packages/list-packages.ts';
import { activate, deactivate, removePackages } from '../../packages/manage-packages.ts';
import { packageFilesOf } from '../../packages/package-files.ts';
import { PackageProblem } from '../../packages/package-problem.ts';
import { type PackageStore, tenantPackages } from '../../storage/packages/package-store.ts';
import { type FhirError, fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Services } from '../services.ts';
import type { Operation } from './operations.ts';
import { OperationParameters } from './parameters.ts';

const OWN = 'https://vesta.health/fhir/OperationDefinition/';

/** The operations on a tenant's FHIR packages. They are offered to who may use operations on everything. */
export const PACKAGE_OPERATIONS: readonly Operation[] = [
  operation('install-package', false, install),
  operation('list-packages', true, list),
  operation('activate-package', false, switchTo(activate)),
  operation('deactivate-package', false, switchTo(deactivate)),
  operation('remove-package', false, remove),
];

type Handler = (services: Services, request: FhirRequest) => Promise<FhirResponse>;

function operation(name: string, safe: boolean, handler: Handler): Operation {
  return {
    name,
    definition: `${OWN}${name}`,
    types: [],
    levels: ['system'],
    safe,
    handle: async (services, request) => {
      if (!RESOURCE_TYPES.every((type) => isUnrestricted(request.scope, type, 'operation'))) {
        throw fhirError(403, 'forbidden', `$${name} is not allowed here`, 'http.path');
      }
      try {
        const response = await handler(services, request);
        // The client's next request meets the packages as they are now, if this process answers it; others follow.
        if (!safe) await services.tenants.current(request.context.tenant);
        return response;
      } catch (error) {
        throw error instanceof PackageProblem ? refusal(error) : error;
      }
    },
  };
}

/** A client's fault: 422, with the file of the package that is at fault, if it is one. */
function refusal({ code, message, file }: PackageProblem): FhirError {
  return fhirError(422, code, message, file ?? 'Parameters.parameter');
}

const storeOf = ({ connections }: Services, { context }: FhirRequest): PackageStore =>
  tenantPackages(connections, context.tenant, context.keys);

/**
 * `$install-package`: installs a package for the tenant, with those it depends on as far as they are found.
 * In: the archive (.tgz) as body; or Parameters with `package` (0..*, Attachment with data, base64Binary or Binary),
 * `name` and `version` (of a package in VESTA_PACKAGES, the package cache or a registry). Also, in Parameters or URL,
 * `active` (default true), `replace`, `strict` (booleans).
 * Out: Parameters with a `package` for each (name, version, outcome `installed`, `replaced` or `present`, active,
 * resources, warning) and `missing` for each dependency that was not found.
 */
async function install(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const directory = mkdtempSync(join(tmpdir(), 'vesta-upload-'));
  try {
    const { archives, names, flag } = readInstall(request);
    const files = archives.map((archive, i) => {
      const file = join(directory, `uploaded-${i + 1}.tgz`);
      writeFileSync(file, archive, { mode: 0o600 });
      return file;
    });
    const { tenant } = request.context;
    const report = await installPackage(
      tenant,
      storeOf(services, request),
      packageFilesOf(services.connections),
      {
        files,
        names,
        active: flag('active') ?? true,
        replace: flag('replace') ?? false,
        strict: flag('strict') ?? false,
      },
    );
    return answer(reportParameters(report));
  } catch (error) {
    if (!(error instanceof PackageProblem)) throw error;
    // Where an archive lay that was sent is nothing to a client.
    const message = error.message.replaceAll(join(directory, '/'), '');
    throw new PackageProblem(error.code, message, error.file);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface InstallCall {
  readonly archives: readonly Buffer[];
  readonly names: readonly string[];
  flag(name: string): boolean | undefined;
}

function readInstall(request: FhirRequest): InstallCall {
  if (Buffer.isBuffer(request.body)) {
    const given = new OperationParameters({ ...request, body: undefined });
    return { archives: [request.body], names: [], flag: (name) => flagOf(given, name) };
  }
  const given = new OperationParameters(request, 'package');
  const archives = given.all('package').map(archiveOf);
  const names = namesOf(given);
  if (archives.length + names.length === 0) {
    throw fhirError(
      400,
      'required',
      'Send a package: the archive as body, or Parameters with package, or with name and version',
      'Parameters.parameter',
    );
  }
  return { archives, names, flag: (name) => flagOf(given, name) };
}

/** Bytes of a base64Binary, an Attachment with data, or a Binary. */
function archiveOf(value: JsonValue): Buffer {
  const data = isObject(value) ? value['data'] : value;
  if (typeof data === 'string' && /^[A-Za-z0-9+/=\s]+$/.test(data)) return Buffer.from(data, 'base64');
  throw fhirError(
    400,
    'value',
    'The parameter package is a base64Binary, an Attachment with data, or a Binary',
    'Parameters.parameter.where(name = "package")',
  );
}

function flagOf(given: OperationParameters, name: string): boolean | undefined {
  const text = given.text(name);
  if (text === undefined || text === 'true' || text === 'false')
    return text === undefined ? undefined : text === 'true';
  throw fhirError(
    400,
    'value',
    `The parameter ${name} is a boolean`,
    `Parameters.parameter.where(name = "${name}")`,
  );
}

/** What `name` and `version` name; of several names each may carry its version itself. */
function namesOf(given: OperationParameters): string[] {
  const names = given.texts('name');
  const version = given.text('version');
  if (version === undefined) return names;
  if (names.length === 1 && !/[#@]/.test(names[0] as string)) return [`${names[0]}#${version}`];
  throw fhirError(
    400,
    'value',
    'The parameter version goes with one name; write several as name#version',
    'Parameters.parameter.where(name = "version")',
  );
}

function reportParameters({ packages, missing }: InstallReport): object[] {
  return [
    ...packages.map((one) => ({
      name: 'package',
      part: [
        { name: 'name', valueString: one.name },
        { name: 'version', valueString: one.version },
        { name: 'outcome', valueCode: one.outcome },
        { name: 'active', valueBoolean: one.active },
        { name: 'requested', valueBoolean: one.wanted },
        { name: 'resources', valueInteger: one.resources },
        ...one.warnings.map((warning) => ({ name: 'warning', valueString: warning })),
      ],
    })),
    ...missing.map((one) => ({
      name: 'missing',
      part: [
        { name: 'name', valueString: one.name },
        { name: 'version', valueString: one.version },
        { name: 'for', valueString: one.package },
      ],
    })),
    ...(missing.length === 0 ? [] : [{ name: 'message', valueString: missingText(missing) }]),
  ];
}

/** `$list-packages`: the packages that the tenant has, its own and the shared ones, active or not. */
async function list(services: Services, request: FhirRequest): Promise<FhirResponse> {
  return answer((await listPackages(storeOf(services, request))).map(packageParameter));
}

/** `$activate-package`, `$deactivate-package`: `name` (0..*: `name` or `name#version`), `version`. */
function switchTo(change: typeof activate): Handler {
  return async (services, request) => {
    const named = requiredNames(new OperationParameters(request));
    return answer((await change(storeOf(services, request), named)).map(packageParameter));
  };
}

/** `$remove-package`: `name`, `version`, and `force` to remove what others depend on. */
async function remove(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const given = new OperationParameters(request);
  const force = flagOf(given, 'force') ?? false;
  const removed = await removePackages(storeOf(services, request), requiredNames(given), { force });
  return answer(removed.map((one) => packageParameter({ ...one, active: false })));
}

function requiredNames(given: OperationParameters): string[] {
  const names = namesOf(given);
  if (names.length > 0) return names;
  throw fhirError(400, 'required', 'The parameter name is missing', 'Parameters.parameter');
}

function packageParameter(one: ListedPackage): object {
  const { title, canonical, fhirVersions, dependencies } = one.manifest;
  return {
    name: 'package',
    part: [
      { name: 'name', valueString: one.name },
      { name: 'version', valueString: one.version },
      ...(title === undefined ? [] : [{ name: 'title', valueString: title }]),
      ...(canonical === undefined ? [] : [{ name: 'canonical', valueUri: canonical }]),
      ...fhirVersions.map((version) => ({ name: 'fhirVersion', valueCode: version })),
      { name: 'owner', valueCode: one.owner },
      { name: 'active', valueBoolean: one.active },
      { name: 'installed', valueInstant: one.installed.toISOString() },
      ...[...dependencies].map(([name, version]) => ({
        name: 'dependency',
        valueString: `${name}#${version}`,
      })),
    ],
  };
}

/** Parameters without any parameter has no member of that name: arrays are never empty (R4 json.html). */
function answer(parameter: readonly object[]): FhirResponse {
  const parameters = { resourceType: 'Parameters', ...(parameter.length === 0 ? {} : { parameter }) };
  return { status: 200, text: JSON.stringify(parameters), interaction: 'operation' };
}
