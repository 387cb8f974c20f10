import type { DefinitionsModel } from '../../conformance/model.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import { narrativeLinks, replaceNarrativeLinks } from './narrative-links.ts';
import { type HolderKind, holderPlans, walkHolders } from './walk.ts';

/** One place of a resource that may name another resource. */
export interface ReferenceUse {
  /** `reference` for Reference.reference; `uri` for uri, url, canonical, oid and uuid; `narrative` for a link in XHTML. */
  readonly kind: HolderKind;
  /** What stands there now; of a link in a narrative with its entities resolved. */
  readonly value: string;
  /** FHIRPath of the element: `Observation.subject.reference`, `Patient.contained[0].text.div`. */
  readonly expression: string;
  /** Writes another value into the resource, in place; of a link in a narrative, once {@link finish} is called. */
  set(value: string): void;
  /** Writes what was set of the links of a narrative, all at once: it may have thousands. Shared by its links. */
  readonly finish?: () => void;
}

/**
 * Every Reference.reference, every uri, url, canonical, oid and uuid value, and every `href` and `src` of a narrative in
 * a resource and its contained resources (R4 http.html#trules), in the order of the document. Extension.url is left out, and so
 * are the entries of a Bundle, whose references resolve within it.
 * @param wanted tells which uri, url, canonical, oid and uuid values matter: most are code systems, met by the thousand
 */
export function collectReferences(
  resource: Resource,
  definitions: DefinitionsModel,
  wanted: (value: string) => boolean = () => true,
): ReferenceUse[] {
  const uses: ReferenceUse[] = [];
  walkHolders(
    resource,
    holderPlans(definitions),
    (value, kind, parent, key, trail) => {
      if (kind === 'uri' && !wanted(value)) return;
      const expression = `${resource.resourceType}${trail.join('')}`;
      // Whether it is an object or an array: either way a string is kept under the key.
      const holder = parent as unknown as Record<string | number, JsonValue>;
      if (kind !== 'narrative') {
        const set = (text: string) => {
          holder[key] = text;
        };
        uses.push({ kind, value, expression, set });
        return;
      }
      const replacements = new Map<number, string>();
      const finish = () => {
        holder[key] = replaceNarrativeLinks(value, (_, position) => replacements.get(position));
      };
      narrativeLinks(value).forEach((link, position) => {
        const set = (text: string) => {
          replacements.set(position, text);
        };
        uses.push({ kind, value: link, expression, set, finish });
      });
    },
    [],
  );
  return uses;
}
