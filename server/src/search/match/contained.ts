import { isResource } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { Resource } from '../../json/types.ts';
import { createExtractor } from '../index/extractor.ts';
import type { FoundRow } from '../plan/rows.ts';
import type { Criteria, ParsedSearch } from '../query/types.ts';
import type { MatchContext } from './lookup.ts';
import { matches } from './matches.ts';

/** A row of a `_contained` search. */
export interface ContainedMatch {
  readonly container: FoundRow;
  /** The contained resources that match; empty where the row itself is the match. */
  readonly contained: Resource[];
}

/**
 * The resources contained in a container that are of one type and fulfil all of the criteria (R4 search.html#contained).
 * A reference `#id` between them is known by its type only: chains over it do not match.
 *
 * @param container a parsed resource
 */
export function containedMatches(
  container: Resource,
  type: string,
  criteria: readonly Criteria[],
  context: MatchContext,
): Resource[] {
  const { contained } = container;
  if (!Array.isArray(contained)) return [];
  const { definitions, baseUrl } = context.search;
  return contained.filter((one): one is Resource => {
    if (!isResource(one) || one.resourceType !== type) return false;
    // With its neighbours, so that `resolve() is Patient` of a `#id` sees them.
    const entries = createExtractor(definitions, type)({ ...one, contained }, context.keys, { baseUrl });
    return matches(criteria, one, entries, context);
  });
}

/**
 * What the rows of a search with `_contained=true` or `both` have that matches. The SQL finds containers by the types of
 * what they contain only, so rows without a match are left out. A row that matches itself comes first with `contained`
 * empty; what it contains and matches too follows as another item, save with `_containedType=container`, where the row is
 * the answer to both.
 *
 * @param rows as SearchPlan.readPage gave them
 * @throws FhirError 400 as {@link matches}
 */
export function filterContained(
  rows: readonly FoundRow[],
  parsed: ParsedSearch,
  context: MatchContext,
): ContainedMatch[] {
  const types = parsed.types ?? [];
  return rows.flatMap((container) => {
    const found: ContainedMatch[] = [];
    if (container.matches === true) found.push({ container, contained: [] });
    if (found.length > 0 && parsed.containedType === 'container') return found;
    const resource = parseJson(container.content) as Resource;
    const contained = types.flatMap((type) => containedMatches(resource, type, parsed.criteria, context));
    if (contained.length > 0) found.push({ container, contained });
    return found;
  });
}
