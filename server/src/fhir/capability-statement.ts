import type { Interaction } from '../access/scope.ts';
import type { DefinitionsModel, SearchParamModel } from '../conformance/model.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';

/** Interactions with one resource type or instance (R4 value set type-restful-interaction). */
export type TypeInteraction = Extract<
  Interaction,
  | 'read'
  | 'vread'
  | 'update'
  | 'patch'
  | 'delete'
  | 'history-instance'
  | 'history-type'
  | 'create'
  | 'search-type'
>;

/** Interactions with the whole system (R4 value set system-restful-interaction). */
export type SystemInteraction = Extract<
  Interaction,
  'transaction' | 'batch' | 'search-system' | 'history-system'
>;

/** An operation that the server offers. */
export interface OperationCapability {
  /** Without `$`. */
  readonly name: string;
  /** Canonical URL of the OperationDefinition. */
  readonly definition: string;
  /** The types it is offered on; `*` for all. */
  readonly types: readonly string[] | '*';
  readonly levels: readonly ('system' | 'type' | 'instance')[];
  readonly documentation?: string;
}

/** What a tenant offers: all that the statement says comes from here, from the definitions, or from the defaults below. */
export interface CapabilityInput {
  /** With the tenant's own search parameters. */
  readonly definitions: DefinitionsModel;
  /** The tenant's name. */
  readonly tenant: string;
  /** The tenant's base URL, without a slash at the end. */
  readonly baseUrl: string;
  readonly software: { readonly name: string; readonly version: string };
  /** Whether literal references are checked on every write. */
  readonly enforceReferences: boolean;
  readonly operations: readonly OperationCapability[];
  /** The tenant's own search parameters that are ready, where `definitions` lacks them. */
  readonly customSearchParams?: readonly SearchParamModel[];
  /** Search parameters that `definitions` has but that are not ready: older resources are not indexed by them yet. */
  readonly pendingSearchParams?: readonly SearchParamModel[];
  /** When the capabilities last changed, as a FHIR dateTime; the start of the process by default. */
  readonly date?: string;
  readonly formats?: readonly string[];
  readonly patchFormats?: readonly string[];
  readonly interactions?: readonly TypeInteraction[];
  readonly systemInteractions?: readonly SystemInteraction[];
  /** Codes of search parameters that the definitions have and the server does not offer. */
  readonly unsupportedSearchParams?: ReadonlySet<string>;
  /** Canonical URLs of supported profiles by resource type. */
  readonly supportedProfiles?: ReadonlyMap<string, readonly string[]>;
  /** `url|version` of the guides whose packages are active. */
  readonly implementationGuides?: readonly string[];
  /** Canonical URLs of CapabilityStatements (requirements) that are met. */
  readonly instantiates?: readonly string[];
  /** CapabilityStatement.rest.security; by default that there is none. */
  readonly security?: JsonObject;
}

/** What the server does with every type. */
export const INTERACTIONS: readonly TypeInteraction[] = [
  'read',
  'vread',
  'update',
  'patch',
  'delete',
  'history-instance',
  'history-type',
  'create',
  'search-type',
];

const DEFAULTS = {
  date: new Date().toISOString(),
  formats: ['json', 'application/fhir+json', 'xml', 'application/fhir+xml'],
  patchFormats: [
    'application/json-patch+json',
    'application/xml-patch+xml',
    'application/fhir+json',
    'application/fhir+xml',
  ],
  interactions: INTERACTIONS,
  systemInteractions: ['transaction', 'batch', 'history-system', 'search-system'],
  // Stands for queries that are defined as operations, of which there are none.
  unsupportedSearchParams: new Set(['_query']),
  customSearchParams: [],
  pendingSearchParams: [],
  security: {
    cors: true,
    description:
      'Open (VESTA_AUTH=open): whoever reaches the server may read and change everything in the tenant. For development and benchmarks only.',
  },
} as const satisfies Partial<CapabilityInput>;

type Offer = CapabilityInput & Required<Pick<CapabilityInput, keyof typeof DEFAULTS>>;

/**
 * The CapabilityStatement of one tenant (R4 capabilitystatement.html, http.html#capabilities), kind `instance`. It
 * lists every resource type with its interactions, search parameters (the tenant's own included), includes and operations.
 * Large (some 1 MB as text): callers keep the text, not the object.
 */
export function capabilityStatement(input: CapabilityInput): Resource {
  const offer: Offer = { ...DEFAULTS, ...input };
  const { definitions, software, baseUrl } = offer;
  const searches = new Map(definitions.resourceTypes.map((type) => [type, searchParams(type, offer)]));
  const reverse = reverseIncludes(searches);
  return {
    resourceType: 'CapabilityStatement',
    url: `${baseUrl}/metadata`,
    version: software.version,
    name: software.name.replace(/[^A-Za-z0-9_]/g, '').replace(/^[^A-Z]*/, '') || 'Server',
    title: `${software.name}, tenant ${offer.tenant}`,
    status: 'active',
    experimental: false,
    date: offer.date,
    description: `What the FHIR R4 server ${software.name} offers to clients of the tenant ${offer.tenant}.`,
    kind: 'instance',
    ...optional('instantiates', [...(offer.instantiates ?? [])]),
    software: { name: software.name, version: software.version },
    implementation: {
      description: `${software.name}, tenant ${offer.tenant}${
        input.security === undefined ? ', without access control (VESTA_AUTH=open)' : ''
      }`,
      url: baseUrl,
    },
    fhirVersion: '4.0.1',
    format: [...offer.formats],
    patchFormat: [...offer.patchFormats],
    ...optional('implementationGuide', [...(offer.implementationGuides ?? [])]),
    rest: [
      {
        mode: 'server',
        security: offer.security,
        resource: definitions.resourceTypes.map((type) =>
          resourceCapability(type, offer, searches.get(type) ?? [], reverse.get(type) ?? []),
        ),
        interaction: offer.systemInteractions.map((code) => ({ code })),
        ...optional('searchParam', systemSearchParams(searches).map(searchParamCapability)),
        ...optional(
          'operation',
          offer.operations.filter(({ levels }) => levels.includes('system')).map(operationCapability),
        ),
        compartment: [...definitions.compartments.values()].map(({ url }) => url),
      },
    ],
  };
}

function resourceCapability(
  type: string,
  offer: Offer,
  params: readonly SearchParamModel[],
  reverse: readonly string[],
): JsonObject {
  const has = (code: TypeInteraction) => offer.interactions.includes(code);
  const listed = params.filter(({ code }) => code !== '_type');
  const operations = offer.operations.filter(
    ({ types, levels }) =>
      (types === '*' || types.includes(type)) && levels.some((level) => level !== 'system'),
  );
  return {
    type,
    profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
    ...optional('supportedProfile', [...(offer.supportedProfiles?.get(type) ?? [])]),
    interaction: offer.interactions.map((code) => ({ code })),
    versioning: 'versioned',
    readHistory: has('vread'),
    updateCreate: has('update'),
    conditionalCreate: has('create'),
    conditionalRead: 'full-support',
    conditionalUpdate: has('update'),
    conditionalDelete: has('delete') ? 'multiple' : 'not-supported',
    referencePolicy: offer.enforceReferences ? ['literal', 'logical', 'enforced'] : ['literal', 'logical'],
    ...(has('search-type')
      ? {
          searchInclude: ['*', ...listed.filter(isReference).map(({ code }) => `${type}:${code}`)],
          ...optional('searchRevInclude', [...reverse]),
          ...optional('searchParam', listed.map(searchParamCapability)),
        }
      : {}),
    ...optional('operation', operations.map(operationCapability)),
  };
}

function isReference({ type }: SearchParamModel): boolean {
  return type === 'reference';
}

/** The parameters of a type, by code; each code once (cpb-12). */
function searchParams(type: string, offer: Offer): SearchParamModel[] {
  const pending = new Set(offer.pendingSearchParams.map(({ key }) => key));
  const custom = offer.customSearchParams.filter(({ resourceType }) => resourceType === type);
  const all = [...offer.definitions.search(type).params.values(), ...custom];
  const byCode = new Map(all.filter(({ key }) => !pending.has(key)).map((param) => [param.code, param]));
  for (const code of offer.unsupportedSearchParams) byCode.delete(code);
  return [...byCode.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** `Observation:subject` and so on, by the type that they can point to. */
function reverseIncludes(searches: ReadonlyMap<string, readonly SearchParamModel[]>): Map<string, string[]> {
  const reverse = new Map<string, string[]>();
  for (const [type, params] of searches) {
    for (const param of params) {
      if (!isReference(param)) continue;
      for (const target of param.targets) {
        const list = reverse.get(target);
        if (list === undefined) reverse.set(target, [`${type}:${param.code}`]);
        else list.push(`${type}:${param.code}`);
      }
    }
  }
  return reverse;
}

/** What every type has in common can be searched for across all types. */
function systemSearchParams(searches: ReadonlyMap<string, readonly SearchParamModel[]>): SearchParamModel[] {
  const identity = ({ code, url }: SearchParamModel) => `${code} ${url}`;
  const [first = [], ...others] = [...searches.values()];
  const sets = others.map((params) => new Set(params.map(identity)));
  return first.filter((param) => param.code.startsWith('_') || sets.every((set) => set.has(identity(param))));
}

function searchParamCapability(param: SearchParamModel): JsonObject {
  const documentation = documentationFor(param);
  return {
    name: param.code,
    ...(/^https?:|^urn:/.test(param.url) ? { definition: param.url } : {}),
    type: param.type,
    ...(documentation === undefined ? {} : { documentation }),
  };
}

/** R4 describes a parameter of several types in one text, one line `* [Type](type.html): what it is` for each. */
function documentationFor({ description, resourceType }: SearchParamModel): string | undefined {
  if (description === undefined) return undefined;
  const line = description.split(/[\r\n]+/).find((text) => text.startsWith(`* [${resourceType}](`));
  const text = (line === undefined ? description : line.slice(line.indexOf('): ') + 3)).trim();
  return text === '' ? undefined : text;
}

function operationCapability({ name, definition, documentation }: OperationCapability): JsonObject {
  return { name, definition, ...(documentation === undefined ? {} : { documentation }) };
}

/** FHIR has no empty arrays. */
function optional(name: string, values: JsonValue[]): JsonObject {
  return values.length === 0 ? {} : { [name]: values };
}
