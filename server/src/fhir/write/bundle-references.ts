import { collectReferences, type ReferenceUse } from '../references/collect-references.ts';
import { parseReference } from '../references/parse-reference.ts';
import type { TenantContext } from '../tenant-context.ts';
import type { WriteRequest } from './write-request.ts';

/** A reference of the form `Type?criteria`, and where it is used. */
export interface ConditionalReference {
  readonly type: string;
  readonly query: string;
  /** FHIRPath of the first use. */
  readonly expression: string;
}

/** The references in a set of writes that have to be replaced before the resources are stored. */
export interface BundleReferences {
  readonly byFullUrl: ReadonlyMap<string, WriteRequest>;
  /** Distinct conditional references by their text. */
  readonly conditional: ReadonlyMap<string, ConditionalReference>;
  /**
   * Replaces every reference to a fullUrl of the bundle by `Type/id` and every conditional reference by what it
   * resolved to. Can be called again with other results: it starts from the original texts.
   */
  rewrite(resolve: (fullUrl: string) => string | undefined, conditional: ReadonlyMap<string, string>): void;
}

/**
 * Finds the references that the rules of R4 http.html#trules replace: in Reference.reference, in uri, url, oid, uuid and
 * canonical values and in the links of narratives.
 */
export function collectBundleReferences(
  context: TenantContext,
  requests: readonly WriteRequest[],
): BundleReferences {
  const byFullUrl = new Map<string, WriteRequest>();
  for (const request of requests) {
    if (request.fullUrl !== undefined && request.kind !== 'delete') byFullUrl.set(request.fullUrl, request);
  }
  const inner: { use: ReferenceUse; fullUrl: string; suffix: string }[] = [];
  const outer: { use: ReferenceUse; text: string }[] = [];
  const conditional = new Map<string, ConditionalReference>();
  for (const request of requests) {
    if (request.resource === undefined) continue;
    const wanted = (value: string) => byFullUrl.has(withoutFragment(value));
    for (const use of collectReferences(request.resource, context.definitions, wanted)) {
      const { value } = use;
      const base = withoutFragment(value);
      const fullUrl = byFullUrl.has(base) ? base : absoluteOf(base, request, byFullUrl);
      if (fullUrl !== undefined) {
        inner.push({ use, fullUrl, suffix: value.slice(base.length) });
      } else if (use.kind === 'reference') {
        const parsed = parseReference(value, context.baseUrl);
        if (parsed.kind !== 'conditional') continue;
        outer.push({ use, text: value });
        if (!conditional.has(value)) {
          const expression =
            request.at === ''
              ? use.expression
              : `${request.at}.resource${use.expression.slice(request.resource.resourceType.length)}`;
          conditional.set(value, { type: parsed.type, query: parsed.query, expression });
        }
      }
    }
  }
  return {
    byFullUrl,
    conditional,
    rewrite(resolve, resolved) {
      const narratives = new Set<() => void>();
      for (const { use, fullUrl, suffix } of inner) {
        const target = resolve(fullUrl);
        if (target === undefined) continue;
        use.set(target + suffix);
        if (use.finish !== undefined) narratives.add(use.finish);
      }
      for (const finish of narratives) finish();
      for (const { use, text } of outer) {
        const target = resolved.get(text);
        if (target !== undefined) use.set(target);
      }
    },
  };
}

function withoutFragment(url: string): string {
  const hash = url.indexOf('#');
  return hash > 0 ? url.slice(0, hash) : url;
}

const RESTFUL_URL = /^(https?:\/\/.*\/)([A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64})$/;

/**
 * A relative reference counts as one to an entry whose fullUrl has the same base as the referring entry's (R4
 * bundle.html#references). With client-assigned ids the text stays as it is, so this matters only for creates.
 */
function absoluteOf(
  reference: string,
  request: WriteRequest,
  byFullUrl: ReadonlyMap<string, WriteRequest>,
): string | undefined {
  if (request.fullUrl === undefined || !/^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.test(reference))
    return undefined;
  const base = RESTFUL_URL.exec(request.fullUrl)?.[1];
  if (base === undefined) return undefined;
  const absolute = base + reference;
  return byFullUrl.has(absolute) ? absolute : undefined;
}
