import { searchParamKey } from '../search/index-model.ts';
import { branchesOf, followPath, type Reach } from './expression.ts';
import type { SearchParamModel, SearchParamType, TypeModel } from './model.ts';
import { NOT_R4_SEARCH_PARAMETERS } from './r4-corrections.ts';
import { isResourceType } from './resource-types.ts';
import type { SourceSearchParameter } from './source-model.ts';

/** A search parameter of one type as it is stored in the cache. `targets` 0 stands for every resource type. */
export type PackedParam = readonly [
  code: string,
  url: string,
  type: SearchParamType,
  expression: string,
  targets: readonly string[] | 0,
  components: readonly (readonly [definition: string, code: string, expression: string])[],
  description: string,
];
export type PackedTypeSearch = readonly [
  params: readonly PackedParam[],
  primaryDate: string,
  patientParam: string,
];

/**
 * Which date a type is listed by, newest first: when it happened, else when it was written, else when it was stored by
 * somebody, else whatever date it has. A total order over the codes of R4's parameters of type date.
 */
const PRIMARY_DATES: readonly string[] = [
  ...[
    'date',
    'authoredon',
    'authored',
    'authored-on',
    'created',
    'onset-date',
    'recorded-date',
    'recorded',
    'issued',
  ],
  ...[
    'started',
    'sent',
    'period',
    'effective-time',
    'effective',
    'birthdate',
    'start',
    'start-date',
    'occurrence',
  ],
  ...[
    'entered-date',
    'when',
    'identified',
    'collected',
    'whenhandedover',
    'whenprepared',
    'datetime',
    'datewritten',
  ],
  ...[
    'timestamp',
    'planned',
    'received',
    'event-date',
    'modified',
    'expiry',
    'expiration-date',
    'onset',
    'last-date',
  ],
  ...[
    'activity-date',
    'payment-date',
    'abatement-date',
    'target-date',
    'death-date',
    'location-period',
    'reaction-date',
  ],
  ...['value-date'],
];

/** Parameters of R4 search.html that have no SearchParameter resource, and those whose resource has no expression. */
const SPECIAL: readonly (readonly [code: string, description: string])[] = [
  ['_list', 'All resources in a list (R4 search.html#list)'],
  ['_has', 'Reverse chaining: resources that are referred to by what meets a condition (R4 search.html#has)'],
  ['_type', 'Resource types that a search across types is limited to (R4 search.html#all)'],
  ['_filter', 'A filter expression (R4 search_filter.html)'],
];

/**
 * The search parameters of each concrete R4 resource type (R4 searchparameter-registry.html), with those of Resource and
 * DomainResource.
 * @param sources the SearchParameter resources of search-parameters.json
 */
export function compileSearch(
  sources: readonly SourceSearchParameter[],
  types: ReadonlyMap<string, TypeModel>,
  resourceTypes: readonly string[],
): Map<string, PackedTypeSearch> {
  const r4 = sources.filter((source) => !NOT_R4_SEARCH_PARAMETERS.includes(source.url));
  const codeOf = new Map(r4.map((source) => [source.url, source.code]));
  const byBase = new Map<string, SourceSearchParameter[]>();
  for (const source of r4) {
    for (const base of source.base) {
      const list = byBase.get(base);
      if (list === undefined) byBase.set(base, [source]);
      else list.push(source);
    }
  }
  const result = new Map<string, PackedTypeSearch>();
  for (const resourceType of resourceTypes) {
    const own = [resourceType, ...basesOf(resourceType, types)].flatMap((base) => byBase.get(base) ?? []);
    const params = own
      .map((source) => packParam(source, resourceType, types, codeOf))
      .concat(SPECIAL.map(([code, description]) => [code, '', 'special', '', [], [], description]));
    params.sort((a, b) => (a[0] < b[0] ? -1 : 1));
    const primary = PRIMARY_DATES.find((code) =>
      params.some((p) => p[0] === code && isSingleDate(p, resourceType, types)),
    );
    const patient = params.find(([code]) => code === 'patient');
    const isSinglePatient =
      resourceType !== 'Patient' &&
      patient?.[2] === 'reference' &&
      reachOf(patient[3], resourceType, types).length === 1 &&
      reachOf(patient[3], resourceType, types).every((reach) => reach?.single);
    result.set(resourceType, [params, primary ?? '', isSinglePatient ? 'patient' : '']);
  }
  return result;
}

/**
 * A SearchParameter resource as each of its base types uses it: for parameters that come from a client or a package.
 * Base types Resource and DomainResource stand for all resource types below them.
 * @param codeOf code of the SearchParameter with a canonical URL, for components; undefined if there is none
 */
export function compileSearchParameter(
  source: SourceSearchParameter,
  types: ReadonlyMap<string, TypeModel>,
  resourceTypes: readonly string[],
  codeOf: (url: string) => string | undefined,
): SearchParamModel[] {
  return resourceTypes
    .filter((type) => [type, ...basesOf(type, types)].some((base) => source.base.includes(base)))
    .map((type) => unpackParam(packParam(source, type, types, { get: codeOf }), type, resourceTypes));
}

/** Names of a resource type's base types, nearest first. */
export function basesOf(resourceType: string, types: ReadonlyMap<string, TypeModel>): string[] {
  const bases: string[] = [];
  for (let base = types.get(resourceType)?.base; base !== undefined; base = types.get(base)?.base)
    bases.push(base);
  return bases;
}

function packParam(
  source: SourceSearchParameter,
  resourceType: string,
  types: ReadonlyMap<string, TypeModel>,
  codeOf: { get(url: string): string | undefined },
): PackedParam {
  const branches = branchesOf(source.expression ?? '', resourceType, basesOf(resourceType, types));
  const expression = branches.join(' | ');
  return [
    source.code,
    source.url,
    (expression === '' ? 'special' : source.type) as SearchParamType,
    expression,
    source.type === 'reference' ? targetsOf(source, expression, resourceType, types) : [],
    (source.component ?? []).map(({ definition, expression }) => [
      definition,
      codeOf.get(definition) ?? definition.slice(definition.lastIndexOf('/') + 1),
      expression,
    ]),
    descriptionFor(source.description ?? '', resourceType),
  ];
}

/** A parameter of several types describes each in a list: `* [Patient](patient.html): text`. */
function descriptionFor(description: string, resourceType: string): string {
  if (!description.startsWith('Multiple Resources:')) return description.trim();
  const line = new RegExp(`^\\* \\[${resourceType}\\][^:]*: *(.*?)\\s*$`, 'm').exec(description);
  return line?.[1] ?? '';
}

function reachOf(
  expression: string,
  resourceType: string,
  types: ReadonlyMap<string, TypeModel>,
): (Reach | undefined)[] {
  return branchesOf(expression, resourceType, basesOf(resourceType, types)).map((branch) =>
    followPath(branch, resourceType, types),
  );
}

/** Targets that both the definition and the elements permit. */
function targetsOf(
  source: SourceSearchParameter,
  expression: string,
  resourceType: string,
  types: ReadonlyMap<string, TypeModel>,
): readonly string[] | 0 {
  const defined = (source.target ?? []).filter(isResourceType);
  const permitted = new Set<string>();
  let any = false;
  for (const reach of reachOf(expression, resourceType, types)) {
    if (reach === undefined || reach.elements.length === 0) any = true;
    for (const element of reach?.elements ?? []) {
      const targets = element.targets ?? [];
      if (reach?.resolvesTo !== undefined) permitted.add(reach.resolvesTo);
      else if (targets.length === 0) any = true;
      else for (const target of targets) permitted.add(target);
    }
  }
  if (any) return defined.length === 0 ? 0 : defined;
  const narrowed = defined.length === 0 ? [...permitted] : defined.filter((target) => permitted.has(target));
  const targets = (narrowed.length === 0 ? defined : narrowed).filter(isResourceType).sort();
  return targets.length === 0 ? 0 : targets;
}

/** Whether a parameter is a date that a resource has at most once: one element, or the types of one choice element. */
function isSingleDate(
  param: PackedParam,
  resourceType: string,
  types: ReadonlyMap<string, TypeModel>,
): boolean {
  if (param[2] !== 'date') return false;
  const reached = reachOf(param[3], resourceType, types);
  const paths = new Set(reached.flatMap((reach) => reach?.elements.map((element) => element.path) ?? []));
  return paths.size === 1 && reached.every((reach) => reach?.single);
}

/** The model of a parameter from its stored form. */
export function unpackParam(
  packed: PackedParam,
  resourceType: string,
  resourceTypes: readonly string[],
): SearchParamModel {
  const [code, url, type, expression, targets, components, description] = packed;
  return {
    code,
    url,
    type,
    resourceType,
    expression,
    targets: targets === 0 ? resourceTypes : targets,
    components: components.map(([definition, code, expression]) => ({ definition, code, expression })),
    key: searchParamKey(resourceType, code),
    ...(description === '' ? {} : { description }),
  };
}
