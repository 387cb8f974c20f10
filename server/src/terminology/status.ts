import type { JsonObject } from '../json/types.ts';
import { extensionText, STANDARDS_STATUS, stringOf, valueText } from './json.ts';
import type { Concept, SystemInfo } from './model.ts';

/*
 * What a concept's properties say of its use: the properties that R4 concept-properties.html defines by URI, by whatever
 * code the system gives them, and those codes themselves, since many systems declare no URI.
 */

const CONCEPT_PROPERTIES = 'http://hl7.org/fhir/concept-properties#';

/** Codes under which a system may carry a standard property. */
const NAMES: ReadonlyMap<string, readonly string[]> = new Map([
  ['notSelectable', ['notSelectable', 'not-selectable', 'abstract']],
  ['inactive', ['inactive']],
  ['status', ['status']],
  ['deprecated', ['deprecated']],
  ['parent', ['parent', 'subsumedBy']],
  ['child', ['child']],
]);

/** Codes that a system uses for a standard property. */
export function propertyCodes(info: Pick<SystemInfo, 'properties'>, standard: string): readonly string[] {
  const names = NAMES.get(standard) ?? [standard];
  const declared = info.properties
    .filter(({ uri }) => uri === CONCEPT_PROPERTIES + standard)
    .map(({ code }) => code);
  if (declared.length === 0) return names;
  // A system may use a usual name for something else when it has declared another for this.
  const taken = new Set(info.properties.filter(({ uri }) => uri !== undefined).map(({ code }) => code));
  return [...declared, ...names.filter((name) => !taken.has(name))];
}

const cache = new WeakMap<object, Map<string, ReadonlySet<string>>>();

function codesOf(info: SystemInfo, standard: string): ReadonlySet<string> {
  let byName = cache.get(info);
  if (byName === undefined) cache.set(info, (byName = new Map()));
  let codes = byName.get(standard);
  if (codes === undefined) byName.set(standard, (codes = new Set(propertyCodes(info, standard))));
  return codes;
}

/** Values of a standard property as text. */
export function standardValues(info: SystemInfo, concept: Concept, standard: string): string[] {
  if (concept.property.length === 0) return [];
  const codes = codesOf(info, standard);
  return concept.property
    .filter((property) => codes.has(stringOf(property['code']) ?? ''))
    .flatMap((property) => valueText(property) ?? []);
}

/** Not to be chosen: only there to group others. */
export function isAbstract(info: SystemInfo, concept: Concept): boolean {
  return standardValues(info, concept, 'notSelectable').includes('true');
}

export function isInactive(info: SystemInfo, concept: Concept): boolean {
  if (concept.property.length > 0) {
    if (standardValues(info, concept, 'inactive').includes('true')) return true;
    if (standardValues(info, concept, 'status').some((value) => value === 'inactive' || value === 'retired'))
      return true;
  }
  return concept.extension.length > 0 && standardsStatus(concept)?.toLowerCase() === 'withdrawn';
}

function standardsStatus(concept: Concept): string | undefined {
  return extensionText({ extension: [...concept.extension] } as JsonObject, STANDARDS_STATUS);
}

export function isDeprecated(info: SystemInfo, concept: Concept): boolean {
  if (concept.property.length === 0) return false;
  return (
    standardValues(info, concept, 'deprecated').includes('true') ||
    standardValues(info, concept, 'status').some((value) => value === 'deprecated' || value === 'retired')
  );
}

/** The concept's status: as stated, or as its other properties tell. */
export function statusOf(info: SystemInfo, concept: Concept): string | undefined {
  if (concept.property.length > 0) {
    const stated = standardValues(info, concept, 'status')[0];
    if (stated !== undefined) return stated;
    if (standardValues(info, concept, 'deprecated').includes('true')) return 'deprecated';
    for (const property of concept.property) {
      const code = property['code'];
      if (code === 'deprecationDate' && Date.parse(valueText(property) ?? '') < Date.now())
        return 'deprecated';
      if (code === 'retired' && valueText(property) === 'true') return 'retired';
    }
    if (standardValues(info, concept, 'inactive').includes('true')) return 'inactive';
  }
  return concept.extension.length === 0 ? undefined : standardsStatus(concept);
}
