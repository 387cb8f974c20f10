import type { TenantContext } from '../fhir/tenant-context.ts';
import type { JsonObject } from '../json/types.ts';
import { compareVersions } from './canonical.ts';
import { stringOf } from './json.ts';
import { openPackages, packagesOf } from './package-source.ts';
import { COMPUTED_SYSTEMS, type TerminologyService } from './service.ts';

/** Parameters of $expand and $validate-code that take effect here. */
const PARAMETERS = [
  'abstract',
  'activeOnly',
  'check-system-version',
  'check-valueset-version',
  'context',
  'count',
  'date',
  'default-valueset-version',
  'designation',
  'displayLanguage',
  'exclude-system',
  'excludeNested',
  'excludeNotForUI',
  'filter',
  'force-system-version',
  'force-valueset-version',
  'includeDefinition',
  'includeDesignations',
  'inferSystem',
  'lenient-display-validation',
  'offset',
  'property',
  'system-version',
  'tx-resource',
  'url',
  'useSupplement',
  'valueSet',
  'valueSetVersion',
  'valueset-membership-only',
  'versionsMatch',
];

/** Most of a tenant's own CodeSystems that are named. */
const MOST = 2000;

/**
 * The TerminologyCapabilities of a tenant, for `/metadata?mode=terminology` (R4 http.html#capabilities): all code systems
 * that it may use, with their versions.
 * @param base what the resource says of the server itself: software, implementation, date
 */
export async function terminologyCapabilities(
  service: TerminologyService,
  context: TenantContext,
  base: JsonObject = {},
): Promise<JsonObject> {
  const versions = new Map<string, Set<string>>();
  const add = (url: string | undefined, version: string | undefined): void => {
    if (url === undefined) return;
    const known = versions.get(url) ?? new Set();
    versions.set(url, version === undefined ? known : known.add(version));
  };
  for (const url of COMPUTED_SYSTEMS) add(url, undefined);
  const builtin = await service.builtin();
  for (const url of builtin.urls('CodeSystem'))
    for (const { version } of builtin.versions('CodeSystem', url)) add(url, version);
  const packages = await openPackages(service, packagesOf(context));
  for (const { entry } of packages?.all('CodeSystem') ?? [])
    if (entry.type !== 'supplement') add(entry.url, entry.version || undefined);
  for (const { url, version } of await service.registry.systems(context.tenant)) add(url, version);
  const found = (await service.finder.all(context, 'CodeSystem', MOST)).filter(
    ({ bytes }) => bytes <= service.limits.bytes,
  );
  for (let at = 0; at < found.length; at += 50) {
    for (const resource of (await service.contents(context, found.slice(at, at + 50))).values())
      if (resource['content'] !== 'supplement') add(stringOf(resource['url']), stringOf(resource['version']));
  }
  return {
    resourceType: 'TerminologyCapabilities',
    status: 'active',
    date: new Date().toISOString(),
    kind: 'instance',
    ...base,
    codeSystem: [...versions]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([uri, known]) => {
        const sorted = [...known].sort((a, b) => compareVersions(b, a));
        return {
          uri,
          ...(sorted.length === 0
            ? {}
            : { version: sorted.map((code, i) => ({ code, ...(i === 0 ? { isDefault: true } : {}) })) }),
        };
      }),
    expansion: {
      hierarchical: true,
      paging: true,
      incomplete: false,
      parameter: PARAMETERS.map((name) => ({ name })),
      textFilter:
        'Every word must occur in the code, the display or a designation, in any case and without accents.',
    },
    codeSearch: 'all',
    validateCode: { translations: true },
    translation: { needsMap: false },
    closure: { translation: false },
  };
}
