import type { JsonObject } from '../json/types.ts';
import type { Definition } from './model.ts';
import type { Sources } from './sources.ts';

/**
 * A value set that nobody has written down but whose URL says what it is: `?fhir_vs` of a code system with all its codes,
 * a part below a code, or a reference set (R4 snomedct.html#implicit, loinc.html#implicit), and CodeSystem.valueSet.
 */
export async function implicitValueSet(
  sources: Sources,
  url: string,
  version: string | undefined,
): Promise<Definition | undefined> {
  const made = (system: string, include: JsonObject): Definition => ({
    resource: {
      resourceType: 'ValueSet',
      url,
      status: 'active',
      compose: { include: [{ system, ...(version === undefined ? {} : { version }), ...include }] },
    },
    key: `implicit ${url}|${version ?? ''}`,
  });
  const query = url.indexOf('?fhir_vs');
  if (query > 0) {
    const system = url.slice(0, query);
    const rest = url.slice(query + '?fhir_vs'.length);
    // SNOMED CT names an edition or version in the URL: http://snomed.info/sct/[module](/version/[date])?fhir_vs
    const edition = /^(http:\/\/snomed\.info\/sct)\/(.+)$/.exec(system);
    const base = edition === null ? system : (edition[1] as string);
    const fixed = edition === null ? {} : { version: system };
    if (rest === '') return made(base, fixed);
    const isA = /^=isa\/(.+)$/.exec(rest);
    if (isA !== null)
      return made(base, {
        ...fixed,
        filter: [{ property: 'concept', op: 'is-a', value: decode(isA[1] as string) }],
      });
    const refset = /^=refset\/(.+)$/.exec(rest);
    if (refset !== null)
      return made(base, {
        ...fixed,
        filter: [{ property: 'concept', op: 'in', value: decode(refset[1] as string) }],
      });
    return undefined;
  }
  if (url.startsWith('http://loinc.org/vs')) {
    const rest = url.slice('http://loinc.org/vs'.length);
    const filter = /^\/LL[\d-]+$/.test(rest)
      ? { filter: [{ property: 'LIST', op: '=', value: rest.slice(1) }] }
      : /^\/LP[\d-]+$/.test(rest)
        ? { filter: [{ property: 'concept', op: 'is-a', value: rest.slice(1) }] }
        : rest === ''
          ? {}
          : undefined;
    if (filter !== undefined && (await sources.codeSystem('http://loinc.org', undefined)) !== undefined)
      return made('http://loinc.org', filter);
    return undefined;
  }
  const all = sources.extra.find(
    (resource) =>
      resource.resourceType === 'CodeSystem' &&
      resource['valueSet'] === url &&
      resource['content'] !== 'supplement',
  );
  if (all !== undefined) return made(all['url'] as string, {});
  const loaded = (await sources.stored()).find(({ resource }) => resource['valueSet'] === url);
  if (loaded !== undefined) return made(loaded.url, {});
  const packaged = await (await sources.packages())?.systemOfValueSet(url);
  return packaged && made(packaged['url'] as string, {});
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
