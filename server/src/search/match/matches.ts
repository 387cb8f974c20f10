import type { SearchParamModel } from '../../conformance/model.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import { cut } from '../index/key-cache.ts';
import type { IndexEntries, QuantityEntry } from '../index-model.ts';
import { compositeKeys, partCriteria, rootParams } from '../plan/composite.ts';
import { branches, definitionsOf } from '../plan/context.ts';
import { jsonPaths, valuesAt } from '../plan/json-path.ts';
import { alternativeTokens, referenceTokens } from '../plan/tokens.ts';
import type { CompositePart, Criteria, Criterion, StringMatch } from '../query/types.ts';
import { EntryLookup, type MatchContext } from './lookup.ts';
import { dateMatches, isNear, numberMatches, quantityMatches } from './ordered.ts';

/**
 * Whether a resource fulfils all of the criteria, decided in memory by its index entries and the same keys as the SQL of
 * plan/ looks for. What takes other resources (chains, `_has`, `_list`, hierarchies) cannot be answered here: neither
 * such a criterion nor its negation matches.
 *
 * @param entries what extraction made of the resource with the keys of the context
 * @throws FhirError 400 for a composite whose component the index cannot compare, as the SQL does
 */
export function matches(
  criteria: readonly Criteria[],
  resource: Resource,
  entries: IndexEntries,
  context: MatchContext,
): boolean {
  return all(criteria, new EntryLookup(resource, entries, context)) === true;
}

/** Three-valued as in SQL: undefined is not known. */
type Answer = boolean | undefined;

function all(criteria: readonly Criteria[], of: EntryLookup): Answer {
  let answer: Answer = true;
  for (const one of criteria) {
    const found = evaluate(one, of);
    if (found === false) return false;
    if (found === undefined) answer = undefined;
  }
  return answer;
}

function any(criteria: readonly Criteria[], of: EntryLookup): Answer {
  let answer: Answer = false;
  for (const one of criteria) {
    const found = evaluate(one, of);
    if (found === true) return true;
    if (found === undefined) answer = undefined;
  }
  return answer;
}

function evaluate(criteria: Criteria, of: EntryLookup): Answer {
  switch (criteria.kind) {
    case 'and':
      return all(criteria.of, of);
    case 'or':
      return any(criteria.of, of);
    case 'not': {
      const answer = evaluate(criteria.of, of);
      return answer === undefined ? undefined : !answer;
    }
    default:
      return test(criteria, of);
  }
}

function test(criterion: Criterion, of: EntryLookup): Answer {
  const { entries, resource, plan } = of;
  switch (criterion.kind) {
    case 'none':
      return false;
    case 'id':
      return (
        criterion.types.includes(resource.resourceType) && criterion.ids.includes(String(resource['id']))
      );
    case 'last-updated': {
      const updated = lastUpdated(resource);
      return updated !== undefined && criterion.tests.some((one) => dateMatches(one, updated, updated));
    }
    case 'missing':
      return criterion.params.some((param) => entries.present.includes(param.key)) !== criterion.missing;
    case 'string':
      if (criterion.match === 'exact') break;
      return entries.strings.some(
        ({ param, value }) =>
          isOf(criterion.params, param) &&
          criterion.texts.some((text) => textMatches(criterion.match, value, cut(text))),
      );
    case 'token-text':
      return textEntry(of, criterion.params, criterion.texts, criterion.match);
    case 'uri':
      if (criterion.match === 'exact' || criterion.match === 'above') break;
      return textEntry(
        of,
        criterion.params,
        criterion.uris,
        criterion.match === 'below' ? 'prefix' : criterion.match,
      );
    case 'reference':
      return criterion.params.some((param) =>
        criterion.values.some((value) => {
          if (!of.hasToken(referenceTokens(value, param, plan.keys))) return false;
          if (value.kind === 'url' || value.version === undefined) return true;
          return hasVersion(of, param, `${value.type}/${value.id}/_history/${value.version}`);
        }),
      );
    case 'date':
      return criterion.params.some((param) =>
        criterion.tests.some((one) => dates(of, param).some(({ low, high }) => dateMatches(one, low, high))),
      );
    // A number is compared as given, as is a quantity without a unit.
    case 'number':
    case 'quantity':
      return quantities(of, criterion.params).some((entry) =>
        criterion.tests.some((one) => quantityMatches(one, entry, plan.keys)),
      );
    case 'composite':
      return criterion.params.some((param) =>
        criterion.values.some((parts) => compositeMatches(param, parts, of)),
      );
    case 'word':
      return hasWord(resource, criterion.where, criterion.word);
    case 'near': {
      const near = definitionsOf(of).search('Location').params.get('near');
      return (
        near !== undefined && quantities(of, [near]).some(({ low, high }) => isNear(criterion, low, high))
      );
    }
    case 'chain':
    case 'has':
    case 'list':
    case 'hierarchy':
      return undefined;
  }
  const tokens = alternativeTokens(criterion, of);
  if (tokens === undefined) throw new Error(`no match for criterion ${criterion.kind}`);
  return of.hasToken(tokens);
}

function isOf(params: readonly SearchParamModel[], key: number): boolean {
  return params.some((param) => param.key === key);
}

/** Whether a parameter's reference has this version. The index knows none: the resource tells. */
function hasVersion(of: EntryLookup, param: SearchParamModel, reference: string): boolean {
  const { resource, plan } = of;
  const texts = [reference, `${plan.search.baseUrl}/${reference}`];
  const paths = jsonPaths(param, definitionsOf(of));
  if (paths === undefined) return of.text.includes(`${reference}"`);
  return paths.some((path) =>
    valuesAt(resource, path).some((value) =>
      texts.includes(String((value as { reference?: unknown }).reference)),
    ),
  );
}

/** Epoch milliseconds of meta.lastUpdated; a contained resource has none (R4 references.html#contained). */
function lastUpdated({ meta }: Resource): number | undefined {
  const text =
    typeof meta === 'object' && meta !== null && 'lastUpdated' in meta ? meta.lastUpdated : undefined;
  const time = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function textMatches(match: StringMatch, value: string, text: string): boolean {
  switch (match) {
    case 'prefix':
      return value.startsWith(text);
    case 'contains':
      return value.includes(text);
    case 'suffix':
      return value.endsWith(text);
    case 'equals':
    case 'exact':
      return value === text;
  }
}

/** A display text or uri of one of the parameters that matches one of the texts. */
function textEntry(
  { entries }: EntryLookup,
  params: readonly SearchParamModel[],
  texts: readonly string[],
  match: StringMatch,
): boolean {
  return entries.texts.some(
    (entry) => isOf(params, entry.param) && texts.some((text) => textMatches(match, entry.text, text)),
  );
}

function dates(of: EntryLookup, param: SearchParamModel): readonly { low: number; high: number }[] {
  const { entries, resource } = of;
  const isPrimary =
    param.resourceType === resource.resourceType &&
    definitionsOf(of).search(param.resourceType).primaryDate === param.code;
  if (!isPrimary) return entries.dates.filter((date) => date.param === param.key);
  const { dateLow, dateHigh } = entries;
  return dateLow === null || dateHigh === null ? [] : [{ low: dateLow, high: dateHigh }];
}

/** Entries of the parameters that belong to no composite. */
function quantities({ entries }: EntryLookup, params: readonly SearchParamModel[]): QuantityEntry[] {
  return entries.quantities.filter(({ param, key }) => key.hi === 0 && key.lo === 0 && isOf(params, param));
}

/**
 * R4 search.html#combining, by what index/composite.ts stores: where the context is the resource itself the parts are
 * criteria of their own; elsewhere an element's parts lie under one key.
 */
function compositeMatches(
  param: SearchParamModel,
  parts: readonly CompositePart[],
  of: EntryLookup,
): boolean {
  const contexts = branches(param);
  if (contexts.includes(param.resourceType)) {
    const roots = rootParams(param, definitionsOf(of));
    const root = parts.map((part, i) => partCriteria(part, roots[i] as SearchParamModel));
    if (all(root, of) === true) return true;
  }
  return contexts.some((one) => one !== param.resourceType) && elementMatches(param, parts, of);
}

function elementMatches(param: SearchParamModel, parts: readonly CompositePart[], of: EntryLookup): boolean {
  const keys = compositeKeys(of, param, parts);
  const [first, second] = parts.filter((part) => part.type === 'number' || part.type === 'quantity');
  if (first === undefined) return of.hasToken(keys);
  return of.entries.quantities.some((entry) => {
    if (entry.param !== param.key) return false;
    if (!keys.some((key) => key.hi === entry.key.hi && key.lo === entry.key.lo)) return false;
    const { low, high } = entry;
    // Two numbers lie in one entry: the first as low, the second as high.
    if (second !== undefined)
      return numberMatches(first.test, low, low) && numberMatches(second.test, high, high);
    return quantityMatches(first.test, entry, of.plan.keys);
  });
}

/** A whole word in the narrative's text or in any string of the resource, in any case. */
function hasWord(resource: Resource, where: 'narrative' | 'content', word: string): boolean {
  const whole = new RegExp(`(?<![\\p{L}\\p{N}_])${word}(?![\\p{L}\\p{N}_])`, 'iu');
  if (where === 'content') return strings(resource).some((text) => whole.test(text));
  const { text } = resource;
  const div = typeof text === 'object' && text !== null && 'div' in text ? text.div : undefined;
  return typeof div === 'string' && whole.test(div.replace(/<[^>]*>/g, ' '));
}

function strings(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(strings);
}
