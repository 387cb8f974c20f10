import type { DefinitionsModel } from '../../conformance/model.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { replaceNarrativeLinks } from './narrative-links.ts';
import { type HolderKind, holderPlans, walkHolders } from './walk.ts';

/** What a value becomes, or undefined to leave it. */
export type ReferenceMap = (value: string, kind: HolderKind) => string | undefined;

/**
 * Rewrites in place what names other resources, as a transaction does when it gives identities (R4 http.html#trules):
 * Reference.reference, uri, url, canonical, oid and uuid values and links in narratives, contained resources included.
 * `map` is asked for each value; for one that it does not know and that carries a version or fragment
 * (`urn:uuid:...|2`, `urn:uuid:...#part`) it is asked again without it, and the rest is kept.
 * References to contained resources and other fragments (`#x`), Extension.url and the entries of a Bundle stay untouched.
 *
 * @returns how many values were changed
 */
export function rewriteReferences(
  resource: Resource,
  definitions: DefinitionsModel,
  map: ReferenceMap,
): number {
  let changed = 0;
  walkHolders(resource, holderPlans(definitions), (value, kind, parent, key) => {
    if (kind === 'narrative') {
      const before = changed;
      const div = replaceNarrativeLinks(value, (link) => {
        const replacement = rewritten(link, kind, map);
        if (replacement !== undefined) changed++;
        return replacement;
      });
      if (changed > before) (parent as JsonObject)[key] = div;
      return;
    }
    const replacement = rewritten(value, kind, map);
    if (replacement === undefined) return;
    (parent as JsonObject)[key] = replacement;
    changed++;
  });
  return changed;
}

function rewritten(value: string, kind: HolderKind, map: ReferenceMap): string | undefined {
  if (value.charCodeAt(0) === 35) return undefined;
  const whole = map(value, kind);
  if (whole !== undefined) return whole;
  const cut = value.search(kind === 'uri' ? /[|#]/ : /#/);
  if (cut < 0) return undefined;
  const base = map(value.slice(0, cut), kind);
  return base === undefined ? undefined : base + value.slice(cut);
}
