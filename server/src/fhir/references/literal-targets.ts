import type { DefinitionsModel } from '../../conformance/model.ts';
import type { Resource } from '../../json/types.ts';
import { belowBase } from './parse-reference.ts';
import { referencePlans, walkHolders } from './walk.ts';

/** A literal reference to a resource of the same tenant. */
export interface LiteralTarget {
  /** `Type/id`, without base URL and version. */
  readonly target: string;
  /** FHIRPath of the reference: `Observation.subject.reference`. */
  readonly expression: string;
}

const LOCAL = /^([A-Z][A-Za-z]*\/[A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/**
 * The literal references of a resource (and of its contained resources) to resources of this server: relative ones and
 * absolute ones below the base URL, for referential integrity. Only Reference elements count, not canonicals; fragments,
 * URNs, conditional references and URLs of other servers are left out, and so are the entries of a Bundle.
 * The same target appears once for each reference; whether its type exists is not checked.
 */
export function literalTargets(
  resource: Resource,
  definitions: DefinitionsModel,
  baseUrl: string,
): LiteralTarget[] {
  const targets: LiteralTarget[] = [];
  walkHolders(
    resource,
    referencePlans(definitions),
    (value, _kind, _parent, _key, trail) => {
      const local = LOCAL.exec(belowBase(value, baseUrl) ?? value);
      if (local === null) return;
      targets.push({ target: local[1] as string, expression: `${resource.resourceType}${trail.join('')}` });
    },
    [],
  );
  return targets;
}
