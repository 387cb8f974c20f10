import type { JsonObject, Resource } from '../json/types.ts';
import { joinCanonical, splitCanonical } from './canonical.ts';
import { FilterCache, Membership, prepareSet } from './compose.ts';
import type { TxContext } from './context.ts';
import { TxError, txError, txIssue } from './issues.ts';
import { objectsOf, stringOf } from './json.ts';
import type { Definition } from './model.ts';
import type { ResultParameter } from './validation-target.ts';

export interface TranslatedCoding {
  readonly system: string;
  readonly version?: string;
  readonly code: string;
}

export interface TranslationRequest {
  /** The codings to translate: the first that a map knows decides. */
  readonly codings: readonly TranslatedCoding[];
  /** The map to use; without one, all that fit are tried. */
  readonly map?: Definition;
  /** Value set that the codings come from, and the one that translations must be for. */
  readonly source?: string;
  readonly target?: string;
  readonly targetSystem?: string;
  /** Whether the map is read from its target to its source. */
  readonly reverse: boolean;
  /** Properties that a map's dependsOn may need: `dependency`. */
  readonly dependencies: readonly { readonly element: string; readonly concept: JsonObject }[];
}

/** An R4 equivalence seen from the other side (valueset-concept-map-equivalence.html). */
const REVERSED: ReadonlyMap<string, string> = new Map([
  ['wider', 'narrower'],
  ['narrower', 'wider'],
  ['subsumes', 'specializes'],
  ['specializes', 'subsumes'],
]);

/** R5's relationships in R4's terms. */
const RELATIONSHIPS: ReadonlyMap<string, string> = new Map([
  ['related-to', 'relatedto'],
  ['equivalent', 'equivalent'],
  ['source-is-narrower-than-target', 'wider'],
  ['source-is-broader-than-target', 'narrower'],
  ['not-related-to', 'disjoint'],
]);

const NO_TRANSLATION = new Set(['unmatched', 'disjoint']);

/** R4: ConceptMap.group.unmapped.mode is provided (use the source code), fixed or other-map. */
const USE_SOURCE = new Set(['provided', 'use-source-code']);

interface Match {
  readonly equivalence: string;
  readonly concept?: JsonObject;
  readonly source: JsonObject;
  readonly map: string;
  readonly comment?: string;
  readonly product: JsonObject[];
}

/**
 * ConceptMap/$translate (R4 conceptmap-operation-translate.html), in both directions.
 * @throws TxError when a value set of the scope is not known, or maps refer to each other in a circle
 */
export async function translate(context: TxContext, request: TranslationRequest): Promise<ResultParameter[]> {
  const translation = new Translation(context, request);
  const maps = await translation.maps();
  for (const coding of request.codings) {
    const matches = await translation.of(coding, maps);
    if (matches.length > 0) return answer(matches);
  }
  const [first] = request.codings;
  const message =
    maps.length === 0
      ? `No ConceptMap is available to translate from '${first?.system ?? ''}' to '${request.targetSystem ?? request.target ?? '(unspecified)'}'`
      : 'No translations found';
  return [
    { name: 'result', valueBoolean: false },
    { name: 'message', valueString: message },
  ];
}

function answer(matches: readonly Match[]): ResultParameter[] {
  const positive = matches.some(({ equivalence }) => !NO_TRANSLATION.has(equivalence));
  return [
    { name: 'result', valueBoolean: positive },
    ...(positive
      ? []
      : [{ name: 'message', valueString: 'The concept map says that there is no translation' }]),
    ...matches.map(({ equivalence, concept, map, comment, product }) => ({
      name: 'match',
      part: [
        { name: 'equivalence', valueCode: equivalence },
        ...(concept === undefined ? [] : [{ name: 'concept', valueCoding: concept }]),
        ...product.map((one) => ({
          name: 'product',
          part: [
            { name: 'element', valueUri: String(one['property'] ?? '') },
            {
              name: 'concept',
              valueCoding: {
                ...(one['system'] === undefined ? {} : { system: one['system'] }),
                code: String(one['value'] ?? ''),
                ...(one['display'] === undefined ? {} : { display: one['display'] }),
              },
            },
          ],
        })),
        ...(comment === undefined ? [] : [{ name: 'comment', valueString: comment }]),
        { name: 'source', valueUri: map },
      ],
    })),
  ];
}

class Translation {
  readonly #context: TxContext;
  readonly #request: TranslationRequest;

  constructor(context: TxContext, request: TranslationRequest) {
    this.#context = context;
    this.#request = request;
  }

  /** The maps to look into: the one that was named, or those whose groups and scopes fit. */
  async maps(): Promise<Definition[]> {
    const { map, reverse, targetSystem, source, target, codings } = this.#request;
    if (map !== undefined) return [map];
    const systems = new Set(codings.map(({ system }) => system));
    const all = await this.#context.sources.conceptMaps();
    const fitting = all.filter(({ resource }) => {
      if (resource['status'] === 'retired') return false;
      if (source !== undefined && !sameScope(source, scope(resource, reverse ? 'target' : 'source')))
        return false;
      if (target !== undefined && !sameScope(target, scope(resource, reverse ? 'source' : 'target')))
        return false;
      return objectsOf(resource['group']).some((group) => {
        const [from, to] = reverse ? [group['target'], group['source']] : [group['source'], group['target']];
        return systems.has(String(from ?? '')) && (targetSystem === undefined || to === targetSystem);
      });
    });
    const date = ({ resource }: Definition) => Date.parse(stringOf(resource['date']) ?? '') || 0;
    return fitting.sort((a, b) => date(b) - date(a));
  }

  async of(coding: TranslatedCoding, maps: readonly Definition[]): Promise<Match[]> {
    const { source } = this.#request;
    if (source !== undefined && !(await this.#inScope(source, coding))) return [];
    const matches: Match[] = [];
    for (const { resource } of maps) {
      const own = scope(resource, this.#request.reverse ? 'target' : 'source');
      if (own !== undefined && own !== source && !(await this.#inScope(own, coding, true))) continue;
      for (const match of await this.#inMap(resource, coding, [])) {
        const same = (one: Match): boolean =>
          one.concept?.['system'] === match.concept?.['system'] &&
          one.concept?.['code'] === match.concept?.['code'];
        if (!matches.some(same)) matches.push(match);
      }
    }
    return matches;
  }

  /** Whether a coding is in a value set. @param lenient whether a value set that is not known says nothing */
  async #inScope(reference: string, { system, code }: TranslatedCoding, lenient = false): Promise<boolean> {
    const found = await this.#context.valueSet(reference);
    if (found === undefined) {
      if (lenient) return true;
      throw new TxError(
        404,
        txIssue('error', 'not-found', 'not-found', undefined, 'Unable_to_resolve_value_Set_', reference),
        { outcome: true },
      );
    }
    const missing = (name: string) =>
      new TxError(
        422,
        txIssue('error', 'not-found', 'not-found', undefined, 'Unable_to_resolve_value_Set_', name),
        {
          outcome: true,
        },
      );
    const set = await prepareSet(this.#context, found.resource, missing);
    return new Membership(this.#context, new FilterCache()).inSet(set, { system, code });
  }

  async #inMap(map: Resource, coding: TranslatedCoding, path: readonly string[]): Promise<Match[]> {
    const { reverse, targetSystem } = this.#request;
    const name = joinCanonical(stringOf(map['url']) ?? '', stringOf(map['version']));
    const matches: Match[] = [];
    for (const group of objectsOf(map['group'])) {
      const [from, to] = reverse ? [group['target'], group['source']] : [group['source'], group['target']];
      if (from !== coding.system || (targetSystem !== undefined && to !== targetSystem)) continue;
      const found = reverse ? backwards(group, coding, name) : this.#forwards(group, coding, name);
      matches.push(...found);
      if (found.length === 0 && !reverse) matches.push(...(await this.#unmapped(group, coding, name, path)));
    }
    return matches;
  }

  #forwards(group: JsonObject, coding: TranslatedCoding, map: string): Match[] {
    const matches: Match[] = [];
    for (const element of objectsOf(group['element'])) {
      if (element['code'] !== coding.code) continue;
      for (const target of objectsOf(element['target'])) {
        if (!this.#depends(target)) continue;
        const code = stringOf(target['code']);
        const comment = stringOf(target['comment']);
        matches.push({
          equivalence: equivalenceOf(target),
          source: { system: coding.system, code: coding.code },
          map,
          product: objectsOf(target['product']),
          ...(comment === undefined ? {} : { comment }),
          ...(code === undefined
            ? {}
            : { concept: concept(group['target'], group['targetVersion'], code, target['display']) }),
        });
      }
    }
    return matches;
  }

  /** ConceptMap.group.element.target.dependsOn: each must be among the dependencies that the client gave. */
  #depends(target: JsonObject): boolean {
    return objectsOf(target['dependsOn']).every((needed) =>
      this.#request.dependencies.some(
        ({ element, concept: given }) =>
          element === needed['property'] &&
          objectsOf(given['coding']).some(
            (coding) =>
              coding['code'] === needed['value'] &&
              (needed['system'] === undefined || coding['system'] === needed['system']),
          ),
      ),
    );
  }

  /** ConceptMap.group.unmapped: what a map does with codes that it does not list. */
  async #unmapped(
    group: JsonObject,
    coding: TranslatedCoding,
    map: string,
    path: readonly string[],
  ): Promise<Match[]> {
    const unmapped = group['unmapped'] as JsonObject | undefined;
    const mode = stringOf(unmapped?.['mode']);
    if (unmapped === undefined || mode === undefined) return [];
    const source = { system: coding.system, code: coding.code };
    const made = (code: string, display: unknown, equivalence: string): Match => ({
      equivalence,
      source,
      map,
      product: [],
      concept: concept(group['target'], group['targetVersion'], code, display),
    });
    if (USE_SOURCE.has(mode)) return [made(coding.code, undefined, 'equal')];
    if (mode === 'fixed') {
      const code = stringOf(unmapped['code']);
      return code === undefined ? [] : [made(code, unmapped['display'], 'inexact')];
    }
    const reference = stringOf(unmapped['url']) ?? stringOf(unmapped['otherMap']);
    if (mode !== 'other-map' || reference === undefined) return [];
    const other = await this.#context.sources.conceptMap(reference);
    if (other === undefined)
      throw txError(
        422,
        'not-found',
        'not-found',
        `The ConceptMap ${reference}, to which ${map} refers, is not known`,
      );
    const chain = [...path, map];
    const name = joinCanonical(splitCanonical(reference).url, other.version);
    if (chain.includes(name)) {
      throw txError(
        422,
        'business-rule',
        'business-rule',
        `The ConceptMap ${map} has a circular group.unmapped reference to ${name}`,
      );
    }
    return this.#inMap(other.resource, coding, chain);
  }
}

function backwards(group: JsonObject, coding: TranslatedCoding, map: string): Match[] {
  const matches: Match[] = [];
  for (const element of objectsOf(group['element'])) {
    for (const target of objectsOf(element['target'])) {
      const code = stringOf(element['code']);
      if (target['code'] !== coding.code || code === undefined) continue;
      const equivalence = equivalenceOf(target);
      matches.push({
        equivalence: REVERSED.get(equivalence) ?? equivalence,
        source: { system: coding.system, code: coding.code },
        map,
        product: [],
        concept: concept(group['source'], group['sourceVersion'], code, element['display']),
      });
    }
  }
  return matches;
}

function concept(system: unknown, version: unknown, code: string, display: unknown): JsonObject {
  return {
    ...(typeof system === 'string' ? { system } : {}),
    ...(typeof version === 'string' ? { version } : {}),
    code,
    ...(typeof display === 'string' ? { display } : {}),
  };
}

function equivalenceOf(target: JsonObject): string {
  const relationship = stringOf(target['relationship']);
  return stringOf(target['equivalence']) ?? RELATIONSHIPS.get(relationship ?? '') ?? 'relatedto';
}

/** ConceptMap.source[x] or target[x]: the value set that the map is for. R5 has sourceScope[x]. */
function scope(map: Resource, side: 'source' | 'target'): string | undefined {
  for (const name of Object.keys(map)) {
    if (new RegExp(`^${side}(Scope)?(Uri|Canonical)$`).test(name)) return stringOf(map[name]);
  }
  return undefined;
}

function sameScope(asked: string, own: string | undefined): boolean {
  if (own === undefined) return true;
  const [a, b] = [splitCanonical(asked), splitCanonical(own)];
  return a.url === b.url && (a.version === undefined || b.version === undefined || a.version === b.version);
}
