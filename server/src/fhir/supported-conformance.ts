import type { DefinitionsModel } from '../conformance/model.ts';
import { corePackage, type PackageSet } from '../conformance/packages/index.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject } from '../json/types.ts';

/** What the packages and profiles of a tenant add to its CapabilityStatement. */
export interface SupportedConformance {
  /** Canonical URLs of profiles by resource type, each once whatever its versions. */
  readonly supportedProfiles: ReadonlyMap<string, readonly string[]>;
  /** `url|version` of each ImplementationGuide. */
  readonly implementationGuides: readonly string[];
  /** Canonical URLs of the requirements for servers that are met. */
  readonly instantiates: readonly string[];
}

/** What this server does whatever the tenant, as far as requirements ask for it. */
export interface ServerOffer {
  /** Codes of the interactions with a type. */
  readonly interactions: readonly string[];
  readonly operations: readonly { readonly name: string; readonly types: readonly string[] | '*' }[];
}

const EXPECTATION = 'http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation';

/** @param definitions with the search parameters that can be used */
export function supportedConformance(
  packages: PackageSet,
  definitions: DefinitionsModel,
  offer: ServerOffer,
): SupportedConformance {
  const core = corePackage();
  const supportedProfiles = new Map<string, string[]>();
  for (const { entry, package: from } of packages.list('StructureDefinition')) {
    if (from === core || entry.kind !== 'resource' || entry.derivation !== 'constraint') continue;
    if (!definitions.resourceTypes.includes(entry.type)) continue;
    const urls = supportedProfiles.get(entry.type);
    if (urls === undefined) supportedProfiles.set(entry.type, [entry.url]);
    else if (!urls.includes(entry.url)) urls.push(entry.url);
  }
  for (const urls of supportedProfiles.values()) urls.sort();
  const guides = [...packages.list('ImplementationGuide')]
    .filter(({ entry, package: from }) => from !== core && entry.url !== '')
    .map(({ entry }) => (entry.version === '' ? entry.url : `${entry.url}|${entry.version}`));
  const requirements = [...packages.list('CapabilityStatement')]
    .filter(({ package: from }) => from !== core)
    .map((candidate) => packages.read(candidate))
    .filter(
      (statement) => isForServers(statement) && meets(statement, { definitions, offer, supportedProfiles }),
    );
  return {
    supportedProfiles,
    implementationGuides: [...new Set(guides)].sort(),
    instantiates: [...new Set(requirements.map(({ url }) => String(url)))].sort(),
  };
}

interface Available {
  readonly definitions: DefinitionsModel;
  readonly offer: ServerOffer;
  readonly supportedProfiles: ReadonlyMap<string, readonly string[]>;
}

function isForServers(statement: JsonObject): boolean {
  return (
    statement['kind'] === 'requirements' &&
    String(statement['fhirVersion']).startsWith('4.0') &&
    objectsOf(statement['rest']).some(({ mode }) => mode === 'server')
  );
}

/** Whether all that a CapabilityStatement demands of a server (expectation SHALL, or none given) is there. */
function meets(statement: JsonObject, { definitions, offer, supportedProfiles }: Available): boolean {
  const rest = objectsOf(statement['rest']).filter(({ mode }) => mode === 'server');
  const resources = rest.flatMap((one) => objectsOf(one['resource'])).filter(isDemanded);
  return resources.every((resource) => {
    const type = String(resource['type']);
    if (!definitions.resourceTypes.includes(type)) return false;
    const { params } = definitions.search(type);
    const demanded = (name: string) => objectsOf(resource[name]).filter(isDemanded);
    return (
      demanded('interaction').every(({ code }) => offer.interactions.includes(String(code))) &&
      demanded('searchParam').every(({ name }) => params.has(String(name))) &&
      demanded('operation').every(({ name }) =>
        offer.operations.some((one) => one.name === name && (one.types === '*' || one.types.includes(type))),
      ) &&
      demandedProfiles(resource).every((url) => supportedProfiles.get(type)?.includes(url))
    );
  });
}

/** Profiles that a resource of the requirements names with SHALL: expectations of primitives stand in `_supportedProfile`. */
function demandedProfiles(resource: JsonObject): string[] {
  const { supportedProfile, _supportedProfile } = resource;
  if (!Array.isArray(supportedProfile)) return [];
  const besides = Array.isArray(_supportedProfile) ? _supportedProfile : [];
  return supportedProfile.flatMap((url, i) => {
    const beside = besides[i];
    return isObject(beside) && !isDemanded(beside) ? [] : [String(url).split('|', 1)[0] as string];
  });
}

function isDemanded(part: JsonObject): boolean {
  const stated = objectsOf(part['extension']).find(({ url }) => url === EXPECTATION);
  return stated === undefined || stated['valueCode'] === 'SHALL';
}
